/* cairn and plain hiredis at the same work, in turns, on servers of the bench's own. */
#ifndef CAIRN_BENCH_COMPARE_H
#define CAIRN_BENCH_COMPARE_H

#include "row.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COMPARE_ROWS_MAX = 96
};

typedef struct compare_config {
    bool quick;
    uint32_t payload;
} compare_config_t;

typedef struct compare_result {
    row_t rows[COMPARE_ROWS_MAX];
    int count;
    char server[64]; /* "redis 7.0.15" */
} compare_result_t;

/* Pins this process to a core. 0, or -1 with a sentence in `error` (of CLIENT_ERROR_MAX); `result`
 * then holds the rows that were finished. */
int compare_run(const compare_config_t *config, compare_result_t *result, char *error);

#endif
