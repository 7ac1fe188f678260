/* The same random operations on two backends, which must agree step by step.
 *
 * A sequence is made of a seed alone. Operations go to both sides in batches, in flight together,
 * and every result is compared; in between, and at the end, so is all that can be read. Time does
 * not pass alike on the two sides, so a TTL is either much longer than a sequence, or so short that
 * it is waited for until it is surely over. */
#ifndef TESTS_CONFORMANCE_SAVER_DIFF_H
#define TESTS_CONFORMANCE_SAVER_DIFF_H

#include "saver_client.h"

#include <stdint.h>

#define DIFF_THREADS 3
#define DIFF_SPACES 3
#define DIFF_IDS 8
#define DIFF_BATCH 12
#define DIFF_CHANNELS 5
#define DIFF_VERSIONS 4
#define DIFF_BYTES 12

typedef enum op_kind {
    OP_PUT,
    OP_WRITE,
    OP_GET,
    OP_HISTORY,
    OP_TTL,
    OP_SET_TTL,
    OP_PIN,
    OP_UNPIN,
    OP_LAST_OF_BATCH = OP_UNPIN, /* those up to here may be in flight together */
    OP_LIST,
    OP_DELETE_THREAD,
    OP_DELETE_FOR_RUNS,
    OP_PRUNE,
    OP_COPY,
    OP_KINDS
} op_kind_t;

/* One operation with room for its arguments; must not be moved. */
typedef struct op {
    op_kind_t kind;
    cairn_checkpoint_ref_t at; /* of put: of the parent */
    cairn_ttl_t ttl;
    cairn_saver_scope_t scope;

    cairn_checkpoint_t checkpoint;
    cairn_channel_version_t versions[DIFF_CHANNELS];
    cairn_channel_value_t values[DIFF_CHANNELS];
    cairn_version_seen_t seen[2];
    cairn_slice_t updated[2];
    cairn_saver_put_options_t put_options;
    char metadata[96];

    cairn_task_writes_t task;
    cairn_write_t writes[DIFF_CHANNELS];

    cairn_saver_get_options_t get_options;
    cairn_saver_query_t query;
    cairn_checkpoint_ref_t before;
    char filter[48];
    cairn_slice_t names[3]; /* channels of a history, runs, threads, source and target */
    size_t name_count;
    cairn_saver_prune_options_t prune;

    char bytes[DIFF_CHANNELS][DIFF_BYTES]; /* of values */
} op_t;

/* Ids of a sequence, few enough to meet each other often. */
typedef struct pool {
    cairn_slice_t threads[DIFF_THREADS];
    cairn_slice_t spaces[DIFF_SPACES];
    cairn_slice_t ids[DIFF_IDS];
    cairn_slice_t channels[DIFF_CHANNELS];
    cairn_slice_t versions[DIFF_VERSIONS];
    cairn_slice_t tasks[3];
    cairn_slice_t runs[3];
    char room[34][DIFF_BYTES];
    size_t used;
} pool_t;

typedef struct diff {
    world_t *world;
    saver_client_t *sides[2];
    uint64_t random;
    pool_t pool;
    cairn_saver_options_t options; /* of both savers */
    bool only_ttls;                /* no operation makes anything permanent */
    text_t log;                    /* every operation, one a line */
    bool bare[DIFF_THREADS][DIFF_SPACES][DIFF_CHANNELS][DIFF_VERSIONS]; /* was named without a value */
    op_t ops[DIFF_BATCH];
    ask_t *asks[2][DIFF_BATCH];
    unsigned steps;
} diff_t;

/* ---- saver_diff_make.c ---- */

uint64_t diff_random(diff_t *diff, uint64_t below);
void diff_make_pool(diff_t *diff);
void diff_make_options(diff_t *diff);

/* A random operation; of the kinds that may be in flight with others if `in_batch`. */
void diff_make_op(diff_t *diff, op_t *op, bool in_batch);

/* One that gives something a TTL of some milliseconds, which it returns. */
int64_t diff_make_brief_op(diff_t *diff, op_t *op);

void diff_describe(text_t *out, const op_t *op);

/* ---- saver_diff.c ---- */

/* What a sequence is run on. */
typedef struct diff_setting {
    const char *urls[2];
    void (*after)(bool only_ttls); /* what must hold of the second side's keys; may be NULL */
    void (*assert_empty)(void);    /* when everything was deleted; may be NULL */
} diff_setting_t;

/* One sequence, in a world of its own; a difference fails the test and prints the seed. */
void diff_run(const diff_setting_t *setting, uint64_t seed);

#endif
