/* Text in columns that are as wide as they need to be. */
#ifndef CAIRN_BENCH_TABLE_H
#define CAIRN_BENCH_TABLE_H

#include <stdio.h>

enum {
    TABLE_COLUMNS_MAX = 20,
    TABLE_ROWS_MAX = 128,
    TABLE_CELL_MAX = 40
};

typedef struct table {
    int columns;
    int rows; /* the heading included */
    char cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX][TABLE_CELL_MAX];
} table_t;

/* A column whose title begins with '<' is aligned to the left, without it; others to the right. */
void table_init(table_t *table, const char *const *titles, int columns);

/* The next row, of empty cells; the last one again if the table is full. */
char (*table_add_row(table_t *table))[TABLE_CELL_MAX];

void table_print(const table_t *table, FILE *out);

#endif
