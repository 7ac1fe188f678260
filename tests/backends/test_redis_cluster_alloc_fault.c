/* Every allocation fails once, and everything after it, of a handle that finds out that the server
 * is a node of a cluster, learns its map, follows streams and listens to sharded topics on all of
 * its nodes. Whatever a submit
 * accepted ends once, and nothing is left behind. */
#include "alloc_life.h"
#include "check.h"
#include "cluster.h"
#include "loop.h"

#include <cairn/broker.h>
#include <cairn/group.h>
#include <stdio.h>
#include <string.h>

#define STREAMS 3 /* one a node */

typedef struct life {
    cairn_streams_t streams;
    cairn_stream_tail_t tails[STREAMS];
    cairn_stream_append_t early[STREAMS], late[STREAMS];
    cairn_stream_read_t reads[STREAMS];
    cairn_stream_count_t early_copy, late_copy;
    bool target_is_there; /* of the early one */
} life_t;

static cluster_t cluster;
static cluster_tag_t names[STREAMS], copy;
static life_t it;

static void clear(void)
{
    for (int node = 0; node < cluster.count; node++) cluster_ask(&cluster, node, "FLUSHALL");
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    if (!alloc_life_ends(status)) return;
    alloc_life_expect(appended->count == 1, "it was not appended");
    it.target_is_there |= req == &it.early[1];
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    for (size_t i = 0; i < page->count; i++)
        alloc_life_expect(cairn_slice_eq(page->events[i].data.bytes, cairn_str("a")),
                          "an event is not whole");
}

/* Its target is there, if it could be made. */
static void on_refused(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req, (void)events;
    if (alloc_life_ends(status))
        alloc_life_expect(!it.target_is_there, "a copy was made of one on the other");
}

static void on_copied(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(events <= 1, "there are more than were copied");
}

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    (void)tail;
    alloc_life_expect(cairn_slice_eq(event->data.bytes, cairn_str("a")), "an event is not whole");
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    (void)tail, (void)notice;
}

static void append(cairn_stream_append_t *req, const char *name)
{
    const cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                        .data = {cairn_str("json"), cairn_str("a")}};
    alloc_life_accepts(
        cairn_stream_append(&it.streams, req, cairn_str(name), &entry, 1, NULL, on_appended));
}

static void live(void)
{
    const cairn_stream_tail_options_t all = {.from = CAIRN_FROM_ALL};
    memset(&it, 0, sizeof it);
    assert_status(cairn_streams_init(&it.streams, &alloc_life.cairn, NULL), 0);
    for (int i = 0; i < STREAMS; i++) {
        it.tails[i].on_notice = on_notice;
        int rc =
            cairn_stream_tail_open(&it.streams, &it.tails[i], cairn_str(names[i]), &all, on_event);
        if (rc != 0) assert_status(rc, UV_ENOMEM);
        append(&it.early[i], names[i]);
    }
    alloc_life_accepts(cairn_stream_copy(&it.streams, &it.early_copy, cairn_str(names[0]),
                                         cairn_str(names[1]), (cairn_ttl_t){0}, on_refused));
    alloc_life_await();
    alloc_life_accepts(cairn_stream_copy(&it.streams, &it.late_copy, cairn_str(names[0]),
                                         cairn_str(copy), (cairn_ttl_t){0}, on_copied));
    for (int i = 0; i < STREAMS; i++) {
        append(&it.late[i], names[i]);
        alloc_life_accepts(
            cairn_stream_read(&it.streams, &it.reads[i], cairn_str(names[i]), NULL, on_page));
    }
}

/* ---- topics ---- */

typedef struct topics {
    cairn_broker_t broker;
    cairn_broker_sub_t subs[STREAMS];
    cairn_broker_publish_t early[STREAMS], late[STREAMS];
} topics_t;

static topics_t heard;

static void on_published(cairn_broker_publish_t *req, int status, int64_t receivers)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(receivers <= 1, "more got it than there are");
}

static void on_message(cairn_broker_sub_t *sub, const cairn_broker_message_t *message)
{
    const size_t at = (size_t)(sub - heard.subs);
    alloc_life_expect(cairn_slice_eq(message->channel, cairn_str(names[at])), "a wrong channel");
    alloc_life_expect(message->payload.len == 1, "a message is not whole");
}

static void on_sub_event(cairn_broker_sub_t *sub, const cairn_broker_event_t *event)
{
    (void)sub, (void)event;
}

static void publish(cairn_broker_publish_t *req, const char *name)
{
    alloc_life_accepts(
        cairn_broker_publish(&heard.broker, req, cairn_str(name), cairn_str("a"), on_published));
}

static void live_with_topics(void)
{
    memset(&heard, 0, sizeof heard);
    cairn_broker_init(&heard.broker, &alloc_life.cairn);
    for (int i = 0; i < STREAMS; i++) {
        heard.subs[i].on_event = on_sub_event;
        int rc = cairn_broker_subscribe(&heard.broker, &heard.subs[i], cairn_str(names[i]), NULL,
                                        on_message);
        if (rc != 0) assert_status(rc, UV_ENOMEM);
        publish(&heard.early[i], names[i]);
    }
    alloc_life_await();
    cairn_broker_unsubscribe(&heard.subs[0], NULL);
    for (int i = 0; i < STREAMS; i++) publish(&heard.late[i], names[i]);
}

static const char *url_with(const char *first, const char *rest)
{
    static char text[512];
    snprintf(text, sizeof text, "redis://127.0.0.1:%d?cluster=auto&%s%s", cluster_port(&cluster, 0),
             first, rest);
    return text;
}

static const char *url(const char *rest)
{
    return url_with("", rest);
}

static const char *sharded_url(const char *rest)
{
    return url_with("sharded_topics=1&", rest);
}

int main(void)
{
    static const alloc_life_place_t place = {.url = url, .clear = clear};
    static const alloc_life_place_t sharded = {.url = sharded_url, .clear = clear, .brief = true};
    const cluster_options_t masters = {.masters = 3, .replicas = -1};
    cluster_start(&cluster, &masters);
    for (unsigned i = 0; i < STREAMS; i++) cluster_tag(names[i], 100 + 5500 * i);
    cluster_tag(copy, 8000);
    int failures = alloc_life_run_at(&place, "allocation faults: a cluster", live);
    failures += alloc_life_run_at(&sharded, "allocation faults: sharded topics", live_with_topics);
    cluster_stop(&cluster);
    return failures;
}
