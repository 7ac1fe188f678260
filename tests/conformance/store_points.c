#include "store_points.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const cairn_vector_index_t points_index = {.name = {"v", 1}, .dimensions = POINT_DIMENSIONS};
point_t points[POINTS_MOST];
size_t point_count;
static uint32_t seed;

void points_begin(void)
{
    point_count = 0;
    seed = 7;
}

uint32_t points_random(void)
{
    seed = seed * 1664525u + 1013904223u;
    return seed >> 8;
}

static float random_float(void)
{
    return (float)points_random() / (1 << 23) - 1;
}

void points_randomize(float *floats)
{
    for (int i = 0; i < POINT_DIMENSIONS; i++) floats[i] = random_float();
}

point_t *point_of(const char *path, const char *key)
{
    for (size_t i = 0; i < point_count; i++)
        if (strcmp(points[i].path, path) == 0 && strcmp(points[i].key, key) == 0) return &points[i];
    assert_true(point_count < POINTS_MOST);
    point_t *point = &points[point_count++];
    memset(point, 0, sizeof *point);
    snprintf(point->path, sizeof point->path, "%s", path);
    snprintf(point->key, sizeof point->key, "%s", key);
    return point;
}

void point_forget(point_t *point)
{
    *point = points[--point_count];
}

/* As the point stands. */
void point_put(items_t *s, const point_t *point, cairn_ttl_t ttl)
{
    char value[32];
    cairn_vector_t vectors[POINT_ROWS];
    for (size_t i = 0; i < point->rows; i++)
        vectors[i] = (cairn_vector_t){points_index.name, point->floats[i], POINT_DIMENSIONS};
    snprintf(value, sizeof value, "{\"n\":%d}", point->n);
    items_put(s, point->path, point->key, value,
              {.vectors = vectors, .vector_count = point->rows, .ttl = ttl});
}

point_t *points_put(items_t *s, const char *path, const char *key, size_t rows)
{
    static const cairn_ttl_t by_default = {0};
    point_t *point = point_of(path, key);
    point->n = (int)(seed >> 8) % 100;
    point->rows = rows;
    for (size_t i = 0; i < rows; i++) points_randomize(point->floats[i]);
    point_put(s, point, by_default);
    return point;
}

void points_put_many(items_t *s, const char *path, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "k%03zu", i);
        points_put(s, path, key, 1);
    }
}

void points_delete(items_t *s, const char *path, const char *key)
{
    assert_true(items_delete(s, path, key));
    point_forget(point_of(path, key));
}

const float *points_somewhere(void)
{
    static float floats[POINT_DIMENSIONS];
    points_randomize(floats);
    return floats;
}

/* ---- what is to be found ---- */

static double score_of(cairn_metric_t metric, const float *a, const float *b)
{
    double dot = 0, one = 0, other = 0, apart = 0;
    for (int i = 0; i < POINT_DIMENSIONS; i++) {
        const double x = (double)a[i], y = (double)b[i];
        dot += x * y;
        one += x * x;
        other += y * y;
        apart += (x - y) * (x - y);
    }
    if (metric == CAIRN_METRIC_L2) return -sqrt(apart);
    if (metric == CAIRN_METRIC_INNER_PRODUCT) return dot;
    return one > 0 && other > 0 ? dot / (sqrt(one) * sqrt(other)) : 0;
}

static int best_first(const void *one, const void *other)
{
    const point_t *a = *(point_t *const *)one, *b = *(point_t *const *)other;
    if (a->score > b->score) return -1;
    if (a->score < b->score) return 1;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : strcmp(a->path, b->path);
}

static bool is_asked_for(const point_t *point, const question_t *question)
{
    const size_t len = question->prefix ? strlen(question->prefix) : 0;
    if (point->rows == 0 || point->n < question->least) return false;
    return len == 0 || (strncmp(point->path, question->prefix, len) == 0 &&
                        (point->path[len] == '/' || point->path[len] == '\0'));
}

static size_t expect(const question_t *question, point_t **found)
{
    size_t count = 0;
    for (size_t i = 0; i < point_count; i++) {
        point_t *point = &points[i];
        if (!is_asked_for(point, question)) continue;
        point->score = score_of(question->metric, point->floats[0], question->near);
        for (size_t k = 1; k < point->rows; k++)
            point->score =
                fmax(point->score, score_of(question->metric, point->floats[k], question->near));
        found[count++] = point;
    }
    qsort(found, count, sizeof *found, best_first);
    return count;
}

void assert_found_at(items_t *s, const question_t *question, const char *file, int line)
{
    static point_t *found[POINTS_MOST];
    char filter[32] = "", expected[POINTS_MOST * 24] = "";
    const cairn_vector_t near = {points_index.name, question->near, POINT_DIMENSIONS};
    if (question->least > 0)
        snprintf(filter, sizeof filter, "{\"n\":{\"$gte\":%d}}", question->least);
    const cairn_store_query_t query = {.prefix = ns(question->prefix),
                                       .filter = cairn_str(filter),
                                       .near = &near,
                                       .metric = question->metric,
                                       .offset = question->offset,
                                       .paging.limit = cairn_limit(question->most)};
    const size_t count = expect(question, found);
    const char *given = items_search(s, &query);
    size_t used = 0, rows = 0;
    for (size_t i = (size_t)question->offset; i < count && rows < question->most; i++, rows++) {
        used += (size_t)snprintf(expected + used, sizeof expected - used, "%s%s:%s",
                                 rows > 0 ? " " : "", found[i]->path, found[i]->key);
        if (rows >= s->own->fact_count || fabs(s->own->facts[rows].score - found[i]->score) > 1e-5)
            check_fail_at(file, line, "row %zu has another score, or is missing", rows);
    }
    if (strcmp(given, expected) != 0)
        check_fail_at(file, line, "found %s\nexpected %s", given, expected);
}
