/* Where the keys of a stream are, and how the script is called with them. */
#include "redis_pure_graph.h"
#include "redis_slot_tags.h"

/* ---- where ---- */

/* Of a key that is the prefix, which has no braces, and the id. */
static uint16_t slot_of(cairn_slice_t prefix, cairn_slice_t id)
{
    const cairn_slice_t tag = redis_key_tag(id);
    if (tag.len > 0) return redis_slot_of_tag(tag);
    return redis_slot_of_crc(redis_crc16(redis_crc16(0, prefix), id));
}

redis_graph_name_t redis_graph_name(const redis_backend_t *redis, cairn_slice_t id)
{
    redis_graph_name_t name = {.id = id, .split = redis_route_is_split(&redis->route)};
    if (!name.split) return name;
    name.slot = slot_of(cairn_str(REDIS_GRAPH_STREAM), id);
    name.list_slot = slot_of(cairn_str(REDIS_GRAPH_LIST), id);
    return name;
}

uint16_t redis_graph_slot(cairn_slice_t id)
{
    return slot_of(cairn_str(REDIS_GRAPH_STREAM), id);
}

int redis_graph_reserve(redis_backend_t *redis, const redis_graph_name_t *name, size_t bytes,
                        char **at)
{
    int rc = redis_saver_prepare(redis);
    if (rc < 0) return rc;
    redis_conn_t *conn = name->split ? redis_route_choose_slot(&redis->route, name->slot)
                                     : redis_route_choose(&redis->route, name->id);
    return redis_conn_reserve(conn, bytes, at);
}

/* ---- keys ---- */

static char *raw_key(char *out, const char *prefix, size_t size, cairn_slice_t id)
{
    out = redis_cmd_arg_begin(out, size + id.len);
    out = redis_cmd_literal(out, prefix, size);
    return redis_cmd_end(redis_bytes(out, id));
}

static char *own_key(char *out, const char *prefix, size_t size, const redis_graph_name_t *name)
{
    const size_t tag = name->split ? REDIS_SLOT_TAG + 1 : 0;
    out = redis_cmd_arg_begin(out, size + 2 + tag + redis_escaped_size(name->id));
    out = redis_cmd_literal(out, prefix, size);
    *out++ = '{';
    if (name->split) {
        out = redis_slot_tag(out, name->slot);
        *out++ = '}';
        *out++ = ':';
    }
    out = redis_escape(out, name->id);
    if (!name->split) *out++ = '}';
    return redis_cmd_end(out);
}

size_t redis_graph_key_bound(cairn_slice_t id)
{
    return REDIS_CMD_OVERHEAD + sizeof REDIS_GRAPH_STREAM + id.len;
}

char *redis_graph_key(char *out, cairn_slice_t id)
{
    return raw_key(out, LITERAL(REDIS_GRAPH_STREAM), id);
}

char *redis_graph_list(char *out, cairn_slice_t id)
{
    return raw_key(out, LITERAL(REDIS_GRAPH_LIST), id);
}

size_t redis_graph_past_bound(cairn_slice_t id)
{
    return REDIS_CMD_OVERHEAD + sizeof REDIS_KEY_QUEUE_PAST "{}:" + REDIS_SLOT_TAG +
           redis_escaped_size(id);
}

char *redis_graph_past(char *out, const redis_graph_name_t *name)
{
    return own_key(out, LITERAL(REDIS_KEY_QUEUE_PAST), name);
}

/* ---- calls ---- */

enum {
    KEYS = 3 /* and the list */
};

static size_t key_count(const redis_graph_name_t *name)
{
    return KEYS + !redis_graph_is_apart(name);
}

static char *write_keys(char *out, const redis_graph_name_t *name)
{
    out = redis_graph_key(out, name->id);
    out = own_key(out, LITERAL(REDIS_KEY_QUEUE_MORE), name);
    out = redis_graph_past(out, name);
    return redis_graph_is_apart(name) ? out : redis_graph_list(out, name->id);
}

static size_t keys_bound(cairn_slice_t id)
{
    return 2 * redis_graph_key_bound(id) + 2 * redis_graph_past_bound(id);
}

/* All keys are named, and nodes refuse a call of which one is elsewhere: it needs no guard. */
static redis_guard_t guard_of(const redis_graph_name_t *name)
{
    return name->split ? REDIS_GUARD_OMITTED : REDIS_GUARD_OF_NONE;
}

size_t redis_graph_bound(cairn_slice_t id, size_t args, size_t payload)
{
    return REDIS_SCRIPT_BEGIN + keys_bound(id) + redis_cmd_bound(1 + args, 16 + payload);
}

char *redis_graph_begin(char *out, const redis_graph_name_t *name, const char *operation,
                        size_t args)
{
    out = redis_script_begin(out, &redis_script_pure_graph, guard_of(name), key_count(name),
                             1 + args);
    out = write_keys(out, name);
    return redis_cmd_arg(out, cairn_str(operation));
}

size_t redis_graph_copy_bound(cairn_slice_t source, cairn_slice_t target)
{
    return redis_graph_bound(source, 1, REDIS_CMD_NUMBER) + keys_bound(target);
}

char *redis_graph_copy(char *out, const redis_graph_name_t *source,
                       const redis_graph_name_t *target, int64_t ttl_ms)
{
    out = redis_script_begin(out, &redis_script_pure_graph, guard_of(source),
                             key_count(source) + key_count(target), 2);
    out = write_keys(out, source);
    out = write_keys(out, target);
    out = redis_cmd_arg(out, cairn_str("copy"));
    return redis_cmd_i64(out, ttl_ms);
}
