/* What waited while it was not known that the server is a node of a cluster, in a cluster's form:
 * the same commands, but that what is about a run stream is published on the channel that streams
 * have in a cluster. */
#include "redis_route.h"

#include "redis_cmd.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define LITERAL(text) text, sizeof(text) - 1

static const char key_begin[] = "langgraph:";
static const char channel_begin[] = REDIS_CHANNEL_QUEUE "0:";

static bool begins_with(cairn_slice_t text, const char *begin, size_t len)
{
    return text.len >= len && memcmp(text.ptr, begin, len) == 0;
}

static bool is_channel(cairn_slice_t word)
{
    return begins_with(word, LITERAL(channel_begin));
}

static cairn_slice_t stream_of(cairn_slice_t channel)
{
    const size_t len = sizeof channel_begin - 1;
    return cairn_slice(channel.ptr + len, channel.len - len);
}

/* ---- what it names ---- */

/* False: keys of several slots. What looks like a key may be a value: then it is refused in vain.
 */
static bool is_of_one_slot(cairn_slice_t bytes)
{
    redis_reply_t at;
    int slot = -1;
    size_t words;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0) {
        for (; words > 0; words--) {
            cairn_slice_t word;
            if (redis_reply_string(&at, &word) < 0) return true;
            if (is_channel(word) || !begins_with(word, LITERAL(key_begin))) continue;
            if (slot >= 0 && slot != (int)redis_slot(word)) return false;
            slot = (int)redis_slot(word);
        }
    }
    return true;
}

/* ---- other channels ---- */

/* Of what it becomes, at the most. 0: it stays as it is. */
static size_t size_renamed(cairn_slice_t bytes)
{
    redis_reply_t at;
    size_t words, size = bytes.len, renamed = 0;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0) {
        for (; words > 0; words--) {
            cairn_slice_t word;
            if (redis_reply_string(&at, &word) < 0) return 0;
            if (!is_channel(word)) continue;
            size += redis_escaped_size(stream_of(word)) + REDIS_CMD_OVERHEAD;
            renamed++;
        }
    }
    return renamed > 0 ? size : 0;
}

static char *rename_word(char *out, cairn_slice_t word)
{
    if (!is_channel(word)) return redis_cmd_arg(out, word);
    const cairn_slice_t id = stream_of(word);
    const size_t size = sizeof REDIS_CHANNEL_QUEUE - 1 + 2 + redis_escaped_size(id);
    out = redis_cmd_arg_begin(out, size);
    out = redis_cmd_literal(out, LITERAL(REDIS_CHANNEL_QUEUE "{"));
    out = redis_escape(out, id);
    *out++ = '}';
    return redis_cmd_end(out);
}

/* The same commands; gives the end. Only of what was measured. */
static char *rename_all(char *out, cairn_slice_t bytes)
{
    redis_reply_t at;
    size_t words;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0) {
        out = redis_cmd_begin(out, words);
        for (; words > 0; words--) {
            cairn_slice_t word = {NULL, 0};
            (void)!redis_reply_string(&at, &word);
            out = rename_word(out, word);
        }
    }
    return out;
}

/* ---- all that waits ---- */

static bool take(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    redis_cluster_t *cluster = ctx;
    if (!is_of_one_slot(bytes)) return redis_cluster_park(cluster, entry, bytes, 0, true);
    const size_t size = size_renamed(bytes);
    if (size == 0) return redis_cluster_park(cluster, entry, bytes, 0, false);
    char *renamed = cairn_malloc(size);
    if (!renamed) return false;
    const size_t len = (size_t)(rename_all(renamed, bytes) - renamed);
    const bool done = redis_cluster_park(cluster, entry, cairn_slice(renamed, len), 0, false);
    cairn_free(renamed);
    return done;
}

void redis_cluster_adopt(redis_cluster_t *cluster)
{
    redis_pool_t *pool = &cluster->route->one.pool;
    for (size_t i = 1; i < pool->count; i++)
        if (pool->conns[i]->state == REDIS_CONN_WAITING)
            redis_conn_give_away(pool->conns[i], take, cluster);
    redis_conn_give_away(&cluster->route->one.commands, take, cluster);
    redis_cluster_put_back(cluster);
}
