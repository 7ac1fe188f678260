/* Refreshing what has been read and turned out to have a TTL: a call for each namespace, in
 * transactions of bounded size. */
#include "redis_directory.h"

#include <stdlib.h>
#include <uv.h>

int redis_refresh_add(redis_job_t *job, cairn_item_t *item)
{
    if (item->ttl_ms <= 0) return 0;
    cairn_item_t **place = cairn_rows_add(&job->arena, &job->refresh.items, sizeof *place);
    if (!place) return UV_ENOMEM;
    *place = item;
    return 0;
}

static int by_namespace(const void *a, const void *b)
{
    const cairn_item_t *const *one = a, *const *other = b;
    return cairn_namespace_cmp((*one)->ns, (*other)->ns);
}

static size_t bound(const redis_backend_t *redis, cairn_item_t *const *items, size_t count)
{
    size_t size = sizeof REDIS_MULTI + sizeof REDIS_EXEC;
    for (size_t i = 0; i < count; i++) {
        const redis_shelf_t shelf = redis_shelf(redis, items[i]->ns);
        const cairn_slice_t key = items[i]->key;
        size += redis_store_call_bound(&shelf, 1, 1) + redis_store_item_bound(&shelf, key) +
                redis_cmd_bound(1, key.len);
    }
    return size;
}

static char *call(char *out, const redis_backend_t *redis, cairn_item_t *const *items, size_t count)
{
    const redis_shelf_t shelf = redis_shelf(redis, items[0]->ns);
    out = redis_store_call(out, &redis_script_store_refresh, &shelf, count, count);
    for (size_t i = 0; i < count; i++) out = redis_store_item(out, &shelf, items[i]->key);
    out = redis_store_path(out, &shelf);
    for (size_t i = 0; i < count; i++) out = redis_cmd_arg(out, items[i]->key);
    return out;
}

static size_t count_of_namespace(cairn_item_t *const *items, size_t count)
{
    size_t same = 1;
    while (same < count && cairn_namespace_cmp(items[same]->ns, items[0]->ns) == 0) same++;
    return same;
}

static int send_piece(cairn_req_t *req);

static void on_refreshed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    (void)reply;
    if (redis_job_failed(req, status, 0, detail)) return;
    int rc = send_piece(req);
    if (rc < 0) (void)redis_job_failed(req, 0, rc, detail);
}

static int send_piece(cairn_req_t *req)
{
    redis_job_t *job = redis_job_of(req);
    redis_refresh_t *refresh = &job->refresh;
    const size_t rest = refresh->items.count - refresh->done;
    if (rest == 0) {
        refresh->items = (cairn_rows_t){0};
        return refresh->ended(req);
    }
    cairn_item_t *const *items = (cairn_item_t *const *)refresh->items.at + refresh->done;
    const size_t count = rest < REDIS_STORE_PIECE ? rest : REDIS_STORE_PIECE;
    char *out;
    int rc = redis_job_reserve(job, bound(job->redis, items, count), &out);
    if (rc < 0) return rc;
    size_t commands = 0;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    for (size_t i = 0, same; i < count; i += same, commands++) {
        same = count_of_namespace(items + i, count - i);
        out = call(out, job->redis, items + i, same);
    }
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    refresh->done += count;
    redis_job_commit(req, out, on_refreshed, commands, true);
    return 0;
}

/* ---- in different slots: a call for each namespace, several at a time ---- */

typedef struct stretch {
    cairn_item_t *const *items;
    size_t count;
} stretch_t;

static int send_stretch(cairn_req_t *req, redis_part_t *part)
{
    redis_job_t *job = redis_job_of(req);
    const stretch_t *stretch = (const stretch_t *)job->refresh.stretches.at + part->index;
    const redis_shelf_t shelf = redis_shelf(job->redis, stretch->items[0]->ns);
    char *out;
    int rc = redis_part_reserve(job, shelf.slot, bound(job->redis, stretch->items, stretch->count),
                                &out);
    if (rc < 0) return rc;
    int64_t most_ms = 0;
    for (size_t i = 0; i < stretch->count; i++)
        if (stretch->items[i]->ttl_ms > most_ms) most_ms = stretch->items[i]->ttl_ms;
    out = call(out, job->redis, stretch->items, stretch->count);
    redis_part_commit(req, part, out, 0, true);
    redis_directory_keep(job->redis, &shelf, most_ms);
    return 0;
}

static int take_stretch(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    (void)req, (void)part;
    return redis_reply_skip(reply);
}

static int have_ended(cairn_req_t *req)
{
    redis_refresh_t *refresh = &redis_job_of(req)->refresh;
    refresh->items = refresh->stretches = (cairn_rows_t){0};
    return refresh->ended(req);
}

static int send_all(cairn_req_t *req)
{
    static const redis_fan_plan_t plan = {
        .most = 64, .send = send_stretch, .take = take_stretch, .done = have_ended};
    redis_job_t *job = redis_job_of(req);
    redis_refresh_t *refresh = &job->refresh;
    cairn_item_t *const *items = (cairn_item_t *const *)refresh->items.at;
    for (size_t at = 0; at < refresh->items.count;) {
        const size_t rest = refresh->items.count - at;
        stretch_t *stretch = cairn_rows_add(&job->arena, &refresh->stretches, sizeof *stretch);
        if (!stretch) return UV_ENOMEM;
        stretch->items = items + at;
        stretch->count =
            count_of_namespace(items + at, rest < REDIS_STORE_PIECE ? rest : REDIS_STORE_PIECE);
        at += stretch->count;
    }
    return redis_fan_begin(req, &plan, refresh->stretches.count);
}

int redis_refresh_begin(cairn_req_t *req, int (*ended)(cairn_req_t *req))
{
    redis_job_t *job = redis_job_of(req);
    redis_refresh_t *refresh = &job->refresh;
    refresh->done = 0;
    refresh->ended = ended;
    if (refresh->items.count > 0) job->redis->store_expires = true;
    if (refresh->items.count > 1)
        qsort(refresh->items.at, refresh->items.count, sizeof(cairn_item_t *), by_namespace);
    if (redis_store_is_split(job->redis) && refresh->items.count > 0) return send_all(req);
    return send_piece(req);
}
