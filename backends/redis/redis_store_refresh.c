/* Refreshing what has been read and turned out to have a TTL: a call for each namespace, in
 * transactions of bounded size. */
#include "redis_store.h"

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

static size_t bound(cairn_item_t *const *items, size_t count)
{
    size_t size = sizeof REDIS_MULTI + sizeof REDIS_EXEC;
    for (size_t i = 0; i < count; i++) {
        const redis_shelf_t shelf = redis_shelf(items[i]->ns);
        const cairn_slice_t key = items[i]->key;
        size += redis_store_call_bound(&shelf, 1, 1) + redis_store_item_bound(&shelf, key) +
                redis_cmd_bound(1, key.len);
    }
    return size;
}

static char *call(char *out, cairn_item_t *const *items, size_t count)
{
    const redis_shelf_t shelf = redis_shelf(items[0]->ns);
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
    int rc = redis_job_reserve(job, bound(items, count), &out);
    if (rc < 0) return rc;
    size_t commands = 0;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    for (size_t i = 0, same; i < count; i += same, commands++) {
        same = count_of_namespace(items + i, count - i);
        out = call(out, items + i, same);
    }
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    refresh->done += count;
    redis_job_commit(req, out, on_refreshed, commands, true);
    return 0;
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
    return send_piece(req);
}
