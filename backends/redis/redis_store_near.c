/* search by vector: the vectors of every item below the prefix, or of candidates that vector sets
 * name (redis_store_near_sets.c), read in pieces, each item ranked at its best; then the best items
 * themselves. It is exact. */
#include "redis_store.h"

#include <cairn/sys/vector.h>
#include <stdlib.h>
#include <uv.h>

/* Of vectors, in one answer. */
#define PIECE_BYTES ((size_t)1 << 20)

size_t redis_near_piece(const redis_query_t *query)
{
    const size_t most =
        redis_sets_checks(query) > 0 ? redis_sets_piece(query) : 2 * REDIS_STORE_PIECE;
    const size_t count = PIECE_BYTES / (query->near.dimensions * sizeof(float));
    return count == 0 ? 1 : count > most ? most : count;
}

size_t redis_near_ask_bound(const redis_query_t *query, const redis_shelf_t *shelf,
                            cairn_slice_t key)
{
    return redis_cmd_bound(4, 16) + redis_store_item_bound(shelf, key) +
           redis_item_ask_bound(shelf, key) +
           redis_vector_field_size(query->near.index, query->near.dimensions);
}

size_t redis_near_asks(const redis_query_t *query)
{
    return query->filter ? 2 : 1;
}

char *redis_near_ask(char *out, const redis_query_t *query, const redis_shelf_t *shelf,
                     cairn_slice_t key)
{
    const cairn_vector_t *near = &query->near;
    out = redis_cmd_literal(out, LITERAL("*3\r\n$4\r\nHGET\r\n"));
    out = redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM_VECTORS), key);
    out = redis_cmd_arg_begin(out, redis_vector_field_size(near->index, near->dimensions));
    out = redis_cmd_end(redis_vector_field(out, near->index, near->dimensions));
    return query->filter ? redis_item_ask(out, shelf, key) : out;
}

/* ---- the ranking: the best so far, and as many again before the worse ones are let go ---- */

static int best_first(const void *one, const void *other)
{
    const redis_place_t *a = one, *b = other;
    if (a->score > b->score) return -1;
    if (a->score < b->score) return 1;
    int by_key = cairn_slice_cmp(a->key, b->key);
    return by_key != 0 ? by_key : cairn_slice_cmp(a->path, b->path);
}

void redis_near_keep_best(redis_query_t *query)
{
    if (query->ranked.count > 1)
        qsort(query->ranked.at, query->ranked.count, sizeof(redis_place_t), best_first);
    if (query->ranked.count < query->ranks) return;
    query->ranked.count = (size_t)query->ranks;
    query->has_floor = true;
    query->floor = ((const redis_place_t *)query->ranked.at)[query->ranked.count - 1].score;
}

static double best_score(redis_query_t *query, cairn_slice_t rows)
{
    const cairn_vector_t *near = &query->near;
    const size_t size = near->dimensions * sizeof(float);
    const cairn_probe_t probe = cairn_probe(query->metric, near->values, near->dimensions);
    double best = 0;
    for (size_t at = 0; at < rows.len; at += size) {
        const float *row = (const float *)(const void *)(rows.ptr + at);
        const double norm =
            query->metric == CAIRN_METRIC_COSINE ? cairn_vector_norm(row, near->dimensions) : 0;
        double score;
        cairn_probe_scores(&probe, row, &norm, 1, &score);
        if (at == 0 || score > best) best = score;
    }
    return best;
}

static int add(redis_job_t *job, redis_query_t *query, const redis_place_t *place, double score)
{
    if (query->has_floor && score < query->floor) return 0;
    if (query->ranked.count / 2 >= query->ranks) redis_near_keep_best(query);
    redis_place_t *row = cairn_rows_add(&job->arena, &query->ranked, sizeof *row);
    if (!row) return UV_ENOMEM;
    row->score = score;
    int rc = cairn_arena_copy(&job->arena, place->key, &row->key);
    const redis_place_t *before = row - 1;
    if (rc == 0 && query->ranked.count > 1 && cairn_slice_eq(before->path, place->path)) {
        row->path = before->path;
        return 0;
    }
    return rc < 0 ? rc : cairn_arena_copy(&job->arena, place->path, &row->path);
}

/* Bytes of a reply lie anywhere; floats do not. */
static int align(redis_query_t *query, cairn_slice_t *rows)
{
    if ((uintptr_t)rows->ptr % _Alignof(float) == 0) return 0;
    return cairn_arena_copy(&query->round, *rows, rows);
}

static int read_rows(redis_reply_t *reply, const redis_query_t *query, cairn_slice_t *rows,
                     cairn_item_t *item, bool *is_there)
{
    const size_t size = query->near.dimensions * sizeof(float);
    bool no_rows;
    int rc = redis_reply_string_or_nil(reply, rows, &no_rows);
    if (rc == 0 && query->filter) rc = redis_item_read(reply, item);
    if (rc < 0) return rc;
    *is_there = !no_rows && rc == 0;
    return !no_rows && (rows->len == 0 || rows->len % size != 0) ? CAIRN_EPROTOCOL : 0;
}

int redis_near_rank(redis_job_t *job, redis_query_t *query, const redis_place_t *place,
                    redis_reply_t *reply)
{
    cairn_slice_t rows;
    cairn_item_t item;
    bool is_there = false;
    int rc = read_rows(reply, query, &rows, &item, &is_there);
    if (rc < 0 || !is_there) return rc;
    int matches = query->filter ? cairn_json_query_matches(query->filter, item.value) : 1;
    if (matches <= 0) return matches;
    rc = align(query, &rows);
    return rc < 0 ? rc : add(job, query, place, best_score(query, rows));
}

void redis_near_end(redis_query_t *query)
{
    redis_near_keep_best(query);
    query->places = query->ranked;
    query->taken = query->ranked.count;
    query->read = query->skip < query->taken ? (size_t)query->skip : query->taken;
    query->telling = true;
}
