/* Names, calls and answers that the store's operations share; get, ttl and set_ttl. */
#include "redis_directory.h"
#include "redis_slot_tags.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

/* ---- keys ---- */

redis_shelf_t redis_shelf(const redis_backend_t *redis, cairn_namespace_t ns)
{
    redis_shelf_t shelf = {
        .ns = ns,
        .path_size = cairn_namespace_encoded_size(ns),
        .split = redis_store_is_split(redis),
    };
    if (shelf.split)
        shelf.slot = redis_slot_of_space(ns, &shelf.tag_size);
    else
        shelf.tag_size = redis_space_tag_size(ns);
    return shelf;
}

#define KIND_SIZE (sizeof REDIS_ITEM_STAGED_VECTORS) /* the longest */

size_t redis_store_list_bound(const redis_shelf_t *shelf)
{
    return redis_cmd_bound(1, sizeof REDIS_KEY_STORE + KIND_SIZE + shelf->tag_size);
}

size_t redis_store_item_bound(const redis_shelf_t *shelf, cairn_slice_t key)
{
    return redis_store_list_bound(shelf) + 1 + redis_escaped_size(key);
}

char *redis_store_list_key(char *out, const redis_shelf_t *shelf, const char *kind, size_t size)
{
    out = redis_cmd_arg_begin(out, sizeof REDIS_KEY_STORE - 1 + size + shelf->tag_size);
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_STORE));
    out = redis_cmd_literal(out, kind, size);
    return redis_cmd_end(redis_space_tag(out, shelf->ns));
}

char *redis_store_item_key(char *out, const redis_shelf_t *shelf, const char *kind, size_t size,
                           cairn_slice_t key)
{
    const size_t stem = sizeof REDIS_KEY_STORE - 1 + size + shelf->tag_size + 1;
    out = redis_cmd_arg_begin(out, stem + redis_escaped_size(key));
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_STORE));
    out = redis_cmd_literal(out, kind, size);
    out = redis_space_tag(out, shelf->ns);
    *out++ = ':';
    return redis_cmd_end(redis_escape(out, key));
}

char *redis_store_item(char *out, const redis_shelf_t *shelf, cairn_slice_t key)
{
    return redis_store_item_key(out, shelf, LITERAL(REDIS_ITEM), key);
}

/* ---- calls ---- */

#define SHARD_SIZE (sizeof REDIS_KEY_SPACES + REDIS_CMD_NUMBER)

size_t redis_store_call_bound(const redis_shelf_t *shelf, size_t items, size_t args)
{
    return REDIS_SCRIPT_BEGIN + redis_cmd_bound(2 + items + args, SHARD_SIZE + shelf->path_size);
}

static char *shard_key(char *out, unsigned shard)
{
    _Static_assert(REDIS_SPACE_SHARDS <= 100, "a shard's number has two digits");
    out = redis_cmd_arg_begin(out, sizeof REDIS_KEY_SPACES - 1 + (shard < 10 ? 1 : 2));
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_SPACES));
    return redis_cmd_end(redis_cmd_digits(out, shard));
}

char *redis_store_shard_of_slot(char *out, unsigned slot)
{
    out = redis_cmd_arg_begin(out, sizeof(REDIS_KEY_SPACES "{}") - 1 + REDIS_SLOT_TAG);
    out = redis_cmd_literal(out, LITERAL(REDIS_KEY_SPACES "{"));
    out = redis_slot_tag(out, slot);
    *out++ = '}';
    return redis_cmd_end(out);
}

char *redis_shards_call(char *out, const redis_script_t *script, size_t args)
{
    out = redis_script_begin(out, script, REDIS_GUARD_OF_NONE, REDIS_SPACE_SHARDS, args);
    for (unsigned i = 0; i < REDIS_SPACE_SHARDS; i++) out = shard_key(out, i);
    return out;
}

char *redis_store_path(char *out, const redis_shelf_t *shelf)
{
    out = redis_cmd_arg_begin(out, shelf->path_size);
    cairn_namespace_encode(shelf->ns, out);
    return redis_cmd_end(out + shelf->path_size);
}

char *redis_store_call(char *out, const redis_script_t *script, const redis_shelf_t *shelf,
                       size_t items, size_t args)
{
    out = redis_script_begin(out, script, redis_shelf_guard(shelf), 1 + items, 1 + args);
    if (shelf->split) return redis_store_shard_of_slot(out, shelf->slot);
    /* The path stands for a moment where the key is written to: it is needed for its shard. */
    cairn_namespace_encode(shelf->ns, out);
    return shard_key(out, redis_space_shard(cairn_slice(out, shelf->path_size)));
}

char *redis_store_refresh(char *out, const redis_shelf_t *shelf, cairn_slice_t key)
{
    out = redis_store_call(out, &redis_script_store_refresh, shelf, 1, 1);
    out = redis_store_item(out, shelf, key);
    out = redis_store_path(out, shelf);
    return redis_cmd_arg(out, key);
}

const cairn_store_done_t *redis_store_done(const redis_backend_t *redis)
{
    return redis->host->api->store;
}

int redis_store_number(cairn_slice_t text, int64_t *number)
{
    enum {
        MOST_DIGITS = 18
    };
    const bool negative = text.len > 0 && text.ptr[0] == '-';
    const size_t first = negative ? 1 : 0;
    if (text.len == first || text.len - first > MOST_DIGITS) return CAIRN_EPROTOCOL;
    int64_t value = 0;
    for (size_t i = first; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return CAIRN_EPROTOCOL;
        value = value * 10 + (text.ptr[i] - '0');
    }
    *number = negative ? -value : value;
    return 0;
}

/* ---- which connection ---- */

uint64_t redis_store_name(const redis_backend_t *redis, const redis_shelf_t *shelf)
{
    return redis_route_is_split(&redis->route) ? shelf->slot : redis_store_space_hash(shelf);
}

redis_conn_t *redis_store_choose(redis_backend_t *redis, const redis_shelf_t *shelf)
{
    if (!redis_route_has_choice(&redis->route)) return redis_saver_conn(redis);
    return redis_route_choose_hash(&redis->route, redis_store_name(redis, shelf));
}

int redis_store_reserve(redis_backend_t *redis, const redis_shelf_t *shelf, size_t bytes, char **at)
{
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    return redis_conn_reserve(redis_store_choose(redis, shelf), bytes, at);
}

int redis_store_reserve_read(redis_backend_t *redis, const redis_shelf_t *shelf, size_t bytes,
                             char **at)
{
    if (!redis_store_is_split(redis)) return redis_store_reserve(redis, shelf, bytes, at);
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    return redis_conn_reserve(redis_route_choose_read(&redis->route, shelf->slot), bytes, at);
}

void redis_store_join(redis_backend_t *redis, const redis_shelf_t *shelf)
{
    redis_pool_t *pool = redis_route_pool(&redis->route);
    if (redis_pool_has_choice(pool)) (void)redis_pool_join(pool, redis_store_name(redis, shelf));
}

/* ---- get: the command that has been answered says of what ---- */

enum {
    GET_PLAIN,   /* GET, and what it finds is not to be refreshed */
    GET_CAREFUL, /* GET, and if that has a TTL then once more, to refresh it */
    GET_REFRESH  /* GET and store_refresh.lua in a transaction */
};

static int read_name(redis_backend_t *redis, bool in_transaction, cairn_item_t *item)
{
    const cairn_slice_t answered = redis_saver_conn(redis)->answered;
    const size_t skip = in_transaction ? sizeof REDIS_MULTI - 1 : 0;
    redis_reply_t command;
    cairn_slice_t name;
    size_t words;
    redis_reply_init(&command, answered.ptr + skip, answered.len - skip);
    int rc = redis_reply_array(&command, &words);
    if (rc == 0) rc = redis_reply_skip(&command);
    if (rc == 0) rc = redis_reply_string(&command, &name);
    return rc < 0 ? rc : redis_item_take_name(&redis->arena, name, item);
}

static int send_get(redis_backend_t *redis, cairn_req_t *req, const redis_shelf_t *shelf,
                    cairn_slice_t key, uint64_t how);

static void on_got(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_backend_t *redis = redis_saver_of(req);
    const uint64_t how = req->scratch[REDIS_SCRATCH_NUMBER];
    cairn_item_t item = {0};
    size_t count;
    int rc = 0;
    if (status == 0 && how == GET_REFRESH) rc = redis_reply_array(reply, &count);
    if (status == 0 && rc == 0) rc = redis_item_read(reply, &item);
    if (status == 0 && rc == 1 && redis_read_goes_on(req, on_got)) return;
    cairn_arena_reset(&redis->arena);
    if (status == 0 && rc == 0) rc = read_name(redis, how == GET_REFRESH, &item);
    if (redis_saver_failed(req, status, rc, detail)) return;
    if (rc == 0 && item.ttl_ms > 0) redis->store_expires = true;
    if (rc == 0 && item.ttl_ms > 0 && how == GET_CAREFUL) {
        const redis_shelf_t shelf = redis_shelf(redis, item.ns);
        rc = send_get(redis, req, &shelf, item.key, GET_REFRESH);
        (void)redis_saver_failed(req, 0, rc, detail);
        return;
    }
    if (rc == 0 && how == GET_REFRESH && redis_store_is_split(redis) && item.ttl_ms > 0) {
        const redis_shelf_t shelf = redis_shelf(redis, item.ns);
        redis_directory_keep(redis, &shelf, item.ttl_ms);
    }
    redis_store_done(redis)->get_done(CAIRN_CONTAINER_OF(req, cairn_store_get_t, req),
                                      rc == 0 ? &item : NULL);
}

static int send_get(redis_backend_t *redis, cairn_req_t *req, const redis_shelf_t *shelf,
                    cairn_slice_t key, uint64_t how)
{
    const bool refresh = how == GET_REFRESH;
    size_t bytes = redis_item_ask_bound(shelf, key);
    if (refresh)
        bytes += sizeof REDIS_MULTI + sizeof REDIS_EXEC + redis_store_call_bound(shelf, 1, 1) +
                 redis_store_item_bound(shelf, key) + key.len;
    char *out;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->scratch[REDIS_SCRATCH_NUMBER] = how;
    int rc = how == GET_PLAIN ? redis_store_reserve_read(redis, shelf, bytes, &out)
                              : redis_store_reserve(redis, shelf, bytes, &out);
    if (rc < 0) return rc;
    if (refresh) out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = redis_item_ask(out, shelf, key);
    if (!refresh) {
        redis_conn_commit_script(redis_saver_conn(redis), out, on_got, req, true);
        return 0;
    }
    out = redis_store_refresh(out, shelf, key);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(redis_saver_conn(redis), out, on_got, req, 2, true);
    return 0;
}

int redis_store_get(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args)
{
    redis_backend_t *redis = self;
    const redis_shelf_t shelf = redis_shelf(redis, args->ns);
    uint64_t how = args->refresh ? GET_CAREFUL : GET_PLAIN;
    if (args->refresh && redis->store_expires) how = GET_REFRESH;
    return send_get(redis, &req->req, &shelf, args->key, how);
}

/* ---- ttl, set_ttl ---- */

static cairn_store_ttl_t *ttl_of(cairn_req_t *req)
{
    return CAIRN_CONTAINER_OF(req, cairn_store_ttl_t, req);
}

static void on_ttl(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t left = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &left);
    if (rc == 0 && left < CAIRN_TTL_ABSENT) rc = CAIRN_EPROTOCOL;
    if (left == CAIRN_TTL_ABSENT && redis_read_goes_on(req, on_ttl)) return;
    if (redis_saver_failed(req, status, rc, detail)) return;
    redis_store_done(redis_saver_of(req))->ttl_done(ttl_of(req), left == 0 ? 1 : left);
}

static int ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key)
{
    redis_backend_t *redis = self;
    const redis_shelf_t shelf = redis_shelf(redis, ns);
    char *out;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    int rc = redis_store_reserve_read(
        redis, &shelf, redis_cmd_bound(1, 16) + redis_store_item_bound(&shelf, key), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL("*2\r\n$4\r\nPTTL\r\n"));
    out = redis_store_item(out, &shelf, key);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_ttl, &req->req, true);
    return 0;
}

static void on_set_ttl(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    int64_t found = 0;
    int rc = status < 0 ? 0 : redis_reply_int(reply, &found);
    if (redis_saver_failed(req, status, rc, detail)) return;
    int64_t ttl_ms = (int64_t)req->scratch[REDIS_SCRATCH_NUMBER];
    redis_store_done(redis_saver_of(req))->ttl_done(ttl_of(req), found ? ttl_ms : CAIRN_TTL_ABSENT);
}

static int set_ttl(void *self, cairn_store_ttl_t *req, cairn_namespace_t ns, cairn_slice_t key,
                   int64_t ttl_ms)
{
    redis_backend_t *redis = self;
    const redis_shelf_t shelf = redis_shelf(redis, ns);
    char *out;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    req->req.scratch[REDIS_SCRATCH_NUMBER] = (uint64_t)ttl_ms;
    int rc = redis_store_reserve(redis, &shelf,
                                 redis_store_call_bound(&shelf, 1, 2) + key.len + REDIS_CMD_NUMBER +
                                     redis_store_item_bound(&shelf, key),
                                 &out);
    if (rc < 0) return rc;
    out = redis_store_call(out, &redis_script_store_set_ttl, &shelf, 1, 2);
    out = redis_store_item(out, &shelf, key);
    out = redis_store_path(out, &shelf);
    out = redis_cmd_arg(out, key);
    out = redis_cmd_arg_begin(out, REDIS_HEAD_NUMBER);
    out = redis_cmd_end(redis_head_ttl(out, ttl_ms));
    redis_store_believe_nothing(redis, &shelf, key);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_set_ttl, &req->req, false);
    if (redis_store_is_split(redis)) redis_directory_keep(redis, &shelf, ttl_ms);
    return 0;
}

/* ---- sweep_ttl: what expires goes by itself ---- */

static void run_sweep(cairn_task_t *task)
{
    cairn_store_count_t *req = CAIRN_CONTAINER_OF(task, cairn_store_count_t, req.task);
    const cairn_host_t *host =
        (const cairn_host_t *)(uintptr_t)req->req.scratch[REDIS_SCRATCH_NUMBER];
    host->api->store->count_done(req, 0);
}

static int sweep_ttl(void *self, cairn_store_count_t *req)
{
    return redis_saver_answer_later(self, &req->req, run_sweep);
}

const cairn_store_ops_t redis_store_ops = {
    .size = sizeof(cairn_store_ops_t),
    .get = redis_store_get,
    .put = redis_store_put,
    .search = redis_store_search,
    .list_namespaces = redis_store_list,
    .batch = redis_store_batch,
    .count = redis_store_count,
    .ttl = ttl,
    .set_ttl = set_ttl,
    .sweep_ttl = sweep_ttl,
};
