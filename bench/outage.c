#include "outage.h"

#include "client.h"

#include <cairn/store.h>
#include <cairn/trace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

enum {
    SPACES = 120, /* namespaces, one item each */
    ASIDE = 16,   /* requests about the lost node's */
    ASIDE_MS = 5, /* how often each is made */
    ASIDE_TIMEOUT_MS = 200,
    WINDOW_MAX = 1024,
    VALUE_MAX = 4096,
    OPEN_MS = 10000
};

typedef enum phase {
    OPENING,
    FILLING,
    WARMUP,
    MEASURING,
    CLOSING
} phase_t;

typedef struct outage_run run_t;

typedef struct call {
    run_t *run;
    bool aside;
    bool underway;
    uint64_t start_ns;
    union {
        cairn_store_get_t get;
        cairn_store_put_t put;
    } req;
} call_t;

struct outage_run {
    const outage_work_t *work;
    outage_result_t *result;
    cairn_t cairn;
    cairn_store_t store;
    uv_loop_t loop;
    uv_timer_t timer, aside_timer;
    phase_t phase;
    call_t *calls; /* `window` of them, then ASIDE */
    uint32_t others[SPACES], lost[SPACES];
    uint32_t other_count, lost_count;
    uint32_t filled;
    uint64_t random;
    uint64_t done, done_at_start, done_at_end;
    uint64_t start_ns, end_ns;
    double cpu_us;
    char value[VALUE_MAX];
    bool failed;
    char *error;
};

static double cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static uint64_t next_random(run_t *run)
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    return run->random >> 16;
}

/* ---- ending ---- */

static void close_all(run_t *run)
{
    if (run->phase == CLOSING) return;
    run->phase = CLOSING;
    uv_close((uv_handle_t *)&run->timer, NULL);
    uv_close((uv_handle_t *)&run->aside_timer, NULL);
    cairn_close(&run->cairn, NULL);
}

static void fail(run_t *run, const char *what, const char *why)
{
    if (!run->failed) snprintf(run->error, CLIENT_ERROR_MAX, "%s: %s", what, why);
    run->failed = true;
    close_all(run);
}

static void on_late(uv_timer_t *timer)
{
    fail(timer->data, "a node is lost", "the cluster gives no answer in time");
}

static void on_measured(uv_timer_t *timer)
{
    run_t *run = timer->data;
    run->end_ns = uv_hrtime();
    run->cpu_us = cpu_us() - run->cpu_us;
    run->done_at_end = run->done;
    close_all(run);
}

static void on_warm(uv_timer_t *timer)
{
    run_t *run = timer->data;
    const outage_work_t *work = run->work;
    if (work->happens) server_kill(&work->nodes->servers[work->node]);
    run->phase = MEASURING;
    run->done_at_start = run->done;
    run->cpu_us = cpu_us();
    run->start_ns = uv_hrtime();
    uv_timer_start(timer, on_measured, (uint64_t)(work->duration_s * 1e3), 0);
}

/* ---- requests ---- */

static void begin(run_t *run, call_t *call);

static void count_lost(run_t *run, int status)
{
    if (run->phase != MEASURING) return;
    if (status == 0) run->result->lost_done++;
    if (status < 0) run->result->lost_failed++;
}

static void finish(const cairn_req_t *req, int status)
{
    call_t *call = req->data;
    run_t *run = call->run;
    call->underway = false;
    if (run->phase == CLOSING) return;
    if (call->aside) {
        count_lost(run, status);
        return;
    }
    if (status < 0) {
        fail(run, "a request about a node that is there failed", cairn_strerror(status));
        return;
    }
    run->done++;
    if (run->phase == MEASURING) hist_record(&run->result->latency, uv_hrtime() - call->start_ns);
    begin(run, call);
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)existed;
    finish(&req->req, status);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    finish(&req->req, status == 0 && !item ? CAIRN_EPROTOCOL : status);
}

typedef struct space {
    char text[16];
    cairn_slice_t labels[2];
    cairn_namespace_t ns;
} space_t;

static void set_space(space_t *space, uint32_t number)
{
    const int len = snprintf(space->text, sizeof space->text, "u%u", (unsigned)number);
    space->labels[0] = cairn_str("users");
    space->labels[1] = cairn_slice(space->text, (size_t)len);
    space->ns = (cairn_namespace_t){space->labels, 2};
}

static int put(run_t *run, call_t *call, uint32_t number, cairn_store_put_cb on_done)
{
    space_t space;
    set_space(&space, number);
    memset(&call->req, 0, sizeof call->req);
    call->req.put.req.data = call;
    return cairn_store_put(&run->store, &call->req.put, space.ns, cairn_str("k"),
                           cairn_slice(run->value, run->work->value), NULL, on_done);
}

static int get(run_t *run, call_t *call, uint32_t number, cairn_store_get_cb on_done)
{
    space_t space;
    set_space(&space, number);
    memset(&call->req, 0, sizeof call->req);
    call->req.get.req.data = call;
    call->req.get.req.timeout_ms = call->aside ? ASIDE_TIMEOUT_MS : 0;
    return cairn_store_get(&run->store, &call->req.get, space.ns, cairn_str("k"),
                           CAIRN_REFRESH_DEFAULT, on_done);
}

static void begin(run_t *run, call_t *call)
{
    const uint32_t number = call->aside ? run->lost[next_random(run) % run->lost_count]
                                        : run->others[next_random(run) % run->other_count];
    const bool puts = !call->aside && next_random(run) % 5 == 0;
    call->underway = true;
    call->start_ns = uv_hrtime();
    const int rc = puts ? put(run, call, number, on_put) : get(run, call, number, on_got);
    if (rc < 0) fail(run, "cannot submit", cairn_strerror(rc));
}

static void on_aside(uv_timer_t *timer)
{
    run_t *run = timer->data;
    for (uint32_t i = 0; i < ASIDE && run->phase != CLOSING; i++) {
        call_t *call = &run->calls[run->work->window + i];
        if (!call->underway) begin(run, call);
    }
}

/* ---- filling: and where each namespace is ---- */

/* A get says where it goes; a put goes with others of its turn. */
static void on_trace(cairn_t *cairn, const cairn_trace_t *trace)
{
    run_t *run = cairn->data;
    const outage_work_t *work = run->work;
    if (trace->type != CAIRN_TRACE_BEGIN || strcmp(trace->operation, "store.get") != 0) return;
    if (trace->port == work->nodes->servers[work->node].port)
        run->lost[run->lost_count++] = run->filled;
    else
        run->others[run->other_count++] = run->filled;
}

static void start_traffic(run_t *run)
{
    if (run->lost_count == 0 || run->other_count == 0) {
        fail(run, "a node is lost", "it has no namespace, or all");
        return;
    }
    run->phase = WARMUP;
    run->cairn.on_trace = NULL;
    uv_timer_start(&run->timer, on_warm, (uint64_t)(run->work->warmup_s * 1e3), 0);
    uv_timer_start(&run->aside_timer, on_aside, ASIDE_MS, ASIDE_MS);
    for (uint32_t i = 0; i < run->work->window && run->phase != CLOSING; i++)
        begin(run, &run->calls[i]);
}

static void fill(run_t *run);

static void on_found(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    run_t *run = ((call_t *)req->req.data)->run;
    if (run->phase == CLOSING) return;
    if (status < 0 || !item)
        fail(run, "cannot get an item", cairn_strerror(status));
    else if (++run->filled < SPACES)
        fill(run);
    else
        start_traffic(run);
}

static void on_filled(cairn_store_put_t *req, int status, bool existed)
{
    call_t *call = req->req.data;
    run_t *run = call->run;
    (void)existed;
    if (run->phase == CLOSING) return;
    if (status == 0) status = get(run, call, run->filled, on_found);
    if (status < 0) fail(run, "cannot put an item", cairn_strerror(status));
}

static void fill(run_t *run)
{
    const int rc = put(run, &run->calls[0], run->filled, on_filled);
    if (rc < 0) fail(run, "cannot submit", cairn_strerror(rc));
}

static void on_event(cairn_t *cairn, const cairn_event_t *event)
{
    run_t *run = cairn->data;
    if (run->phase != OPENING || event->type != CAIRN_EVENT_CONNECTED) return;
    run->phase = FILLING;
    uv_timer_stop(&run->timer);
    fill(run);
}

/* ---- all of it ---- */

static void set_row(const run_t *run)
{
    const outage_work_t *work = run->work;
    const double seconds = (double)(run->end_ns - run->start_ns) / 1e9;
    const double done = (double)(run->done_at_end - run->done_at_start);
    row_t *row = &run->result->row;
    row_init(row);
    row->unit = ROW_OPERATIONS;
    row->workload = work->name;
    row->client = client_cairn.name;
    row->transport = "tcp";
    row->backend = "redis";
    row->payload = work->value;
    row->channels = 1;
    row->inflight = work->window;
    row_set_latency(row, &run->result->latency);
    row->msgs_per_s = done / seconds;
    row->mb_per_s = row->msgs_per_s * work->value / 1e6;
    if (done > 0) row->client_cpu_us_per_msg = run->cpu_us / done;
}

static void run_loop(run_t *run)
{
    cairn_error_t why;
    uv_timer_init(&run->loop, &run->timer);
    uv_timer_init(&run->loop, &run->aside_timer);
    run->timer.data = run->aside_timer.data = run->cairn.data = run;
    run->cairn.on_event = on_event;
    run->cairn.on_trace = on_trace;
    uv_timer_start(&run->timer, on_late, OPEN_MS, 0);
    if (cairn_open_url(&run->cairn, &run->loop, run->work->nodes->url, &why) < 0)
        fail(run, "the URL is not right", why.text);
    else if (cairn_store_init(&run->store, &run->cairn, NULL) < 0)
        fail(run, "a node is lost", "there is no store");
    uv_run(&run->loop, UV_RUN_DEFAULT);
}

static int bring_back(run_t *run)
{
    const outage_work_t *work = run->work;
    server_t *server = &work->nodes->servers[work->node];
    if (!work->happens) return 0;
    if (server_restart(server) == 0 && nodes_await(work->nodes) == 0) return 0;
    snprintf(run->error, CLIENT_ERROR_MAX, "the node does not come back: %.200s %.200s",
             server->error, work->nodes->error);
    return -1;
}

int outage_run(const outage_work_t *work, outage_result_t *result, char *error)
{
    run_t run = {
        .work = work, .result = result, .random = UINT64_C(0x9e3779b97f4a7c15), .error = error};
    int status = -1;
    *result = (outage_result_t){0};
    hist_reset(&result->latency);
    if (work->window == 0 || work->window > WINDOW_MAX || work->value > VALUE_MAX) {
        snprintf(error, CLIENT_ERROR_MAX, "no window, or no value, has that size");
        return -1;
    }
    memset(run.value, 'x', sizeof run.value);
    run.value[0] = run.value[work->value - 1] = '"';
    run.calls = calloc(work->window + ASIDE, sizeof *run.calls);
    if (!run.calls || uv_loop_init(&run.loop) < 0) {
        snprintf(error, CLIENT_ERROR_MAX, "out of memory");
        goto out;
    }
    for (uint32_t i = 0; i < work->window + ASIDE; i++)
        run.calls[i] = (call_t){.run = &run, .aside = i >= work->window};
    run_loop(&run);
    if (uv_loop_close(&run.loop) < 0) fail(&run, "a node is lost", "handles were left open");
    if (bring_back(&run) < 0 || run.failed) goto out;
    set_row(&run);
    status = 0;
out:
    free(run.calls);
    return status;
}
