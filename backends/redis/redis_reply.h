/* A cursor over one framed value (redis_frame.h): forward only, no allocation; what it hands out
 * borrows from the buffer.
 *
 *     size_t count;
 *     cairn_slice_t kind, channel, payload;
 *     redis_reply_init(&reply, buf, len);
 *     if ((rc = redis_reply_array(&reply, &count)) < 0 || count != 3) ...
 *     if ((rc = redis_reply_string(&reply, &kind)) < 0) ...
 *
 * Every reader gives 0 and moves behind what it read, or gives CAIRN_EPROTOCOL and stays: another
 * type is next, or nothing. Attributes are skipped wherever they are. RESP2 and RESP3 read alike: a
 * map is an array of keys and values, a double may come as text, a bool as 0 or 1.
 *
 * Safe on bytes that were not framed: it never reads beyond their end, only fails. */
#ifndef CAIRN_REDIS_REPLY_H
#define CAIRN_REDIS_REPLY_H

#include "redis_frame.h"

typedef enum redis_type {
    REDIS_NONE, /* nothing left */
    REDIS_NIL,
    REDIS_INT,
    REDIS_STRING, /* $ + = and ( */
    REDIS_ERROR,  /* - and ! */
    REDIS_DOUBLE,
    REDIS_BOOL,
    REDIS_ARRAY, /* * ~ and > */
    REDIS_MAP
} redis_type_t;

typedef struct redis_reply {
    const char *at;
    const char *end;
} redis_reply_t;

static inline void redis_reply_init(redis_reply_t *reply, const char *buf, size_t len)
{
    reply->at = buf;
    reply->end = buf + len;
}

/* Of the value that is next. */
redis_type_t redis_reply_type(const redis_reply_t *reply);

/* Nothing left to read. */
static inline bool redis_reply_done(const redis_reply_t *reply)
{
    return reply->at == reply->end;
}

/* At the beginning of a value: nobody asked for it; the server pushed it. */
static inline bool redis_reply_is_push(const redis_reply_t *reply)
{
    return reply->at < reply->end && *reply->at == '>';
}

bool redis_reply_error_slow(const redis_reply_t *reply, cairn_slice_t *text);
int redis_reply_int_slow(redis_reply_t *reply, int64_t *value);
int redis_reply_string_slow(redis_reply_t *reply, cairn_slice_t *text, bool *nil);
int redis_reply_array_slow(redis_reply_t *reply, size_t *count, bool *nil);

/* Whether an error is next; then `text` is what it says. Does not move. */
static inline bool redis_reply_error(const redis_reply_t *reply, cairn_slice_t *text)
{
    if (reply->at == reply->end) return false;
    char type = *reply->at;
    if (type != '-' && type != '!' && type != '|') return false;
    return redis_reply_error_slow(reply, text);
}

static inline size_t redis_reply_digit(char c)
{
    return (size_t)(unsigned char)c - '0';
}

/* The bytes of a bulk whose length has up to three digits; NULL: for the slow way. Digits were
 * checked when it was framed; others make a wrong length, or a huge one if they are less, never one
 * beyond the end. */
static inline const char *redis_reply_short(redis_reply_t *reply, size_t *len)
{
    enum {
        LEAST = sizeof "$0\r\n\r\n" - 1
    };
    const char *at = reply->at;
    size_t there = (size_t)(reply->end - at);
    if (there < LEAST || *at != '$') return NULL;
    size_t length = redis_reply_digit(at[1]);
    size_t room = there - LEAST;
    at += 2;
    if (*at != '\r') {
        if (room < 2) return NULL;
        length = length * 10 + redis_reply_digit(*at++);
        room--;
        if (*at != '\r') {
            length = length * 10 + redis_reply_digit(*at++);
            room--;
            if (*at != '\r') return NULL;
        }
    }
    if (length > room) return NULL;
    at += 2;
    *len = length;
    reply->at = at + length + 2;
    return at;
}

/* The digit of ":1\r\n" or "*1\r\n"; more than 9: for the slow way. */
static inline size_t redis_reply_single(const redis_reply_t *reply)
{
    return reply->end - reply->at >= 4 && reply->at[2] == '\r' ? redis_reply_digit(reply->at[1])
                                                               : SIZE_MAX;
}

CAIRN_MUST_USE static inline int redis_reply_int(redis_reply_t *reply, int64_t *value)
{
    size_t digit = redis_reply_single(reply);
    if (digit <= 9 && *reply->at == ':') {
        *value = (int64_t)digit;
        reply->at += 4;
        return 0;
    }
    redis_reply_t moved = *reply; /* so that the caller's may stay in registers, here and below */
    int64_t found = 0;
    int rc = redis_reply_int_slow(&moved, &found);
    reply->at = moved.at;
    *value = found;
    return rc;
}

/* $ + = (without its prefix) or (. */
CAIRN_MUST_USE static inline int redis_reply_string(redis_reply_t *reply, cairn_slice_t *text)
{
    const char *bytes = redis_reply_short(reply, &text->len);
    if (bytes) {
        text->ptr = bytes;
        return 0;
    }
    redis_reply_t moved = *reply;
    cairn_slice_t found = {0};
    int rc = redis_reply_string_slow(&moved, &found, NULL);
    reply->at = moved.at;
    *text = found;
    return rc;
}

/* The same; or nil, then `text` is empty. */
CAIRN_MUST_USE static inline int redis_reply_string_or_nil(redis_reply_t *reply,
                                                           cairn_slice_t *text, bool *nil)
{
    *nil = false;
    const char *bytes = redis_reply_short(reply, &text->len);
    if (bytes) {
        text->ptr = bytes;
        return 0;
    }
    redis_reply_t moved = *reply;
    cairn_slice_t found = {0};
    bool is_nil = false;
    int rc = redis_reply_string_slow(&moved, &found, &is_nil);
    reply->at = moved.at;
    *text = found;
    *nil = is_nil;
    return rc;
}

/* , or an integer, or text that is a number. */
CAIRN_MUST_USE int redis_reply_double(redis_reply_t *reply, double *value);

/* # or the integer 0 or 1. */
CAIRN_MUST_USE int redis_reply_bool(redis_reply_t *reply, bool *value);

/* Enters an array, set, push or map: its `count` values are next; a map's keys and values count
 * each. */
CAIRN_MUST_USE static inline int redis_reply_array(redis_reply_t *reply, size_t *count)
{
    size_t digit = redis_reply_single(reply);
    if (digit <= 9 && (*reply->at == '*' || *reply->at == '>')) {
        *count = digit;
        reply->at += 4;
        return 0;
    }
    redis_reply_t moved = *reply;
    size_t found = 0;
    int rc = redis_reply_array_slow(&moved, &found, NULL);
    reply->at = moved.at;
    *count = found;
    return rc;
}

/* The same; or nil, then `count` is 0. */
CAIRN_MUST_USE static inline int redis_reply_array_or_nil(redis_reply_t *reply, size_t *count,
                                                          bool *nil)
{
    *nil = false;
    return redis_reply_array_slow(reply, count, nil);
}

/* Moves behind the next value, with all its children. */
CAIRN_MUST_USE int redis_reply_skip(redis_reply_t *reply);

#endif
