/* Run streams by cairn: one handle appends, another follows. */
#include "stream.h"

#include "pacer.h"

#include <cairn/stream.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

typedef struct stream_run stream_run_t;

typedef struct append {
    cairn_stream_append_t req;
    stream_run_t *run;
    uint64_t due_ns;
} append_t;

typedef struct reader {
    cairn_stream_tail_t tail;
    stream_run_t *run;
    uint64_t seen; /* events */
    uint64_t last_due_ns;
} reader_t;

struct stream_run {
    stream_work_t *work;
    uv_loop_t loop;
    cairn_t writer, follower;
    cairn_streams_t writing, following;
    pacer_t pacer;
    append_t *appends; /* idle ones are linked by req.req.data */
    append_t *idle;
    reader_t *readers;
    char *data;
    uint64_t submitted, appended, delivered;
    uint64_t start_ns, end_ns;
    uint32_t live, closed;
    unsigned cut;
    bool opened, failed;
};

enum {
    OPEN_LOOP_APPENDS = 4096
};

static void give_up(stream_run_t *run, const char *what, int status)
{
    if (!run->failed) stream_fail(run->work, "%s: %s", what, cairn_strerror(status));
    run->failed = true;
    uv_stop(&run->loop);
}

static void finish_if_done(stream_run_t *run)
{
    const uint64_t events = run->work->events;
    const bool told = run->work->tails == 0 || run->delivered >= events;
    if (run->appended < events || !told) return;
    run->end_ns = uv_hrtime();
    uv_stop(&run->loop);
}

/* ---- appending ---- */

static bool append_next(stream_run_t *run, uint64_t due_ns);

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    append_t *append = CONTAINER_OF(req, append_t, req);
    stream_run_t *run = append->run;
    (void)appended;
    if (status < 0 && !run->work->cuts) {
        give_up(run, "append", status);
        return;
    }
    if (run->work->tails == 0) hist_record(run->work->latency, uv_hrtime() - append->due_ns);
    append->req.req.data = run->idle;
    run->idle = append;
    run->appended++;
    if (run->work->window > 0 && run->submitted < run->work->events)
        (void)append_next(run, uv_hrtime());
    finish_if_done(run);
}

/* Of a storm an append must not be doubtful: it has an id, and is sent again. */
static bool append_next(stream_run_t *run, uint64_t due_ns)
{
    append_t *append = run->idle;
    if (!append) return false;
    char name[32], id[32];
    const uint32_t tails = run->work->tails > 0 ? run->work->tails : 1;
    snprintf(name, sizeof name, "run-%u", (unsigned)(run->submitted % tails));
    snprintf(id, sizeof id, "%llu", (unsigned long long)run->submitted);
    stream_stamp(run->data, run->work->payload, due_ns);
    cairn_stream_entry_t entry = {
        .event = cairn_str("messages"),
        .data = {cairn_str("json"), cairn_slice(run->data, run->work->payload)}};
    if (run->work->cuts > 0) entry.id = cairn_str(id);
    append->req.req.flags = run->work->cuts > 0 ? CAIRN_REQ_IDEMPOTENT : 0;
    append->due_ns = due_ns;
    append_t *next = append->req.req.data;
    int rc = cairn_stream_append(&run->writing, &append->req, cairn_str(name), &entry, 1, NULL,
                                 on_appended);
    if (rc < 0) {
        if (rc != CAIRN_EFULL) give_up(run, "append", rc);
        return false;
    }
    run->idle = next;
    run->submitted++;
    return true;
}

static void cut_connections(stream_run_t *run)
{
    char reply[256];
    const stream_work_t *work = run->work;
    if (run->cut >= work->cuts) return;
    if (run->submitted < (run->cut + 1) * work->events / (work->cuts + 1)) return;
    run->cut++;
    if (server_ask(work->server, "CLIENT KILL TYPE normal SKIPME yes", reply, sizeof reply) < 0 ||
        server_ask(work->server, "CLIENT KILL TYPE pubsub", reply, sizeof reply) < 0)
        stream_fail(run->work, "%.400s", work->server->error);
}

static void on_tick(pacer_t *pacer)
{
    stream_run_t *run = pacer->data;
    const double period_ns = 1e9 / run->work->rate;
    const uint64_t now_ns = uv_hrtime();
    while (run->submitted < run->work->events) {
        uint64_t due_ns = run->start_ns + (uint64_t)((double)run->submitted * period_ns);
        if (due_ns > now_ns || !append_next(run, due_ns)) break;
    }
    cut_connections(run);
}

/* ---- following ---- */

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    reader_t *reader = CONTAINER_OF(tail, reader_t, tail);
    stream_run_t *run = reader->run;
    const uint64_t due_ns = stream_stamped(event->data.bytes.ptr, event->data.bytes.len);
    reader->seen++;
    run->delivered++;
    if (due_ns <= reader->last_due_ns) run->work->duplicated++;
    reader->last_due_ns = due_ns;
    if (run->start_ns > 0) hist_record(run->work->latency, uv_hrtime() - due_ns);
    finish_if_done(run);
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    reader_t *reader = CONTAINER_OF(tail, reader_t, tail);
    stream_run_t *run = reader->run;
    if (notice->type == CAIRN_TAIL_FAILED && !run->end_ns) give_up(run, "a tail", notice->status);
    if (notice->type == CAIRN_TAIL_GAP) run->work->lost++;
    if (notice->type == CAIRN_TAIL_LIVE && ++run->live == run->work->tails) uv_stop(&run->loop);
}

/* ---- life ---- */

static void on_connected(cairn_t *cairn, const cairn_event_t *event)
{
    stream_run_t *run = cairn->data;
    if (event->type == CAIRN_EVENT_CONNECTED && !run->opened && cairn == &run->writer) {
        run->opened = true;
        uv_stop(&run->loop);
    }
}

static void on_closed(cairn_t *cairn)
{
    (void)cairn;
}

static int open_handle(stream_run_t *run, cairn_t *cairn, cairn_streams_t *streams)
{
    cairn->data = run;
    cairn->on_event = on_connected;
    cairn_error_t error;
    if (cairn_open_url(cairn, &run->loop, run->work->url, &error) < 0)
        return stream_fail(run->work, "%s", error.text);
    int rc = cairn_streams_init(streams, cairn, NULL);
    return rc < 0 ? stream_fail(run->work, "streams: %s", cairn_strerror(rc)) : 0;
}

static int begin(stream_run_t *run, stream_work_t *work)
{
    *run = (stream_run_t){.work = work};
    const uint32_t appends = work->window > 0 ? work->window : OPEN_LOOP_APPENDS;
    run->appends = calloc(appends, sizeof *run->appends);
    run->readers = calloc(work->tails + 1, sizeof *run->readers);
    run->data = malloc(work->payload + 1);
    if (!run->appends || !run->readers || !run->data) return stream_fail(work, "out of memory");
    for (uint32_t i = 0; i < appends; i++) {
        run->appends[i].run = run;
        run->appends[i].req.req.data = run->idle;
        run->idle = &run->appends[i];
    }
    if (uv_loop_init(&run->loop) < 0) return stream_fail(work, "no loop");
    if (open_handle(run, &run->writer, &run->writing) < 0) return -1;
    if (open_handle(run, &run->follower, &run->following) < 0) return -1;
    uv_run(&run->loop, UV_RUN_DEFAULT);
    if (!(cairn_capabilities(&run->writer) & CAIRN_CAP_STREAMS))
        return stream_fail(work, "this server has no run streams");
    snprintf(work->server_name, sizeof work->server_name, "%s", cairn_server(&run->writer));
    return 0;
}

static int end(stream_run_t *run, int rc)
{
    stream_work_t *work = run->work;
    if (run->end_ns == 0) run->end_ns = uv_hrtime();
    work->elapsed_s = (double)(run->end_ns - run->start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - work->cpu_us;
    if (work->tails > 0 && rc == 0) work->lost += (int64_t)(work->events - run->delivered);
    if (run->writer.core) cairn_close(&run->writer, on_closed);
    if (run->follower.core) cairn_close(&run->follower, on_closed);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    uv_loop_close(&run->loop);
    free(run->appends);
    free(run->readers);
    free(run->data);
    return run->failed ? -1 : rc;
}

static int open_tails(stream_run_t *run, cairn_tail_from_t from)
{
    const cairn_stream_tail_options_t options = {.from = from};
    for (uint32_t i = 0; i < run->work->tails; i++) {
        char name[32];
        reader_t *reader = &run->readers[i];
        reader->run = run;
        reader->tail.on_notice = on_notice;
        snprintf(name, sizeof name, "run-%u", (unsigned)i);
        int rc = cairn_stream_tail_open(&run->following, &reader->tail, cairn_str(name), &options,
                                        on_event);
        if (rc < 0) return stream_fail(run->work, "tail: %s", cairn_strerror(rc));
    }
    return 0;
}

static void clock_starts(stream_run_t *run)
{
    run->work->cpu_us = stream_cpu_us();
    run->start_ns = uv_hrtime();
}

int stream_cairn_append(stream_work_t *work)
{
    stream_run_t run;
    int rc = begin(&run, work);
    if (rc == 0) {
        clock_starts(&run);
        while (run.idle && run.submitted < work->events && append_next(&run, uv_hrtime())) {
        }
        uv_run(&run.loop, UV_RUN_DEFAULT);
    }
    return end(&run, rc);
}

int stream_cairn_deliver(stream_work_t *work)
{
    stream_run_t run;
    int rc = begin(&run, work);
    if (rc == 0) rc = open_tails(&run, CAIRN_FROM_NEW);
    if (rc == 0) uv_run(&run.loop, UV_RUN_DEFAULT); /* until all are live */
    if (rc == 0 && !run.failed) {
        clock_starts(&run);
        run.pacer.data = &run;
        rc = pacer_start(&run.pacer, &run.loop, run.start_ns, (uint64_t)(1e9 / work->rate), on_tick,
                         &run);
        if (rc == 0) uv_run(&run.loop, UV_RUN_DEFAULT);
        pacer_stop(&run.pacer);
    }
    return end(&run, rc);
}

int stream_cairn_replay(stream_work_t *work)
{
    stream_run_t run;
    const uint64_t events = work->events;
    stream_work_t filling = *work;
    filling.tails = 0;
    filling.window = 256;
    filling.latency = calloc(1, sizeof *filling.latency);
    int rc = filling.latency ? stream_cairn_append(&filling) : -1;
    free(filling.latency);
    if (rc < 0) return rc;
    rc = begin(&run, work);
    if (rc == 0) {
        run.appended = events;
        clock_starts(&run);
        run.start_ns = uv_hrtime();
        rc = open_tails(&run, CAIRN_FROM_ALL);
        while (rc == 0 && !run.failed && run.delivered < events) uv_run(&run.loop, UV_RUN_DEFAULT);
        memset(work->latency, 0, sizeof *work->latency);
    }
    return end(&run, rc);
}
