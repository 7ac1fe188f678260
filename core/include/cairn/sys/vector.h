/* For backends: scores of vectors, and the best of many, exactly (rule 43).
 *
 * Sums are made in double, so that they neither overflow nor lose small parts. Greater is better:
 *
 *     cosine           dot / (norm * norm), 0 if one of the two has no direction
 *     L2               the distance, negated
 *     inner product    dot */
#ifndef CAIRN_SYS_VECTOR_H
#define CAIRN_SYS_VECTOR_H

#include <cairn/vector.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

double cairn_vector_dot(const float *a, const float *b, size_t dimensions);
double cairn_vector_norm(const float *a, size_t dimensions);
double cairn_vector_distance(const float *a, const float *b, size_t dimensions);

/* A vector to compare many with. */
typedef struct cairn_probe {
    const float *values;
    size_t dimensions;
    cairn_metric_t metric; /* never CAIRN_METRIC_DEFAULT */
    double norm;           /* private */
} cairn_probe_t;

cairn_probe_t cairn_probe(cairn_metric_t metric, const float *values, size_t dimensions);

/* Scores of `count` vectors that lie one behind the other; `norms` are cairn_vector_norm's of them.
 */
void cairn_probe_scores(const cairn_probe_t *probe, const float *rows, const double *norms,
                        size_t count, double *scores);

/* ---- the best of many ---- */

typedef struct cairn_ranked {
    double score;
    const void *what;
} cairn_ranked_t;

/* A heap in the caller's memory, the worst of the best on top. */
typedef struct cairn_top {
    cairn_ranked_t *at; /* room for `most` */
    size_t count;
    size_t most;
    /* Of equal scores: <0 if `a` comes first. */
    int (*tie)(const void *a, const void *b);
} cairn_top_t;

/* Whether it would be among the best of those offered so far. */
bool cairn_top_wants(const cairn_top_t *top, double score, const void *what);

/* Takes it in, and lets the worst go if there are too many. */
void cairn_top_take(cairn_top_t *top, double score, const void *what);

/* Best first; nothing is taken in afterwards. */
void cairn_top_sort(cairn_top_t *top);

#ifdef __cplusplus
}
#endif
#endif
