#include "saver_check_link.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PAGE = 1000
};

/* What lists something may outlive it so long, and not more: lib_expiry.lua. */
#define GRACE_MS 60000.0
#define TOLERANCE_MS 1000.0

/* A zset that lists, the one that says when what it lists expires, and what is found in them. */
typedef struct list {
    const saver_key_t *key;
    saver_text_t expiry; /* empty: the scores say it */
    double last;         /* when the last of what is listed expires; NEVER */
} list_t;

/* Of a member: whether what it names is there, and what is wrong with it otherwise. */
typedef const char *(*member_fn)(saver_checker_t *checker, const list_t *list,
                                 cairn_slice_t member);

static void check_member(saver_checker_t *checker, list_t *list, cairn_slice_t member, double score,
                         member_fn look)
{
    double end = score;
    if (list->expiry.len > 0) {
        end = NEVER;
        checker_score(checker, saver_text_slice(&list->expiry), member, &end);
    }
    if (end > list->last) list->last = end;
    const char *why = look(checker, list, member);
    /* What has expired stays listed until somebody comes by. */
    if (why && end > checker_now(checker))
        checker_suspect_entry(checker, list->key->whole, member, why);
}

static void check_members(saver_checker_t *checker, list_t *list, member_fn look)
{
    size_t count = PAGE;
    for (long long from = 0; count == PAGE; from += PAGE) {
        char first[24], last[24];
        snprintf(first, sizeof first, "%lld", from);
        snprintf(last, sizeof last, "%lld", from + PAGE - 1);
        redisReply *page = ASK(checker, WORD("ZRANGE"), list->key->whole, WORD(first), WORD(last),
                               WORD("WITHSCORES"));
        count = 0;
        for (size_t i = 0; page && i + 1 < page->elements; i += 2) {
            double score = strtod(page->element[i + 1]->str, NULL);
            if (score > NEVER) score = NEVER;
            check_member(checker, list, reply_text(page->element[i]), score, look);
            count++;
        }
        freeReplyObject(page);
    }
}

/* A list goes with the last of what it lists: not before, and not long after. */
static void check_life(saver_checker_t *checker, const list_t *list)
{
    const cairn_slice_t key = list->key->whole;
    const double end = checker_end(checker, key);
    if (end < 0) return;
    if (end + TOLERANCE_MS < list->last)
        checker_suspect(checker, key, "expires before what it lists");
    else if (end >= NEVER && list->last < NEVER)
        checker_suspect(checker, key, "never expires, as all that it lists does");
    else if (end < NEVER && end > list->last + GRACE_MS + TOLERANCE_MS)
        checker_suspect(checker, key, "outlives what it lists");
}

/* What is kept beside a list goes with it. */
static void check_life_beside(saver_checker_t *checker, const saver_key_t *key, saver_kind_t of)
{
    saver_text_t list = saver_owned_key(of, key->owner);
    const double end = checker_end(checker, key->whole);
    const double expected = checker_end(checker, saver_text_slice(&list));
    saver_text_free(&list);
    if (end < 0) return;
    if (expected < 0)
        checker_suspect(checker, key->whole, "is beside a list that is not there");
    else if (fabs(end - expected) > TOLERANCE_MS)
        checker_suspect(checker, key->whole, "expires at another time than its list");
}

/* ---- a thread ---- */

static const char *look_in_thread(saver_checker_t *checker, const list_t *list,
                                  cairn_slice_t member)
{
    const char kind = member.len > 0 ? *member.ptr : '\0';
    cairn_slice_t id = cairn_slice(member.ptr + 1, member.len > 0 ? member.len - 1 : 0);
    saver_text_t ns = {0}, escaped_ns = {0}, escaped_id = {0}, key = {0};
    const char *why = NULL;
    if ((kind != 'c' && kind != 'w') || !saver_text_decode(&ns, &id, 0)) {
        why = "lists what cannot be read";
    } else {
        saver_text_escape(&escaped_ns, saver_text_slice(&ns));
        saver_text_escape(&escaped_id, id);
        key = saver_placed_key(kind == 'c' ? SAVER_CHECKPOINT : SAVER_WRITES, list->key->owner,
                               saver_text_slice(&escaped_ns), saver_text_slice(&escaped_id));
        if (!checker_exists(checker, saver_text_slice(&key))) why = "lists what is not there";
    }
    saver_text_free(&key);
    saver_text_free(&escaped_id);
    saver_text_free(&escaped_ns);
    saver_text_free(&ns);
    return why;
}

/* ---- all threads ---- */

/* The key of the checkpoint that a member of a shard or a run names. False: it names none. */
static bool read_listed(cairn_slice_t member, saver_text_t *key, saver_text_t *thread)
{
    saver_text_t id = {0}, ns = {0}, owner = {0}, escaped_ns = {0}, escaped_id = {0};
    const bool ok = saver_text_decode(&id, &member, 0) &&
                    saver_text_decode(thread, &member, 0xff) &&
                    saver_text_decode(&ns, &member, 0xff) && member.len == 0;
    saver_text_add(&owner, cairn_str("{"));
    saver_text_escape(&owner, saver_text_slice(thread));
    saver_text_add(&owner, cairn_str("}"));
    saver_text_escape(&escaped_ns, saver_text_slice(&ns));
    saver_text_escape(&escaped_id, saver_text_slice(&id));
    if (ok)
        *key = saver_placed_key(SAVER_CHECKPOINT, saver_text_slice(&owner),
                                saver_text_slice(&escaped_ns), saver_text_slice(&escaped_id));
    saver_text_free(&escaped_id);
    saver_text_free(&escaped_ns);
    saver_text_free(&owner);
    saver_text_free(&ns);
    saver_text_free(&id);
    return ok;
}

static const char *look_in_shard(saver_checker_t *checker, const list_t *list, cairn_slice_t member)
{
    saver_text_t key = {0}, thread = {0}, owner = {0};
    const char *why = NULL;
    if (!read_listed(member, &key, &thread)) {
        why = "lists what cannot be read";
    } else {
        owner = checker_shard_of(checker, saver_text_slice(&thread));
        if (!cairn_slice_eq(list->key->owner, saver_text_slice(&owner)))
            why = "lists what is of another shard";
        else if (!checker_exists(checker, saver_text_slice(&key)))
            why = "lists a checkpoint that is not there";
    }
    saver_text_free(&owner);
    saver_text_free(&thread);
    saver_text_free(&key);
    return why;
}

static const char *look_in_run(saver_checker_t *checker, const list_t *list, cairn_slice_t member)
{
    saver_text_t key = {0}, thread = {0}, owner = {0};
    const char *why = NULL;
    if (!read_listed(member, &key, &thread)) {
        why = "lists what cannot be read";
    } else {
        redisReply *run = ASK(checker, WORD("HGET"), saver_text_slice(&key), WORD("r"));
        owner = checker_run_of(checker, saver_text_slice(&thread), reply_text(run));
        if (!run || run->type != REDIS_REPLY_STRING)
            why = "lists a checkpoint that is not there, or of no run";
        else if (!cairn_slice_eq(saver_text_slice(&owner), list->key->owner))
            why = "lists a checkpoint of another run";
        freeReplyObject(run);
    }
    saver_text_free(&owner);
    saver_text_free(&thread);
    saver_text_free(&key);
    return why;
}

/* ---- what says when things expire ---- */

static const char *look_in_expiry(saver_checker_t *checker, const list_t *list,
                                  cairn_slice_t member)
{
    const saver_kind_t of = list->key->kind == SAVER_THREAD_EXPIRY ? SAVER_THREAD : SAVER_SHARD;
    saver_text_t lists = saver_owned_key(of, list->key->owner);
    double score;
    bool is_listed = checker_score(checker, saver_text_slice(&lists), member, &score);
    saver_text_free(&lists);
    return is_listed ? NULL : "has an expiry of what is not listed";
}

void checker_look_at_list(saver_checker_t *checker, const saver_key_t *key)
{
    list_t list = {.key = key};
    switch (key->kind) {
    case SAVER_THREAD:
        list.expiry = saver_owned_key(SAVER_THREAD_EXPIRY, key->owner);
        check_members(checker, &list, look_in_thread);
        check_life(checker, &list);
        break;
    case SAVER_SHARD:
        list.expiry = saver_owned_key(SAVER_SHARD_EXPIRY, key->owner);
        check_members(checker, &list, look_in_shard);
        check_life(checker, &list);
        break;
    case SAVER_RUN:
        check_members(checker, &list, look_in_run);
        check_life(checker, &list);
        break;
    case SAVER_SHARD_EXPIRY:
        check_members(checker, &list, look_in_expiry);
        check_life_beside(checker, key, SAVER_SHARD);
        break;
    case SAVER_THREAD_EXPIRY:
        check_members(checker, &list, look_in_expiry);
        check_life_beside(checker, key, SAVER_THREAD);
        break;
    default: /* SAVER_THREAD_DELTA */
        check_life_beside(checker, key, SAVER_THREAD);
    }
    saver_text_free(&list.expiry);
}
