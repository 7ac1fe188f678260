/* Checkpoints in memory: what is kept, and the few steps that every operation is made of.
 *
 *     saver > threads > spaces (namespaces) > objects (checkpoint ids) > writes
 *                                           > blobs (channel, version)
 *
 * An object is a checkpoint, its pending writes, or both, and it expires as a whole. A blob is what
 * checkpoints of its space name in their channel_versions; it goes with the last that does. */
#ifndef CAIRN_MEM_SAVER_H
#define CAIRN_MEM_SAVER_H

#include "mem_map.h"

#include <cairn/sys/backend.h>
#include <cairn/sys/tuple.h>

/* Zeroed: empty. */
typedef struct mem_saver {
    mem_map_t threads;   /* mem_thread_t.node */
    mem_map_t runs;      /* mem_checkpoint_t.in_runs */
    mem_map_t deadlines; /* mem_object_t.in_deadlines */
    uint64_t now_ms;     /* of the operation that is carried out */
    uint64_t marks;      /* the last mark given out */
} mem_saver_t;

typedef struct mem_thread {
    mem_node_t node; /* by thread id */
    mem_map_t spaces;
    char id[];
} mem_thread_t;

typedef struct mem_space {
    mem_node_t node; /* by namespace */
    mem_thread_t *thread;
    mem_map_t objects;
    mem_map_t blobs;
    char ns[];
} mem_space_t;

typedef struct mem_object {
    mem_node_t node; /* by checkpoint id */
    mem_space_t *space;
    struct mem_checkpoint *checkpoint; /* NULL: there are only writes */
    mem_map_t writes;
    int64_t ttl_ms; /* in full; 0: just made, nothing said yet */
    uint64_t deadline_ms;
    mem_node_t in_deadlines; /* by deadline_key; only if ttl_ms > 0 */
    mem_number_key_t deadline_key;
    uint64_t met;  /* the mark of the last walk that came here */
    uint64_t kept; /* the mark of the last prune that keeps it */
    char id[];
} mem_object_t;

/* Slices point behind the struct, into the same block. */
typedef struct mem_checkpoint {
    mem_object_t *object;
    mem_node_t in_runs;      /* by run id; only if that is present */
    cairn_slice_t parent_id; /* may be absent */
    cairn_slice_t metadata;
    cairn_slice_t body; /* cairn/sys/checkpoint_codec.h */
    size_t blob_count;
    struct mem_blob *blobs[]; /* one for each of channel_versions, in that order */
} mem_checkpoint_t;

typedef struct mem_blob {
    mem_node_t node; /* by channel, version */
    size_t users;    /* entries of mem_checkpoint_t.blobs */
    uint64_t met;
    struct mem_content *content; /* NULL: named, but never put */
    char text[];
} mem_blob_t;

typedef struct mem_content {
    struct mem_content *next; /* while a put is prepared */
    mem_blob_t *blob;
    cairn_channel_kind_t kind;
    cairn_value_t value;
    char text[];
} mem_content_t;

typedef struct mem_write {
    mem_node_t node;        /* by task id, index_key */
    struct mem_write *next; /* while a put_writes is prepared */
    char index_key[sizeof(uint32_t)];
    int32_t idx;
    cairn_slice_t task_path;
    cairn_slice_t channel;
    cairn_value_t value;
    char text[];
} mem_write_t;

/* ---- mem_saver_data.c: making, finding, freeing ---- */

/* Copies `bytes` to `*end`, moves that on, and gives the copy, which is present. */
cairn_slice_t mem_keep(char **end, cairn_slice_t bytes);

mem_thread_t *mem_thread_find(const mem_saver_t *saver, cairn_slice_t thread_id);
mem_space_t *mem_space_find(const mem_saver_t *saver, cairn_slice_t thread_id, cairn_slice_t ns);

/* The object with that checkpoint; checkpoint_id absent: the latest. NULL: there is none. */
mem_object_t *mem_find(const mem_saver_t *saver, const cairn_checkpoint_ref_t *at);

/* The next older object with a checkpoint, or NULL; of mem_newest, the newest of all. */
mem_object_t *mem_newest(const mem_space_t *space);
mem_object_t *mem_older(const mem_object_t *object);

/* The parent's object, if there is such a checkpoint. */
mem_object_t *mem_parent(const mem_object_t *object);

/* What is stored of `channel` at the checkpoint's version of it; NULL: nothing. */
const mem_content_t *mem_content_at(const mem_object_t *object, cairn_slice_t channel);

/* Finds or makes; NULL: no memory, and nothing is changed. What stays without a checkpoint and
 * without writes must be given to mem_trim. */
mem_object_t *mem_object_make(mem_saver_t *saver, const cairn_checkpoint_ref_t *at);
mem_blob_t *mem_blob_make(mem_space_t *space, mem_key_t key);

void mem_checkpoint_free(mem_saver_t *saver, mem_checkpoint_t *checkpoint);

/* Frees the object if it is empty, and then what is empty above it. */
void mem_trim(mem_saver_t *saver, mem_object_t *object);

/* Frees the object with all it has, and what is then empty above it. Returns how many checkpoints
 * are gone: 0 or 1. */
uint64_t mem_object_delete(mem_saver_t *saver, mem_object_t *object);
uint64_t mem_thread_delete(mem_saver_t *saver, mem_thread_t *thread);
void mem_saver_clear(mem_saver_t *saver);

/* ---- mem_saver_ttl.c ---- */

/* Deletes what has expired by `now_ms`. Everything there is after it, is alive. */
void mem_expire(mem_saver_t *saver, uint64_t now_ms);

/* When the next will have expired; UINT64_MAX if nothing does. */
uint64_t mem_expires_next_ms(const mem_saver_t *saver);

/* The TTL of a put to `object` (rules 30, 33, 34). */
void mem_ttl_put(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms);

/* The TTL of writes to `object`: without one of their own they join what is there. */
void mem_ttl_put_writes(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms);

/* The full TTL again after a read of `object` (rules 32, 34). */
void mem_ttl_refresh(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms);

void mem_ttl_start(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms, uint64_t deadline_ms);
void mem_ttl_stop(mem_saver_t *saver, mem_object_t *object);

int64_t mem_ttl(mem_saver_t *saver, const cairn_saver_ttl_args_t *args);
int64_t mem_set_ttl(mem_saver_t *saver, const cairn_saver_ttl_args_t *args);

/* ---- the operations; each gives 0, or UV_ENOMEM and changes nothing ---- */

int mem_put(mem_saver_t *saver, const cairn_saver_put_args_t *args);
int mem_put_writes(mem_saver_t *saver, const cairn_saver_put_writes_args_t *args);

/* NULL: no memory. */
mem_write_t *mem_write_make(const cairn_pending_write_t *from);

/* Fills `tuple` with copies in `arena`. */
int mem_tuple(cairn_arena_t *arena, const mem_object_t *object, bool headers_only,
              cairn_checkpoint_tuple_t *tuple);
int mem_pending_write(cairn_arena_t *arena, const mem_write_t *write, cairn_pending_write_t *out);

/* Also UV_EINVAL: the cursor is none. */
int mem_list(const mem_saver_t *saver, const cairn_saver_list_args_t *args, cairn_arena_t *arena,
             cairn_saver_page_t *page);

int mem_history(mem_saver_t *saver, const cairn_saver_history_args_t *args, cairn_arena_t *arena,
                cairn_channel_history_t **channels);

uint64_t mem_delete_runs(mem_saver_t *saver, const cairn_slice_t *run_ids, size_t count);
void mem_keep_latest(mem_saver_t *saver, mem_space_t *space);
int mem_prune(mem_saver_t *saver, const cairn_saver_prune_args_t *args, uint64_t *checkpoints);

/* Also UV_EEXIST. */
int mem_copy_thread(mem_saver_t *saver, cairn_slice_t source, cairn_slice_t target,
                    uint64_t *checkpoints);

#endif
