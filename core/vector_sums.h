/* The two sums that scores are made of, once for any machine and once for those with AVX2. Both add
 * up the same parts in the same order, so that results do not depend on the machine. */
#ifndef CAIRN_CORE_VECTOR_SUMS_H
#define CAIRN_CORE_VECTOR_SUMS_H

#include <stddef.h>

/* b: expected to be one of many that lie one behind the other, and are asked for in that order. */
typedef double (*vector_sum_fn)(const float *a, const float *b, size_t dimensions);

typedef struct vector_sums {
    vector_sum_fn dot;
    vector_sum_fn squared_distance;
} vector_sums_t;

extern const vector_sums_t vector_sums_portable;

/* The fastest that this processor has. */
const vector_sums_t *vector_sums(void);

#endif
