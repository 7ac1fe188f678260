#include "name_table.h"

#include "list.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define FIRST_BUCKETS 16u

static uint64_t hash_name(bool kind, cairn_slice_t name)
{
    const uint64_t prime = 0x9e3779b97f4a7c15u;
    uint64_t hash = (name.len + kind) * prime;
    const char *at = name.ptr;
    size_t left = name.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    if (left) memcpy(&rest, at, left);
    hash = (hash ^ rest) * prime;
    return hash ^ (hash >> 29);
}

static bool is_named(const name_node_t *node, bool kind, cairn_slice_t name)
{
    return node->kind == kind && cairn_slice_eq(node->name, name);
}

void name_table_init(name_table_t *table)
{
    memset(table, 0, sizeof *table);
    list_init(&table->all);
}

void name_table_free(name_table_t *table)
{
    cairn_free(table->buckets);
    table->buckets = NULL;
    table->bucket_count = 0;
}

static name_node_t **bucket_of(const name_table_t *table, uint64_t hash)
{
    return &table->buckets[hash & (table->bucket_count - 1)];
}

name_node_t *name_table_find(name_table_t *table, bool kind, cairn_slice_t name)
{
    if (table->latest && is_named(table->latest, kind, name)) return table->latest;
    if (table->count == 0) return NULL;
    uint64_t hash = hash_name(kind, name);
    name_node_t *node = *bucket_of(table, hash);
    while (node && (node->hash != hash || !is_named(node, kind, name))) node = node->same_bucket;
    if (node) table->latest = node;
    return node;
}

static void put(name_table_t *table, name_node_t *node)
{
    name_node_t **bucket = bucket_of(table, node->hash);
    node->same_bucket = *bucket;
    *bucket = node;
}

static int rehash(name_table_t *table, size_t bucket_count)
{
    name_node_t **buckets = cairn_calloc(bucket_count, sizeof *buckets);
    if (!buckets) return -1;
    cairn_free(table->buckets);
    table->buckets = buckets;
    table->bucket_count = bucket_count;
    for (cairn_link_t *at = table->all.next; at != &table->all; at = at->next)
        put(table, CONTAINER_OF(at, name_node_t, all));
    return 0;
}

int name_table_add(name_table_t *table, name_node_t *node)
{
    if (table->count == table->bucket_count) {
        size_t more = table->bucket_count ? table->bucket_count * 2 : FIRST_BUCKETS;
        if (rehash(table, more) < 0) return -1;
    }
    node->hash = hash_name(node->kind, node->name);
    put(table, node);
    list_push_back(&table->all, &node->all);
    table->count++;
    return 0;
}

void name_table_remove(name_table_t *table, name_node_t *node)
{
    name_node_t **at = bucket_of(table, node->hash);
    while (*at != node) at = &(*at)->same_bucket;
    *at = node->same_bucket;
    list_remove(&node->all);
    table->count--;
    if (table->latest == node) table->latest = NULL;
}
