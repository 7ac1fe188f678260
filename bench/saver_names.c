#include "saver_names.h"
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *prefix;
    const char *type;
    bool has_place; /* namespace and id behind the thread */
} kinds[] = {
    [SAVER_CHECKPOINT] = {"langgraph:checkpoint:", "hash", true},
    [SAVER_REPLACED] = {"langgraph:checkpoint_replaced:", "hash", true},
    [SAVER_WRITES] = {"langgraph:checkpoint_write:", "list", true},
    [SAVER_BLOB] = {"langgraph:checkpoint_blob:", "string", true},
    [SAVER_RUN] = {"langgraph:checkpoint_run:", "zset", false},
    [SAVER_THREAD] = {"langgraph:thread:", "zset", false},
    [SAVER_THREAD_EXPIRY] = {"langgraph:thread_expiry:", "zset", false},
    [SAVER_THREAD_LOOSE] = {"langgraph:thread_loose:", "zset", false},
    [SAVER_THREAD_DELTA] = {"langgraph:thread_delta:", "string", false},
    [SAVER_SHARD] = {"langgraph:checkpoints:", "zset", false},
    [SAVER_SHARD_EXPIRY] = {"langgraph:checkpoints_expiry:", "zset", false},
};

#define KINDS (sizeof kinds / sizeof *kinds)
#define SHARDS 64

const char *saver_key_type(saver_kind_t kind)
{
    return (size_t)kind < KINDS ? kinds[kind].type : NULL;
}

/* ---- taking apart ---- */

static bool begins_with(cairn_slice_t key, const char *prefix)
{
    const size_t len = strlen(prefix);
    return key.len >= len && memcmp(key.ptr, prefix, len) == 0;
}

static cairn_slice_t behind(cairn_slice_t from, size_t count)
{
    return cairn_slice(from.ptr + count, from.len - count);
}

/* What is before the next ':', or all of it. */
static cairn_slice_t take_part(cairn_slice_t *from)
{
    const char *colon = from->len > 0 ? memchr(from->ptr, ':', from->len) : NULL;
    cairn_slice_t part = cairn_slice(from->ptr, colon ? (size_t)(colon - from->ptr) : from->len);
    *from = behind(*from, part.len + (colon ? 1 : 0));
    return part;
}

saver_key_t saver_key(cairn_slice_t whole)
{
    saver_key_t key = {.kind = SAVER_FOREIGN, .whole = whole};
    if (begins_with(whole, "langgraph:checkpoint") || begins_with(whole, "langgraph:thread"))
        key.kind = SAVER_UNKNOWN;
    for (size_t i = 0; i < KINDS; i++) {
        if (!begins_with(whole, kinds[i].prefix)) continue;
        key.kind = (saver_kind_t)i;
        key.rest = behind(whole, strlen(kinds[i].prefix));
        if (!kinds[i].has_place) {
            key.owner = key.rest;
            break;
        }
        key.owner = take_part(&key.rest);
        key.ns = take_part(&key.rest);
        if (key.owner.len < 2 || key.ns.len == 0 || key.rest.len == 0) key.kind = SAVER_UNKNOWN;
        break;
    }
    return key;
}

unsigned saver_shard(cairn_slice_t thread_id)
{
    unsigned hash = 0;
    for (size_t i = 0; i < thread_id.len; i++)
        hash = (hash * 33 + (unsigned char)thread_id.ptr[i]) % 65521;
    return hash % SHARDS;
}

/* ---- putting together ---- */

void saver_text_free(saver_text_t *text)
{
    free(text->at);
    *text = (saver_text_t){0};
}

void saver_text_add(saver_text_t *text, cairn_slice_t bytes)
{
    if (text->room - text->len < bytes.len + 1) {
        text->room = text->room * 2 + bytes.len + 64;
        text->at = realloc(text->at, text->room);
        if (!text->at) abort();
    }
    if (bytes.len > 0) memcpy(text->at + text->len, bytes.ptr, bytes.len);
    text->len += bytes.len;
}

static void add_byte(saver_text_t *text, char byte)
{
    saver_text_add(text, cairn_slice(&byte, 1));
}

void saver_text_prefix(saver_text_t *text, saver_kind_t kind)
{
    saver_text_add(text, cairn_str(kinds[kind].prefix));
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '-';
}

void saver_text_escape(saver_text_t *text, cairn_slice_t id)
{
    if (id.len == 0) add_byte(text, '%');
    for (size_t i = 0; i < id.len; i++) {
        char escaped[4];
        if (is_plain(id.ptr[i])) {
            add_byte(text, id.ptr[i]);
            continue;
        }
        snprintf(escaped, sizeof escaped, "%%%02X", (unsigned)(unsigned char)id.ptr[i]);
        saver_text_add(text, cairn_str(escaped));
    }
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

void saver_text_unescape(saver_text_t *text, cairn_slice_t escaped)
{
    if (escaped.len == 1 && *escaped.ptr == '%') return;
    for (size_t i = 0; i < escaped.len; i++) {
        if (escaped.ptr[i] != '%' || escaped.len - i < 3) {
            add_byte(text, escaped.ptr[i]);
            continue;
        }
        add_byte(text, (char)(digit(escaped.ptr[i + 1]) * 16 + digit(escaped.ptr[i + 2])));
        i += 2;
    }
}

void saver_text_encode(saver_text_t *text, cairn_slice_t id, unsigned char mask)
{
    for (size_t i = 0; i < id.len; i++) {
        add_byte(text, (char)((unsigned char)id.ptr[i] ^ mask));
        if (id.ptr[i] == '\0') add_byte(text, (char)(0xff ^ mask));
    }
    add_byte(text, (char)mask);
    add_byte(text, (char)mask);
}

bool saver_text_decode(saver_text_t *text, cairn_slice_t *from, unsigned char mask)
{
    while (from->len > 0) {
        const char byte = (char)((unsigned char)from->ptr[0] ^ mask);
        if (byte != '\0') {
            add_byte(text, byte);
            *from = behind(*from, 1);
            continue;
        }
        if (from->len < 2) return false;
        const char next = (char)((unsigned char)from->ptr[1] ^ mask);
        *from = behind(*from, 2);
        if (next == '\0') return true;
        if (next != (char)0xff) return false;
        add_byte(text, '\0');
    }
    return false;
}
