/* Nodes by name, in structs that they are part of; and all of them in the order they came. Names
 * are those of this process's own subscribers, so speed counts and flooding does not. */
#ifndef CAIRN_CORE_NAME_TABLE_H
#define CAIRN_CORE_NAME_TABLE_H

#include <cairn/bytes.h>
#include <cairn/cairn.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct name_node {
    cairn_slice_t name; /* not copied */
    bool kind;          /* of one name there may be two */
    uint64_t hash;
    struct name_node *same_bucket;
    cairn_link_t all; /* name_table_t.all */
} name_node_t;

typedef struct name_table {
    cairn_link_t all;
    name_node_t **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
    name_node_t *latest; /* the last one found: what comes in comes in runs */
} name_table_t;

void name_table_init(name_table_t *table);
void name_table_free(name_table_t *table); /* an empty one */

name_node_t *name_table_find(name_table_t *table, bool kind, cairn_slice_t name);

/* One that is not there yet, with its name and kind. -1 if out of memory. */
int name_table_add(name_table_t *table, name_node_t *node);
void name_table_remove(name_table_t *table, name_node_t *node);

#endif
