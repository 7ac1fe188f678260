/* What waited while it was not known that the server is a node of a cluster, in a cluster's form.
 * What is published to topics stays as it is, or waits for the map where topics may be sharded.
 * What is about a run stream is published on the channel that streams have in a cluster, and its
 * scripts are those of a cluster, with a guard; in the layout of Pure Graph what is ours of it has
 * another name. Saver and store keep their lists elsewhere in a cluster, and so does Pure Graph: so
 * what waits of the first two, or is a script of the third, is refused: nothing of it was carried
 * out. */
#include "redis_route.h"

#include "redis_cmd.h"
#include "redis_script.h"
#include "redis_slot_tags.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define LITERAL(text) text, sizeof(text) - 1

static const char key_begin[] = "langgraph:";
static const char stream_begin[] = "langgraph:queue";
static const char refusal[] =
    "asked for before the server was known to be a node of a cluster, where it goes otherwise: "
    "ask again";
static const char channel_begin[] = REDIS_CHANNEL_QUEUE "0:";
static const char graph_begin[] = "stream:"; /* Pure Graph's, and what is ours of it */
static const char past_begin[] = REDIS_KEY_QUEUE_PAST "{";

static bool begins_with(cairn_slice_t text, const char *begin, size_t len)
{
    return text.len >= len && memcmp(text.ptr, begin, len) == 0;
}

static bool is(cairn_slice_t text, const char *word, size_t len)
{
    return text.len == len && memcmp(text.ptr, word, len) == 0;
}

static bool is_channel(cairn_slice_t word)
{
    return begins_with(word, LITERAL(channel_begin));
}

static bool is_past(cairn_slice_t word)
{
    return begins_with(word, LITERAL(past_begin));
}

static cairn_slice_t stream_of(cairn_slice_t channel)
{
    const size_t len = sizeof channel_begin - 1;
    return cairn_slice(channel.ptr + len, channel.len - len);
}

/* The next word; an empty one behind the last. */
static cairn_slice_t next_word(redis_reply_t *at)
{
    cairn_slice_t word = {NULL, 0};
    if (redis_reply_string(at, &word) < 0) word = cairn_slice(NULL, 0);
    return word;
}

/* ---- what it names ---- */

enum {
    NO_SLOT = -1,
    REFUSED = -2
};

/* The slot of a key that is called the same in a cluster, or what is ours of that stream. */
static int slot_named(cairn_slice_t word, bool is_graph)
{
    if (is_channel(word) || (is_graph && is_past(word))) return NO_SLOT;
    if (is_graph && begins_with(word, LITERAL(graph_begin))) return redis_slot(word);
    if (!begins_with(word, LITERAL(key_begin))) return NO_SLOT;
    return !is_graph && begins_with(word, LITERAL(stream_begin)) ? redis_slot(word) : REFUSED;
}

/* Of keys of streams in one slot: that slot; NO_SLOT: it names no key; REFUSED: others. What looks
 * like a key may be a value: then it is refused in vain. */
static int slot_of_all(cairn_slice_t bytes, bool is_graph)
{
    redis_reply_t at;
    size_t words;
    int found = NO_SLOT;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0) {
        for (; words > 0; words--) {
            cairn_slice_t word;
            if (redis_reply_string(&at, &word) < 0) return found;
            const int slot = slot_named(word, is_graph);
            if (slot == REFUSED || (slot >= 0 && found >= 0 && slot != found)) return REFUSED;
            if (slot >= 0) found = slot;
        }
    }
    return found;
}

/* The script that a word calls; NULL: none. What is called by its text, and what is published
 * outside of scripts, is about streams that have answered: nothing of it waits for a greeting. */
static const redis_script_t *script_of(cairn_slice_t command, cairn_slice_t hash)
{
    if (!is(command, LITERAL("EVALSHA"))) return NULL;
    for (const redis_script_t *const *at = redis_scripts; *at; at++)
        if (is(hash, (*at)->plain.hash, strlen((*at)->plain.hash))) return *at;
    return NULL;
}

/* ---- the same for a cluster ---- */

static char *write_channel(char *out, cairn_slice_t channel)
{
    const cairn_slice_t id = stream_of(channel);
    const size_t size = sizeof REDIS_CHANNEL_QUEUE - 1 + 2 + redis_escaped_size(id);
    out = redis_cmd_arg_begin(out, size);
    out = redis_cmd_literal(out, LITERAL(REDIS_CHANNEL_QUEUE "{"));
    out = redis_escape(out, id);
    *out++ = '}';
    return redis_cmd_end(out);
}

/* "langgraph:queue_past:{id}" with the slot's tag, and the id behind it. */
static char *write_past(char *out, cairn_slice_t past, int slot)
{
    const size_t begin = sizeof past_begin - 1;
    const size_t id = past.len - begin - 1;
    out = redis_cmd_arg_begin(out, begin + REDIS_SLOT_TAG + 2 + id);
    out = redis_cmd_literal(out, LITERAL(past_begin));
    out = redis_slot_tag(out, (unsigned)slot);
    *out++ = '}';
    *out++ = ':';
    out = redis_cmd_literal(out, past.ptr + begin, id);
    return redis_cmd_end(out);
}

static char *write_word(char *out, cairn_slice_t word)
{
    return is_channel(word) ? write_channel(out, word) : redis_cmd_arg(out, word);
}

/* Of a command that is no script: there are no values in it that could look like a key. */
static char *write_plain_word(char *out, cairn_slice_t word, int slot)
{
    return is_past(word) ? write_past(out, word, slot) : write_word(out, word);
}

/* Up to the keys, of which the guard is the first. */
static char *write_call(char *out, const redis_script_t *script, cairn_slice_t keys, int slot)
{
    uint64_t count = 0;
    for (size_t i = 0; i < keys.len; i++) count = count * 10 + (uint64_t)(keys.ptr[i] - '0');
    out = redis_cmd_arg(out, cairn_str("EVALSHA"));
    out = redis_cmd_arg(out, cairn_str(script->guarded.hash));
    out = redis_cmd_u64(out, count + 1);
    return redis_guard_key(out, slot);
}

static char *write_script(char *out, const redis_script_t *script, redis_reply_t *at, size_t words,
                          int slot)
{
    const size_t begun = 3;
    out = redis_cmd_begin(out, words + 1);
    out = write_call(out, script, next_word(at), slot);
    for (size_t i = begun; i < words; i++) out = write_word(out, next_word(at));
    return out;
}

static char *write_command(char *out, redis_reply_t *at, size_t words, int slot)
{
    const cairn_slice_t command = next_word(at);
    const cairn_slice_t second = words > 1 ? next_word(at) : cairn_slice(NULL, 0);
    const redis_script_t *script = words > 2 ? script_of(command, second) : NULL;
    if (script) return write_script(out, script, at, words, slot);
    out = redis_cmd_begin(out, words);
    out = redis_cmd_arg(out, command);
    if (words > 1) out = write_plain_word(out, second, slot);
    for (size_t i = 2; i < words; i++) out = write_plain_word(out, next_word(at), slot);
    return out;
}

/* At the most. */
static size_t size_adopted(cairn_slice_t bytes)
{
    redis_reply_t at;
    size_t words, size = bytes.len;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0) {
        size += REDIS_GUARD_SIZE + 2 * REDIS_CMD_OVERHEAD;
        for (; words > 0; words--) {
            const cairn_slice_t word = next_word(&at);
            if (is_channel(word)) size += redis_escaped_size(stream_of(word)) + REDIS_CMD_OVERHEAD;
            if (is_past(word)) size += REDIS_SLOT_TAG + REDIS_CMD_OVERHEAD;
        }
    }
    return size;
}

static char *adopt_all(char *out, cairn_slice_t bytes, int slot)
{
    redis_reply_t at;
    size_t words;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    while (!redis_reply_done(&at) && redis_reply_array(&at, &words) == 0)
        out = write_command(out, &at, words, slot);
    return out;
}

/* ---- all that waits ---- */

/* Nothing of it is a run stream's: what is published outside of scripts is about streams that have
 * answered. */
static bool is_publish(cairn_slice_t bytes)
{
    return begins_with(bytes, REDIS_PUBLISH, REDIS_PUBLISH_SIZE);
}

static bool hold(redis_cluster_t *cluster, const redis_entry_t *entry, cairn_slice_t bytes)
{
    const size_t more = REDIS_SPUBLISH_SIZE - REDIS_PUBLISH_SIZE;
    char *sharded = cairn_malloc(bytes.len + more);
    if (!sharded) return false;
    memcpy(sharded, REDIS_SPUBLISH, REDIS_SPUBLISH_SIZE);
    memcpy(sharded + REDIS_SPUBLISH_SIZE, bytes.ptr + REDIS_PUBLISH_SIZE,
           bytes.len - REDIS_PUBLISH_SIZE);
    const bool done = redis_cluster_hold(cluster, entry, cairn_slice(sharded, bytes.len + more));
    cairn_free(sharded);
    return done;
}

static bool take(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    redis_cluster_t *cluster = ctx;
    if (cluster->route->shards_topics && is_publish(bytes)) return hold(cluster, entry, bytes);
    const int slot = slot_of_all(bytes, cluster->route->is_graph);
    if (slot == REFUSED) return redis_cluster_park(cluster, entry, bytes, 0, refusal);
    if (slot == NO_SLOT) return redis_cluster_park(cluster, entry, bytes, 0, NULL);
    char *adopted = cairn_malloc(size_adopted(bytes));
    if (!adopted) return false;
    const size_t len = (size_t)(adopt_all(adopted, bytes, slot) - adopted);
    const bool done = redis_cluster_park(cluster, entry, cairn_slice(adopted, len), 0, NULL);
    cairn_free(adopted);
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
