/* `cairn-bench check`: saver_check.h for operators. */
#ifndef CAIRN_BENCH_CHECK_COMMAND_H
#define CAIRN_BENCH_CHECK_COMMAND_H

#include "saver_check.h"
#include <stdbool.h>
#include <stdio.h>

typedef struct check_config {
    const char *url;
    bool ttl; /* a key without a TTL is a fault */
} check_config_t;

/* 0, or -1 with a sentence in `error`: nothing could be looked at. */
int check_run(const check_config_t *config, saver_check_t *found, char error[SAVER_CHECK_TEXT]);

/* Whether what was found is as it should be. */
bool check_is_good(const check_config_t *config, const saver_check_t *found);
void check_report(const check_config_t *config, const saver_check_t *found, FILE *out);

#endif
