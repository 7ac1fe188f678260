#include "saver_check_link.h"
#include <stdint.h>
#include <stdlib.h>

/* Of every blob that is named only a hash of its name: what is found by chance is found to live too
 * long, at the most, and is looked at anew. Open addressing; hash 0 is free. */
typedef struct user {
    uint64_t hash;
    double last;
} user_t;

typedef struct saver_users {
    user_t *slots;
    size_t room; /* a power of two */
    size_t count;
} saver_users_t;

static uint64_t hash_add(uint64_t hash, cairn_slice_t bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ (unsigned char)bytes.ptr[i]) * 1099511628211u;
    return (hash ^ 0x100) * 1099511628211u;
}

static uint64_t hash_of(cairn_slice_t owner, cairn_slice_t ns, cairn_slice_t suffix)
{
    uint64_t hash = hash_add(hash_add(hash_add(14695981039346656037u, owner), ns), suffix);
    hash ^= hash >> 31;
    return hash ? hash : 1;
}

static user_t *slot_of(const saver_users_t *users, uint64_t hash)
{
    size_t at = (size_t)hash & (users->room - 1);
    while (users->slots[at].hash != 0 && users->slots[at].hash != hash)
        at = (at + 1) & (users->room - 1);
    return &users->slots[at];
}

static void grow(saver_users_t *users)
{
    saver_users_t grown = {.room = users->room ? 2 * users->room : 1024, .count = users->count};
    grown.slots = calloc(grown.room, sizeof *grown.slots);
    if (!grown.slots) abort();
    for (size_t i = 0; i < users->room; i++)
        if (users->slots[i].hash != 0) *slot_of(&grown, users->slots[i].hash) = users->slots[i];
    free(users->slots);
    *users = grown;
}

static void add_user(saver_users_t *users, uint64_t hash, double last)
{
    if (2 * users->count >= users->room) grow(users);
    user_t *slot = slot_of(users, hash);
    if (slot->hash == 0) users->count++;
    slot->hash = hash;
    if (last > slot->last) slot->last = last;
}

/* ---- reading ---- */

/* The next word of a list of suffixes. False: there is none. */
static bool next_suffix(cairn_slice_t *list, cairn_slice_t *suffix)
{
    if (list->len == 0) return false;
    const char *blank = memchr(list->ptr, ' ', list->len);
    *suffix = cairn_slice(list->ptr, blank ? (size_t)(blank - list->ptr) : list->len);
    const size_t taken = suffix->len + (blank ? 1 : 0);
    *list = cairn_slice(list->ptr + taken, list->len - taken);
    return true;
}

/* Until when a checkpoint lives, as its thread says. */
static double end_of(saver_checker_t *checker, const saver_key_t *key)
{
    double end = NEVER;
    saver_place_t place = saver_place(key->owner, key->ns);
    saver_text_t id = {0};
    saver_text_unescape(&id, key->rest);
    saver_text_t member = saver_member(&place, 'c', saver_text_slice(&id));
    saver_text_t expiry = saver_owned_key(SAVER_THREAD_EXPIRY, key->owner);
    checker_score(checker, saver_text_slice(&expiry), saver_text_slice(&member), &end);
    saver_text_free(&expiry);
    saver_text_free(&member);
    saver_text_free(&id);
    saver_place_free(&place);
    return end;
}

static void add_checkpoint(saver_checker_t *checker, cairn_slice_t whole)
{
    const saver_key_t key = saver_key(whole);
    if (key.kind != SAVER_CHECKPOINT) return;
    redisReply *reply = ASK(checker, WORD("HGET"), whole, WORD("l"));
    cairn_slice_t list =
        reply && reply->type == REDIS_REPLY_STRING ? reply_text(reply) : cairn_slice(NULL, 0);
    const double end = list.len > 0 ? end_of(checker, &key) : 0;
    for (cairn_slice_t suffix; next_suffix(&list, &suffix);)
        add_user(checker->users, hash_of(key.owner, key.ns, suffix), end);
    freeReplyObject(reply);
}

int checker_read_users(saver_checker_t *checker)
{
    checker->users = calloc(1, sizeof *checker->users);
    if (!checker->users) abort();
    grow(checker->users);
    return checker_scan(checker, "langgraph:checkpoint:*", add_checkpoint);
}

void checker_free_users(saver_checker_t *checker)
{
    if (checker->users) free(checker->users->slots);
    free(checker->users);
    checker->users = NULL;
}

/* ---- anew ---- */

static bool names(saver_checker_t *checker, const saver_key_t *blob, cairn_slice_t id)
{
    saver_text_t escaped = {0};
    saver_text_escape(&escaped, id);
    saver_text_t key =
        saver_placed_key(SAVER_CHECKPOINT, blob->owner, blob->ns, saver_text_slice(&escaped));
    redisReply *reply = ASK(checker, WORD("HGET"), saver_text_slice(&key), WORD("l"));
    cairn_slice_t list = reply_text(reply), suffix;
    bool named = false;
    while (!named && next_suffix(&list, &suffix)) named = cairn_slice_eq(suffix, blob->rest);
    freeReplyObject(reply);
    saver_text_free(&key);
    saver_text_free(&escaped);
    return named;
}

static double ask_last_user(saver_checker_t *checker, const saver_key_t *blob)
{
    double last = 0;
    saver_place_t place = saver_place(blob->owner, blob->ns);
    saver_text_t from = {0}, to = {0};
    saver_text_add(&from, cairn_str("[c"));
    saver_text_add(&from, saver_text_slice(&place.start));
    saver_text_add(&to, cairn_str("(c"));
    saver_text_add(&to, saver_text_slice(&place.start));
    to.at[to.len - 1] = 1;
    saver_text_t thread = saver_owned_key(SAVER_THREAD, blob->owner);
    saver_text_t expiry = saver_owned_key(SAVER_THREAD_EXPIRY, blob->owner);
    redisReply *reply = ASK(checker, WORD("ZRANGEBYLEX"), saver_text_slice(&thread),
                            saver_text_slice(&from), saver_text_slice(&to));
    for (size_t i = 0; reply && i < reply->elements; i++) {
        const cairn_slice_t member = reply_text(reply->element[i]);
        const size_t head = 1 + place.start.len;
        double end = NEVER;
        if (!names(checker, blob, cairn_slice(member.ptr + head, member.len - head))) continue;
        checker_score(checker, saver_text_slice(&expiry), member, &end);
        if (end > last) last = end;
    }
    freeReplyObject(reply);
    saver_text_free(&expiry);
    saver_text_free(&thread);
    saver_text_free(&to);
    saver_text_free(&from);
    saver_place_free(&place);
    return last;
}

double checker_last_user(saver_checker_t *checker, const saver_key_t *blob, bool anew)
{
    if (anew) return ask_last_user(checker, blob);
    return slot_of(checker->users, hash_of(blob->owner, blob->ns, blob->rest))->last;
}
