/* TLS under a blocking connection of hiredis's, through its table of functions. */
#ifndef CAIRN_BENCH_LINK_TLS_H
#define CAIRN_BENCH_LINK_TLS_H

#include <cairn/options.h>
#include "link.h"

/* Shakes hands within the connection's timeout and verifies as the options say; `host` is whom the
 * certificate must be for, unless they name somebody. The connection owns what this makes. 0, or -1
 * with a sentence in `error`; then the connection is of no use. */
int link_tls_begin(redisContext *link, const cairn_options_t *options, const char *host,
                   char error[LINK_ERROR_MAX]);

#endif
