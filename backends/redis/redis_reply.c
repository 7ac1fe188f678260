#include "redis_reply.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the next token ---- */

/* Reads whole values, `count` of them and all their children, from `at` on. NULL: malformed. */
static const char *skip_values(const char *at, const char *end, uint64_t count)
{
    while (count > 0) {
        /* No value is shorter than a byte, and so the count cannot overflow. */
        if (count > (uint64_t)(end - at)) return NULL;
        redis_reply_t rest = {at, end};
        size_t len;
        if (redis_reply_short(&rest, &len)) {
            at = rest.at;
            count--;
            continue;
        }
        redis_token_t token;
        if (redis_token_read(&token, at, end, 0) <= 0) return NULL;
        count += token.children - (token.type != '|');
        at = token.next;
    }
    return at;
}

/* The token that is next, attributes left out. */
static bool peek(const redis_reply_t *reply, redis_token_t *token)
{
    const char *at = reply->at;
    while (at && redis_token_read(token, at, reply->end, 0) > 0) {
        if (token->type != '|') return true;
        at = skip_values(token->next, reply->end, token->children);
    }
    return false;
}

static redis_type_t type_of(const redis_token_t *token)
{
    if (token->nil) return REDIS_NIL;
    switch (token->type) {
    case '$':
    case '+':
    case '=':
    case '(':
        return REDIS_STRING;
    case '-':
    case '!':
        return REDIS_ERROR;
    case ':':
        return REDIS_INT;
    case ',':
        return REDIS_DOUBLE;
    case '#':
        return REDIS_BOOL;
    case '%':
        return REDIS_MAP;
    default:
        return REDIS_ARRAY;
    }
}

redis_type_t redis_reply_type(const redis_reply_t *reply)
{
    redis_token_t token;
    return peek(reply, &token) ? type_of(&token) : REDIS_NONE;
}

/* ---- readers ---- */

bool redis_reply_error_slow(const redis_reply_t *reply, cairn_slice_t *text)
{
    redis_token_t token;
    if (!peek(reply, &token) || type_of(&token) != REDIS_ERROR) return false;
    *text = cairn_slice(token.body, token.len);
    return true;
}

/* Of at most 18 digits and no sign, or NULL. */
static const char *read_number(const redis_reply_t *reply, uint64_t *value)
{
    if (reply->at == reply->end || *reply->at != ':') return NULL;
    return redis_digits(reply->at + 1, reply->end, value);
}

int redis_reply_int_slow(redis_reply_t *reply, int64_t *value)
{
    uint64_t number;
    const char *next = read_number(reply, &number);
    if (next) {
        *value = (int64_t)number;
        reply->at = next;
        return 0;
    }
    redis_token_t token;
    if (!peek(reply, &token) || token.type != ':') return CAIRN_EPROTOCOL;
    *value = token.integer;
    reply->at = token.next;
    return 0;
}

/* A bulk of any length, or NULL. */
static const char *read_bulk(redis_reply_t *reply, size_t *len)
{
    uint64_t length;
    if (reply->at == reply->end || *reply->at != '$') return NULL;
    const char *body = redis_digits(reply->at + 1, reply->end, &length);
    if (!body) return NULL;
    size_t there = (size_t)(reply->end - body);
    if (there < 2 || length > there - 2) return NULL;
    *len = (size_t)length;
    reply->at = body + length + 2;
    return body;
}

/* As nearly all come: "$-1\r\n" of RESP2, "_\r\n" of RESP3. */
static bool read_nil(redis_reply_t *reply)
{
    size_t there = (size_t)(reply->end - reply->at);
    size_t len = 0;
    if (there >= 3 && memcmp(reply->at, "_\r\n", 3) == 0) len = 3;
    if (there >= 5 && memcmp(reply->at, "$-1\r\n", 5) == 0) len = 5;
    reply->at += len;
    return len > 0;
}

int redis_reply_string_slow(redis_reply_t *reply, cairn_slice_t *text, bool *nil)
{
    if (nil && read_nil(reply)) {
        *nil = true;
        *text = cairn_slice(NULL, 0);
        return 0;
    }
    text->ptr = read_bulk(reply, &text->len);
    if (text->ptr) return 0;
    redis_token_t token;
    if (!peek(reply, &token)) return CAIRN_EPROTOCOL;
    redis_type_t type = type_of(&token);
    if (type != REDIS_STRING && !(nil && type == REDIS_NIL)) return CAIRN_EPROTOCOL;
    if (nil) *nil = type == REDIS_NIL;
    *text = cairn_slice(token.body, token.len);
    reply->at = token.next;
    return 0;
}

int redis_reply_array_slow(redis_reply_t *reply, size_t *count, bool *nil)
{
    redis_token_t token;
    if (!peek(reply, &token)) return CAIRN_EPROTOCOL;
    redis_type_t type = type_of(&token);
    bool entered = type == REDIS_ARRAY || type == REDIS_MAP;
    if (!entered && !(nil && type == REDIS_NIL)) return CAIRN_EPROTOCOL;
    if (token.children > (uint64_t)(reply->end - token.next)) return CAIRN_EPROTOCOL;
    if (nil) *nil = !entered;
    *count = (size_t)token.children;
    reply->at = token.next;
    return 0;
}

int redis_reply_bool(redis_reply_t *reply, bool *value)
{
    redis_token_t token;
    if (!peek(reply, &token)) return CAIRN_EPROTOCOL;
    if (token.type != '#' && token.type != ':') return CAIRN_EPROTOCOL;
    if (token.integer != 0 && token.integer != 1) return CAIRN_EPROTOCOL;
    *value = token.integer == 1;
    reply->at = token.next;
    return 0;
}

int redis_reply_skip(redis_reply_t *reply)
{
    redis_token_t token;
    if (!peek(reply, &token)) return CAIRN_EPROTOCOL;
    const char *at = skip_values(token.next, reply->end, token.children);
    if (!at) return CAIRN_EPROTOCOL;
    reply->at = at;
    return 0;
}

/* ---- doubles ---- */

/* The number behind "e", as far as it matters: whatever lies beyond is 0 or infinite. */
static int read_exponent(const char *at, const char *end)
{
    enum {
        FAR = 100000
    };
    if (at == end) return 0;
    at++;
    bool negative = *at == '-';
    if (negative || *at == '+') at++;
    int exponent = 0;
    for (; at < end && exponent < FAR; at++) exponent = exponent * 10 + (*at - '0');
    return negative ? -exponent : exponent;
}

/* strtod wants the point of the process's locale, so it gets none: "1.25e3" goes in as "125e1", and
 * "inf" as "infe0", of which it takes what it knows. */
static bool read_double(cairn_slice_t text, double *value)
{
    if (text.len > REDIS_DOUBLE_MAX || !redis_token_is_double(text)) return false;
    char digits[REDIS_DOUBLE_MAX + sizeof "e-1000000"];
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    const char *point = NULL;
    size_t used = 0;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            point = at;
        } else {
            digits[used++] = *at;
        }
    }
    int fraction = point ? (int)(at - point - 1) : 0;
    snprintf(digits + used, sizeof digits - used, "e%d", read_exponent(at, end) - fraction);
    *value = strtod(digits, NULL);
    return true;
}

int redis_reply_double(redis_reply_t *reply, double *value)
{
    redis_token_t token;
    if (!peek(reply, &token) || token.nil) return CAIRN_EPROTOCOL;
    bool is_text = token.type == ',' || token.type == '$' || token.type == '+';
    if (token.type == ':') {
        *value = (double)token.integer;
    } else if (!is_text || !read_double(cairn_slice(token.body, token.len), value)) {
        return CAIRN_EPROTOCOL;
    }
    reply->at = token.next;
    return 0;
}
