/* Private to saver_check*.c: asking, and what is told of it. */
#ifndef CAIRN_BENCH_SAVER_CHECK_LINK_H
#define CAIRN_BENCH_SAVER_CHECK_LINK_H

#include "saver_check.h"
#include "saver_names.h"
#include <hiredis/hiredis.h>

/* Times in ms; of what never expires. */
#define NEVER 9e18

typedef struct saver_checker {
    redisContext *link;
    saver_check_t *found;
    char *error;      /* "": every answer came */
    size_t suspected; /* of the key at hand */
    bool tells;       /* it was looked at before */
    struct saver_users *users;
    struct saver_tags *tags; /* NULL: it is no node of a cluster */
} saver_checker_t;

/* NULL: no answer; then the error is set, unless it was before. Of an error only WRONGTYPE is an
 * answer. The caller frees. */
redisReply *checker_ask(saver_checker_t *checker, size_t count, const cairn_slice_t *words);
#define ASK(checker, ...)                                                                          \
    checker_ask((checker), sizeof((const cairn_slice_t[]){__VA_ARGS__}) / sizeof(cairn_slice_t),   \
                (const cairn_slice_t[]){__VA_ARGS__})
#define WORD(text) cairn_str(text)

static inline cairn_slice_t reply_text(const redisReply *reply)
{
    return reply && reply->str ? cairn_slice(reply->str, reply->len) : cairn_str(NULL);
}

/* Calls `take` with each key that matches, "langgraph:*". 0, or -1: there is an error. */
int checker_scan(saver_checker_t *checker, const char *match,
                 void (*take)(saver_checker_t *checker, cairn_slice_t key));

long long checker_number(redisReply *reply); /* frees it; -3: it is none */

bool checker_exists(saver_checker_t *checker, cairn_slice_t key);

/* The score of a member of a zset. False: it is not there. */
bool checker_score(saver_checker_t *checker, cairn_slice_t zset, cairn_slice_t member,
                   double *score);

/* When a key expires: NEVER, or -1 if it is not there. */
double checker_end(saver_checker_t *checker, cairn_slice_t key);
double checker_now(saver_checker_t *checker);

/* Something is wrong with a key, or with an entry of it. */
void checker_suspect(saver_checker_t *checker, cairn_slice_t key, const char *why);
void checker_suspect_entry(saver_checker_t *checker, cairn_slice_t key, cairn_slice_t entry,
                           const char *why);

/* Printable bytes as they are, others as \xNN, cut. */
void checker_name(char out[SAVER_CHECK_TEXT], const char *why, cairn_slice_t key,
                  cairn_slice_t entry);

/* ---- saver_check_users.c: who names a blob ---- */

/* What all checkpoints name, and until when the last of them lives. */
int checker_read_users(saver_checker_t *checker);
void checker_free_users(saver_checker_t *checker);

/* 0: nobody. `anew`: from the server, now. */
double checker_last_user(saver_checker_t *checker, const saver_key_t *blob, bool anew);

/* ---- saver_check_tags.c: lists in a cluster, which are one a slot ---- */

/* Which tag the lists of each slot have, learnt from those that are there. */
int checker_read_tags(saver_checker_t *checker);
void checker_free_tags(saver_checker_t *checker);

/* The owner of the list of all that has a thread, and of that of its run `run`; thread and run are
 * not escaped. In a cluster of nobody if there is no list in the slot. */
saver_text_t checker_shard_of(const saver_checker_t *checker, cairn_slice_t thread);
saver_text_t checker_run_of(const saver_checker_t *checker, cairn_slice_t thread,
                            cairn_slice_t run);

/* ---- saver_check_lists.c ---- */

void checker_look_at_list(saver_checker_t *checker, const saver_key_t *key);

/* ---- saver_check.c ---- */

/* Of "{thread}", its namespace (escaped) and an id, the names that belong to it. */
typedef struct saver_place {
    saver_text_t thread;   /* not escaped */
    saver_text_t start;    /* the encoded namespace */
    saver_text_t inverted; /* the encoded namespace, inverted */
} saver_place_t;

saver_place_t saver_place(cairn_slice_t owner, cairn_slice_t ns);
void saver_place_free(saver_place_t *place);

/* The key of a kind that has only an owner; of one with a place. */
saver_text_t saver_owned_key(saver_kind_t kind, cairn_slice_t owner);
saver_text_t saver_placed_key(saver_kind_t kind, cairn_slice_t owner, cairn_slice_t ns,
                              cairn_slice_t rest);

/* A member of the thread's list, of the kind 'c' or 'w'. */
saver_text_t saver_member(const saver_place_t *place, char kind, cairn_slice_t id);

#endif
