/* A request of the saver that in a cluster is many calls, to many slots: some are out at the same
 * time, and the next goes when one is answered.
 *
 * Where something is asked of all slots that is a call to whoever has them, for some hundred at a
 * time, of a script that names no key: so it reads what is there, and says of which slots it has
 * nothing, because they have moved. These are asked for one by one, by their key, which finds its
 * way. */
#ifndef CAIRN_REDIS_SAVER_GATHER_H
#define CAIRN_REDIS_SAVER_GATHER_H

#include "redis_saver.h"

typedef struct redis_gather redis_gather_t;

enum {
    REDIS_GATHER_PARTS = 8,
    REDIS_GATHER_AGAIN = 1,
    REDIS_PIECE_SLOTS = 512 /* what a script does with so many takes no longer than 2 ms */
};

/* One of the calls that are out. */
typedef struct redis_gather_part {
    cairn_req_t req;
    redis_gather_t *gather;
    size_t index; /* of the call */
    bool out;
} redis_gather_part_t;

/* One round of calls. */
typedef struct redis_gather_plan {
    /* Sends the call `part->index`, by redis_gather_reserve and redis_gather_commit. */
    int (*send)(redis_gather_t *gather, redis_gather_part_t *part);
    /* Its answer; the reply is gone when this returns. REDIS_GATHER_AGAIN: it is sent again. */
    int (*take)(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply);
    /* All are answered: redis_gather_round for another, or redis_gather_end. */
    int (*done)(redis_gather_t *gather);
} redis_gather_plan_t;

/* Consecutive slots that one node is believed to have. */
typedef struct redis_piece {
    uint16_t first;
    uint16_t count;
} redis_piece_t;

/* What embeds it has it first. */
struct redis_gather {
    redis_backend_t *redis;
    cairn_req_t *req;
    cairn_arena_t arena; /* what is kept until the end */
    const redis_gather_plan_t *plan;
    size_t count, next, out; /* calls of this round; made; not answered */
    redis_piece_t *pieces;   /* of all slots; NULL before redis_gather_cut */
    size_t piece_count;
    bool begun;
    void (*gone)(redis_gather_t *gather); /* called before it is freed; NULL: none */
    redis_gather_part_t parts[REDIS_GATHER_PARTS];
};

/* Zeroed, of `size` bytes, of which a redis_gather_t is the first. NULL: out of memory. */
redis_gather_t *redis_gather_new(redis_backend_t *redis, cairn_req_t *req, size_t size);
void redis_gather_free(redis_gather_t *gather);

/* Begins, and gives the request the gather to keep. On <0 it is freed. */
CAIRN_MUST_USE int redis_gather_start(redis_gather_t *gather, const redis_gather_plan_t *plan,
                                      size_t count);

/* From `done`. */
CAIRN_MUST_USE int redis_gather_round(redis_gather_t *gather, const redis_gather_plan_t *plan,
                                      size_t count);

/* From `done`, before the request is answered: it keeps nothing any more. The caller frees the
 * gather when it has told. */
void redis_gather_end(redis_gather_t *gather);

/* For a call to whoever has the slot; `any`: it names no key, and comes behind all that was put in
 * before. As redis_conn_reserve. */
CAIRN_MUST_USE int redis_gather_reserve(redis_gather_t *gather, unsigned slot, bool any,
                                        size_t bytes, char **at);
void redis_gather_commit(redis_gather_t *gather, redis_gather_part_t *part, const char *end,
                         bool idempotent);

/* ---- pieces ---- */

/* Makes them, as the map is now. UV_ENOMEM. */
CAIRN_MUST_USE int redis_gather_cut(redis_gather_t *gather);

/* As an argument: the hash tags of its slots, one behind the other. */
size_t redis_piece_bound(void);
char *redis_piece_tags(char *out, const redis_piece_t *piece);

/* An array of places in the piece, from 0 on: adds the slots, which are uint16_t. CAIRN_EPROTOCOL,
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_piece_read(redis_gather_t *gather, const redis_piece_t *piece,
                                    redis_reply_t *reply, cairn_rows_t *slots);

/* Copies what a reply is at. UV_ENOMEM. */
CAIRN_MUST_USE int redis_gather_keep(redis_gather_t *gather, const redis_reply_t *reply,
                                     redis_reply_t *kept);

/* ---- redis_saver_copy_spread.c ---- */

int redis_copy_spread(redis_backend_t *redis, cairn_saver_copy_t *req, cairn_slice_t source,
                      cairn_slice_t target);

/* ---- redis_saver_runs_spread.c ---- */

int redis_runs_spread(redis_backend_t *redis, cairn_saver_delete_t *req, const cairn_slice_t *runs,
                      size_t count);

#endif
