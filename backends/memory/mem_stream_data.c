#include "mem_stream.h"

#include <cairn/sys/alloc.h>
#include <string.h>

/* ---- events ---- */

static cairn_slice_t keep(char **end, cairn_slice_t bytes)
{
    if (!bytes.ptr) return bytes;
    char *copy = *end;
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    *end += bytes.len;
    return cairn_slice(copy, bytes.len);
}

mem_event_t *mem_event_make(const cairn_stream_event_t *from)
{
    size_t len = from->event.len + from->data.type.len + from->data.bytes.len + from->id.len;
    mem_event_t *event = cairn_calloc(1, sizeof *event + len);
    if (!event) return NULL;
    char *end = event->text;
    event->event.position = from->position;
    event->event.event = keep(&end, from->event);
    event->event.data.type = keep(&end, from->data.type);
    event->event.data.bytes = keep(&end, from->data.bytes);
    event->event.id = keep(&end, from->id);
    event->users = 1;
    return event;
}

void mem_event_release(mem_event_t *event)
{
    if (--event->users == 0) cairn_free(event);
}

/* ---- streams ---- */

static mem_stream_t *find(const mem_streams_t *streams, cairn_slice_t id)
{
    mem_node_t *node = mem_map_find(&streams->by_id, mem_key(id));
    return node ? CAIRN_CONTAINER_OF(node, mem_stream_t, node) : NULL;
}

mem_stream_t *mem_stream_find(const mem_streams_t *streams, cairn_slice_t id)
{
    mem_stream_t *stream = find(streams, id);
    return stream && stream->there ? stream : NULL;
}

mem_stream_t *mem_stream_make(mem_streams_t *streams, cairn_slice_t id)
{
    mem_stream_t *stream = find(streams, id);
    if (stream) return stream;
    stream = cairn_calloc(1, sizeof *stream + id.len);
    if (!stream) return NULL;
    stream->streams = streams;
    stream->ttl_ms = CAIRN_TTL_PERSIST;
    if (id.len) memcpy(stream->id, id.ptr, id.len);
    stream->node.key = mem_key(cairn_slice(stream->id, id.len));
    mem_map_insert(&streams->by_id, &stream->node);
    return stream;
}

void mem_stream_begin(mem_stream_t *stream)
{
    if (stream->there) return;
    stream->there = true;
    stream->birth = ++stream->streams->births;
    stream->last = 0;
}

void mem_stream_drop(mem_stream_t *stream)
{
    while (stream->count > 0) {
        mem_event_release(stream->log[stream->first]);
        stream->first = (stream->first + 1) & (stream->room - 1);
        stream->count--;
    }
    cairn_free(stream->log);
    stream->log = NULL;
    stream->room = 0;
    stream->first = 0;
    stream->ids = (mem_map_t){0};
    for (mem_node_t *node; (node = mem_map_first(&stream->groups));) {
        mem_map_remove(&stream->groups, node);
        mem_group_free(CAIRN_CONTAINER_OF(node, mem_group_t, node));
    }
    mem_stream_set_ttl(stream, CAIRN_TTL_PERSIST);
    stream->there = false;
}

void mem_stream_trim(mem_stream_t *stream)
{
    if (stream->there || stream->feed || stream->pushing) return;
    mem_streams_t *streams = stream->streams;
    streams->host->api->undefer(streams->host, &stream->push);
    mem_map_remove(&streams->by_id, &stream->node);
    cairn_free(stream);
}

void mem_streams_clear(mem_streams_t *streams)
{
    for (mem_node_t *node; (node = mem_map_first(&streams->by_id));) {
        mem_stream_t *stream = CAIRN_CONTAINER_OF(node, mem_stream_t, node);
        mem_stream_drop(stream);
        mem_stream_trim(stream);
    }
}

/* ---- time to live ---- */

void mem_stream_set_ttl(mem_stream_t *stream, int64_t ttl_ms)
{
    mem_streams_t *streams = stream->streams;
    if (stream->ttl_ms > 0) mem_map_remove(&streams->deadlines, &stream->in_deadlines);
    stream->ttl_ms = ttl_ms;
    if (ttl_ms == CAIRN_TTL_PERSIST) return;
    stream->deadline_ms = streams->now_ms + (uint64_t)ttl_ms;
    stream->in_deadlines.key = mem_number_key(stream->deadline_key, stream->deadline_ms);
    mem_map_insert(&streams->deadlines, &stream->in_deadlines);
}

int64_t mem_stream_ttl(const mem_stream_t *stream)
{
    if (stream->ttl_ms == CAIRN_TTL_PERSIST) return CAIRN_TTL_PERSIST;
    return (int64_t)(stream->deadline_ms - stream->streams->now_ms);
}

void mem_streams_expire(mem_streams_t *streams, uint64_t now_ms)
{
    streams->now_ms = now_ms;
    for (mem_node_t *node; (node = mem_map_first(&streams->deadlines));) {
        mem_stream_t *stream = CAIRN_CONTAINER_OF(node, mem_stream_t, in_deadlines);
        if (stream->deadline_ms > now_ms) return;
        mem_stream_drop(stream);
        mem_stream_trim(stream);
    }
}
