/* A client cancels a run: the worker that produces it learns of it and stops, and everybody who
 * follows the run sees it end.
 *
 *     stream_cancel                            in memory
 *     stream_cancel redis://localhost:6379     over Redis: nothing but the URL changes */
#include <cairn/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define RUN "run-2"

static cairn_t cairn;
static cairn_streams_t streams;
static bool stopped, ended;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static void close_when_both_know(void)
{
    if (stopped && ended) cairn_close(&cairn, NULL);
}

/* ---- the worker ---- */

static cairn_stream_append_t append;

/* [worker] */
static void on_cancel(cairn_stream_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    must(status, "watch");
    printf("the worker stops: %.*s\n", (int)event->data.bytes.len, event->data.bytes.ptr);
    stopped = true;
    cairn_stream_watch_close(watch, NULL);
    close_when_both_know();
}

static void work(cairn_stream_append_t *req, int status, const cairn_stream_appended_t *appended)
{
    (void)appended;
    if (stopped || status == UV_EPIPE) return; /* UV_EPIPE: behind a cancel nothing is appended */
    must(status, "append");
    cairn_value_t token = {cairn_str("text"), cairn_str("...")};
    cairn_stream_entry_t entry = {.event = cairn_str("token"), .data = token};
    must(cairn_stream_append(&streams, req, cairn_str(RUN), &entry, 1, NULL, work), "append");
}
/* [worker] end */

/* ---- the client ---- */

static cairn_stream_append_t cancel;
static int seen;

/* [client] */
static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    (void)tail;
    if (cairn_stream_ends(event->event) || ++seen != 3) return;
    cairn_value_t why = {cairn_str("text"), cairn_str("enough")};
    must(cairn_stream_cancel(&streams, &cancel, cairn_str(RUN), why, NULL), "cancel");
}
/* [client] end */

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    (void)tail;
    if (notice->type != CAIRN_TAIL_ENDED) return;
    printf("the client has seen %d events, and the end\n", seen);
    ended = true;
    close_when_both_know();
}

static void on_cleared(cairn_stream_count_t *req, int status, uint64_t events)
{
    static cairn_stream_tail_t tail = {.on_notice = on_notice};
    static cairn_stream_watch_t watch;
    cairn_stream_tail_options_t from = {.from = CAIRN_FROM_ALL};
    (void)req;
    (void)events;
    must(status, "clear");
    must(cairn_stream_watch_open(&streams, &watch, cairn_str(RUN), on_cancel), "watch");
    must(cairn_stream_tail_open(&streams, &tail, cairn_str(RUN), &from, on_event), "tail");
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
    return stopped && ended && seen >= 3 ? 0 : 1;
}
