/* The Lua that runs in the server. Each script is a file in scripts/, put together with the parts
 * that it says it needs, and embedded when the library is built.
 *
 * A connection loads all of them before its first command that needs one, and again when a server
 * has forgotten them; so they are called by their hash, and the order of commands stays.
 *
 * In a cluster a slot goes from one node to another key by key. A script that makes names of keys
 * itself would meanwhile find half of an object, and take the rest for gone. So it names one more,
 * the guard, that is in the same slot and never exists: as long as a slot is on its way, nodes
 * refuse what names several keys that are not all there, and it waits for the end of the move. */
#ifndef CAIRN_REDIS_SCRIPT_H
#define CAIRN_REDIS_SCRIPT_H

#include "redis_conn.h"

typedef struct redis_script_text {
    const char *hash; /* 40 digits */
    const unsigned char *source;
    size_t size;
} redis_script_text_t;

typedef struct redis_script {
    const char *name;
    redis_script_text_t plain;
    redis_script_text_t guarded; /* for a cluster: knows what a guard is */
} redis_script_t;

extern const redis_script_t redis_script_compact, redis_script_copy, redis_script_delete,
    redis_script_drop_runs, redis_script_finish, redis_script_get, redis_script_get_newer,
    redis_script_history, redis_script_list, redis_script_list_all, redis_script_move,
    redis_script_prune, redis_script_put, redis_script_put_writes, redis_script_set_ttl,
    redis_script_ttl, redis_script_find_runs, redis_script_list_slots, redis_script_copy_in,
    redis_script_copy_out;
extern const redis_script_t redis_script_stream_append, redis_script_stream_clear,
    redis_script_stream_copy, redis_script_stream_copy_in, redis_script_stream_copy_out,
    redis_script_stream_info, redis_script_stream_push, redis_script_stream_set_ttl;
extern const redis_script_t redis_script_pure_graph, redis_script_pure_graph_list;
extern const redis_script_t redis_script_group_create, redis_script_group_destroy,
    redis_script_group_ack, redis_script_group_nak, redis_script_group_read,
    redis_script_group_letters, redis_script_group_info;
extern const redis_script_t redis_script_store_count, redis_script_store_mend,
    redis_script_store_names, redis_script_store_near, redis_script_store_places,
    redis_script_store_put, redis_script_store_refresh, redis_script_store_set_ttl,
    redis_script_store_register, redis_script_store_unregister;

/* All of them; ends with NULL. */
extern const redis_script_t *const redis_scripts[];

/* Whose guard a call has: that of a slot; or none, as there is but one server; or none, though it
 * is in a cluster, for all keys of the script are named, and one at the most may be missing. */
typedef int32_t redis_guard_t;
#define REDIS_GUARD_OF_NONE ((redis_guard_t)-1)
#define REDIS_GUARD_OMITTED ((redis_guard_t)-2)

#define REDIS_GUARD_SIZE 32 /* bytes that redis_guard_key writes, at the most */
char *redis_guard_key(char *out, redis_guard_t guard);

static inline const redis_script_text_t *redis_script_text(const redis_script_t *script,
                                                           redis_guard_t guard)
{
    return guard == REDIS_GUARD_OF_NONE ? &script->plain : &script->guarded;
}

/* Bytes of what redis_script_begin writes, at the most. */
#define REDIS_SCRIPT_BEGIN (128 + REDIS_GUARD_SIZE)

/* Begins the command that calls a script; `keys` keys and `args` other arguments follow. */
char *redis_script_begin(char *out, const redis_script_t *script, redis_guard_t guard, size_t keys,
                         size_t args);

/* Puts in the commands that load all scripts, as they are for a cluster or for one server, unless
 * they are on their way. UV_ENOMEM. */
CAIRN_MUST_USE int redis_scripts_load(redis_conn_t *conn, bool guarded);

#endif
