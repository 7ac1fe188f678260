/* What is told of connections, to who asks. */
#ifndef CAIRN_REDIS_STATS_H
#define CAIRN_REDIS_STATS_H

#include "redis_standalone.h"

void redis_conn_describe(const redis_conn_t *conn, const char *role, cairn_connection_t *out);

/* All of its connections together; `out` has no slots. */
void redis_node_describe(const redis_standalone_t *node, const char *role, cairn_node_t *out);

/* What a command waits for that is in its queue, in words. */
void redis_conn_waits_for(const redis_conn_t *conn, char *out, size_t size);

#endif
