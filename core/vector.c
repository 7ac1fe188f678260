/* Sums over vectors, in as many lanes as keep a processor's vector unit busy, whatever its width:
 * the compiler makes of them what the machine has. */
#include <cairn/sys/vector.h>
#include <math.h>
#include <string.h>

#define LANES ((size_t)4)

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

/* In both loops two sums at a time, so that one addition need not wait for the other. */
double cairn_vector_dot(const float *a, const float *b, size_t dimensions)
{
    doubles_t even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        even += WIDE(a + i) * WIDE(b + i);
        odd += WIDE(a + i + LANES) * WIDE(b + i + LANES);
    }
    even += odd;
    double sum = SUM_OF(even);
    for (; i < dimensions; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static double squared_distance(const float *a, const float *b, size_t dimensions)
{
    doubles_t even = {0}, odd = {0};
    size_t i = 0;
    for (; i + 2 * LANES <= dimensions; i += 2 * LANES) {
        doubles_t one = WIDE(a + i) - WIDE(b + i);
        doubles_t other = WIDE(a + i + LANES) - WIDE(b + i + LANES);
        even += one * one;
        odd += other * other;
    }
    even += odd;
    double sum = SUM_OF(even);
    for (; i < dimensions; i++) {
        double one = (double)a[i] - (double)b[i];
        sum += one * one;
    }
    return sum;
}

double cairn_vector_distance(const float *a, const float *b, size_t dimensions)
{
    return sqrt(squared_distance(a, b, dimensions));
}

double cairn_vector_norm(const float *a, size_t dimensions)
{
    return sqrt(cairn_vector_dot(a, a, dimensions));
}

/* ---- scores ---- */

cairn_probe_t cairn_probe(cairn_metric_t metric, const float *values, size_t dimensions)
{
    cairn_probe_t probe = {values, dimensions, metric, cairn_vector_norm(values, dimensions)};
    return probe;
}

static double cosine(double dot, double norms)
{
    return norms > 0 ? dot / norms : 0;
}

void cairn_probe_scores(const cairn_probe_t *probe, const float *rows, const double *norms,
                        size_t count, double *scores)
{
    const size_t dimensions = probe->dimensions;
    for (size_t i = 0; i < count; i++, rows += dimensions) {
        if (probe->metric == CAIRN_METRIC_L2) {
            scores[i] = -cairn_vector_distance(probe->values, rows, dimensions);
            continue;
        }
        scores[i] = cairn_vector_dot(probe->values, rows, dimensions);
        if (probe->metric == CAIRN_METRIC_COSINE)
            scores[i] = cosine(scores[i], probe->norm * norms[i]);
    }
}

/* ---- the best of many ---- */

static bool is_better(const cairn_top_t *top, const cairn_ranked_t *a, const cairn_ranked_t *b)
{
    if (a->score > b->score) return true;
    if (a->score < b->score) return false;
    return top->tie(a->what, b->what) < 0;
}

static void swap(cairn_ranked_t *a, cairn_ranked_t *b)
{
    cairn_ranked_t moved = *a;
    *a = *b;
    *b = moved;
}

/* at[0] is the worst; none is better than its children at 2i + 1 and 2i + 2. */
static void sift_down(cairn_top_t *top, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= top->count) return;
        if (child + 1 < top->count && is_better(top, &top->at[child], &top->at[child + 1])) child++;
        if (is_better(top, &top->at[child], &top->at[i])) return;
        swap(&top->at[i], &top->at[child]);
        i = child;
    }
}

static void sift_up(cairn_top_t *top, size_t i)
{
    while (i > 0 && is_better(top, &top->at[(i - 1) / 2], &top->at[i])) {
        swap(&top->at[i], &top->at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

bool cairn_top_wants(const cairn_top_t *top, double score, const void *what)
{
    if (top->count < top->most) return true;
    cairn_ranked_t offered = {score, what};
    return top->most > 0 && is_better(top, &offered, &top->at[0]);
}

void cairn_top_take(cairn_top_t *top, double score, const void *what)
{
    if (!cairn_top_wants(top, score, what)) return;
    bool full = top->count == top->most;
    size_t place = full ? 0 : top->count++;
    top->at[place] = (cairn_ranked_t){score, what};
    if (full)
        sift_down(top, 0);
    else
        sift_up(top, place);
}

void cairn_top_sort(cairn_top_t *top)
{
    size_t all = top->count;
    while (top->count > 1) {
        swap(&top->at[0], &top->at[--top->count]);
        sift_down(top, 0);
    }
    top->count = all;
}
