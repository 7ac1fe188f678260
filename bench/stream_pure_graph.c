/* What Pure Graph's RedisStreamQueue does, by plain hiredis: an append is XADD, EXPIRE, RPUSH and
 * EXPIRE, each awaited; a reader asks for ten entries, waiting 100 ms for the first of them, and
 * then sleeps 100 ms. In its favour there is no JavaScript, and readers do not share the
 * connection of who appends, where they would hold it up. */
#include "stream_readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MESSAGE_BEGIN "{\"event\":\"messages\",\"data\":\""
#define MESSAGE_END "\"}"

enum {
    POLL_MS = 100,
    TTL_S = 300
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Of whole groups of three bytes: the message is padded to that. */
static void encode(char *out, const char *bytes, size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t i = 0; i < len; i += 3) {
        const unsigned bits = (unsigned)at[i] << 16 | (unsigned)at[i + 1] << 8 | at[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6) *out++ = digits[bits >> shift & 63];
    }
}

static void decode(char *out, const char *text, size_t len)
{
    for (size_t i = 0; i + 4 <= len; i += 4) {
        unsigned bits = 0;
        for (size_t k = 0; k < 4; k++) {
            const char *digit = strchr(digits, text[i + k]);
            bits = bits << 6 | (digit ? (unsigned)(digit - digits) : 0);
        }
        *out++ = (char)(bits >> 16);
        *out++ = (char)(bits >> 8);
        *out++ = (char)bits;
    }
}

static int ask(stream_work_t *work, redisContext *context, int argc, const char **argv,
               const size_t *sizes)
{
    (void)redisAppendCommandArgv(context, argc, argv, sizes);
    return stream_take_reply(work, context);
}

static int expire(stream_work_t *work, redisContext *context, const char *key)
{
    (void)redisAppendCommand(context, "EXPIRE %s %d", key, (int)TTL_S);
    return stream_take_reply(work, context);
}

static int append_message(stream_work_t *work, redisContext *context, uint32_t run,
                          const char *message, size_t len, char *text)
{
    char stream[32], list[32];
    snprintf(stream, sizeof stream, "stream:run-%u", (unsigned)run);
    snprintf(list, sizeof list, "queue:run-%u", (unsigned)run);
    encode(text, message, len);
    const char *add[] = {"XADD", stream, "*", "data", text};
    const size_t add_sizes[] = {4, strlen(stream), 1, 4, len / 3 * 4};
    const char *push[] = {"RPUSH", list, message};
    const size_t push_sizes[] = {5, strlen(list), len};
    int rc = ask(work, context, 5, add, add_sizes);
    if (rc == 0) rc = expire(work, context, stream);
    if (rc == 0) rc = ask(work, context, 3, push, push_sizes);
    return rc == 0 ? expire(work, context, list) : rc;
}

static int append_one(stream_work_t *work, redisContext *context, uint32_t run, const char *data)
{
    const size_t begin = sizeof MESSAGE_BEGIN - 1, end = sizeof MESSAGE_END - 1;
    const size_t len = (begin + work->payload + end + 2) / 3 * 3;
    char *message = malloc(len + 1 + len / 3 * 4);
    if (!message) return stream_fail(work, "out of memory");
    memcpy(message, MESSAGE_BEGIN, begin);
    memcpy(message + begin, data, work->payload);
    memset(message + begin + work->payload, ' ', len - begin - work->payload);
    memcpy(message + begin + work->payload, MESSAGE_END, end);
    int rc = append_message(work, context, run, message, len, message + len + 1);
    free(message);
    return rc;
}

/* Of the message's beginning, in base64. */
static uint64_t due_of(const char *text, size_t size)
{
    const size_t begin = sizeof MESSAGE_BEGIN - 1, wanted = (begin + 20 + 2) / 3 * 4;
    char message[96] = {0};
    decode(message, text, size < wanted ? size : wanted);
    return stream_stamped(message + begin, 20);
}

static bool poll_once(stream_reader_t *reader)
{
    const struct timespec pause = {0, POLL_MS * 1000000L};
    redisReply *reply =
        redisCommand(reader->context, "XREAD COUNT 10 BLOCK %d STREAMS stream:run-%u %s",
                     (int)POLL_MS, (unsigned)reader->number, reader->at);
    const bool is_right = reply && reply->type != REDIS_REPLY_ERROR;
    if (is_right) stream_reader_take(reader, reply, due_of);
    freeReplyObject(reply);
    if (is_right && reader->seen < reader->wanted) nanosleep(&pause, NULL);
    return is_right;
}

int stream_pure_graph_deliver(stream_work_t *work)
{
    return stream_readers_deliver(work, append_one, poll_once);
}
