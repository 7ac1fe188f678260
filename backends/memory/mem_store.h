/* Items in memory: what is kept, and the few steps that every operation is made of.
 *
 *     store > shelves (namespaces) > items (keys) > rows (vectors)
 *                                  > tables (an index's vectors, one behind the other)
 *
 * A shelf without items does not exist. An item is never changed but for its TTL: a put makes a new
 * one and lets the old one go. */
#ifndef CAIRN_MEM_STORE_H
#define CAIRN_MEM_STORE_H

#include "mem_map.h"

#include <cairn/sys/backend.h>
#include <cairn/sys/tuple.h>

/* Zeroed: empty. */
typedef struct mem_store {
    mem_map_t shelves;   /* mem_shelf_t.node */
    mem_map_t deadlines; /* mem_item_t.in_deadlines */
    uint64_t now_ms;     /* of the operation that is carried out, by the handle's clock */
    int64_t now_us;      /* the same by the time of day; later than that of any before */
    uint64_t readers;    /* how many there were */
} mem_store_t;

typedef struct mem_shelf {
    mem_node_t node; /* by encoded namespace */
    cairn_namespace_t ns;
    mem_map_t items;   /* mem_item_t.node */
    mem_map_t changes; /* mem_item_t.in_changes */
    struct mem_table *tables;
    size_t claims;          /* puts prepared and not yet carried out */
    uint64_t told_to;       /* the reader that has a copy of `ns` */
    cairn_namespace_t told; /* that copy */
} mem_shelf_t;

/* The vectors of one index; equally named ones of other dimensions have a table of their own. */
typedef struct mem_table {
    struct mem_table *next;
    cairn_slice_t name;
    size_t dimensions;
    size_t count;
    size_t room;
    size_t claims;         /* rows that prepared puts will add */
    float *floats;         /* row after row */
    double *norms;         /* a row's */
    struct mem_row **rows; /* a row's owner */
    char text[];
} mem_table_t;

typedef struct mem_row {
    struct mem_item *item;
    mem_table_t *table;
    size_t at;
} mem_row_t;

typedef struct mem_item {
    mem_node_t node;       /* by key */
    mem_node_t in_changes; /* by change_key, key: the latest change first */
    mem_shelf_t *shelf;
    cairn_slice_t value;
    int64_t created_at_us;
    int64_t updated_at_us;
    int64_t ttl_ms; /* in full; CAIRN_TTL_PERSIST */
    uint64_t deadline_ms;
    mem_node_t in_deadlines; /* by deadline_key; only if ttl_ms > 0 */
    mem_number_key_t change_key;
    mem_number_key_t deadline_key;
    size_t row_count;
    mem_row_t rows[]; /* and behind them key and value */
} mem_item_t;

/* ---- mem_store_data.c: making, finding, freeing ---- */

/* An encoded namespace, to look for; must not be moved. */
typedef struct mem_path {
    cairn_slice_t bytes;
    char *big; /* if it does not fit into `small` */
    char small[256];
} mem_path_t;

/* UV_ENOMEM. */
int mem_path_make(mem_path_t *path, cairn_namespace_t ns);
void mem_path_free(mem_path_t *path);

mem_shelf_t *mem_shelf_find(const mem_store_t *store, cairn_slice_t path);
mem_item_t *mem_item_find(const mem_shelf_t *shelf, cairn_slice_t key);

/* Finds or makes; NULL: no memory. What stays without items must be given to mem_shelf_trim. */
mem_shelf_t *mem_shelf_make(mem_store_t *store, cairn_namespace_t ns, cairn_slice_t path);
void mem_shelf_trim(mem_store_t *store, mem_shelf_t *shelf);

/* The first shelf whose namespace begins with `prefix`, and the one after `shelf`; NULL: none. */
mem_shelf_t *mem_shelf_first(const mem_store_t *store, cairn_slice_t prefix);
mem_shelf_t *mem_shelf_next(const mem_shelf_t *shelf, cairn_slice_t prefix);

/* What mem_item_t.change_key is of: the later, the less. */
uint64_t mem_change_number(int64_t updated_at_us);

void mem_item_add(mem_shelf_t *shelf, mem_item_t *item);
void mem_item_delete(mem_store_t *store, mem_item_t *item);
void mem_store_clear(mem_store_t *store);

/* ---- mem_store_table.c ---- */

/* Finds or makes one with room for one more row; NULL: no memory. */
mem_table_t *mem_table_claim(mem_shelf_t *shelf, const cairn_vector_t *vector);
void mem_table_unclaim(mem_table_t *table);
void mem_table_add(mem_row_t *row, const float *values); /* into the place claimed */
void mem_table_remove(const mem_row_t *row);
void mem_tables_free(mem_shelf_t *shelf);

/* ---- mem_store_ttl.c ---- */

/* Deletes what has expired by `now_ms`. Everything there is after it, is alive. */
void mem_store_expire(mem_store_t *store, uint64_t now_ms);

/* When the next will have expired; UINT64_MAX if nothing does. */
uint64_t mem_store_expires_next_ms(const mem_store_t *store);

/* From now on. */
void mem_item_live(mem_store_t *store, mem_item_t *item, int64_t ttl_ms);
int64_t mem_item_left(const mem_store_t *store, const mem_item_t *item);

/* ---- reading: copies in an arena, and what is to be refreshed once nothing can fail ---- */

typedef struct mem_reader {
    mem_store_t *store;
    cairn_arena_t *arena;
    uint64_t number;
    cairn_rows_t touched; /* mem_item_t * */
} mem_reader_t;

mem_reader_t mem_reader(mem_store_t *store, cairn_arena_t *arena);
void mem_reader_refresh(const mem_reader_t *reader);

/* Each gives 0 or UV_ENOMEM; search and list also UV_EINVAL: the cursor is none. */
int mem_read_item(mem_reader_t *reader, mem_item_t *item, bool refresh, cairn_item_t *out);
int mem_store_get(mem_reader_t *reader, const cairn_store_get_args_t *args,
                  const cairn_item_t **out);
int mem_store_search(mem_reader_t *reader, const cairn_store_search_args_t *args,
                     cairn_store_page_t *page);
int mem_store_near(mem_reader_t *reader, const cairn_store_search_args_t *args,
                   cairn_store_page_t *page);
int mem_store_list(mem_reader_t *reader, const cairn_store_list_args_t *args,
                   cairn_namespace_page_t *page);
int mem_store_count(const mem_store_t *store, cairn_namespace_t prefix, cairn_slice_t filter,
                    uint64_t *items);

/* ---- mem_store_put.c: prepared, and then carried out without fail ---- */

typedef struct mem_change {
    const cairn_store_put_args_t *args;
    mem_shelf_t *shelf; /* claimed; NULL: a delete of what is not there */
    mem_item_t *item;   /* NULL: a delete */
    bool existed;       /* before */
    int64_t created_at_us;
} mem_change_t;

/* UV_ENOMEM: nothing is changed. */
int mem_change_prepare(mem_store_t *store, const cairn_store_put_args_t *args, mem_change_t *out);
void mem_change_apply(mem_store_t *store, mem_change_t *change);
void mem_change_drop(mem_store_t *store, mem_change_t *change);

/* ---- mem_store_batch.c ---- */

int mem_store_batch(mem_reader_t *reader, const cairn_store_step_t *steps, size_t count,
                    cairn_store_result_t **out);

#endif
