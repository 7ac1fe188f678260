/* Where a page of all threads begins and ends, for one server and for a cluster. */
#ifndef CAIRN_REDIS_SAVER_LIST_H
#define CAIRN_REDIS_SAVER_LIST_H

#include "redis_saver.h"

/* What all ids of the page are less than, or at most: the nearest of what the query says. */
typedef struct redis_bound {
    enum {
        REDIS_FROM_NEWEST,
        REDIS_FROM_NOTHING,
        REDIS_FROM_ID,
        REDIS_FROM_BEFORE,
        REDIS_FROM_CURSOR
    } from;
    cairn_slice_t id;     /* of FROM_ID, FROM_BEFORE, FROM_CURSOR */
    cairn_slice_t cursor; /* of FROM_CURSOR */
} redis_bound_t;

/* Arguments of scripts/list_all.lua. */
char *redis_list_namespace(char *out, const cairn_saver_list_args_t *args);
char *redis_list_least(char *out, const cairn_saver_list_args_t *args);
char *redis_list_greatest(char *out, const redis_bound_t *bound);

/* ---- redis_saver_list_spread.c ---- */

int redis_list_spread(redis_backend_t *redis, cairn_saver_list_t *req,
                      const cairn_saver_list_args_t *args, const redis_bound_t *bound);

#endif
