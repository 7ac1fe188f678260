/* A worker appends a run's events; a client follows them, loses its connection in the middle, and
 * comes back with the Last-Event-ID it has seen.
 *
 *     stream_resume                            in memory
 *     stream_resume redis://localhost:6379     over Redis: nothing but the URL changes */
#include <cairn/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define RUN "run-1"

static cairn_t cairn;
static cairn_streams_t streams;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

/* ---- the worker ---- */

static const char *const words[] = {"The", "quick", "brown", "fox", "jumps"};
static cairn_stream_append_t append;
static size_t appended;

/* [worker] */
static void work(cairn_stream_append_t *req, int status, const cairn_stream_appended_t *done)
{
    (void)done;
    must(status, "append");
    cairn_value_t nothing = {cairn_str("text"), cairn_str("")};
    if (appended == sizeof words / sizeof *words) {
        must(cairn_stream_end(&streams, req, cairn_str(RUN), nothing, NULL), "end");
        return;
    }
    cairn_value_t token = {cairn_str("text"), cairn_str(words[appended++])};
    cairn_stream_entry_t entry = {.event = cairn_str("token"), .data = token};
    must(cairn_stream_append(&streams, req, cairn_str(RUN), &entry, 1, NULL, work), "append");
}
/* [worker] end */

/* ---- the client ---- */

static cairn_stream_tail_t tail;
static char last_event_id[CAIRN_POSITION_SIZE];
static size_t seen;
static bool ended;

static void follow(cairn_stream_tail_t *unused);

/* [client] */
static void on_event(cairn_stream_tail_t *t, const cairn_stream_event_t *event)
{
    cairn_position_format(event->position, last_event_id);
    printf("event %.*s: %.*s\n", (int)event->event.len, event->event.ptr,
           (int)event->data.bytes.len, event->data.bytes.ptr);
    if (++seen == 3) cairn_stream_tail_close(t, follow); /* the connection is lost ... */
}

static void on_notice(cairn_stream_tail_t *t, const cairn_tail_notice_t *notice)
{
    (void)t;
    if (notice->type != CAIRN_TAIL_ENDED) return;
    ended = true;
    cairn_close(&cairn, NULL);
}

static void follow(cairn_stream_tail_t *unused)
{
    (void)unused;
    cairn_stream_tail_options_t from = {.from = CAIRN_FROM_ALL};
    if (last_event_id[0]) { /* ... and comes back */
        from.from = CAIRN_FROM_AFTER;
        must(cairn_position_parse(cairn_str(last_event_id), &from.after), "Last-Event-ID");
    }
    tail.on_notice = on_notice;
    must(cairn_stream_tail_open(&streams, &tail, cairn_str(RUN), &from, on_event), "tail");
}
/* [client] end */

static void on_cleared(cairn_stream_count_t *req, int status, uint64_t events)
{
    (void)req;
    (void)events;
    must(status, "clear");
    follow(NULL);
    work(&append, 0, NULL);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    cairn_stream_count_t clear = {0};
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    must(cairn_streams_init(&streams, &cairn, NULL), "streams");
    must(cairn_stream_clear(&streams, &clear, cairn_str(RUN), on_cleared), "clear");
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return ended && seen == 6 ? 0 : 1;
}
