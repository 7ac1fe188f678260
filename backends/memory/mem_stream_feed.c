/* What is appended goes to who follows the stream from the loop, in order: into an outbox first. */
#include "mem_backend.h"

#include <uv.h>

static const cairn_feed_done_t *up(const mem_stream_t *stream)
{
    return stream->streams->host->api->feeds;
}

/* What is there now; what callbacks add waits for the next turn. */
static void push_events(mem_stream_t *stream)
{
    const cairn_host_t *host = stream->streams->host;
    const mem_event_t *end = stream->out_last;
    for (const mem_event_t *pushed = NULL; pushed != end;) {
        mem_event_t *event = stream->out_first;
        pushed = event;
        stream->out_first = event->next;
        if (!stream->out_first) stream->out_last = NULL;
        if (event->after_clear) up(stream)->feed_cleared(host, stream->feed);
        cairn_position_t previous = {event->event.position.high, event->event.position.low - 1};
        if (previous.low == 0) previous.high = 0;
        up(stream)->feed_event(host, stream->feed, previous, &event->event);
        mem_event_release(event);
    }
    if (stream->out_first || !stream->out_cleared) return;
    stream->out_cleared = false;
    up(stream)->feed_cleared(host, stream->feed);
}

static void run_push(cairn_task_t *task)
{
    mem_stream_t *stream = CAIRN_CONTAINER_OF(task, mem_stream_t, push);
    const cairn_host_t *host = stream->streams->host;
    stream->pushing = true;
    mem_streams_expire(stream->streams, host->api->now_ms(host));
    push_events(stream);
    mem_stream_wake(stream);
    stream->pushing = false;
    if (stream->out_first || stream->out_cleared) mem_stream_push_later(stream);
    mem_stream_trim(stream);
}

void mem_stream_push_later(mem_stream_t *stream)
{
    const cairn_host_t *host = stream->streams->host;
    stream->push.run = run_push;
    host->api->defer(host, &stream->push);
}

void mem_stream_push(mem_stream_t *stream, mem_event_t *event)
{
    mem_stream_push_later(stream);
    if (!stream->feed) return;
    event->users++;
    event->next = NULL;
    event->after_clear = stream->out_cleared;
    stream->out_cleared = false;
    if (stream->out_last) {
        stream->out_last->next = event;
    } else {
        stream->out_first = event;
    }
    stream->out_last = event;
}

void mem_stream_push_nothing(mem_stream_t *stream)
{
    while (stream->out_first) {
        mem_event_t *event = stream->out_first;
        stream->out_first = event->next;
        mem_event_release(event);
    }
    stream->out_last = NULL;
    stream->out_cleared = false;
}

int mem_feed_open(void *self, cairn_feed_t *feed)
{
    mem_backend_t *mem = self;
    mem_stream_t *stream = mem_stream_make(&mem->streams, feed->stream);
    if (!stream) return UV_ENOMEM;
    stream->feed = feed;
    feed->data = stream;
    up(stream)->feed_up(mem->host, feed);
    return 0;
}

void mem_feed_close(void *self, cairn_feed_t *feed)
{
    mem_backend_t *mem = self;
    mem_stream_t *stream = feed->data;
    mem_stream_push_nothing(stream);
    stream->feed = NULL;
    mem_stream_trim(stream);
    mem->host->api->feeds->feed_closed(mem->host, feed);
}
