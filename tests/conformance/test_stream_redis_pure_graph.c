/* The Redis backend in the layout of Pure Graph, over a real server: RESP3 and RESP2. */
#include "redis.h"
#include "stream_pure_graph.h"

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

int main(void)
{
    redis_start(&redis, NULL);
    const streams_backend_t backend = {.clear = clear};
    int failures =
        stream_pure_graph_run("stream: redis as Pure Graph, RESP3",
                              redis_url(&redis, NULL, "?stream_layout=pure_graph"), &backend);
    failures += stream_pure_graph_run(
        "stream: redis as Pure Graph, RESP2",
        redis_url(&redis, NULL, "?stream_layout=pure_graph&protocol=2"), &backend);
    redis_stop(&redis);
    return failures;
}
