#include "stream_readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

redisContext *stream_connect(stream_work_t *work)
{
    redisContext *context = redisConnect("127.0.0.1", work->server->port);
    if (context && !context->err) return context;
    stream_fail(work, "hiredis: %s", context ? context->errstr : "out of memory");
    if (context) redisFree(context);
    return NULL;
}

int stream_take_reply(stream_work_t *work, redisContext *context)
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

/* {{key, {{position, {..., field, data}}, ...}}} */
void stream_reader_take(stream_reader_t *reader, const redisReply *reply,
                        uint64_t (*due)(const char *data, size_t size))
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) return;
    const redisReply *entries = reply->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *entry = entries->element[i];
        const redisReply *fields = entry->element[1];
        const redisReply *data = fields->element[fields->elements - 1];
        hist_record(reader->latency, uv_hrtime() - due(data->str, data->len));
        snprintf(reader->at, sizeof reader->at, "%s", entry->element[0]->str);
        reader->seen++;
    }
}

static void *read_all(void *argument)
{
    stream_reader_t *reader = argument;
    while (reader->seen < reader->wanted && !reader->failed) reader->failed = !reader->read(reader);
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

static int append_by_the_clock(stream_work_t *work, redisContext *context, char *data,
                               stream_append_fn append)
{
    const uint64_t start_ns = uv_hrtime();
    int rc = 0;
    for (uint64_t i = 0; i < work->events && rc == 0; i++) {
        const uint64_t due_ns = start_ns + (uint64_t)((double)i * 1e9 / work->rate);
        await_ns(due_ns);
        stream_stamp(data, work->payload, due_ns);
        rc = append(work, context, (uint32_t)(i % work->tails), data);
    }
    return rc;
}

static int start_readers(stream_work_t *work, stream_reader_t *readers, stream_read_fn read)
{
    for (uint32_t i = 0; i < work->tails; i++) {
        stream_reader_t *reader = &readers[i];
        *reader = (stream_reader_t){.work = work, .read = read, .number = i, .at = "0-0"};
        reader->wanted = work->events / work->tails + (i < work->events % work->tails);
        reader->latency = calloc(1, sizeof *reader->latency);
        reader->context = stream_connect(work);
        if (!reader->latency || !reader->context) return -1;
        if (pthread_create(&reader->thread, NULL, read_all, reader) != 0) {
            redisFree(reader->context);
            reader->context = NULL;
            return stream_fail(work, "no thread");
        }
    }
    return 0;
}

static void end_readers(stream_work_t *work, stream_reader_t *readers, bool failed)
{
    for (uint32_t i = 0; i < work->tails; i++) {
        stream_reader_t *reader = &readers[i];
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

int stream_readers_deliver(stream_work_t *work, stream_append_fn append, stream_read_fn read)
{
    redisContext *context = stream_connect(work);
    stream_reader_t *readers = calloc(work->tails, sizeof *readers);
    char *data = malloc(work->payload + 1);
    int rc = context && readers && data ? 0 : -1;
    const double cpu_us = stream_cpu_us();
    const uint64_t start_ns = uv_hrtime();
    if (rc == 0) rc = start_readers(work, readers, read);
    if (rc == 0) rc = append_by_the_clock(work, context, data, append);
    if (readers) end_readers(work, readers, rc < 0);
    work->elapsed_s = (double)(uv_hrtime() - start_ns) / 1e9;
    work->cpu_us = stream_cpu_us() - cpu_us;
    free(readers);
    free(data);
    if (context) redisFree(context);
    return rc;
}
