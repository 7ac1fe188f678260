/* A loop, a clock that stands still, and a handle on the puppet, for tests of core.
 *
 * All that is said goes into one journal: what core asks of the puppet (puppet.h), and
 *   "connected DETAIL", "disconnected NAME DETAIL", "credit", "closed"   of the handle
 *   "NAME done RECEIVERS", "NAME STATUS DETAIL"                          of a request
 * After each such line of the application's, `react` may do what it likes. */
#ifndef TESTS_CORE_STAGE_H
#define TESTS_CORE_STAGE_H

#include "alloc_fault.h"
#include "check.h"
#include "core.h"
#include "fake_clock.h"
#include "loop.h"
#include "puppet.h"

#include <cairn/broker.h>
#include <stdlib.h>

static struct {
    uv_loop_t loop;
    fake_clock_t clock;
    cairn_t cairn;
    cairn_broker_t broker;
    cairn_options_t options;
    const cairn_backend_t *backends[3];
    journal_t journal;
    void (*react)(const char *line);
} stage;

static inline void stage_react(const char *line)
{
    if (stage.react) stage.react(line);
}

static inline bool is_line(const char *line, const char *begins)
{
    return strncmp(line, begins, strlen(begins)) == 0;
}

/* Whether the line begins so and goes on with a number. */
static inline bool is_numbered(const char *line, const char *begins, int *number)
{
    if (!is_line(line, begins)) return false;
    char *end = NULL;
    const char *digits = line + strlen(begins);
    *number = (int)strtol(digits, &end, 10);
    return end != digits;
}

static void stage_event(cairn_t *cairn, const cairn_event_t *event)
{
    (void)cairn;
    int len = (int)event->detail.len;
    const char *detail = event->detail.len ? event->detail.ptr : "";
    switch (event->type) {
    case CAIRN_EVENT_CONNECTED:
        stage_react(journal_add(&stage.journal, "connected %.*s", len, detail));
        break;
    case CAIRN_EVENT_DISCONNECTED:
        stage_react(journal_add(&stage.journal, "disconnected %s %.*s",
                                cairn_err_name(event->status), len, detail));
        break;
    case CAIRN_EVENT_CREDIT:
        stage_react(journal_add(&stage.journal, "credit"));
        break;
    case CAIRN_EVENT_REAUTHENTICATED:
        stage_react(journal_add(&stage.journal, "reauthenticated %s %.*s",
                                cairn_err_name(event->status), len, detail));
        break;
    }
}

static void stage_closed(cairn_t *cairn)
{
    (void)cairn;
    stage_react(journal_add(&stage.journal, "closed"));
}

static int stage_begin(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof stage);
    memset(&puppet, 0, sizeof puppet);
    alloc_watch();
    puppet.journal = &stage.journal;
    stage.clock.now_ms = 1000000;
    stage.backends[0] = &puppet_backend;
    cairn_options_init(&stage.options);
    stage.options.scheme = "puppet";
    stage.options.backends = stage.backends;
    stage.cairn.on_event = stage_event;
    stage.cairn.clock = fake_clock_hook(&stage.clock);
    cairn_broker_init(&stage.broker, &stage.cairn);
    return uv_loop_init(&stage.loop);
}

static bool stage_is_closed(void *ctx)
{
    (void)ctx;
    return cairn_state(&stage.cairn) == CAIRN_CLOSED;
}

static int stage_end(void **state)
{
    (void)state;
    stage.react = NULL;
    cairn_close(&stage.cairn, NULL);
    if (puppet.closed && puppet.open) puppet_closed();
    puppet.holds_close = false;
    loop_run_until(&stage.loop, "the handle's close", stage_is_closed, NULL);
    loop_finish(&stage.loop);
    journal_free(&stage.journal);
    size_t live = alloc_live();
    alloc_unwatch();
    if (live) print_error("%zu blocks are still allocated\n", live);
    return live == 0 ? 0 : -1;
}

static inline void stage_open(void)
{
    cairn_error_t error = {0};
    int rc = cairn_open(&stage.cairn, &stage.loop, &stage.options, &error);
    if (rc < 0) check_fail("cairn_open: %s: %s", cairn_err_name(rc), error.text);
}

/* Empties the journal: what came before is of no interest. */
static inline void stage_forget(void)
{
    journal_free(&stage.journal);
}

/* Open, connected, and nothing in the journal. */
static inline void stage_ready(void)
{
    stage_open();
    puppet_connected();
    stage_forget();
}

static inline void stage_close(void)
{
    cairn_close(&stage.cairn, stage_closed);
}

static inline void advance(uint64_t ms)
{
    fake_clock_advance(&stage.clock, &stage.cairn, ms);
}

/* Runs the loop until all this was said, and nothing else. */
#define assert_said(...) journal_await(&stage.journal, &stage.loop, __VA_ARGS__)

/* Nothing was said, and nothing is on its way. */
static inline void assert_silence(void)
{
    if (stage.journal.count) check_fail("somebody said: %s", stage.journal.lines[0]);
    loop_turns(&stage.loop, 4);
    if (stage.journal.count) check_fail("somebody said later: %s", stage.journal.lines[0]);
}

/* ---- requests ---- */

typedef struct job {
    cairn_broker_publish_t publish;
    const char *name;
} job_t;

static void stage_published(cairn_broker_publish_t *publish, int status, int64_t receivers)
{
    const job_t *job = CAIRN_CONTAINER_OF(publish, job_t, publish);
    cairn_slice_t detail = publish->req.detail;
    if (cairn_is_active(&publish->req)) journal_add(&stage.journal, "STILL ACTIVE");
    if (status == 0 && detail.len) journal_add(&stage.journal, "DETAIL OF NOTHING");
    if (status < 0 && receivers != -1) journal_add(&stage.journal, "RECEIVERS OF NOTHING");
    if (status == 0)
        stage_react(journal_add(&stage.journal, "%s done %d", job->name, (int)receivers));
    else
        stage_react(journal_add(&stage.journal, "%s %s %.*s", job->name, cairn_err_name(status),
                                (int)detail.len, detail.len ? detail.ptr : ""));
}

static inline int job_try(job_t *job)
{
    return cairn_broker_publish(&stage.broker, &job->publish, cairn_str("news"),
                                cairn_str(job->name), stage_published);
}

/* Submits, and takes the line that the puppet says out of the journal. */
static inline void job_submit(job_t *job)
{
    size_t before = stage.journal.count;
    assert_status(job_try(job), 0);
    assert_int_equal(stage.journal.count, before + 1);
    free(stage.journal.lines[--stage.journal.count]);
    assert_true(cairn_is_active(&job->publish.req));
}

static inline cairn_stats_t stage_stats(void)
{
    cairn_stats_t stats;
    cairn_stats(&stage.cairn, &stats);
    return stats;
}

#endif
