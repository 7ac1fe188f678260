#include "saver_check_link.h"
#include <stdio.h>
#include <stdlib.h>

/* Between TIME and PTTL, and what Redis rounds. */
#define TOLERANCE_MS 1000.0

/* ---- checkpoints and writes ---- */

/* What a thread says of an object. */
typedef struct object {
    saver_place_t place;
    saver_text_t id;
    saver_text_t member[2]; /* as a checkpoint, as writes alone */
    bool listed[2];
    double end[2]; /* NEVER, if it is not known to expire */
} object_t;

static object_t find_object(saver_checker_t *checker, const saver_key_t *key)
{
    object_t object = {.place = saver_place(key->owner, key->ns), .end = {NEVER, NEVER}};
    saver_text_unescape(&object.id, key->rest);
    saver_text_t thread = saver_owned_key(SAVER_THREAD, key->owner);
    saver_text_t expiry = saver_owned_key(SAVER_THREAD_EXPIRY, key->owner);
    for (int i = 0; i < 2; i++) {
        double score;
        object.member[i] = saver_member(&object.place, "cw"[i], saver_text_slice(&object.id));
        const cairn_slice_t member = saver_text_slice(&object.member[i]);
        object.listed[i] = checker_score(checker, saver_text_slice(&thread), member, &score);
        checker_score(checker, saver_text_slice(&expiry), member, &object.end[i]);
    }
    saver_text_free(&expiry);
    saver_text_free(&thread);
    return object;
}

static void free_object(object_t *object)
{
    saver_text_free(&object->member[0]);
    saver_text_free(&object->member[1]);
    saver_text_free(&object->id);
    saver_place_free(&object->place);
}

static bool differ(double a, double b)
{
    return a > b + TOLERANCE_MS || b > a + TOLERANCE_MS;
}

/* An object's key expires when its thread says so. */
static void check_end(saver_checker_t *checker, cairn_slice_t key, double expected)
{
    const double end = checker_end(checker, key);
    if (end < 0) return; /* it has gone meanwhile */
    if (end >= NEVER && expected < NEVER)
        checker_suspect(checker, key, "never expires, but should");
    else if (end < NEVER && expected >= NEVER)
        checker_suspect(checker, key, "expires, but should not");
    else if (differ(end, expected))
        checker_suspect(checker, key, "expires at another time");
}

/* The zset lists the member, with `end` for its score, if that is to be its score. */
static void check_listed(saver_checker_t *checker, cairn_slice_t key, cairn_slice_t zset,
                         cairn_slice_t member, const double *end, const char *why)
{
    double score = 0;
    bool is_there = checker_score(checker, zset, member, &score);
    if (!is_there || (end && differ(score, *end))) checker_suspect(checker, key, why);
}

static void check_shard(saver_checker_t *checker, const saver_key_t *key, const object_t *object)
{
    saver_text_t member = {0};
    saver_text_encode(&member, saver_text_slice(&object->id), 0);
    saver_text_encode(&member, saver_text_slice(&object->place.thread), 0xff);
    saver_text_add(&member, saver_text_slice(&object->place.inverted));
    const cairn_slice_t thread = saver_text_slice(&object->place.thread);
    saver_text_t owner = checker_shard_of(checker, thread);
    saver_text_t shard = saver_owned_key(SAVER_SHARD, saver_text_slice(&owner));
    saver_text_t expiry = saver_owned_key(SAVER_SHARD_EXPIRY, saver_text_slice(&owner));
    const cairn_slice_t listed = saver_text_slice(&member);
    const double *end = &object->end[0];
    double score;
    check_listed(checker, key->whole, saver_text_slice(&shard), listed, NULL,
                 "the list of all does not list it");
    if (*end < NEVER)
        check_listed(checker, key->whole, saver_text_slice(&expiry), listed, end,
                     "the list of all has another expiry");
    else if (checker_score(checker, saver_text_slice(&expiry), listed, &score))
        checker_suspect(checker, key->whole, "the list of all has an expiry");
    redisReply *run = ASK(checker, WORD("HGET"), key->whole, WORD("r"));
    if (run && run->type == REDIS_REPLY_STRING) {
        saver_text_t run_owner = checker_run_of(checker, thread, reply_text(run));
        saver_text_t run_key = saver_owned_key(SAVER_RUN, saver_text_slice(&run_owner));
        check_listed(checker, key->whole, saver_text_slice(&run_key), listed, end,
                     "its run does not list it so");
        saver_text_free(&run_key);
        saver_text_free(&run_owner);
    }
    freeReplyObject(run);
    saver_text_free(&owner);
    saver_text_free(&expiry);
    saver_text_free(&shard);
    saver_text_free(&member);
}

static void check_checkpoint(saver_checker_t *checker, const saver_key_t *key)
{
    redisReply *list = ASK(checker, WORD("HGET"), key->whole, WORD("l"));
    const bool is_checkpoint = list && list->type == REDIS_REPLY_STRING;
    freeReplyObject(list);
    if (!is_checkpoint) {
        checker_suspect(checker, key->whole, "says nothing of its channels");
        return;
    }
    object_t object = find_object(checker, key);
    saver_text_t writes = saver_placed_key(SAVER_WRITES, key->owner, key->ns, key->rest);
    if (!object.listed[0]) checker_suspect(checker, key->whole, "its thread does not list it");
    if (!checker_exists(checker, saver_text_slice(&writes)))
        checker_suspect(checker, key->whole, "has no list of writes");
    check_end(checker, key->whole, object.end[0]);
    check_shard(checker, key, &object);
    saver_text_free(&writes);
    free_object(&object);
}

/* The first element is the full TTL: '' if it never expires. */
static void check_first(saver_checker_t *checker, cairn_slice_t key, double end)
{
    redisReply *first = ASK(checker, WORD("LINDEX"), key, WORD("0"));
    if (first && first->type == REDIS_REPLY_STRING) {
        const size_t digits = strspn(first->str, "0123456789");
        const double ttl = digits > 0 ? strtod(first->str, NULL) : NEVER;
        if (digits != first->len)
            checker_suspect(checker, key, "does not begin with a TTL");
        else if ((ttl >= NEVER) != (end >= NEVER))
            checker_suspect(checker, key, "begins with another TTL");
        else if (ttl < NEVER && checker_now(checker) + ttl + TOLERANCE_MS < end)
            checker_suspect(checker, key, "lives longer than its TTL");
    }
    freeReplyObject(first);
}

static void check_writes(saver_checker_t *checker, const saver_key_t *key)
{
    object_t object = find_object(checker, key);
    saver_text_t checkpoint = saver_placed_key(SAVER_CHECKPOINT, key->owner, key->ns, key->rest);
    const bool has_checkpoint = checker_exists(checker, saver_text_slice(&checkpoint));
    const int kind = has_checkpoint ? 0 : 1;
    if (!object.listed[kind]) checker_suspect(checker, key->whole, "its thread does not list it");
    if (object.listed[1 - kind])
        checker_suspect(checker, key->whole, "its thread lists it as something else");
    check_end(checker, key->whole, object.end[kind]);
    check_first(checker, key->whole, object.end[kind]);
    saver_text_free(&checkpoint);
    free_object(&object);
}

/* ---- blobs ---- */

static void check_blob(saver_checker_t *checker, const saver_key_t *key)
{
    const double last = checker_last_user(checker, key, checker->tells);
    const double end = checker_end(checker, key->whole);
    if (end < 0) return;
    if (last <= 0)
        checker_suspect(checker, key->whole, "no checkpoint names it");
    else if (end + TOLERANCE_MS < last)
        checker_suspect(checker, key->whole, "expires before a checkpoint that names it");
    else if (end > last + TOLERANCE_MS)
        checker_suspect(checker, key->whole, "outlives every checkpoint that names it");
}

/* ---- all keys ---- */

static void look_at(saver_checker_t *checker, const saver_key_t *key)
{
    redisReply *type = ASK(checker, WORD("TYPE"), key->whole);
    const cairn_slice_t found = reply_text(type);
    const bool gone = cairn_slice_eq(found, cairn_str("none"));
    const bool right = cairn_slice_eq(found, cairn_str(saver_key_type(key->kind)));
    freeReplyObject(type);
    if (gone) return;
    if (!right) {
        checker_suspect(checker, key->whole, "a key of no known kind");
    } else if (key->kind == SAVER_CHECKPOINT) {
        check_checkpoint(checker, key);
    } else if (key->kind == SAVER_WRITES) {
        check_writes(checker, key);
    } else if (key->kind == SAVER_REPLACED) {
        checker_suspect(checker, key->whole, "what took its place has not been seen to");
    } else if (key->kind == SAVER_BLOB) {
        check_blob(checker, key);
    } else if (key->kind == SAVER_THREAD_LOOSE) {
        checker_suspect(checker, key->whole, "the users of blobs were not counted to the end");
    } else {
        checker_look_at_list(checker, key);
    }
}

static void count_key(saver_checker_t *checker, cairn_slice_t whole)
{
    saver_check_t *found = checker->found;
    const cairn_slice_t none = {NULL, 0};
    const long long left = checker_number(ASK(checker, WORD("PTTL"), whole));
    if (left == -2) return;
    if (found->keys++ == 0) checker_name(found->key, NULL, whole, none);
    if (left != -1) return;
    if (found->without_ttl < SAVER_CHECK_FEW)
        checker_name(found->persistent[found->without_ttl], NULL, whole, none);
    found->without_ttl++;
}

static void check_key(saver_checker_t *checker, cairn_slice_t whole)
{
    const saver_key_t key = saver_key(whole);
    if (key.kind == SAVER_FOREIGN) {
        if (checker->found->others++ == 0)
            checker_name(checker->found->other, NULL, whole, cairn_slice(NULL, 0));
        return;
    }
    count_key(checker, whole);
    checker->suspected = 0;
    checker->tells = false;
    look_at(checker, &key);
    if (checker->suspected == 0) return;
    checker->tells = true;
    look_at(checker, &key);
}

static int check_all(saver_checker_t *checker)
{
    if (checker_read_users(checker) == 0) (void)checker_scan(checker, "*", check_key);
    checker_free_users(checker);
    return checker->error[0] == '\0' ? 0 : -1;
}

int saver_check_run(redisContext *link, saver_check_t *out, char error[SAVER_CHECK_TEXT])
{
    saver_checker_t checker = {.link = link, .found = out, .error = error};
    memset(out, 0, sizeof *out);
    error[0] = '\0';
    return check_all(&checker);
}

int saver_check_node(redisContext *link, saver_check_t *out, char error[SAVER_CHECK_TEXT])
{
    saver_checker_t checker = {.link = link, .found = out, .error = error};
    error[0] = '\0';
    int rc = checker_read_tags(&checker);
    if (rc == 0) rc = check_all(&checker);
    checker_free_tags(&checker);
    return rc;
}
