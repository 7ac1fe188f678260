/* cairn/stream.h but for tails and watches (follow.c): checks the arguments, then hands on. */
#include "interfaces.h"
#include "list.h"
#include "verify.h"

#include <cairn/stream.h>

#define HAVE(ops, slot) OPS_HAVE(cairn_stream_ops_t, ops, slot)

int cairn_streams_init(cairn_streams_t *streams, cairn_t *cairn,
                       const cairn_streams_options_t *options)
{
    static const cairn_streams_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    verify_ttl(&check, "ttl", options->ttl, CAIRN_STREAM_TTL_MS);
    if (check.status < 0) return check.status;
    *streams = (cairn_streams_t){.cairn = cairn, .options = *options};
    return 0;
}

int64_t stream_ttl_ms(const cairn_streams_t *streams)
{
    return streams->options.ttl.given ? streams->options.ttl.ms : CAIRN_STREAM_TTL_MS;
}

uint64_t stream_max_events(const cairn_streams_t *streams)
{
    uint64_t max_events = streams->options.max_events;
    return max_events ? max_events : CAIRN_STREAM_MAX_EVENTS;
}

/* ---- append, end, error, cancel ---- */

static void verify_entries(verify_t *check, const cairn_stream_entry_t *entries, size_t count)
{
    verify_array(check, "entries", entries, count, CAIRN_APPEND_MAX);
    if (count == 0) verify_wrong(check, UV_EINVAL, "entries", "are none");
    for (size_t i = 0; i < count && check->status == 0; i++) {
        verify_in(check, "entries", i);
        verify_name(check, "event", entries[i].event);
        verify_value(check, "data", entries[i].data);
        verify_optional(check, "id", entries[i].id);
        if (i + 1 < count && cairn_stream_ends(entries[i].event))
            verify_wrong(check, UV_EINVAL, "event", "ends the stream, but is not the last");
    }
    verify_in(check, NULL, 0);
}

int cairn_stream_append(cairn_streams_t *streams, cairn_stream_append_t *req, cairn_slice_t stream,
                        const cairn_stream_entry_t *entries, size_t count,
                        const cairn_stream_append_options_t *options, cairn_stream_append_cb cb)
{
    static const cairn_stream_append_options_t defaults;
    if (!options) options = &defaults;
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    verify_entries(&check, entries, count);
    int64_t ttl_ms = verify_ttl(&check, "ttl", options->ttl, stream_ttl_ms(streams));
    cairn_core_t *core;
    int rc = verify_begin(&check, streams->cairn, &req->req, CAIRN_CAP_STREAMS, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, append)) return verify_no_slot(core, &req->req);
    cairn_stream_append_args_t args = {
        .size = sizeof args,
        .stream = stream,
        .entries = entries,
        .count = count,
        .expected_last = options->expected_last,
        .ttl_ms = ttl_ms,
        .max_events = stream_max_events(streams),
    };
    req->cb = cb;
    rc = ops->append(core->self, req, &args);
    return core_started(core, &req->req, CORE_REQ_STREAM_APPEND, rc);
}

static int append_one(cairn_streams_t *streams, cairn_stream_append_t *req, cairn_slice_t stream,
                      const char *event, cairn_value_t data, cairn_stream_append_cb cb)
{
    cairn_stream_entry_t entry = {.event = cairn_str(event), .data = data};
    return cairn_stream_append(streams, req, stream, &entry, 1, NULL, cb);
}

int cairn_stream_end(cairn_streams_t *streams, cairn_stream_append_t *req, cairn_slice_t stream,
                     cairn_value_t data, cairn_stream_append_cb cb)
{
    return append_one(streams, req, stream, CAIRN_STREAM_END, data, cb);
}

int cairn_stream_error(cairn_streams_t *streams, cairn_stream_append_t *req, cairn_slice_t stream,
                       cairn_value_t data, cairn_stream_append_cb cb)
{
    return append_one(streams, req, stream, CAIRN_STREAM_ERROR, data, cb);
}

int cairn_stream_cancel(cairn_streams_t *streams, cairn_stream_append_t *req, cairn_slice_t stream,
                        cairn_value_t data, cairn_stream_append_cb cb)
{
    return append_one(streams, req, stream, CAIRN_STREAM_CANCEL, data, cb);
}

/* ---- read ---- */

int cairn_stream_read(cairn_streams_t *streams, cairn_stream_read_t *req, cairn_slice_t stream,
                      const cairn_stream_range_t *range, cairn_stream_read_cb cb)
{
    static const cairn_stream_range_t everything;
    if (!range) range = &everything;
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    verify_number(&check, "page_size", range->page_size, 0, CAIRN_PAGE_MAX);
    cairn_core_t *core;
    int rc = verify_begin(&check, streams->cairn, &req->req, CAIRN_CAP_STREAMS, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, read)) return verify_no_slot(core, &req->req);
    cairn_stream_read_args_t args = {
        .size = sizeof args,
        .stream = stream,
        .after = range->after,
        .until = range->until,
        .most = range->page_size ? range->page_size : CAIRN_PAGE_DEFAULT,
        .newest = range->newest,
        .may_lag = true,
    };
    return stream_read_start(core, req, &args, cb);
}

int stream_read_start(cairn_core_t *core, cairn_stream_read_t *req,
                      const cairn_stream_read_args_t *args, cairn_stream_read_cb cb)
{
    req->cb = cb;
    int rc = core->backend->stream->read(core->self, req, args);
    return core_started(core, &req->req, CORE_REQ_STREAM_READ, rc);
}

/* ---- clear, copy, length, exists ---- */

/* What the operations on nothing but a stream have in common. */
static int begin(cairn_streams_t *streams, cairn_req_t *req, cairn_slice_t stream,
                 cairn_core_t **core)
{
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    return verify_begin(&check, streams->cairn, req, CAIRN_CAP_STREAMS, core);
}

int cairn_stream_clear(cairn_streams_t *streams, cairn_stream_count_t *req, cairn_slice_t stream,
                       cairn_stream_count_cb cb)
{
    cairn_core_t *core;
    int rc = begin(streams, &req->req, stream, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, clear)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_CLEAR,
                        ops->clear(core->self, req, stream));
}

int cairn_stream_copy(cairn_streams_t *streams, cairn_stream_count_t *req, cairn_slice_t source,
                      cairn_slice_t target, cairn_ttl_t ttl, cairn_stream_count_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_id(&check, "source", source);
    verify_id(&check, "target", target);
    if (check.status == 0 && cairn_slice_eq(source, target))
        verify_wrong(&check, UV_EINVAL, "target", "is the source");
    int64_t ttl_ms = verify_ttl(&check, "ttl", ttl, stream_ttl_ms(streams));
    cairn_core_t *core;
    int rc = verify_begin(&check, streams->cairn, &req->req, CAIRN_CAP_STREAMS, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, copy)) return verify_no_slot(core, &req->req);
    cairn_stream_copy_args_t args = {sizeof args, source, target, ttl_ms};
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_COPY, ops->copy(core->self, req, &args));
}

int cairn_stream_length(cairn_streams_t *streams, cairn_stream_count_t *req, cairn_slice_t stream,
                        cairn_stream_count_cb cb)
{
    cairn_core_t *core;
    int rc = begin(streams, &req->req, stream, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, length)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_LENGTH,
                        ops->length(core->self, req, stream));
}

int cairn_stream_exists(cairn_streams_t *streams, cairn_stream_count_t *req, cairn_slice_t stream,
                        cairn_stream_count_cb cb)
{
    cairn_core_t *core;
    int rc = begin(streams, &req->req, stream, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, exists)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_EXISTS,
                        ops->exists(core->self, req, stream));
}

/* ---- info, TTL ---- */

int cairn_stream_info(cairn_streams_t *streams, cairn_stream_info_t *req, cairn_slice_t stream,
                      cairn_stream_info_cb cb)
{
    cairn_core_t *core;
    int rc = begin(streams, &req->req, stream, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, info)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_INFO, ops->info(core->self, req, stream));
}

int cairn_stream_ttl(cairn_streams_t *streams, cairn_stream_ttl_t *req, cairn_slice_t stream,
                     cairn_stream_ttl_cb cb)
{
    cairn_core_t *core;
    int rc = begin(streams, &req->req, stream, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    return core_started(core, &req->req, CORE_REQ_STREAM_TTL, ops->ttl(core->self, req, stream));
}

int cairn_stream_set_ttl(cairn_streams_t *streams, cairn_stream_ttl_t *req, cairn_slice_t stream,
                         cairn_ttl_t ttl, cairn_stream_ttl_cb cb)
{
    verify_t check;
    verify_init(&check);
    verify_id(&check, "stream", stream);
    int64_t ttl_ms = verify_given_ttl(&check, "ttl", ttl);
    cairn_core_t *core;
    int rc = verify_begin(&check, streams->cairn, &req->req, CAIRN_CAP_STREAMS, &core);
    if (rc < 0) return rc;
    const cairn_stream_ops_t *ops = core->backend->stream;
    if (!HAVE(ops, set_ttl)) return verify_no_slot(core, &req->req);
    req->cb = cb;
    rc = ops->set_ttl(core->self, req, stream, ttl_ms);
    return core_started(core, &req->req, CORE_REQ_STREAM_SET_TTL, rc);
}

/* ---- the ways up ---- */

static void append_done(cairn_stream_append_t *req, const cairn_stream_appended_t *appended)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, appended);
}

static void read_done(cairn_stream_read_t *req, const cairn_stream_page_t *page)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, page);
}

static void count_done(cairn_stream_count_t *req, uint64_t events)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, events);
}

static void info_done(cairn_stream_info_t *req, const cairn_stream_facts_t *facts)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, facts);
}

static void ttl_done(cairn_stream_ttl_t *req, int64_t ttl_ms)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, ttl_ms);
}

const cairn_stream_done_t core_stream_done = {
    .size = sizeof(cairn_stream_done_t),
    .append_done = append_done,
    .read_done = read_done,
    .count_done = count_done,
    .info_done = info_done,
    .ttl_done = ttl_done,
    .change_done = group_change_done,
    .group_read_done = group_read_done,
    .group_info_done = group_info_done,
};

void stream_append_failed(cairn_req_t *base, int status)
{
    cairn_stream_append_t *req = CONTAINER_OF(base, cairn_stream_append_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void stream_read_failed(cairn_req_t *base, int status)
{
    cairn_stream_read_t *req = CONTAINER_OF(base, cairn_stream_read_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void stream_count_failed(cairn_req_t *base, int status)
{
    cairn_stream_count_t *req = CONTAINER_OF(base, cairn_stream_count_t, req);
    if (req->cb) req->cb(req, status, 0);
}

void stream_info_failed(cairn_req_t *base, int status)
{
    cairn_stream_info_t *req = CONTAINER_OF(base, cairn_stream_info_t, req);
    if (req->cb) req->cb(req, status, NULL);
}

void stream_ttl_failed(cairn_req_t *base, int status)
{
    cairn_stream_ttl_t *req = CONTAINER_OF(base, cairn_stream_ttl_t, req);
    if (req->cb) req->cb(req, status, CAIRN_TTL_ABSENT);
}
