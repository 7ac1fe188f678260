/* The saver on Redis: what its files share. Every operation is one call of a script; what does not
 * fit into a bounded call is called again, with the cursor that the last call gave. */
#ifndef CAIRN_REDIS_SAVER_H
#define CAIRN_REDIS_SAVER_H

#include "redis_backend.h"
#include "redis_cmd.h"
#include "redis_keys.h"
#include "redis_script.h"

#include <cairn/sys/tuple.h>

#define LITERAL(text) text, sizeof(text) - 1

#define REDIS_MULTI "*1\r\n$5\r\nMULTI\r\n"
#define REDIS_EXEC "*1\r\n$4\r\nEXEC\r\n"

/* Bytes as they stand; may be absent. */
static inline char *redis_bytes(char *out, cairn_slice_t bytes)
{
    return bytes.len > 0 ? redis_cmd_literal(out, bytes.ptr, bytes.len) : out;
}

/* ---- redis_saver.c ---- */

/* A namespace, and how long its names are. */
typedef struct redis_space {
    cairn_slice_t thread_id, ns;
    size_t thread_size, ns_size;   /* escaped */
    size_t thread_place, ns_place; /* encoded */
    bool split;                    /* of a cluster */
    uint16_t slot;                 /* there */
} redis_space_t;

redis_space_t redis_space(const redis_backend_t *redis, cairn_slice_t thread_id, cairn_slice_t ns);

static inline redis_guard_t redis_space_guard(const redis_space_t *space)
{
    return space->split ? (redis_guard_t)space->slot : REDIS_GUARD_OF_NONE;
}

/* Bytes that redis_thread_begin takes, at the most; then there are `args` more arguments with
 * `payload` bytes in all. */
size_t redis_thread_bound(const redis_space_t *space, size_t args, size_t payload);

/* Begins the call of a script that works on a thread: its key, its shard's two; names, "{thread}",
 * the thread's place. `args` more follow. */
char *redis_thread_begin(char *out, const redis_script_t *script, const redis_space_t *space,
                         size_t args);

/* The parts of it that other calls need. */
char *redis_thread_keys(char *out, const redis_space_t *space);
char *redis_thread_names(char *out, const redis_space_t *space);
char *redis_number_keys(char *out, unsigned shard); /* both, of one server */
char *redis_shard_keys(char *out, const redis_space_t *space);
char *redis_shard_key(char *out, const char *name, size_t size, const redis_space_t *space);
char *redis_slot_key(char *out, const char *name, size_t size, unsigned slot);
char *redis_run_key(char *out, const redis_space_t *space, cairn_slice_t run_id);
size_t redis_run_key_size(const redis_space_t *space, cairn_slice_t run_id);
char *redis_tag(char *out, const redis_space_t *space);
#define REDIS_NAMES_ARG "$37\r\n" REDIS_KEY_NAMES "\r\n"
_Static_assert(sizeof REDIS_KEY_NAMES - 1 == 37, "its length is spelt out");

/* The encoded namespace, with which members of the thread's key go on behind their kind. */
char *redis_space_start(char *out, const redis_space_t *space);

/* prefix: "langgraph:thread_expiry:", before "{thread}". */
char *redis_thread_key(char *out, const redis_space_t *space, const char *prefix, size_t size);

/* prefix: REDIS_KEY_CHECKPOINT, REDIS_KEY_REPLACED or REDIS_KEY_WRITES, before "{thread}:ns:id"; of
 * a blob only the stem is made here. */
#define REDIS_OBJECT_PREFIX sizeof REDIS_KEY_REPLACED
char *redis_object_key(char *out, const redis_space_t *space, const char *prefix, size_t size,
                       cairn_slice_t id);
size_t redis_object_key_size(const redis_space_t *space, cairn_slice_t id); /* at the most */
char *redis_object_stem(char *out, const redis_space_t *space, const char *prefix, size_t size);
size_t redis_object_stem_size(const redis_space_t *space, size_t prefix);

/* "=" and the id, or nothing. */
char *redis_optional(char *out, cairn_slice_t id);

/* Sends the puts that go together, if there are any: what comes now goes behind them. UV_ENOMEM. */
CAIRN_MUST_USE int redis_joint_flush(redis_backend_t *redis);

/* Room for a call of `bytes`, once scripts are there, of a request that names this, or nothing. As
 * redis_conn_reserve. */
CAIRN_MUST_USE int redis_saver_reserve(redis_backend_t *redis, cairn_slice_t name, size_t bytes,
                                       char **at);
/* The same for one that changes nothing: it may go to a replica, and its answer be of before. */
CAIRN_MUST_USE int redis_saver_reserve_read(redis_backend_t *redis, cairn_slice_t name,
                                            size_t bytes, char **at);
CAIRN_MUST_USE int redis_saver_reserve_any(redis_backend_t *redis, size_t bytes, char **at);

/* Before any request is put in. UV_ENOMEM. */
CAIRN_MUST_USE int redis_saver_prepare(redis_backend_t *redis);

/* Where calls go: the connection of the request at hand. */
redis_conn_t *redis_saver_conn(redis_backend_t *redis);

/* What is believed to be the latest; NULL: nothing is. */
const redis_hint_t *redis_saver_hint(const redis_backend_t *redis, cairn_slice_t thread_id,
                                     cairn_slice_t ns);

/* Answers from the loop, without the server, by redis_saver_deferred_done in `run`. */
int redis_saver_answer_later(redis_backend_t *redis, cairn_req_t *req, void (*run)(cairn_task_t *));
const cairn_saver_done_t *redis_saver_deferred_done(const cairn_req_t *req);

/* Of a request in flight or just answered. */
redis_backend_t *redis_saver_of(const cairn_req_t *req);
const cairn_saver_done_t *redis_saver_done(const cairn_req_t *req);

/* Lets the memory go that the request kept. */
void redis_saver_release(cairn_req_t *req);

/* Releases, and fails. */
void redis_saver_fail(cairn_req_t *req, int status, cairn_slice_t detail);
void redis_saver_malformed(cairn_req_t *req);

/* What the script of a put says, which is the last that the request waits for, but for what it did
 * not finish. */
void redis_saver_on_put_script(cairn_req_t *req, redis_reply_t *reply);

/* The same transaction as has just been answered. UV_ENOMEM. */
CAIRN_MUST_USE int redis_saver_send_again(cairn_req_t *req, redis_answer_fn answer);

/* A read that has just been answered, and what it asked for is not there, or not all of it: if that
 * was said by a replica, its master is asked the same. 1: it was not. UV_ENOMEM. */
CAIRN_MUST_USE int redis_read_at_master(redis_backend_t *redis, cairn_req_t *req,
                                        redis_answer_fn answer);

/* The same; true: the request goes on there, or has failed over it. */
bool redis_read_goes_on(cairn_req_t *req, redis_answer_fn answer);

/* Whether a script said 'more', which has just been answered: then it is called again. UV_ENOMEM;
 * 1: it is. */
CAIRN_MUST_USE int redis_saver_call_again(cairn_req_t *req, const redis_reply_t *reply,
                                          redis_answer_fn answer);

/* Goes on with what a script says it did not finish. CAIRN_EPROTOCOL, UV_ENOMEM. */
CAIRN_MUST_USE int redis_saver_finish(cairn_req_t *req, redis_reply_t *reply,
                                      redis_answer_fn answer);

/* What a put is told of a transaction that failed so. Refused when it was sent again for want of a
 * script, it has been carried out all the same, but for that. */
int redis_saver_told(const cairn_req_t *req, int status);

/* Whether an answer was an error, or cannot be read (`rc`); then the request has failed. */
bool redis_saver_failed(cairn_req_t *req, int status, int rc, cairn_slice_t detail);

/* ---- redis_saver_mend.c: what must be done though nobody waits for it ---- */

/* The transaction of a put may have been carried out but for its script: insists on that. */
void redis_saver_mend(redis_backend_t *redis, cairn_slice_t transaction);

/* What the calls of a put's script end with. */
#define REDIS_PUT_PLAIN 'p'
#define REDIS_PUT_UNKNOWN 'u'

/* ---- redis_saver_rows.c: what scripts/lib_rows.lua gives ---- */

/* A row; and {thread, namespace, row}. CAIRN_EPROTOCOL, UV_ENOMEM. Slices borrow from the reply. */
CAIRN_MUST_USE int redis_row_read(redis_reply_t *reply, cairn_arena_t *arena,
                                  cairn_checkpoint_tuple_t *tuple);
CAIRN_MUST_USE int redis_listed_row_read(redis_reply_t *reply, cairn_arena_t *arena,
                                         cairn_checkpoint_tuple_t *tuple);

/* The other parts of a row: its body has been decoded. Values and writes; or only writes. */
CAIRN_MUST_USE int redis_row_read_rest(redis_reply_t *reply, cairn_arena_t *arena,
                                       cairn_checkpoint_tuple_t *tuple);
CAIRN_MUST_USE int redis_row_read_writes(redis_reply_t *reply, cairn_arena_t *arena,
                                         cairn_checkpoint_tuple_t *tuple);

/* The latest of its (thread, namespace), as far as is known; it has no expiry. */
void redis_saver_remember(redis_backend_t *redis, const cairn_checkpoint_tuple_t *tuple);

/* "channel:version", escaped: what the key of a blob ends with. */
size_t redis_suffix_size(const cairn_channel_version_t *at);
char *redis_suffix(char *out, const cairn_channel_version_t *at);

/* Those of all channels, with a space between them. */
char *redis_suffixes(char *out, const cairn_checkpoint_t *checkpoint);

/* A list of writes; what counts of them comes in order. The same errors. */
CAIRN_MUST_USE int redis_writes_read(redis_reply_t *reply, cairn_arena_t *arena,
                                     cairn_pending_write_t **writes, size_t *count);

/* A blob. CAIRN_EPROTOCOL; 1: it says that there is no value. */
#define REDIS_BLOB_VALUE 'v'
#define REDIS_BLOB_EMPTY 'e'
#define REDIS_BLOB_DELTA 'd'
CAIRN_MUST_USE int redis_blob_read(cairn_slice_t blob, cairn_value_t *value);

/* Lengths in packed values: four bytes, least significant first. */
#define REDIS_PACKED_LENGTH 4
char *redis_pack_length(char *out, size_t length);

/* ---- redis_saver_steps.c: what takes many calls ---- */

/* Calls that are made one after the other, each again as long as it gives a cursor back; their
 * counts are added. One block, which is the memory of its request. */
typedef struct redis_steps redis_steps_t;

/* Whoever calls it has released the steps. A call that says -1 ends them with that. */
typedef void (*redis_steps_fn)(cairn_req_t *req, int64_t count);

/* For `calls` calls, which are `bytes` in all, at the most, without their last arguments: these are
 * cursors. NULL: no memory. */
redis_steps_t *redis_steps_new(size_t calls, size_t bytes, redis_steps_fn done);

/* Where the next call is to be written, and that it has been, up to `end`. */
char *redis_steps_at(redis_steps_t *steps);
void redis_steps_add(redis_steps_t *steps, char *end);

/* Makes the first call, and gives the request, which names these, the steps to keep. On <0 they are
 * freed. */
CAIRN_MUST_USE int redis_steps_start(redis_backend_t *redis, cairn_req_t *req, redis_steps_t *steps,
                                     const cairn_slice_t *names, size_t count);

/* Makes the first call, from a cursor on, for `answer`; NULL: the steps' own. UV_ENOMEM. */
CAIRN_MUST_USE int redis_steps_resume(cairn_req_t *req, cairn_slice_t cursor,
                                      redis_answer_fn answer);

/* ---- redis_saver_maintain.c ---- */

/* The call that drops a run, without its last argument, a cursor; of a cluster's slot, or NULL. */
size_t redis_run_bound(cairn_slice_t run_id);
char *redis_run_call(char *out, cairn_slice_t run_id, const uint16_t *slot);

/* ---- the operations ---- */

int redis_saver_put(void *self, cairn_saver_put_t *req, const cairn_saver_put_args_t *args);
int redis_saver_put_writes(void *self, cairn_saver_put_t *req,
                           const cairn_saver_put_writes_args_t *args);
int redis_saver_get(void *self, cairn_saver_get_t *req, const cairn_saver_get_args_t *args);
int redis_saver_list(void *self, cairn_saver_list_t *req, const cairn_saver_list_args_t *args);
int redis_saver_delete_thread(void *self, cairn_saver_delete_t *req, cairn_slice_t thread_id);
int redis_saver_delete_for_runs(void *self, cairn_saver_delete_t *req, const cairn_slice_t *run_ids,
                                size_t count);
int redis_saver_prune(void *self, cairn_saver_delete_t *req, const cairn_saver_prune_args_t *args);
int redis_saver_sweep_ttl(void *self, cairn_saver_delete_t *req);
int redis_saver_copy_thread(void *self, cairn_saver_copy_t *req, cairn_slice_t source,
                            cairn_slice_t target);
int redis_saver_history(void *self, cairn_saver_history_t *req,
                        const cairn_saver_history_args_t *args);
int redis_saver_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args);
int redis_saver_set_ttl(void *self, cairn_saver_ttl_t *req, const cairn_saver_ttl_args_t *args);

#endif
