/* What no exact search by vector can be faster than: its bytes, read once by one core. */
#ifndef CAIRN_BENCH_STORE_READ_H
#define CAIRN_BENCH_STORE_READ_H

#include "store.h"

/* As store_bench_run; the work is STORE_NEAR, and an operation reads as many bytes as the vectors
 * of all its items have. */
int store_read_run(const store_work_t *work, store_result_t *result, char *error);

#endif
