#include "table.h"
#include <string.h>

void table_init(table_t *table, const char *const *titles, int columns)
{
    memset(table, 0, sizeof *table);
    table->columns = columns;
    table->rows = 1;
    for (int i = 0; i < columns; i++) snprintf(table->cells[0][i], TABLE_CELL_MAX, "%s", titles[i]);
}

char (*table_add_row(table_t *table))[TABLE_CELL_MAX]
{
    if (table->rows < TABLE_ROWS_MAX) table->rows++;
    return table->cells[table->rows - 1];
}

static int is_left(const table_t *table, int column)
{
    return table->cells[0][column][0] == '<';
}

static const char *cell(const table_t *table, int row, int column)
{
    const char *text = table->cells[row][column];
    return row == 0 && is_left(table, column) ? text + 1 : text;
}

static int width(const table_t *table, int column)
{
    size_t widest = 0;
    for (int row = 0; row < table->rows; row++) {
        size_t len = strlen(cell(table, row, column));
        if (len > widest) widest = len;
    }
    return (int)widest;
}

void table_print(const table_t *table, FILE *out)
{
    for (int row = 0; row < table->rows; row++) {
        for (int column = 0; column < table->columns; column++) {
            int wide = width(table, column);
            fprintf(out, "%s%*s", column ? "  " : "", is_left(table, column) ? -wide : wide,
                    cell(table, row, column));
        }
        fputc('\n', out);
    }
}
