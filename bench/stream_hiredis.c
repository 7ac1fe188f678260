/* The same with plain hiredis: XADD in a pipeline, a thread a reader that is blocked in XREAD,
 * XRANGE in pages. That is less than what cairn does: an append neither has a TTL nor publishes. */
#include "stream.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

static redisContext *connect_to(stream_work_t *work)
{
    redisContext *context = redisConnect("127.0.0.1", work->server->port);
    if (context && !context->err) return context;
    stream_fail(work, "hiredis: %s", context ? context->errstr : "out of memory");
    if (context) redisFree(context);
    return NULL;
}

static int add(redisContext *context, uint32_t run, const char *data, size_t size)
{
    char key[32];
    int len = snprintf(key, sizeof key, "run-%u", (unsigned)run);
    const char *argv[] = {"XADD", key, "MAXLEN", "100000", "*", "e", "messages", "d", data};
    const size_t sizes[] = {4, (size_t)len, 6, 6, 1, 1, 8, 1, size};
    return redisAppendCommandArgv(context, 9, argv, sizes);
}

static int take_reply(stream_work_t *work, redisContext *context)
{
    redisReply *reply = NULL;
    if (redisGetReply(context, (void **)&reply) != REDIS_OK || reply->type == REDIS_REPLY_ERROR) {
        stream_fail(work, "hiredis: %s", reply ? reply->str : context->errstr);
        freeReplyObject(reply);
        return -1;
    }
    freeReplyObject(reply);
    return 0;
}

/* Bursts of a window. */
static int append_all(stream_work_t *work, redisContext *context, char *data, hist_t *latency)
{
    int rc = 0;
    for (uint64_t done = 0; done < work->events && rc == 0;) {
        const uint64_t left = work->events - done;
        const uint64_t burst = left < work->window ? left : work->window;
        const uint64_t start_ns = uv_hrtime();
        stream_stamp(data, work->payload, start_ns);
        for (uint64_t i = 0; i < burst; i++) (void)add(context, 0, data, work->payload);
        for (uint64_t i = 0; i < burst && rc == 0; i++) {
            rc = take_reply(work, context);
            hist_record(latency, uv_hrtime() - start_ns);
        }
        done += burst;
    }
    return rc;
}

int stream_hiredis_append(stream_work_t *work)
{
    redisContext *context = connect_to(work);
    if (!context) return -1;
    char *data = malloc(work->payload + 1);
    if (!data) {
        redisFree(context);
        return stream_fail(work, "out of memory");
    }
    const double cpu_us = stream_cpu_us();
    const uint64_t start_ns = uv_hrtime();
    int rc = append_all(work, context, data, work->latency);
    work->elapsed_s = (double)(uv_hrtime() - start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - cpu_us;
    free(data);
    redisFree(context);
    return rc;
}

/* ---- readers ---- */

typedef struct blocked {
    stream_work_t *work;
    redisContext *context;
    pthread_t thread;
    uint32_t number;
    uint64_t wanted, seen;
    hist_t *latency;
    bool failed;
} blocked_t;

/* {{key, {{position, {"e", name, "d", data}}, ...}}}; where the last one is goes to `at`. */
static void take_entries(blocked_t *reader, const redisReply *reply, char at[64])
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) return;
    const redisReply *entries = reply->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *entry = entries->element[i];
        const redisReply *data = entry->element[1]->element[3];
        hist_record(reader->latency, uv_hrtime() - stream_stamped(data->str, data->len));
        snprintf(at, 64, "%s", entry->element[0]->str);
        reader->seen++;
    }
}

static void *read_blocked(void *argument)
{
    blocked_t *reader = argument;
    char at[64] = "0-0";
    while (reader->seen < reader->wanted && !reader->failed) {
        redisReply *reply = redisCommand(reader->context, "XREAD BLOCK 5000 STREAMS run-%u %s",
                                         (unsigned)reader->number, at);
        reader->failed = !reply || reply->type == REDIS_REPLY_ERROR;
        if (!reader->failed) take_entries(reader, reply, at);
        if (reply) freeReplyObject(reply);
    }
    return NULL;
}

static void await_ns(uint64_t due_ns)
{
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= due_ns) return;
    const uint64_t left_ns = due_ns - now_ns;
    struct timespec left = {(time_t)(left_ns / 1000000000u), (long)(left_ns % 1000000000u)};
    nanosleep(&left, NULL);
}

static int append_by_the_clock(stream_work_t *work, redisContext *context, char *data)
{
    const uint64_t start_ns = uv_hrtime();
    int rc = 0;
    for (uint64_t i = 0; i < work->events && rc == 0; i++) {
        const uint64_t due_ns = start_ns + (uint64_t)((double)i * 1e9 / work->rate);
        await_ns(due_ns);
        stream_stamp(data, work->payload, due_ns);
        (void)add(context, (uint32_t)(i % work->tails), data, work->payload);
        rc = take_reply(work, context);
    }
    return rc;
}

static int start_readers(stream_work_t *work, blocked_t *readers)
{
    for (uint32_t i = 0; i < work->tails; i++) {
        blocked_t *reader = &readers[i];
        *reader = (blocked_t){.work = work, .number = i};
        reader->wanted = work->events / work->tails + (i < work->events % work->tails);
        reader->latency = calloc(1, sizeof *reader->latency);
        reader->context = connect_to(work);
        if (!reader->latency || !reader->context) return -1;
        if (pthread_create(&reader->thread, NULL, read_blocked, reader) != 0) {
            redisFree(reader->context);
            reader->context = NULL;
            return stream_fail(work, "no thread");
        }
    }
    return 0;
}

static void end_readers(stream_work_t *work, blocked_t *readers, bool failed)
{
    for (uint32_t i = 0; i < work->tails; i++) {
        blocked_t *reader = &readers[i];
        if (failed) reader->failed = true;
        if (reader->context) {
            pthread_join(reader->thread, NULL);
            redisFree(reader->context);
            work->lost += (int64_t)(reader->wanted - reader->seen);
        }
        if (reader->latency) hist_merge(work->latency, reader->latency);
        free(reader->latency);
    }
}

int stream_hiredis_deliver(stream_work_t *work)
{
    redisContext *context = connect_to(work);
    blocked_t *readers = calloc(work->tails, sizeof *readers);
    char *data = malloc(work->payload + 1);
    int rc = context && readers && data ? 0 : -1;
    const double cpu_us = stream_cpu_us();
    const uint64_t start_ns = uv_hrtime();
    if (rc == 0) rc = start_readers(work, readers);
    if (rc == 0) rc = append_by_the_clock(work, context, data);
    if (readers) end_readers(work, readers, rc < 0);
    work->elapsed_s = (double)(uv_hrtime() - start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - cpu_us;
    free(readers);
    free(data);
    if (context) redisFree(context);
    return rc;
}

/* ---- replay ---- */

static int read_pages(stream_work_t *work, redisContext *context)
{
    char from[64] = "-";
    uint64_t seen = 0;
    while (seen < work->events) {
        redisReply *reply = redisCommand(context, "XRANGE run-0 %s + COUNT 256", from);
        if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
            if (reply) freeReplyObject(reply);
            return stream_fail(work, "hiredis: the history is not whole");
        }
        const redisReply *last = reply->element[reply->elements - 1];
        snprintf(from, sizeof from, "(%.60s", last->element[0]->str);
        seen += reply->elements;
        freeReplyObject(reply);
    }
    return 0;
}

int stream_hiredis_replay(stream_work_t *work)
{
    stream_work_t filling = *work;
    filling.window = 256;
    if (stream_hiredis_append(&filling) < 0) return -1;
    memset(work->latency, 0, sizeof *work->latency);
    redisContext *context = connect_to(work);
    if (!context) return -1;
    const double cpu_us = stream_cpu_us();
    const uint64_t start_ns = uv_hrtime();
    int rc = read_pages(work, context);
    work->elapsed_s = (double)(uv_hrtime() - start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - cpu_us;
    redisFree(context);
    return rc;
}
