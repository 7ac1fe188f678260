/* Scores of vectors, and the best of many. */
#include "vector_sums.h"

#include <cairn/sys/vector.h>
#include <math.h>

double cairn_vector_dot(const float *a, const float *b, size_t dimensions)
{
    return vector_sums()->dot(a, b, dimensions);
}

double cairn_vector_distance(const float *a, const float *b, size_t dimensions)
{
    return sqrt(vector_sums()->squared_distance(a, b, dimensions));
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
    const vector_sums_t *sums = vector_sums();
    const size_t dimensions = probe->dimensions;
    for (size_t i = 0; i < count; i++, rows += dimensions) {
        if (probe->metric == CAIRN_METRIC_L2) {
            scores[i] = -sqrt(sums->squared_distance(probe->values, rows, dimensions));
            continue;
        }
        scores[i] = sums->dot(probe->values, rows, dimensions);
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
