#include "keyspace.h"

#ifdef CAIRN_WITH_REDIS

#include "check.h"
#include "journal.h"

#include <cairn/bytes.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#define STEM "langgraph:checkpoint"

/* What the checkpoints of a namespace name, sorted. */
typedef struct named {
    char *tag;
    redisReply *refs;
    cairn_slice_t *suffixes;
    size_t count;
    size_t room;
    struct named *next;
} named_t;

typedef struct check {
    redisContext *link;
    keyspace_t *found;
    long long now_ms;
    named_t *named;
} check_t;

/* ---- asking ---- */

static redisReply *ask(check_t *check, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(check->link, format, arguments);
    va_end(arguments);
    if (!reply) check_fail("%s: %s", format, check->link->errstr);
    if (reply->type == REDIS_REPLY_ERROR) check_fail("%s: %s", format, reply->str);
    return reply;
}

static cairn_slice_t text_of(const redisReply *reply)
{
    return reply->str ? cairn_slice(reply->str, reply->len) : cairn_str(NULL);
}

static long long integer(redisReply *reply)
{
    long long value = reply->integer;
    freeReplyObject(reply);
    return value;
}

/* A name put together of pieces. */
typedef struct name {
    char *bytes;
    size_t len;
} name_t;

static name_t name_of(const cairn_slice_t *pieces, size_t count)
{
    name_t name = {NULL, 0};
    for (size_t i = 0; i < count; i++) name.len += pieces[i].len;
    name.bytes = malloc(name.len + 1);
    if (!name.bytes) abort();
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > 0) memcpy(name.bytes + at, pieces[i].ptr, pieces[i].len);
        at += pieces[i].len;
    }
    return name;
}

#define NAME(...)                                                                                  \
    name_of((const cairn_slice_t[]){__VA_ARGS__},                                                  \
            sizeof((const cairn_slice_t[]){__VA_ARGS__}) / sizeof(cairn_slice_t))

static bool key_exists(check_t *check, name_t key)
{
    bool exists = integer(ask(check, "EXISTS %b", key.bytes, key.len)) == 1;
    free(key.bytes);
    return exists;
}

/* Whether the zset lists the member; its score goes to `score`, which may be NULL. */
static bool lists(check_t *check, name_t zset, cairn_slice_t member, double *score)
{
    redisReply *reply =
        ask(check, "ZSCORE %b %b", zset.bytes, zset.len, member.ptr ? member.ptr : "", member.len);
    bool found = reply->type != REDIS_REPLY_NIL;
    if (found && score) *score = strtod(reply->str, NULL);
    freeReplyObject(reply);
    free(zset.bytes);
    return found;
}

/* ---- finding fault ---- */

static void name_it(char out[256], cairn_slice_t key)
{
    journal_text_t text;
    snprintf(out, 256, "%s", journal_bytes(text, key));
}

static void is_orphan(check_t *check, cairn_slice_t key, const char *why)
{
    journal_text_t text;
    check->found->orphans++;
    snprintf(check->found->orphan, sizeof check->found->orphan, "%s: %s", why,
             journal_bytes(text, key));
}

/* ---- ids ---- */

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* In place, as redis_escape did it. */
static cairn_slice_t unescape(char *id, size_t len)
{
    if (len == 1 && id[0] == '%') return cairn_slice(id, 0);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        bool escaped = id[i] == '%' && i + 2 < len;
        id[used++] = escaped ? (char)(digit(id[i + 1]) * 16 + digit(id[i + 2])) : id[i];
        if (escaped) i += 2;
    }
    return cairn_slice(id, used);
}

static cairn_slice_t unescaped(cairn_slice_t id, char *room)
{
    memcpy(room, id.ptr, id.len);
    return unescape(room, id.len);
}

static void escape(cairn_slice_t id, char *out)
{
    if (id.len == 0) *out++ = '%';
    for (size_t i = 0; i < id.len; i++) {
        unsigned char c = (unsigned char)id.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '_' || c == '.' || c == '-';
        out += sprintf(out, plain ? "%c" : "%%%02X", c);
    }
    *out = '\0';
}

/* Takes an encoded id, every byte xor `mask`, off the front. */
static cairn_slice_t take_encoded(cairn_slice_t *from, unsigned char mask, char *room)
{
    size_t used = 0;
    while (from->len > 0) {
        char byte = (char)((unsigned char)from->ptr[0] ^ mask);
        char next = from->len > 1 ? (char)((unsigned char)from->ptr[1] ^ mask) : '\0';
        size_t size = byte == '\0' ? 2 : 1;
        if (size > from->len) size = from->len;
        from->ptr += size;
        from->len -= size;
        if (size == 2 && next == '\0') break;
        room[used++] = byte;
    }
    return cairn_slice(room, used);
}

/* ---- a namespace: "{thread}:ns", as it stands in keys ---- */

typedef struct space {
    cairn_slice_t tag;
    cairn_slice_t thread; /* "{thread}" */
    cairn_slice_t ns;     /* escaped */
} space_t;

/* Splits what follows the kind in a key; what is left is behind the namespace. */
static space_t take_space(cairn_slice_t *rest)
{
    space_t space = {*rest, {0}, {0}};
    const char *colon = memchr(rest->ptr, ':', rest->len);
    size_t thread_len = colon ? (size_t)(colon - rest->ptr) : rest->len;
    space.thread = cairn_slice(rest->ptr, thread_len);
    const char *ns = colon ? colon + 1 : rest->ptr + rest->len;
    size_t left = (size_t)(rest->ptr + rest->len - ns);
    const char *end = memchr(ns, ':', left);
    space.ns = cairn_slice(ns, end ? (size_t)(end - ns) : left);
    space.tag.len = (size_t)(ns + space.ns.len - rest->ptr);
    size_t taken = space.tag.len + (end ? 1 : 0);
    *rest = cairn_slice(rest->ptr + taken, rest->len - taken);
    return space;
}

static bool has_expired(check_t *check, const space_t *space, cairn_slice_t id)
{
    double at = 0;
    name_t expiry = NAME(cairn_str(STEM "_expiry:"), space->tag);
    return lists(check, expiry, id, &at) && at < (double)check->now_ms;
}

/* ---- values ---- */

static void add_suffix(named_t *named, cairn_slice_t suffix)
{
    if (named->count == named->room) {
        named->room = named->room * 2 + 16;
        named->suffixes = realloc(named->suffixes, named->room * sizeof *named->suffixes);
        if (!named->suffixes) abort();
    }
    named->suffixes[named->count++] = suffix;
}

/* The words behind the header and the run id of a record. */
static void add_record(named_t *named, cairn_slice_t record)
{
    enum {
        HEADER = 13
    };
    if (record.len < HEADER) return;
    const unsigned char *size = (const unsigned char *)record.ptr + HEADER - 4;
    size_t run = size[0] | (size_t)size[1] << 8 | (size_t)size[2] << 16 | (size_t)size[3] << 24;
    size_t at = HEADER + (run > 0 ? run - 1 : 0);
    while (at < record.len) {
        const char *blank = memchr(record.ptr + at, ' ', record.len - at);
        size_t len = blank ? (size_t)(blank - record.ptr) - at : record.len - at;
        add_suffix(named, cairn_slice(record.ptr + at, len));
        at += len + 1;
    }
}

static int compare_suffixes(const void *a, const void *b)
{
    return cairn_slice_cmp(*(const cairn_slice_t *)a, *(const cairn_slice_t *)b);
}

static const named_t *named_by(check_t *check, const space_t *space)
{
    for (named_t *named = check->named; named; named = named->next) {
        if (cairn_slice_eq(cairn_str(named->tag), space->tag)) return named;
    }
    named_t *named = calloc(1, sizeof *named);
    if (!named) abort();
    named->tag = NAME(space->tag, cairn_slice("", 1)).bytes;
    name_t refs = NAME(cairn_str(STEM "_refs:"), space->tag);
    named->refs = ask(check, "HGETALL %b", refs.bytes, refs.len);
    free(refs.bytes);
    for (size_t i = 0; i + 1 < named->refs->elements; i += 2) {
        if (named->refs->element[i]->str[0] == 'c')
            add_record(named, text_of(named->refs->element[i + 1]));
    }
    if (named->count > 0)
        qsort(named->suffixes, named->count, sizeof *named->suffixes, compare_suffixes);
    named->next = check->named;
    check->named = named;
    return named;
}

static void free_named(check_t *check)
{
    for (named_t *named = check->named, *next; named; named = next) {
        next = named->next;
        freeReplyObject(named->refs);
        free(named->suffixes);
        free(named->tag);
        free(named);
    }
}

static void check_blob(check_t *check, cairn_slice_t key, const space_t *space,
                       cairn_slice_t suffix)
{
    const named_t *named = named_by(check, space);
    if (named->count == 0 ||
        !bsearch(&suffix, named->suffixes, named->count, sizeof *named->suffixes, compare_suffixes))
        is_orphan(check, key, "no checkpoint names it");
}

/* ---- checkpoints and writes ---- */

static void check_object(check_t *check, cairn_slice_t key, const space_t *space,
                         cairn_slice_t escaped, bool may_be_lone)
{
    char *room = malloc(escaped.len + 1);
    if (!room) abort();
    cairn_slice_t id = unescaped(escaped, room);
    bool listed = lists(check, NAME(cairn_str(STEM "_index:"), space->tag), id, NULL);
    if (!listed && may_be_lone)
        listed = lists(check, NAME(cairn_str(STEM "_lone:"), space->tag), id, NULL);
    if (!listed) is_orphan(check, key, "no index lists it");
    free(room);
}

static bool object_is_there(check_t *check, const space_t *space, cairn_slice_t id,
                            const char *kind)
{
    char *escaped = malloc(id.len * 3 + 2);
    if (!escaped) abort();
    escape(id, escaped);
    bool there =
        key_exists(check, NAME(cairn_str(kind), space->tag, cairn_str(":"), cairn_str(escaped))) ||
        has_expired(check, space, id);
    free(escaped);
    return there;
}

static void check_index(check_t *check, cairn_slice_t key, const space_t *space, const char *kind)
{
    redisReply *reply = ask(check, "ZRANGE %b 0 -1", key.ptr, key.len);
    for (size_t i = 0; i < reply->elements; i++) {
        if (!object_is_there(check, space, text_of(reply->element[i]), kind))
            is_orphan(check, key, "lists what is not there");
    }
    freeReplyObject(reply);
    char *room = malloc(space->ns.len + 1);
    if (!room) abort();
    name_t thread = NAME(cairn_str("langgraph:thread:"), space->thread);
    if (!lists(check, thread, unescaped(space->ns, room), NULL))
        is_orphan(check, key, "its thread does not list it");
    free(room);
}

/* ---- across namespaces ---- */

/* Of a namespace that has expired as a whole, the score says so. */
static void check_thread(check_t *check, cairn_slice_t key, cairn_slice_t thread)
{
    redisReply *reply = ask(check, "ZRANGE %b 0 -1 WITHSCORES", key.ptr, key.len);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        cairn_slice_t ns = text_of(reply->element[i]);
        if (strtod(reply->element[i + 1]->str, NULL) < (double)check->now_ms) continue;
        char *escaped = malloc(ns.len * 3 + 2);
        if (!escaped) abort();
        escape(ns, escaped);
        name_t tag = NAME(thread, cairn_str(":"), cairn_str(escaped));
        cairn_slice_t tagged = cairn_slice(tag.bytes, tag.len);
        if (!key_exists(check, NAME(cairn_str(STEM "_index:"), tagged)) &&
            !key_exists(check, NAME(cairn_str(STEM "_lone:"), tagged)))
            is_orphan(check, key, "lists a namespace that has nothing");
        free(tag.bytes);
        free(escaped);
    }
    freeReplyObject(reply);
}

/* A member is the encoded id, then the inverted encoded thread and namespace. */
static void check_member(check_t *check, cairn_slice_t key, cairn_slice_t member)
{
    char *room = malloc(member.len * 10 + 10);
    if (!room) abort();
    cairn_slice_t rest = member;
    cairn_slice_t id = take_encoded(&rest, 0, room);
    cairn_slice_t thread = take_encoded(&rest, 0xff, room + id.len);
    cairn_slice_t ns = take_encoded(&rest, 0xff, room + id.len + thread.len);
    char *escaped_thread = room + member.len;
    escape(thread, escaped_thread);
    char *escaped_ns = escaped_thread + strlen(escaped_thread) + 1;
    escape(ns, escaped_ns);
    name_t tag =
        NAME(cairn_str("{"), cairn_str(escaped_thread), cairn_str("}:"), cairn_str(escaped_ns));
    space_t space = {.tag = cairn_slice(tag.bytes, tag.len)};
    if (!object_is_there(check, &space, id, STEM ":"))
        is_orphan(check, key, "lists a checkpoint that is not there");
    free(tag.bytes);
    free(room);
}

/* Of those that expired, the score, here or in the other zset of the shard, says so. */
static void check_members(check_t *check, cairn_slice_t key, cairn_slice_t shard)
{
    redisReply *reply = ask(check, "ZRANGE %b 0 -1 WITHSCORES", key.ptr, key.len);
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        cairn_slice_t member = text_of(reply->element[i]);
        double at = strtod(reply->element[i + 1]->str, NULL);
        if (shard.ptr &&
            !lists(check, NAME(cairn_str("langgraph:checkpoints_expiry:"), shard), member, &at))
            at = 0;
        if (at > 0 && at < (double)check->now_ms) continue;
        check_member(check, key, member);
    }
    freeReplyObject(reply);
}

/* ---- all keys ---- */

static bool take_prefix(cairn_slice_t *rest, const char *prefix)
{
    size_t len = strlen(prefix);
    if (rest->len < len || memcmp(rest->ptr, prefix, len) != 0) return false;
    *rest = cairn_slice(rest->ptr + len, rest->len - len);
    return true;
}

static void check_references(check_t *check, cairn_slice_t key)
{
    cairn_slice_t rest = key;
    space_t space;
    if (take_prefix(&rest, STEM ":")) {
        space = take_space(&rest);
        check_object(check, key, &space, rest, false);
    } else if (take_prefix(&rest, STEM "_blob:")) {
        space = take_space(&rest);
        check_blob(check, key, &space, rest);
    } else if (take_prefix(&rest, STEM "_write:")) {
        space = take_space(&rest);
        check_object(check, key, &space, rest, true);
    } else if (take_prefix(&rest, STEM "_index:")) {
        space = take_space(&rest);
        check_index(check, key, &space, STEM ":");
    } else if (take_prefix(&rest, STEM "_lone:")) {
        space = take_space(&rest);
        check_index(check, key, &space, STEM "_write:");
    } else if (take_prefix(&rest, "langgraph:thread:")) {
        check_thread(check, key, rest);
    } else if (take_prefix(&rest, "langgraph:checkpoints:")) {
        check_members(check, key, rest);
    } else if (take_prefix(&rest, STEM "_run:")) {
        check_members(check, key, cairn_str(NULL));
    } else if (!take_prefix(&rest, STEM "_refs:") && !take_prefix(&rest, STEM "_expiry:") &&
               !take_prefix(&rest, "langgraph:checkpoints_expiry:")) {
        is_orphan(check, key, "a key of no known kind");
    }
}

static void check_key(check_t *check, cairn_slice_t key)
{
    long long ttl = integer(ask(check, "PTTL %b", key.ptr, key.len));
    if (ttl == -2) return;
    check->found->keys++;
    name_it(check->found->key, key);
    if (ttl == -1) {
        check->found->without_ttl++;
        name_it(check->found->persistent, key);
    }
    check_references(check, key);
}

static void scan(check_t *check)
{
    char cursor[32] = "0";
    do {
        redisReply *reply = ask(check, "SCAN %s COUNT 1000", cursor);
        snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        for (size_t i = 0; i < reply->element[1]->elements; i++)
            check_key(check, text_of(reply->element[1]->element[i]));
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
}

void keyspace_check(redis_t *redis, keyspace_t *out)
{
    memset(out, 0, sizeof *out);
    check_t check = {.link = redisConnectUnix(redis->server.unix_path), .found = out};
    if (!check.link || check.link->err) check_fail("cannot connect to look at the keys");
    redisReply *time = ask(&check, "TIME");
    check.now_ms = strtoll(time->element[0]->str, NULL, 10) * 1000 +
                   strtoll(time->element[1]->str, NULL, 10) / 1000;
    freeReplyObject(time);
    scan(&check);
    free_named(&check);
    redisFree(check.link);
}

void keyspace_await_empty(redis_t *redis)
{
    keyspace_t found;
    uint64_t deadline = uv_hrtime() + 2000000000u;
    do {
        keyspace_check(redis, &found);
    } while (found.keys > 0 && uv_hrtime() < deadline);
    if (found.keys > 0) check_fail("%zu keys are left, as %s", found.keys, found.key);
}

#endif
