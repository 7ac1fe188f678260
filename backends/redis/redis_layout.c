/* The operations of run streams: in which of two layouts a handle keeps them, that of our own or
 * that of Pure Graph, of which each has its table; and at once, or kept for later. */
#include "redis_pure_graph.h"

#include <stddef.h>

static const cairn_stream_ops_t *ops_of(const redis_backend_t *redis)
{
    return redis->pure_graph ? &redis_pure_graph_ops : &redis_stream_ops;
}

static bool keeps(const redis_backend_t *redis)
{
    return redis->early.keeps;
}

static const cairn_slice_t *slice_of(const void *args)
{
    return args;
}

/* ---- events ---- */

static int ask_append(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->append(redis, CAIRN_CONTAINER_OF(req, cairn_stream_append_t, req), args);
}

static int layout_append(void *self, cairn_stream_append_t *req,
                         const cairn_stream_append_args_t *args)
{
    static const redis_early_op_t op = {&cairn_stream_append_shape, ask_append};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->append(self, req, args);
}

static int ask_read(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->read(redis, CAIRN_CONTAINER_OF(req, cairn_stream_read_t, req), args);
}

static int layout_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    static const redis_early_op_t op = {&cairn_stream_read_shape, ask_read};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->read(self, req, args);
}

/* ---- streams ---- */

static int ask_clear(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->clear(redis, CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req),
                                *slice_of(args));
}

static int layout_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_clear};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &stream);
    return ops_of(self)->clear(self, req, stream);
}

static int ask_length(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->length(redis, CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req),
                                 *slice_of(args));
}

static int layout_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_length};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &stream);
    return ops_of(self)->length(self, req, stream);
}

static int ask_exists(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->exists(redis, CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req),
                                 *slice_of(args));
}

static int layout_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_exists};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &stream);
    return ops_of(self)->exists(self, req, stream);
}

static int ask_copy(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->copy(redis, CAIRN_CONTAINER_OF(req, cairn_stream_count_t, req), args);
}

static int layout_copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    static const redis_early_op_t op = {&cairn_stream_copy_shape, ask_copy};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->copy(self, req, args);
}

static int ask_info(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->info(redis, CAIRN_CONTAINER_OF(req, cairn_stream_info_t, req),
                               *slice_of(args));
}

static int layout_info(void *self, cairn_stream_info_t *req, cairn_slice_t stream)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_info};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &stream);
    return ops_of(self)->info(self, req, stream);
}

static int ask_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->ttl(redis, CAIRN_CONTAINER_OF(req, cairn_stream_ttl_t, req),
                              *slice_of(args));
}

static int layout_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream)
{
    static const redis_early_op_t op = {&cairn_slice_shape, ask_ttl};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &stream);
    return ops_of(self)->ttl(self, req, stream);
}

typedef struct new_ttl {
    cairn_slice_t stream;
    int64_t ttl_ms;
} new_ttl_t;

static const cairn_shape_part_t new_ttl_parts[] = {{offsetof(new_ttl_t, stream), NULL, 0}};
static const cairn_shape_t new_ttl_shape = {sizeof(new_ttl_t), new_ttl_parts, 1};

static int ask_set_ttl(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const new_ttl_t *given = args;
    return ops_of(redis)->set_ttl(redis, CAIRN_CONTAINER_OF(req, cairn_stream_ttl_t, req),
                                  given->stream, given->ttl_ms);
}

static int layout_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms)
{
    static const redis_early_op_t op = {&new_ttl_shape, ask_set_ttl};
    const new_ttl_t given = {stream, ttl_ms};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &given);
    return ops_of(self)->set_ttl(self, req, stream, ttl_ms);
}

/* ---- groups ---- */

typedef struct place {
    cairn_slice_t stream;
    cairn_slice_t group;
} place_t;

static const cairn_shape_part_t place_parts[] = {{offsetof(place_t, stream), NULL, 0},
                                                 {offsetof(place_t, group), NULL, 0}};
static const cairn_shape_t place_shape = {sizeof(place_t), place_parts, 2};

static int ask_group_create(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->group_create(redis, CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                       args);
}

static int layout_group_create(void *self, cairn_group_change_t *req,
                               const cairn_group_create_args_t *args)
{
    static const redis_early_op_t op = {&cairn_group_create_shape, ask_group_create};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->group_create(self, req, args);
}

static int ask_group_destroy(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const place_t *place = args;
    return ops_of(redis)->group_destroy(redis, CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                        place->stream, place->group);
}

static int layout_group_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                                cairn_slice_t group)
{
    static const redis_early_op_t op = {&place_shape, ask_group_destroy};
    const place_t place = {stream, group};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &place);
    return ops_of(self)->group_destroy(self, req, stream, group);
}

static int ask_group_ack(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->group_ack(redis, CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                    args);
}

static int layout_group_ack(void *self, cairn_group_change_t *req,
                            const cairn_group_ack_args_t *args)
{
    static const redis_early_op_t op = {&cairn_group_ack_shape, ask_group_ack};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->group_ack(self, req, args);
}

static int ask_group_nak(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->group_nak(redis, CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                    args);
}

static int layout_group_nak(void *self, cairn_group_change_t *req,
                            const cairn_group_ack_args_t *args)
{
    static const redis_early_op_t op = {&cairn_group_ack_shape, ask_group_nak};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->group_nak(self, req, args);
}

static int ask_group_read(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->group_read(redis, CAIRN_CONTAINER_OF(req, cairn_group_read_t, req), args);
}

static int layout_group_read(void *self, cairn_group_read_t *req,
                             const cairn_group_read_args_t *args)
{
    static const redis_early_op_t op = {&cairn_group_read_shape, ask_group_read};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->group_read(self, req, args);
}

static int ask_group_claim(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    return ops_of(redis)->group_claim(redis, CAIRN_CONTAINER_OF(req, cairn_group_read_t, req),
                                      args);
}

static int layout_group_claim(void *self, cairn_group_read_t *req,
                              const cairn_group_read_args_t *args)
{
    static const redis_early_op_t op = {&cairn_group_read_shape, ask_group_claim};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, args);
    return ops_of(self)->group_claim(self, req, args);
}

static int ask_group_info(redis_backend_t *redis, cairn_req_t *req, const void *args)
{
    const place_t *place = args;
    return ops_of(redis)->group_info(redis, CAIRN_CONTAINER_OF(req, cairn_group_info_t, req),
                                     place->stream, place->group);
}

static int layout_group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                             cairn_slice_t group)
{
    static const redis_early_op_t op = {&place_shape, ask_group_info};
    const place_t place = {stream, group};
    if (keeps(self)) return redis_early_keep(self, &req->req, &op, &place);
    return ops_of(self)->group_info(self, req, stream, group);
}

/* ---- who follows ---- */

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
