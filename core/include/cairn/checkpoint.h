/* What the saver keeps: checkpoints, their channels and their pending writes, in LangGraph's terms.
 *
 * Plain structs of slices and arrays, for both directions; nothing is serialised by hand, and every
 * value is opaque typed bytes. What you pass in is consumed before the call returns. What you are
 * given is borrowed until the callback returns. A field left zero is empty, or absent where that is
 * said. */
#ifndef CAIRN_CHECKPOINT_H
#define CAIRN_CHECKPOINT_H

#include <cairn/value.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which checkpoint ---- */

/* LangGraph's config.configurable. Ids are ordered bytewise; the latest checkpoint of a (thread,
 * namespace) is the one with the greatest id, whenever it was put (rules 1-3). */
typedef struct cairn_checkpoint_ref {
    cairn_slice_t thread_id;     /* must be present */
    cairn_slice_t checkpoint_ns; /* absent and empty both mean the root namespace */
    cairn_slice_t checkpoint_id; /* absent: what that means is said at each operation */
} cairn_checkpoint_ref_t;

/* ---- the checkpoint ---- */

typedef struct cairn_channel_version {
    cairn_slice_t channel;
    cairn_slice_t version; /* opaque, compared as bytes only: see cairn_version_id_next */
} cairn_channel_version_t;

typedef enum cairn_channel_kind {
    CAIRN_CHANNEL_VALUE, /* the value at this version */
    CAIRN_CHANNEL_EMPTY, /* the channel is empty at this version */
    CAIRN_CHANNEL_DELTA /* nothing is stored at this version: cairn_saver_history rebuilds it. Prune
                           keeps the ancestors that takes */
} cairn_channel_kind_t;

/* One channel of LangGraph's new_versions with its entry in channel_values, if any (rule 5). */
typedef struct cairn_channel_value {
    cairn_slice_t channel;
    cairn_slice_t version; /* must be present */
    cairn_channel_kind_t kind;
    cairn_value_t value; /* of CAIRN_CHANNEL_VALUE */
} cairn_channel_value_t;

/* One entry of versions_seen[node][channel]. A node that has seen nothing and is to be remembered
 * all the same: one entry whose channel is absent. */
typedef struct cairn_version_seen {
    cairn_slice_t node;
    cairn_slice_t channel; /* may be absent */
    cairn_slice_t version;
} cairn_version_seen_t;

/* The same struct in both directions, so that what was read can be put again.
 *
 * Given to put, `channel_values` are the channels that changed with this checkpoint, each stored
 * once under its version; the others are found by `channel_versions`. Passing all of them is right
 * too, only dearer: a version once written is not rewritten (rule 6). Of a channel that comes twice
 * the last counts. The first checkpoint that names a version stores it, as LangGraph's new_versions
 * do: if it is stored later, those that named it before find it only as long as one of those lives
 * that came with it or after it.
 *
 * Given to you, `channel_values` are the channels of `channel_versions` that have a value there, in
 * that order; empty ones and deltas are left out. The other arrays are as they were put. */
typedef struct cairn_checkpoint {
    cairn_slice_t id; /* must be present; cairn_uuid6_next makes one */
    cairn_slice_t ts; /* ISO 8601, by convention; kept as it is */
    int64_t v;        /* version of LangGraph's format; kept as it is */

    const cairn_channel_version_t *channel_versions; /* every channel, changed or not */
    size_t channel_version_count;
    const cairn_channel_value_t *channel_values;
    size_t channel_value_count;
    const cairn_version_seen_t *versions_seen;
    size_t version_seen_count;
    const cairn_slice_t *updated_channels; /* NULL: not known, which is not the same as none */
    size_t updated_channel_count;

    cairn_value_t extra; /* whatever else of yours belongs to the checkpoint; kept as it is */
} cairn_checkpoint_t;

/* ---- pending writes ---- */

/* Channels whose write has an index of its own (rule 11). */
#define CAIRN_CHANNEL_ERROR "__error__"
#define CAIRN_CHANNEL_SCHEDULED "__scheduled__"
#define CAIRN_CHANNEL_INTERRUPT "__interrupt__"
#define CAIRN_CHANNEL_RESUME "__resume__"

typedef struct cairn_write {
    cairn_slice_t channel;
    cairn_value_t value;
} cairn_write_t;

/* What one task wrote. A write is keyed by (task_id, idx) under its checkpoint; idx is its position
 * in `writes`, or the fixed one of a special channel. For idx >= 0 the first write of a key stays,
 * for idx < 0 the last (rules 10-12, 14). */
typedef struct cairn_task_writes {
    cairn_slice_t task_id; /* must be present */
    cairn_slice_t task_path;
    const cairn_write_t *writes;
    size_t count;
} cairn_task_writes_t;

typedef struct cairn_pending_write {
    cairn_slice_t task_id;
    cairn_slice_t task_path;
    int32_t idx;
    cairn_slice_t channel;
    cairn_value_t value;
} cairn_pending_write_t;

/* idx of the write to `channel` at `position`. */
static inline int32_t cairn_write_idx(cairn_slice_t channel, int32_t position)
{
    if (cairn_slice_eq(channel, cairn_str(CAIRN_CHANNEL_ERROR))) return -1;
    if (cairn_slice_eq(channel, cairn_str(CAIRN_CHANNEL_SCHEDULED))) return -2;
    if (cairn_slice_eq(channel, cairn_str(CAIRN_CHANNEL_INTERRUPT))) return -3;
    if (cairn_slice_eq(channel, cairn_str(CAIRN_CHANNEL_RESUME))) return -4;
    return position;
}

/* ---- what get and list give ---- */

/* LangGraph's CheckpointTuple (rule 17). */
typedef struct cairn_checkpoint_tuple {
    cairn_checkpoint_ref_t ref;    /* all three present */
    cairn_slice_t parent_id;       /* of the same thread and namespace; absent: no parent */
    cairn_checkpoint_t checkpoint; /* headers only: id, ts and v, the rest zero */
    cairn_slice_t metadata;        /* a JSON object's text */
    const cairn_pending_write_t *pending_writes; /* by (task_id, idx); none if headers only */
    size_t pending_write_count;
} cairn_checkpoint_tuple_t;

/* What one delta channel is rebuilt from: `seed`, then `writes` on top (rule 27). */
typedef struct cairn_channel_history {
    cairn_slice_t channel;
    bool has_seed; /* false: the walk came to the root; begin with an empty channel */
    cairn_value_t seed;
    const cairn_pending_write_t *writes; /* oldest first; of one checkpoint by (task_id, idx) */
    size_t write_count;
} cairn_channel_history_t;

#ifdef __cplusplus
}
#endif
#endif
