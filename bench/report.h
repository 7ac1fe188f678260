/* What was measured, for people and for programs. */
#ifndef CAIRN_BENCH_REPORT_H
#define CAIRN_BENCH_REPORT_H

#include "env.h"
#include "row.h"
#include <stdio.h>

void report_env(const env_t *env, FILE *out);
void report_table(const row_t *rows, int count, FILE *out);

/* One object of `env` and `rows`, to a file, or to standard output if `path` is "-". 0, or -1 with
 * errno. */
int report_json(const env_t *env, const row_t *rows, int count, const char *path);

#endif
