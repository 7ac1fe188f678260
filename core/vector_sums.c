/* Sums in double, in two times four lanes. What is far ahead is asked of memory: a processor looks
 * ahead less far by itself, and waits. */
#include "vector_sums.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LANES ((size_t)4)
#define AHEAD ((uintptr_t)4096)

/* Beyond the last vector too: that is no access. */
static inline void prefetch(const float *from)
{
    __builtin_prefetch((const void *)((uintptr_t)from + AHEAD));
}

/* What is left behind the last whole step. */
static double rest_of_dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double rest_of_distance(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double apart = (double)a[i] - (double)b[i];
        sum += apart * apart;
    }
    return sum;
}

/* ---- on any machine: the compiler makes of it what there is ---- */

typedef float floats_t __attribute__((vector_size(LANES * sizeof(float))));
typedef double doubles_t __attribute__((vector_size(LANES * sizeof(double))));

static inline floats_t load(const float *from)
{
    floats_t lanes;
    memcpy(&lanes, from, sizeof lanes);
    return lanes;
}

/* No functions: how they hand wide values around would depend on the machine. */
#define WIDE(from) __builtin_convertvector(load(from), doubles_t)
#define SUM_OF(lanes) (((lanes)[0] + (lanes)[1]) + ((lanes)[2] + (lanes)[3]))

static double dot(const float *a, const float *b, size_t dimensions)
{
    doubles_t even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        prefetch(b + i);
        even += WIDE(a + i) * WIDE(b + i);
        odd += WIDE(a + i + LANES) * WIDE(b + i + LANES);
    }
    even += odd;
    return SUM_OF(even) + rest_of_dot(a + i, b + i, dimensions - i);
}

static double squared_distance(const float *a, const float *b, size_t dimensions)
{
    doubles_t even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        prefetch(b + i);
        doubles_t one = WIDE(a + i) - WIDE(b + i);
        doubles_t other = WIDE(a + i + LANES) - WIDE(b + i + LANES);
        even += one * one;
        odd += other * other;
    }
    even += odd;
    return SUM_OF(even) + rest_of_distance(a + i, b + i, dimensions - i);
}

const vector_sums_t vector_sums_portable = {dot, squared_distance};

/* ---- with AVX2, in so many words: what compilers make of the above is twice as slow ---- */

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define LOAD(from) _mm256_cvtps_pd(_mm_loadu_ps(from))

AVX2 static double dot_avx2(const float *a, const float *b, size_t dimensions)
{
    __m256d even = _mm256_setzero_pd(), odd = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        prefetch(b + i);
        __m256d one = _mm256_mul_pd(LOAD(a + i), LOAD(b + i));
        __m256d other = _mm256_mul_pd(LOAD(a + i + LANES), LOAD(b + i + LANES));
        even = _mm256_add_pd(even, one);
        odd = _mm256_add_pd(odd, other);
    }
    even = _mm256_add_pd(even, odd);
    return SUM_OF(even) + rest_of_dot(a + i, b + i, dimensions - i);
}

AVX2 static double squared_distance_avx2(const float *a, const float *b, size_t dimensions)
{
    __m256d even = _mm256_setzero_pd(), odd = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        prefetch(b + i);
        __m256d one = _mm256_sub_pd(LOAD(a + i), LOAD(b + i));
        __m256d other = _mm256_sub_pd(LOAD(a + i + LANES), LOAD(b + i + LANES));
        even = _mm256_add_pd(even, _mm256_mul_pd(one, one));
        odd = _mm256_add_pd(odd, _mm256_mul_pd(other, other));
    }
    even = _mm256_add_pd(even, odd);
    return SUM_OF(even) + rest_of_distance(a + i, b + i, dimensions - i);
}

static const vector_sums_t with_avx2 = {dot_avx2, squared_distance_avx2};

const vector_sums_t *vector_sums(void)
{
    return __builtin_cpu_supports("avx2") ? &with_avx2 : &vector_sums_portable;
}
#else
const vector_sums_t *vector_sums(void)
{
    return &vector_sums_portable;
}
#endif
