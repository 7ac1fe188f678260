/* Every allocation fails once, and everything after it, while appends claim their positions, and
 * another handle takes them: whatever was accepted ends once, what was acknowledged is there, and
 * nothing is left behind. */
#include "alloc_life.h"
#include "check.h"
#include "loop.h"

#include <cairn/stream.h>

enum {
    EVENTS = 8
};

typedef struct life {
    cairn_streams_t streams, others;
    cairn_t other;
    cairn_stream_append_t appends[EVENTS];
    cairn_stream_count_t length;
    unsigned submitted, acknowledged;
    bool other_is_closed;
} life_t;

static life_t it;

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    alloc_life_expect(appended->count == 1, "one event was appended");
    it.acknowledged++;
}

static void on_length(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    alloc_life_expect(events >= it.acknowledged && events <= it.submitted,
                      "what was acknowledged is there");
}

static void append(cairn_streams_t *streams)
{
    const cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                        .data = {cairn_str("json"), cairn_str("1")}};
    cairn_stream_append_t *req = &it.appends[it.submitted];
    if (alloc_life_accepts(
            cairn_stream_append(streams, req, cairn_str("run"), &entry, 1, NULL, on_appended)))
        it.submitted++;
}

static void on_closed(cairn_t *cairn)
{
    (void)cairn;
    it.other_is_closed = true;
}

static bool is_closed(void *unused)
{
    (void)unused;
    return it.other_is_closed;
}

/* Without this handle's knowing. */
static void append_elsewhere(void)
{
    int rc = cairn_open_url(&it.other, &alloc_life.loop, alloc_life.url, NULL);
    if (rc < 0) {
        assert_status(rc, UV_ENOMEM);
        return;
    }
    assert_status(cairn_streams_init(&it.others, &it.other, NULL), 0);
    append(&it.others);
    alloc_life_await();
    cairn_close(&it.other, on_closed);
    loop_run_until(&alloc_life.loop, "the other handle to close", is_closed, NULL);
}

static void live(void)
{
    it = (life_t){0};
    assert_status(cairn_streams_init(&it.streams, &alloc_life.cairn, NULL), 0);
    for (int i = 0; i < 3; i++) {
        append(&it.streams);
        alloc_life_await();
        if (it.acknowledged < it.submitted) return; /* nothing will be claimed */
    }
    append_elsewhere();
    for (int i = 0; i < 3; i++) {
        append(&it.streams);
        loop_turns(&alloc_life.loop, 1);
    }
    alloc_life_accepts(cairn_stream_length(&it.streams, &it.length, cairn_str("run"), on_length));
    alloc_life_await();
}

int main(void)
{
    return alloc_life_run("allocation faults: claims of streams", live, NULL);
}
