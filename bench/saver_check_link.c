#include "saver_check_link.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- asking ---- */

static void fail(saver_checker_t *checker, const char *what)
{
    if (checker->error[0] == '\0') snprintf(checker->error, SAVER_CHECK_TEXT, "%s", what);
}

redisReply *checker_ask(saver_checker_t *checker, size_t count, const cairn_slice_t *words)
{
    enum {
        MOST = 8
    };
    const char *bytes[MOST];
    size_t lens[MOST];
    if (checker->error[0] != '\0' || count > MOST) return NULL;
    for (size_t i = 0; i < count; i++) {
        bytes[i] = words[i].ptr ? words[i].ptr : "";
        lens[i] = words[i].len;
    }
    redisReply *reply = redisCommandArgv(checker->link, (int)count, bytes, lens);
    if (!reply) {
        fail(checker, checker->link->errstr);
        return NULL;
    }
    if (reply->type != REDIS_REPLY_ERROR || strncmp(reply->str, "WRONGTYPE", 9) == 0) return reply;
    fail(checker, reply->str);
    freeReplyObject(reply);
    return NULL;
}

int checker_scan(saver_checker_t *checker, const char *match,
                 void (*take)(saver_checker_t *checker, cairn_slice_t key))
{
    cairn_slice_t cursor = cairn_str("0");
    redisReply *page = NULL;
    do {
        redisReply *next = ASK(checker, WORD("SCAN"), cursor, WORD("MATCH"), WORD(match),
                               WORD("COUNT"), WORD("1000"));
        freeReplyObject(page);
        page = next;
        if (!page || page->elements != 2) break;
        for (size_t i = 0; i < page->element[1]->elements; i++)
            take(checker, reply_text(page->element[1]->element[i]));
        cursor = reply_text(page->element[0]);
    } while (!cairn_slice_eq(cursor, cairn_str("0")));
    freeReplyObject(page);
    return checker->error[0] == '\0' ? 0 : -1;
}

long long checker_number(redisReply *reply)
{
    long long number = reply && reply->type == REDIS_REPLY_INTEGER ? reply->integer : -3;
    freeReplyObject(reply);
    return number;
}

bool checker_exists(saver_checker_t *checker, cairn_slice_t key)
{
    return checker_number(ASK(checker, WORD("EXISTS"), key)) == 1;
}

bool checker_score(saver_checker_t *checker, cairn_slice_t zset, cairn_slice_t member,
                   double *score)
{
    redisReply *reply = ASK(checker, WORD("ZSCORE"), zset, member);
    bool is_there = reply && reply->type == REDIS_REPLY_STRING;
    if (is_there) *score = strtod(reply->str, NULL);
    if (is_there && *score > NEVER) *score = NEVER;
    freeReplyObject(reply);
    return is_there;
}

double checker_now(saver_checker_t *checker)
{
    redisReply *reply = ASK(checker, WORD("TIME"));
    double now = 0;
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        now =
            strtod(reply->element[0]->str, NULL) * 1e3 + strtod(reply->element[1]->str, NULL) / 1e3;
    freeReplyObject(reply);
    return now;
}

double checker_end(saver_checker_t *checker, cairn_slice_t key)
{
    double now = checker_now(checker);
    long long left = checker_number(ASK(checker, WORD("PTTL"), key));
    if (left == -1) return NEVER;
    return left < 0 ? -1 : now + (double)left;
}

/* ---- telling ---- */

static size_t escape_into(char *out, size_t room, cairn_slice_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < bytes.len && used + 5 < room; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        bool plain = c >= 0x20 && c < 0x7f && c != '\\';
        used += (size_t)snprintf(out + used, room - used, plain ? "%c" : "\\x%02x", c);
    }
    out[used] = '\0';
    return used;
}

void checker_name(char out[SAVER_CHECK_TEXT], const char *why, cairn_slice_t key,
                  cairn_slice_t entry)
{
    size_t used = 0;
    if (why) used = (size_t)snprintf(out, SAVER_CHECK_TEXT, "%s: ", why);
    used += escape_into(out + used, SAVER_CHECK_TEXT - used, key);
    if (!entry.ptr || used + 8 > SAVER_CHECK_TEXT) return;
    used += (size_t)snprintf(out + used, SAVER_CHECK_TEXT - used, ", ");
    escape_into(out + used, SAVER_CHECK_TEXT - used, entry);
}

void checker_suspect_entry(saver_checker_t *checker, cairn_slice_t key, cairn_slice_t entry,
                           const char *why)
{
    if (checker->error[0] != '\0') return; /* nothing is known without answers */
    checker->suspected++;
    if (!checker->tells) return;
    saver_check_t *found = checker->found;
    if (found->orphans < SAVER_CHECK_FEW)
        checker_name(found->orphan[found->orphans], why, key, entry);
    found->orphans++;
}

void checker_suspect(saver_checker_t *checker, cairn_slice_t key, const char *why)
{
    checker_suspect_entry(checker, key, cairn_slice(NULL, 0), why);
}

/* ---- names ---- */

saver_place_t saver_place(cairn_slice_t owner, cairn_slice_t ns)
{
    saver_place_t place = {0};
    saver_text_t plain = {0};
    if (owner.len >= 2)
        saver_text_unescape(&place.thread, cairn_slice(owner.ptr + 1, owner.len - 2));
    saver_text_unescape(&plain, ns);
    saver_text_encode(&place.start, saver_text_slice(&plain), 0);
    saver_text_encode(&place.inverted, saver_text_slice(&plain), 0xff);
    saver_text_free(&plain);
    return place;
}

void saver_place_free(saver_place_t *place)
{
    saver_text_free(&place->thread);
    saver_text_free(&place->start);
    saver_text_free(&place->inverted);
}

saver_text_t saver_owned_key(saver_kind_t kind, cairn_slice_t owner)
{
    saver_text_t key = {0};
    saver_text_prefix(&key, kind);
    saver_text_add(&key, owner);
    return key;
}

saver_text_t saver_placed_key(saver_kind_t kind, cairn_slice_t owner, cairn_slice_t ns,
                              cairn_slice_t rest)
{
    saver_text_t key = saver_owned_key(kind, owner);
    saver_text_add(&key, cairn_str(":"));
    saver_text_add(&key, ns);
    saver_text_add(&key, cairn_str(":"));
    saver_text_add(&key, rest);
    return key;
}

saver_text_t saver_member(const saver_place_t *place, char kind, cairn_slice_t id)
{
    saver_text_t member = {0};
    saver_text_add(&member, cairn_slice(&kind, 1));
    saver_text_add(&member, saver_text_slice(&place->start));
    saver_text_add(&member, id);
    return member;
}
