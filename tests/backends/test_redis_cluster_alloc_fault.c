/* Every allocation fails once, and everything after it, of a handle that finds out that the server
 * is a node of a cluster, learns its map and follows streams on all of its nodes. Whatever a submit
 * accepted ends once, and nothing is left behind. */
#include "alloc_life.h"
#include "check.h"
#include "cluster.h"
#include "loop.h"

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
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(appended->count == 1, "it was not appended");
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    for (size_t i = 0; i < page->count; i++)
        alloc_life_expect(cairn_slice_eq(page->events[i].data.bytes, cairn_str("a")),
                          "an event is not whole");
}

/* Its target is there. */
static void on_refused(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req, (void)events;
    alloc_life_expect(!alloc_life_ends(status), "a copy was made of one on the other");
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

static const char *url(const char *rest)
{
    static char text[512];
    snprintf(text, sizeof text, "redis://127.0.0.1:%d?cluster=auto&%s", cluster_port(&cluster, 0),
             rest);
    return text;
}

int main(void)
{
    static const alloc_life_place_t place = {.url = url, .clear = clear};
    const cluster_options_t masters = {.masters = 3, .replicas = -1};
    cluster_start(&cluster, &masters);
    for (unsigned i = 0; i < STREAMS; i++) cluster_tag(names[i], 100 + 5500 * i);
    cluster_tag(copy, 8000);
    int failures = alloc_life_run_at(&place, "allocation faults: a cluster", live);
    cluster_stop(&cluster);
    return failures;
}
