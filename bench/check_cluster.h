/* What saver_check.h does, of all masters of a cluster. */
#ifndef CAIRN_BENCH_CHECK_CLUSTER_H
#define CAIRN_BENCH_CHECK_CLUSTER_H

#include "saver_check.h"
#include <hiredis/hiredis.h>
#include <stdbool.h>

/* Whether it is a node of one. Who may not be asked is taken for none. */
bool check_cluster_is_node(redisContext *link);

/* `link` is at any node, `url` led there. 0, or -1 with a sentence in `error`: a node did not
 * answer, slots have none, or are on their way. */
int check_cluster_run(const char *url, redisContext *link, saver_check_t *found,
                      char error[SAVER_CHECK_TEXT]);

#endif
