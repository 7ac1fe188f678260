/* The same work on one server, and on clusters of one, two and three masters: what routing costs,
 * beside plain hiredis that knows the slots beforehand. */
#ifndef CAIRN_BENCH_CLUSTER_COMPARE_H
#define CAIRN_BENCH_CLUSTER_COMPARE_H

#include "compare.h"

/* As compare_run; rows of operations come before those of messages. */
int cluster_compare_run(const compare_config_t *config, compare_result_t *result, char *error);

#endif
