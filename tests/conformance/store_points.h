/* Items at random places and what a search by vector must find of them, reckoned from what was put,
 * without the library. */
#ifndef TESTS_CONFORMANCE_STORE_POINTS_H
#define TESTS_CONFORMANCE_STORE_POINTS_H

#include "store_client.h"

enum {
    POINT_DIMENSIONS = 24,
    POINT_ROWS = 3, /* vectors of an item, at the most */
    POINTS_MOST = 512
};

/* Of index "v". */
extern const cairn_vector_index_t points_index;

typedef struct point {
    char path[16], key[24];
    int n; /* the value is {"n":...} */
    size_t rows;
    float floats[POINT_ROWS][POINT_DIMENSIONS];
    double score; /* in the search made last */
} point_t;

extern point_t points[POINTS_MOST];
extern size_t point_count;

/* None, and the same random numbers as last time. */
void points_begin(void);

uint32_t points_random(void);
void points_randomize(float *floats);
const float *points_somewhere(void); /* until the next call */

/* The point of that name; if there is none, one without vectors. */
point_t *point_of(const char *path, const char *key);
void point_forget(point_t *point); /* the last takes its place */

/* As the point stands. */
void point_put(items_t *s, const point_t *point, cairn_ttl_t ttl);

point_t *points_put(items_t *s, const char *path, const char *key, size_t rows);
void points_put_many(items_t *s, const char *path, size_t count); /* k000, k001, ... */
void points_delete(items_t *s, const char *path, const char *key);

typedef struct question {
    const float *near;
    cairn_metric_t metric;
    const char *prefix; /* one label, or NULL */
    int least;          /* of n; 0: no filter */
    uint64_t offset;
    uint32_t most;
} question_t;

/* The same items in the same order, and the same scores to 1e-5. */
#define assert_found(s, ...) assert_found_at((s), &(question_t){__VA_ARGS__}, __FILE__, __LINE__)
void assert_found_at(items_t *s, const question_t *question, const char *file, int line);

#endif
