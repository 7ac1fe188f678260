/* Random operations on stores and on a model of one, which must agree step by step.
 *
 * The model is as simple as can be: a flat array, read from one end to the other for whatever is
 * asked. It shares no code with the library but the public types. A sequence is made of a seed
 * alone; every result is compared, and in between everything that can be read. Where the handle's
 * clock is a test's own, TTLs are short and expire all the time; elsewhere a TTL is either much
 * longer than a sequence, or so short that it is waited for until it is surely over. */
#ifndef TESTS_CONFORMANCE_STORE_DIFF_H
#define TESTS_CONFORMANCE_STORE_DIFF_H

#include "store_client.h"

#include <stdint.h>

#define SDIFF_NAMES 8
#define SDIFF_KEYS 5
#define SDIFF_BATCH 10
#define SDIFF_VECTORS 3
#define SDIFF_DIMENSIONS 3
#define SDIFF_CONDITIONS 3
#define SDIFF_BYTES 10
#define SDIFF_ITEMS (SDIFF_NAMES * SDIFF_KEYS)

/* Of a value {"n":1.5,"s":"b","o":{"d":2},"i":17}; what is not there is -1. */
typedef struct sdiff_value {
    bool is_object; /* otherwise some bytes */
    int n;          /* in halves */
    int s;          /* a letter */
    int d;
    unsigned i; /* of the put */
} sdiff_value_t;

typedef enum sdiff_field {
    FIELD_N,
    FIELD_S,
    FIELD_D,        /* "o.d" */
    FIELD_D_NESTED, /* {"o":{"d":...}} */
    FIELD_MISSING,
    FIELDS
} sdiff_field_t;

typedef enum sdiff_compare {
    COMPARE_PLAIN,
    COMPARE_EQ,
    COMPARE_NE,
    COMPARE_GT,
    COMPARE_GTE,
    COMPARE_LT,
    COMPARE_LTE,
    COMPARES
} sdiff_compare_t;

typedef enum sdiff_operand {
    OPERAND_NUMBER,
    OPERAND_STRING,
    OPERAND_NULL,
    OPERANDS
} sdiff_operand_t;

typedef struct sdiff_condition {
    sdiff_field_t field;
    sdiff_compare_t compare;
    sdiff_operand_t operand;
    int number; /* in halves */
    int letter;
} sdiff_condition_t;

typedef enum sdiff_kind {
    SDIFF_PUT,
    SDIFF_DELETE,
    SDIFF_GET,
    SDIFF_SEARCH,
    SDIFF_LIST,
    SDIFF_LAST_IN_BATCH = SDIFF_LIST,
    SDIFF_NEAR,
    SDIFF_COUNT,
    SDIFF_TTL,
    SDIFF_SET_TTL,
    SDIFF_PIN,
    SDIFF_UNPIN,
    SDIFF_BATCH_OF,
    SDIFF_PASS,
    SDIFF_KINDS
} sdiff_kind_t;

/* One operation with room for its arguments; must not be moved. */
typedef struct sdiff_op {
    sdiff_kind_t kind;
    size_t name; /* which of the pool's */
    size_t key;
    sdiff_value_t value;
    char value_text[80];
    cairn_store_put_options_t options;
    cairn_vector_t vectors[SDIFF_VECTORS];
    float floats[SDIFF_VECTORS][SDIFF_DIMENSIONS];
    cairn_refresh_t refresh;
    cairn_ttl_t ttl;

    sdiff_condition_t filter[2];
    size_t filter_count;
    char filter_text[160];
    cairn_store_query_t query;
    cairn_vector_t near;

    cairn_match_condition_t conditions[SDIFF_CONDITIONS];
    cairn_slice_t labels[SDIFF_CONDITIONS][3];
    cairn_namespace_query_t list;

    struct sdiff_op *parts; /* of a batch */
    size_t part_count;
    unsigned pass_ms;
} sdiff_op_t;

/* Names of a sequence, few enough to meet each other often. */
typedef struct sdiff_pool {
    cairn_slice_t labels[4];
    cairn_slice_t name_labels[SDIFF_NAMES][3];
    cairn_namespace_t names[SDIFF_NAMES];
    cairn_slice_t keys[SDIFF_KEYS];
    char room[4 + SDIFF_KEYS][SDIFF_BYTES];
} sdiff_pool_t;

/* ---- store_model.c ---- */

typedef struct model_item {
    bool lives;
    cairn_namespace_t ns;
    cairn_slice_t key;
    sdiff_value_t value;
    char text[80];
    int64_t ttl_ms;
    uint64_t deadline_ms;
    uint64_t created, updated; /* numbers of operations */
    float floats[SDIFF_VECTORS][SDIFF_DIMENSIONS];
    size_t vector_count;
    double score;
} model_item_t;

typedef struct model {
    const sdiff_pool_t *pool;
    cairn_store_options_t options;
    model_item_t items[SDIFF_ITEMS];
    uint64_t now_ms;
    uint64_t operations;
} model_t;

/* Carries the operation out and adds what its result must be, as sdiff_add_result does. */
void model_carry_out(model_t *model, const sdiff_op_t *op, text_t *out);

/* What is left of the item to live. */
int64_t model_ttl(model_t *model, const sdiff_op_t *op);

/* ---- store_diff_make.c ---- */

typedef struct sdiff {
    world_t *world;
    items_t *sides[2];
    size_t side_count;
    call_t *calls[2];
    call_t *spare[2]; /* of another handle of the same side; NULL: there is none */
    uint64_t random;
    bool exact;    /* every side's clock is a test's own */
    bool together; /* a batch over several namespaces has one moment */
    sdiff_pool_t pool;
    cairn_store_options_t options; /* of all stores */
    model_t model;
    text_t log; /* every operation, one a line */
    sdiff_op_t op, parts[SDIFF_BATCH];
    unsigned puts;
    unsigned steps;
} sdiff_t;

uint64_t sdiff_random(sdiff_t *diff, uint64_t below);
void sdiff_make_pool(sdiff_t *diff);
void sdiff_make_options(sdiff_t *diff);
void sdiff_make_op(sdiff_t *diff);
void sdiff_make_brief_op(sdiff_t *diff); /* gives something a TTL of some milliseconds */
void sdiff_describe(text_t *out, const sdiff_pool_t *pool, const sdiff_op_t *op);

extern const cairn_vector_index_t sdiff_index;

/* ---- store_diff.c ---- */

/* What a sequence is run on. */
typedef struct sdiff_setting {
    const char *urls[2]; /* the second may be NULL */
    bool fake_clock;     /* store_backend_t.fake_clock of all */
    bool together;       /* all puts of a batch have one time, over namespaces too */
    bool in_turns;       /* two handles see the same: each goes on where the other was */
} sdiff_setting_t;

/* One sequence, in a world of its own; a difference fails the test. */
void sdiff_run(const sdiff_setting_t *setting, uint64_t seed);

/* Sequences for CAIRN_DIFF_SECONDS (5), or the one of CAIRN_SEED. Whatever `setting_of` gives for a
 * seed. To be called in a cmocka test; says the seed if that fails. */
void sdiff_run_many(const sdiff_setting_t *(*setting_of)(uint64_t seed));

/* Tells the seed of the sequence that failed, if one did. After the tests. */
void sdiff_tell_seed(void);

#endif
