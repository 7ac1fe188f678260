/* In which of two layouts a handle keeps its run streams: that of our own, or that of Pure Graph.
 * Each has its table of operations; this is the one that the descriptor names. */
#include "redis_pure_graph.h"

static const cairn_stream_ops_t *ops_of(const void *self)
{
    const redis_backend_t *redis = self;
    return redis->pure_graph ? &redis_pure_graph_ops : &redis_stream_ops;
}

static int layout_append(void *self, cairn_stream_append_t *req,
                         const cairn_stream_append_args_t *args)
{
    return ops_of(self)->append(self, req, args);
}

static int layout_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    return ops_of(self)->read(self, req, args);
}

static int layout_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ops_of(self)->clear(self, req, stream);
}

static int layout_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ops_of(self)->length(self, req, stream);
}

static int layout_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    return ops_of(self)->exists(self, req, stream);
}

static int layout_copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    return ops_of(self)->copy(self, req, args);
}

static int layout_info(void *self, cairn_stream_info_t *req, cairn_slice_t stream)
{
    return ops_of(self)->info(self, req, stream);
}

static int layout_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream)
{
    return ops_of(self)->ttl(self, req, stream);
}

static int layout_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms)
{
    return ops_of(self)->set_ttl(self, req, stream, ttl_ms);
}

static int layout_group_create(void *self, cairn_group_change_t *req,
                               const cairn_group_create_args_t *args)
{
    return ops_of(self)->group_create(self, req, args);
}

static int layout_group_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                                cairn_slice_t group)
{
    return ops_of(self)->group_destroy(self, req, stream, group);
}

static int layout_group_ack(void *self, cairn_group_change_t *req,
                            const cairn_group_ack_args_t *args)
{
    return ops_of(self)->group_ack(self, req, args);
}

static int layout_group_nak(void *self, cairn_group_change_t *req,
                            const cairn_group_ack_args_t *args)
{
    return ops_of(self)->group_nak(self, req, args);
}

static int layout_group_read(void *self, cairn_group_read_t *req,
                             const cairn_group_read_args_t *args)
{
    return ops_of(self)->group_read(self, req, args);
}

static int layout_group_claim(void *self, cairn_group_read_t *req,
                              const cairn_group_read_args_t *args)
{
    return ops_of(self)->group_claim(self, req, args);
}

static int layout_group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                             cairn_slice_t group)
{
    return ops_of(self)->group_info(self, req, stream, group);
}

static int layout_feed_open(void *self, cairn_feed_t *feed)
{
    return ops_of(self)->feed_open(self, feed);
}

static void layout_feed_close(void *self, cairn_feed_t *feed)
{
    ops_of(self)->feed_close(self, feed);
}

const cairn_stream_ops_t redis_layout_ops = {
    .size = sizeof(cairn_stream_ops_t),
    .append = layout_append,
    .read = layout_read,
    .clear = layout_clear,
    .length = layout_length,
    .exists = layout_exists,
    .copy = layout_copy,
    .info = layout_info,
    .ttl = layout_ttl,
    .set_ttl = layout_set_ttl,
    .group_create = layout_group_create,
    .group_destroy = layout_group_destroy,
    .group_ack = layout_group_ack,
    .group_nak = layout_group_nak,
    .group_read = layout_group_read,
    .group_claim = layout_group_claim,
    .group_info = layout_group_info,
    .feed_open = layout_feed_open,
    .feed_close = layout_feed_close,
};
