/* Plain hiredis, blocking: a thread and a connection a reader, and one that appends by the clock.
 */
#ifndef CAIRN_BENCH_STREAM_READERS_H
#define CAIRN_BENCH_STREAM_READERS_H

#include "stream.h"

#include <hiredis/hiredis.h>
#include <pthread.h>

typedef struct stream_reader stream_reader_t;

/* Asks once and takes what there is. False: it failed. */
typedef bool (*stream_read_fn)(stream_reader_t *reader);

/* One event to a run. 0, or -1 with a sentence in work->error. */
typedef int (*stream_append_fn)(stream_work_t *work, redisContext *context, uint32_t run,
                                const char *data);

struct stream_reader {
    stream_work_t *work;
    redisContext *context;
    stream_read_fn read;
    pthread_t thread;
    uint32_t number; /* of its run */
    char at[64];     /* the position read last */
    uint64_t wanted, seen;
    hist_t *latency;
    bool failed;
};

/* NULL, with a sentence in work->error. */
redisContext *stream_connect(stream_work_t *work);

/* The answer of a command that must succeed. 0 or -1. */
int stream_take_reply(stream_work_t *work, redisContext *context);

/* Takes the entries of an XREAD of one stream, whose last field tells when each was due. */
void stream_reader_take(stream_reader_t *reader, const redisReply *reply,
                        uint64_t (*due)(const char *data, size_t size));

/* Readers, a run each, of what is appended round about at work->rate. */
int stream_readers_deliver(stream_work_t *work, stream_append_fn append, stream_read_fn read);

#endif
