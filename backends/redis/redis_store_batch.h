/* What a batch of the store keeps, between redis_store_batch.c and redis_store_batch_spread.c. */
#ifndef CAIRN_REDIS_STORE_BATCH_H
#define CAIRN_REDIS_STORE_BATCH_H

#include "redis_store.h"

/* A get, put or delete: they are sorted by namespace, key and place in the batch. */
typedef struct redis_batch_entry {
    const cairn_store_step_t *step; /* only within the submit */
    cairn_namespace_t ns;           /* of a get: to be told, as the key */
    cairn_slice_t key;
    uint32_t index; /* among the steps */
    bool is_put;
    bool counts;   /* of the puts and deletes of an item the last; of its gets one that refreshes */
    uint32_t run;  /* number of its item among those its group puts */
    uint64_t hash; /* of an item whose creation is worth knowing; 0: it is not */
} redis_batch_entry_t;

/* What is done with one namespace at one time. */
typedef struct redis_batch_group {
    size_t first, end; /* entries */
    size_t gets, refreshes, puts, stagings;
    redis_shelf_t shelf; /* its names only within the submit */
    int64_t ttl_ms;      /* of what is put, the longest; 0: nothing is */
    bool registers;      /* its namespace; in different slots */
    uint64_t hash;       /* of that namespace */
} redis_batch_group_t;

typedef struct redis_batch_piece {
    size_t first, end; /* groups */
    size_t from, to;   /* bytes */
    size_t commands;
    /* In different slots: where it goes; that it is no transaction, but registers its group's
     * namespace in the directory. */
    uint16_t slot;
    bool registers;
    bool reads; /* only */
} redis_batch_piece_t;

typedef struct redis_store_batch {
    cairn_store_result_t *results;
    size_t count;
    redis_query_t **queries; /* of each step, or NULL */
    redis_batch_entry_t *entries;
    size_t entry_count;
    redis_batch_group_t *groups;
    size_t group_count;
    redis_batch_piece_t *pieces;
    size_t piece_count, piece_at;
    char *bytes;
    int64_t stamp_us; /* 0: the server says when */
    bool refreshes;   /* what is read, at once */
    bool has_sets;    /* the server has vector sets */
    bool is_put;      /* one, that is to be told as such */
    size_t answered;  /* pieces that were not refused */
    int refusal;
} redis_store_batch_t;

/* Whether it puts or deletes, and no other of that item counts. */
static inline bool redis_batch_changes(const redis_batch_entry_t *entry)
{
    return entry->is_put && entry->counts;
}

/* Reads the answer of a piece. CAIRN_EPROTOCOL, UV_ENOMEM. */
CAIRN_MUST_USE int redis_batch_take(redis_job_t *job, size_t piece, redis_reply_t *reply);

/* What is left once all pieces are answered. */
CAIRN_MUST_USE int redis_batch_end(cairn_req_t *req);

/* ---- redis_store_batch_spread.c: in different slots ---- */

/* Finds which namespaces are to be registered: before pieces are made. */
void redis_batch_find_registers(const redis_backend_t *redis, redis_store_batch_t *batch);

/* The pieces for these, behind the others. UV_ENOMEM. */
size_t redis_batch_registers_bound(const redis_store_batch_t *batch);
CAIRN_MUST_USE int redis_batch_encode_registers(redis_job_t *job, redis_store_batch_t *batch,
                                                char *out, cairn_rows_t *pieces);

/* Sends all pieces at once; then redis_batch_end. */
CAIRN_MUST_USE int redis_batch_send_all(cairn_req_t *req);

#endif
