/* Where a URL leads now: asked of a handle, which knows sentinels, lists of hosts and TLS. Blocks.
 */
#ifndef CAIRN_BENCH_LINK_PLACE_H
#define CAIRN_BENCH_LINK_PLACE_H

#include <cairn/options.h>
#include "link.h"

typedef struct link_place {
    char host[160];
    int port;
} link_place_t;

/* 0, or -1 with the handle's own words in `error`, if the first attempt comes to nothing. */
int link_place_find(const cairn_options_t *options, link_place_t *out, char error[LINK_ERROR_MAX]);

#endif
