/* The vectors of an index in a namespace, one behind the other, so that a search runs through
 * memory from one end to the other. A row that goes leaves its place to the last one. */
#include "mem_store.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/vector.h>
#include <stdint.h>
#include <string.h>

#define FIRST_ROOM ((size_t)4)

static mem_table_t *find(const mem_shelf_t *shelf, const cairn_vector_t *vector)
{
    for (mem_table_t *table = shelf->tables; table; table = table->next)
        if (table->dimensions == vector->dimensions && cairn_slice_eq(table->name, vector->index))
            return table;
    return NULL;
}

static mem_table_t *make(mem_shelf_t *shelf, const cairn_vector_t *vector)
{
    mem_table_t *table = cairn_malloc(sizeof *table + vector->index.len);
    if (!table) return NULL;
    *table = (mem_table_t){.next = shelf->tables, .dimensions = vector->dimensions};
    if (vector->index.len) memcpy(table->text, vector->index.ptr, vector->index.len);
    table->name = cairn_slice(table->text, vector->index.len);
    shelf->tables = table;
    return table;
}

/* `*array` is left as it is if there is no memory. */
static bool grow_array(void **array, size_t room, size_t size)
{
    if (room > SIZE_MAX / size) return false;
    void *grown = cairn_realloc(*array, room * size);
    if (grown) *array = grown;
    return grown != NULL;
}

static bool grow(mem_table_t *table)
{
    size_t room = table->room ? 2 * table->room : FIRST_ROOM;
    void *floats = table->floats, *norms = table->norms, *rows = table->rows;
    bool all = grow_array(&floats, room, table->dimensions * sizeof *table->floats);
    all = all && grow_array(&norms, room, sizeof *table->norms);
    all = all && grow_array(&rows, room, sizeof(mem_row_t *));
    table->floats = floats;
    table->norms = norms;
    table->rows = rows;
    if (all) table->room = room;
    return all;
}

mem_table_t *mem_table_claim(mem_shelf_t *shelf, const cairn_vector_t *vector)
{
    mem_table_t *table = find(shelf, vector);
    if (!table) table = make(shelf, vector);
    if (!table) return NULL;
    if (table->count + table->claims == table->room && !grow(table)) return NULL;
    table->claims++;
    return table;
}

void mem_table_unclaim(mem_table_t *table)
{
    table->claims--;
}

void mem_table_add(mem_row_t *row, const float *values)
{
    mem_table_t *table = row->table;
    table->claims--;
    row->at = table->count++;
    memcpy(table->floats + row->at * table->dimensions, values, table->dimensions * sizeof *values);
    table->norms[row->at] = cairn_vector_norm(values, table->dimensions);
    table->rows[row->at] = row;
}

void mem_table_remove(const mem_row_t *row)
{
    mem_table_t *table = row->table;
    size_t last = --table->count;
    if (row->at == last) return;
    memcpy(table->floats + row->at * table->dimensions, table->floats + last * table->dimensions,
           table->dimensions * sizeof *table->floats);
    table->norms[row->at] = table->norms[last];
    table->rows[row->at] = table->rows[last];
    table->rows[row->at]->at = row->at;
}

void mem_tables_free(mem_shelf_t *shelf)
{
    for (mem_table_t *table = shelf->tables, *next; table; table = next) {
        next = table->next;
        cairn_free(table->floats);
        cairn_free(table->norms);
        cairn_free(table->rows);
        cairn_free(table);
    }
    shelf->tables = NULL;
}
