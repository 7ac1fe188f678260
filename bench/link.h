/* A plain, blocking connection of hiredis's to where a URL leads, for commands that look at a
 * server.
 */
#ifndef CAIRN_BENCH_LINK_H
#define CAIRN_BENCH_LINK_H

#include <hiredis/hiredis.h>

enum {
    LINK_ERROR_MAX = 256
};

/* Connects within the URL's connect_timeout_ms, over TLS and by sentinels if it says so, with its
 * user, password and database. 0, or -1 with
 * a sentence in `error`. */
int link_connect(const char *url, redisContext **out, char error[LINK_ERROR_MAX]);

/* The same, but to that place: a node that the one of the URL has named. */
int link_connect_to(const char *url, const char *host, int port, redisContext **out,
                    char error[LINK_ERROR_MAX]);

#endif
