/* The same with plain hiredis: XADD in a pipeline, a thread a reader that is blocked in XREAD,
 * XRANGE in pages. That is less than what cairn does: an append neither has a TTL nor publishes. */
#include "stream_readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static int add(redisContext *context, uint32_t run, const char *data, size_t size)
{
    char key[32];
    int len = snprintf(key, sizeof key, "run-%u", (unsigned)run);
    const char *argv[] = {"XADD", key, "MAXLEN", "100000", "*", "e", "messages", "d", data};
    const size_t sizes[] = {4, (size_t)len, 6, 6, 1, 1, 8, 1, size};
    return redisAppendCommandArgv(context, 9, argv, sizes);
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
            rc = stream_take_reply(work, context);
            hist_record(latency, uv_hrtime() - start_ns);
        }
        done += burst;
    }
    return rc;
}

int stream_hiredis_append(stream_work_t *work)
{
    redisContext *context = stream_connect(work);
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

static bool read_blocked(stream_reader_t *reader)
{
    redisReply *reply = redisCommand(reader->context, "XREAD BLOCK 5000 STREAMS run-%u %s",
                                     (unsigned)reader->number, reader->at);
    const bool is_right = reply && reply->type != REDIS_REPLY_ERROR;
    if (is_right) stream_reader_take(reader, reply, stream_stamped);
    freeReplyObject(reply);
    return is_right;
}

static int append_one(stream_work_t *work, redisContext *context, uint32_t run, const char *data)
{
    (void)add(context, run, data, work->payload);
    return stream_take_reply(work, context);
}

int stream_hiredis_deliver(stream_work_t *work)
{
    return stream_readers_deliver(work, append_one, read_blocked);
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
    redisContext *context = stream_connect(work);
    if (!context) return -1;
    const double cpu_us = stream_cpu_us();
    const uint64_t start_ns = uv_hrtime();
    int rc = read_pages(work, context);
    work->elapsed_s = (double)(uv_hrtime() - start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - cpu_us;
    redisFree(context);
    return rc;
}
