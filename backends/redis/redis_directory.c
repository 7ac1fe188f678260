#include "redis_directory.h"

#include "redis_slots.h"

#include <uv.h>

/* ---- where ---- */

#define CLOSED "\0\1" /* how a label ends (cairn/sys/namespace.h) */
#define CLOSED_SIZE 2
#define LABELS 2 /* that say which shard */

/* What the first of them take up; `*count`: as many there are. */
static size_t head_of(cairn_slice_t path, unsigned *count)
{
    *count = 0;
    for (size_t i = CLOSED_SIZE; i <= path.len; i++) {
        if (memcmp(path.ptr + i - CLOSED_SIZE, CLOSED, CLOSED_SIZE) != 0) continue;
        if (++*count == LABELS) return i;
    }
    return path.len;
}

unsigned redis_directory_shard(cairn_slice_t path)
{
    unsigned labels;
    return redis_space_shard(cairn_slice(path.ptr, head_of(path, &labels)));
}

bool redis_directory_is_one(cairn_slice_t prefix)
{
    unsigned labels;
    (void)head_of(prefix, &labels);
    return labels == LABELS;
}

static size_t tag(char out[16], unsigned shard)
{
    char *end = redis_cmd_literal(out, LITERAL("{dir:"));
    end = redis_cmd_digits(end, shard);
    *end++ = '}';
    return (size_t)(end - out);
}

uint16_t redis_directory_slot(unsigned shard)
{
    char text[16];
    return redis_slot(cairn_slice(text, tag(text, shard)));
}

static char *key(char *out, const char *stem, size_t size, unsigned shard)
{
    char text[16];
    const size_t tag_size = tag(text, shard);
    out = redis_cmd_arg_begin(out, size + tag_size);
    out = redis_cmd_literal(out, stem, size);
    out = redis_cmd_literal(out, text, tag_size);
    return redis_cmd_end(out);
}

static char *keys(char *out, unsigned shard)
{
    out = key(out, LITERAL(REDIS_KEY_DIRECTORY), shard);
    return key(out, LITERAL(REDIS_KEY_DIRECTORY_AGE), shard);
}

/* ---- what has been done lately ---- */

enum {
    LATELY_S = 600,
    FOR_EVER = 64
};

/* Mixed into a namespace's hash: by which power of two its TTL is exceeded; that it is only kept;
 * that it was doubted. */
#define SALT UINT64_C(0x9e3779b97f4a7c15)
#define KEPT (UINT64_C(1) << 40)
#define DOUBTED (UINT64_C(1) << 41)

static unsigned power_of(int64_t ttl_ms)
{
    if (ttl_ms <= 0) return FOR_EVER;
    unsigned power = 0;
    while (power < 62 && ttl_ms >> power > 0) power++;
    return power;
}

/* By the loop's clock, and by the world's, as that one goes on while a machine is suspended. */
static void read_clocks(const redis_backend_t *redis, uint32_t *loop_s, uint32_t *world_s)
{
    uv_timeval64_t world = {0};
    (void)uv_gettimeofday(&world);
    *loop_s = (uint32_t)(redis->host->api->now_ms(redis->host) / 1000 + 1);
    *world_s = (uint32_t)world.tv_sec;
}

static bool was_lately(const redis_backend_t *redis, uint64_t hash)
{
    uint32_t loop_s, world_s;
    const uint64_t when = (uint64_t)redis_beliefs_get(&redis->registered, hash);
    if (when == 0) return false;
    read_clocks(redis, &loop_s, &world_s);
    return loop_s - (uint32_t)(when >> 32) < LATELY_S && world_s - (uint32_t)when < LATELY_S;
}

static void is_done(redis_backend_t *redis, uint64_t hash)
{
    uint32_t loop_s, world_s;
    read_clocks(redis, &loop_s, &world_s);
    redis_beliefs_set(&redis->registered, hash, (int64_t)((uint64_t)loop_s << 32 | world_s));
}

static uint64_t hash_of(uint64_t space_hash, uint64_t what)
{
    return (space_hash ^ what * SALT) | 1;
}

bool redis_directory_knows(const redis_backend_t *redis, uint64_t space_hash, int64_t ttl_ms)
{
    if (was_lately(redis, hash_of(space_hash, FOR_EVER))) return true;
    return ttl_ms > 0 && was_lately(redis, hash_of(space_hash, power_of(ttl_ms)));
}

void redis_directory_registered(redis_backend_t *redis, uint64_t space_hash, int64_t ttl_ms)
{
    is_done(redis, hash_of(space_hash, power_of(ttl_ms)));
}

/* ---- calls ---- */

char *redis_directory_register(char *out, unsigned shard, int64_t ttl_ms, size_t paths)
{
    const unsigned power = power_of(ttl_ms);
    out = redis_script_begin(out, &redis_script_store_register, REDIS_GUARD_OMITTED, 2, 1 + paths);
    out = keys(out, shard);
    if (power == FOR_EVER) return redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    return redis_cmd_u64(out, UINT64_C(1) << power);
}

size_t redis_directory_read_bound(cairn_slice_t least, cairn_slice_t greatest)
{
    return redis_cmd_bound(7, 64 + sizeof REDIS_KEY_DIRECTORY + least.len + greatest.len);
}

char *redis_directory_read(char *out, unsigned shard, cairn_slice_t least, cairn_slice_t greatest,
                           size_t most)
{
    out = redis_cmd_literal(out, LITERAL("*7\r\n$11\r\nZRANGEBYLEX\r\n"));
    out = key(out, LITERAL(REDIS_KEY_DIRECTORY), shard);
    out = redis_cmd_arg(out, least);
    out = redis_cmd_arg(out, greatest);
    out = redis_cmd_literal(out, LITERAL("$5\r\nLIMIT\r\n$1\r\n0\r\n"));
    return redis_cmd_u64(out, most);
}

/* ---- what nobody waits for: it is never given up, and survives the link ---- */

static void on_unheard(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

static char *reserve(redis_backend_t *redis, unsigned shard, size_t bytes)
{
    char *out;
    if (redis_saver_prepare(redis) < 0) return NULL;
    (void)redis_route_choose_slot(&redis->route, redis_directory_slot(shard));
    return redis_conn_reserve_unbounded(redis_saver_conn(redis), bytes, &out) < 0 ? NULL : out;
}

void redis_directory_keep(redis_backend_t *redis, const redis_shelf_t *shelf, int64_t ttl_ms)
{
    const uint64_t space_hash = redis_store_space_hash(shelf);
    const uint64_t hash = hash_of(space_hash, KEPT | power_of(ttl_ms));
    if (redis_directory_knows(redis, space_hash, ttl_ms) || was_lately(redis, hash)) return;
    redis_conn_t *const current = redis_saver_conn(redis);
    char *path = cairn_arena_alloc(&redis->arena, shelf->path_size, 1);
    if (!path) return;
    cairn_namespace_encode(shelf->ns, path);
    const unsigned shard = redis_directory_shard(cairn_slice(path, shelf->path_size));
    char *out = reserve(redis, shard, REDIS_DIRECTORY_BOUND + shelf->path_size);
    if (!out) return;
    out = redis_directory_register(out, shard, ttl_ms, 1);
    out = redis_cmd_arg(out, cairn_slice(path, shelf->path_size));
    redis_conn_commit_script(redis_saver_conn(redis), out, on_unheard, &redis->nobody, true);
    is_done(redis, hash);
    redis_route_turn_to(&redis->route, current);
}

void redis_directory_doubt(redis_backend_t *redis, cairn_slice_t path)
{
    uint64_t hash = DOUBTED * SALT;
    for (size_t i = 0; i < path.len; i++)
        hash = (hash ^ (unsigned char)path.ptr[i]) * UINT64_C(1099511628211);
    hash = (hash ^ hash >> 32) | 1;
    if (was_lately(redis, hash)) return;
    redis_conn_t *const current = redis_saver_conn(redis);
    const unsigned shard = redis_directory_shard(path);
    char *out = reserve(redis, shard, REDIS_DIRECTORY_BOUND + path.len);
    if (!out) return;
    out = redis_script_begin(out, &redis_script_store_unregister, REDIS_GUARD_OMITTED, 2, 1);
    out = keys(out, shard);
    out = redis_cmd_arg(out, path);
    redis_conn_commit_script(redis_saver_conn(redis), out, on_unheard, &redis->nobody, true);
    is_done(redis, hash);
    redis_route_turn_to(&redis->route, current);
}
