/* The shapes of what the operations of saver, store and streams are given. */
#include <cairn/sys/copy.h>
#include <cairn/sys/saver.h>
#include <cairn/sys/store.h>
#include <cairn/sys/stream.h>
#include <stddef.h>

#define SLICE(of, field)                                                                           \
    {                                                                                              \
        offsetof(of, field), NULL, 0                                                               \
    }
#define ONE(of, field, shape)                                                                      \
    {                                                                                              \
        offsetof(of, field), &(shape), CAIRN_SHAPE_ONE                                             \
    }
#define MANY(of, field, count, shape)                                                              \
    {                                                                                              \
        offsetof(of, field), &(shape), offsetof(of, count)                                         \
    }
#define SHAPE(of, parts)                                                                           \
    {                                                                                              \
        sizeof(of), parts, sizeof(parts) / sizeof *(parts)                                         \
    }

/* Of what has them in itself. */
#define REF(of, field)                                                                             \
    SLICE(of, field.thread_id), SLICE(of, field.checkpoint_ns), SLICE(of, field.checkpoint_id)
#define VALUE(of, field) SLICE(of, field.type), SLICE(of, field.bytes)
#define NAMESPACE(of, field) MANY(of, field.labels, field.count, cairn_slice_shape)

static const cairn_shape_part_t slice_parts[] = {{0, NULL, 0}};
const cairn_shape_t cairn_slice_shape = SHAPE(cairn_slice_t, slice_parts);

/* ---- the saver ---- */

static const cairn_shape_part_t version_parts[] = {
    SLICE(cairn_channel_version_t, channel),
    SLICE(cairn_channel_version_t, version),
};
static const cairn_shape_t version_shape = SHAPE(cairn_channel_version_t, version_parts);

static const cairn_shape_part_t channel_parts[] = {
    SLICE(cairn_channel_value_t, channel),
    SLICE(cairn_channel_value_t, version),
    VALUE(cairn_channel_value_t, value),
};
static const cairn_shape_t channel_shape = SHAPE(cairn_channel_value_t, channel_parts);

static const cairn_shape_part_t seen_parts[] = {
    SLICE(cairn_version_seen_t, node),
    SLICE(cairn_version_seen_t, channel),
    SLICE(cairn_version_seen_t, version),
};
static const cairn_shape_t seen_shape = SHAPE(cairn_version_seen_t, seen_parts);

static const cairn_shape_part_t checkpoint_parts[] = {
    SLICE(cairn_checkpoint_t, id),
    SLICE(cairn_checkpoint_t, ts),
    MANY(cairn_checkpoint_t, channel_versions, channel_version_count, version_shape),
    MANY(cairn_checkpoint_t, channel_values, channel_value_count, channel_shape),
    MANY(cairn_checkpoint_t, versions_seen, version_seen_count, seen_shape),
    MANY(cairn_checkpoint_t, updated_channels, updated_channel_count, cairn_slice_shape),
    VALUE(cairn_checkpoint_t, extra),
};
static const cairn_shape_t checkpoint_shape = SHAPE(cairn_checkpoint_t, checkpoint_parts);

static const cairn_shape_part_t put_parts[] = {
    REF(cairn_saver_put_args_t, parent),
    ONE(cairn_saver_put_args_t, checkpoint, checkpoint_shape),
    SLICE(cairn_saver_put_args_t, metadata),
    SLICE(cairn_saver_put_args_t, run_id),
};
const cairn_shape_t cairn_saver_put_shape = SHAPE(cairn_saver_put_args_t, put_parts);

static const cairn_shape_part_t write_parts[] = {
    SLICE(cairn_write_t, channel),
    VALUE(cairn_write_t, value),
};
static const cairn_shape_t write_shape = SHAPE(cairn_write_t, write_parts);

static const cairn_shape_part_t task_parts[] = {
    SLICE(cairn_task_writes_t, task_id),
    SLICE(cairn_task_writes_t, task_path),
    MANY(cairn_task_writes_t, writes, count, write_shape),
};
static const cairn_shape_t task_shape = SHAPE(cairn_task_writes_t, task_parts);

static const cairn_shape_part_t put_writes_parts[] = {
    REF(cairn_saver_put_writes_args_t, at),
    ONE(cairn_saver_put_writes_args_t, writes, task_shape),
};
const cairn_shape_t cairn_saver_put_writes_shape =
    SHAPE(cairn_saver_put_writes_args_t, put_writes_parts);

static const cairn_shape_part_t get_parts[] = {REF(cairn_saver_get_args_t, at)};
const cairn_shape_t cairn_saver_get_shape = SHAPE(cairn_saver_get_args_t, get_parts);

static const cairn_shape_part_t list_parts[] = {
    SLICE(cairn_saver_list_args_t, thread_id),     SLICE(cairn_saver_list_args_t, checkpoint_ns),
    SLICE(cairn_saver_list_args_t, checkpoint_id), SLICE(cairn_saver_list_args_t, before_id),
    SLICE(cairn_saver_list_args_t, filter),        SLICE(cairn_saver_list_args_t, cursor),
};
const cairn_shape_t cairn_saver_list_shape = SHAPE(cairn_saver_list_args_t, list_parts);

static const cairn_shape_part_t prune_parts[] = {
    MANY(cairn_saver_prune_args_t, thread_ids, thread_count, cairn_slice_shape),
};
const cairn_shape_t cairn_saver_prune_shape = SHAPE(cairn_saver_prune_args_t, prune_parts);

static const cairn_shape_part_t history_parts[] = {
    REF(cairn_saver_history_args_t, at),
    MANY(cairn_saver_history_args_t, channels, count, cairn_slice_shape),
};
const cairn_shape_t cairn_saver_history_shape = SHAPE(cairn_saver_history_args_t, history_parts);

static const cairn_shape_part_t ttl_parts[] = {REF(cairn_saver_ttl_args_t, at)};
const cairn_shape_t cairn_saver_ttl_shape = SHAPE(cairn_saver_ttl_args_t, ttl_parts);

/* ---- the store ---- */

static const cairn_shape_t float_shape = {.size = sizeof(float)};

static const cairn_shape_part_t vector_parts[] = {
    SLICE(cairn_vector_t, index),
    MANY(cairn_vector_t, values, dimensions, float_shape),
};
static const cairn_shape_t vector_shape = SHAPE(cairn_vector_t, vector_parts);

static const cairn_shape_part_t item_get_parts[] = {
    NAMESPACE(cairn_store_get_args_t, ns),
    SLICE(cairn_store_get_args_t, key),
};
const cairn_shape_t cairn_store_get_shape = SHAPE(cairn_store_get_args_t, item_get_parts);

static const cairn_shape_part_t item_put_parts[] = {
    NAMESPACE(cairn_store_put_args_t, ns),
    SLICE(cairn_store_put_args_t, key),
    SLICE(cairn_store_put_args_t, value),
    MANY(cairn_store_put_args_t, vectors, vector_count, vector_shape),
};
const cairn_shape_t cairn_store_put_shape = SHAPE(cairn_store_put_args_t, item_put_parts);

static const cairn_shape_part_t search_parts[] = {
    NAMESPACE(cairn_store_search_args_t, prefix),
    SLICE(cairn_store_search_args_t, filter),
    SLICE(cairn_store_search_args_t, cursor),
    ONE(cairn_store_search_args_t, near, vector_shape),
};
const cairn_shape_t cairn_store_search_shape = SHAPE(cairn_store_search_args_t, search_parts);

static const cairn_shape_part_t condition_parts[] = {NAMESPACE(cairn_match_condition_t, path)};
static const cairn_shape_t condition_shape = SHAPE(cairn_match_condition_t, condition_parts);

static const cairn_shape_part_t names_parts[] = {
    MANY(cairn_store_list_args_t, conditions, condition_count, condition_shape),
    SLICE(cairn_store_list_args_t, cursor),
};
const cairn_shape_t cairn_store_list_shape = SHAPE(cairn_store_list_args_t, names_parts);

static const cairn_shape_part_t step_parts[] = {
    ONE(cairn_store_step_t, get, cairn_store_get_shape),
    ONE(cairn_store_step_t, put, cairn_store_put_shape),
    ONE(cairn_store_step_t, search, cairn_store_search_shape),
    ONE(cairn_store_step_t, list, cairn_store_list_shape),
};
const cairn_shape_t cairn_store_step_shape = SHAPE(cairn_store_step_t, step_parts);

/* ---- streams ---- */

static const cairn_shape_part_t entry_parts[] = {
    SLICE(cairn_stream_entry_t, event),
    VALUE(cairn_stream_entry_t, data),
    SLICE(cairn_stream_entry_t, id),
};
static const cairn_shape_t entry_shape = SHAPE(cairn_stream_entry_t, entry_parts);
static const cairn_shape_t position_shape = {.size = sizeof(cairn_position_t)};

static const cairn_shape_part_t append_parts[] = {
    SLICE(cairn_stream_append_args_t, stream),
    MANY(cairn_stream_append_args_t, entries, count, entry_shape),
    ONE(cairn_stream_append_args_t, expected_last, position_shape),
};
const cairn_shape_t cairn_stream_append_shape = SHAPE(cairn_stream_append_args_t, append_parts);

static const cairn_shape_part_t read_parts[] = {SLICE(cairn_stream_read_args_t, stream)};
const cairn_shape_t cairn_stream_read_shape = SHAPE(cairn_stream_read_args_t, read_parts);

static const cairn_shape_part_t copy_parts[] = {
    SLICE(cairn_stream_copy_args_t, source),
    SLICE(cairn_stream_copy_args_t, target),
};
const cairn_shape_t cairn_stream_copy_shape = SHAPE(cairn_stream_copy_args_t, copy_parts);

static const cairn_shape_part_t create_parts[] = {
    SLICE(cairn_group_create_args_t, stream),
    SLICE(cairn_group_create_args_t, group),
    SLICE(cairn_group_create_args_t, dead_letter),
};
const cairn_shape_t cairn_group_create_shape = SHAPE(cairn_group_create_args_t, create_parts);

static const cairn_shape_part_t ack_parts[] = {
    SLICE(cairn_group_ack_args_t, stream),
    SLICE(cairn_group_ack_args_t, group),
    MANY(cairn_group_ack_args_t, positions, count, position_shape),
};
const cairn_shape_t cairn_group_ack_shape = SHAPE(cairn_group_ack_args_t, ack_parts);

static const cairn_shape_part_t group_read_parts[] = {
    SLICE(cairn_group_read_args_t, stream),
    SLICE(cairn_group_read_args_t, group),
    SLICE(cairn_group_read_args_t, member),
};
const cairn_shape_t cairn_group_read_shape = SHAPE(cairn_group_read_args_t, group_read_parts);
