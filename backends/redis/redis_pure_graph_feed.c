/* Who follows, in the layout of Pure Graph: by polling.
 *
 * Its producers publish nothing, so what they append must be asked for. A blocked XREAD would have
 * a connection of its own, and be taken back and sent anew, with all its streams, for every event
 * and every tail that comes or goes. So all streams that are followed are asked for together, on
 * the connection that is there anyway, a command for up to 64 of them, every few milliseconds: what
 * a poll costs does not depend on how many tails a stream has, and the more streams there are the
 * longer is the time between two polls, so that polls never take more than a few percent of a
 * server.
 *
 *     MULTI
 *     MGET past ...                                    what has left them, by limit or by a clear
 *     XREAD COUNT 32 STREAMS stream ... position ...
 *     EXEC
 *
 * In a cluster a poll is of the streams of one slot, so mostly of one: it costs a node less, and
 * they are spread over the nodes.
 *
 * A follow first asks where its stream ends, and how it came to that; polls go on from there. */
#include "redis_pure_graph.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

enum {
    FOLLOWS = 64, /* of a poll */
    EVENTS = 32,  /* of a stream, in one poll */
    POLL_MS = 10, /* and one more for so many polls: */
    POLLS_A_MS = 1,
    SPLIT_POLLS_A_MS = 8
};

typedef struct poll poll_t;

typedef struct follow {
    cairn_req_t req; /* what the connection knows of the question where it ends */
    poll_t *poll;
    cairn_feed_t *feed; /* NULL: it was left */
    bool asking;        /* where it ends */
    bool up;
    bool polled;  /* by the poll that is under way */
    bool broken;  /* events left the stream that were not seen */
    bool cleared; /* and nobody was told yet */
    cairn_position_t at;
    cairn_position_t previous; /* of the next event: `at`, or zero behind a clear */
    cairn_position_t clear;    /* the last one there was */
    size_t len;
    char id[];
} follow_t;

struct poll {
    cairn_req_t req;
    redis_pure_graph_t *graph;
    poll_t *next;
    follow_t *follows[FOLLOWS];
    size_t count;
    size_t asked; /* of the first ones, those that are `polled` */
    bool under_way;
    bool busy;     /* its follows are told of something: none goes meanwhile */
    uint16_t slot; /* of all of them, if there may be a cluster */
};

struct redis_pure_graph {
    redis_backend_t *redis;
    poll_t *polls;
    size_t poll_count;
    size_t unanswered;
    cairn_deadline_t timer;
    bool timed;
    bool hurry; /* a poll did not bring all that there was */
};

static cairn_slice_t id_of(const follow_t *follow)
{
    return cairn_slice(follow->id, follow->len);
}

static const cairn_feed_done_t *up(const redis_pure_graph_t *graph)
{
    return graph->redis->host->api->feeds;
}

static bool is_split(const redis_pure_graph_t *graph)
{
    return redis_route_is_split(&graph->redis->route);
}

/* Whoever is asked about the streams of a poll. */
static redis_conn_t *choose_for(const poll_t *poll)
{
    redis_route_t *route = &poll->graph->redis->route;
    if (!is_split(poll->graph)) return redis_route_first(route);
    (void)redis_route_choose_slot(route, poll->slot);
    return redis_standalone_first(route->at);
}

/* ---- life ---- */

static void expire(cairn_deadline_t *deadline);

redis_pure_graph_t *redis_pure_graph_new(redis_backend_t *redis)
{
    redis_pure_graph_t *graph = cairn_calloc(1, sizeof *graph);
    if (!graph) return NULL;
    graph->redis = redis;
    graph->timer.expire = expire;
    return graph;
}

void redis_pure_graph_close(redis_pure_graph_t *graph)
{
    if (graph->timed) graph->redis->host->api->deadline_stop(graph->redis->host, &graph->timer);
    graph->timed = false;
}

static void poll_free(poll_t *poll)
{
    for (size_t i = 0; i < poll->count; i++) cairn_free(poll->follows[i]);
    cairn_free(poll);
}

void redis_pure_graph_free(redis_pure_graph_t *graph)
{
    for (poll_t *poll = graph ? graph->polls : NULL, *next; poll; poll = next) {
        next = poll->next;
        poll_free(poll);
    }
    cairn_free(graph);
}

/* Where it is not known whether there is a cluster, they are kept as if there were one. */
static uint16_t slot_to_poll(const redis_pure_graph_t *graph, cairn_slice_t id)
{
    return graph->redis->route.use == REDIS_CLUSTER_NO ? 0 : redis_graph_slot(id);
}

static poll_t *poll_with_room(redis_pure_graph_t *graph, uint16_t slot)
{
    poll_t *poll = graph->polls;
    while (poll && (poll->count == FOLLOWS || poll->slot != slot)) poll = poll->next;
    if (poll) return poll;
    poll = cairn_calloc(1, sizeof *poll);
    if (!poll) return NULL;
    poll->graph = graph;
    poll->slot = slot;
    poll->next = graph->polls;
    graph->polls = poll;
    graph->poll_count++;
    return poll;
}

static void poll_remove(poll_t *poll)
{
    redis_pure_graph_t *graph = poll->graph;
    poll_t **at = &graph->polls;
    while (*at != poll) at = &(*at)->next;
    *at = poll->next;
    graph->poll_count--;
    poll_free(poll);
}

/* Lets go of those that were left, and of itself if it has none. */
static void tidy(poll_t *poll)
{
    size_t kept = 0;
    if (poll->under_way || poll->busy) return;
    for (size_t i = 0; i < poll->count; i++) {
        if (poll->follows[i]->feed) {
            poll->follows[kept++] = poll->follows[i];
        } else {
            cairn_free(poll->follows[i]);
        }
    }
    poll->count = kept;
    if (kept == 0) poll_remove(poll);
}

/* The next polls: of one server when the last are answered, of a cluster soon after the first of
 * them is, as a node may be away that others need not wait for. */
static void poll_later(redis_pure_graph_t *graph)
{
    const cairn_host_t *host = graph->redis->host;
    const bool split = is_split(graph);
    if (!graph->polls || (graph->unanswered > 0 && !split)) return;
    if (graph->timed && !(split && graph->hurry)) return;
    if (graph->timed) host->api->deadline_stop(host, &graph->timer);
    const size_t more_ms = graph->poll_count / (split ? SPLIT_POLLS_A_MS : POLLS_A_MS);
    const uint64_t wait_ms = graph->hurry ? 1 : POLL_MS + more_ms;
    graph->hurry = false;
    graph->timed = true;
    host->api->deadline_start(host, &graph->timer, wait_ms);
}

/* ---- where a stream ends ---- */

/* The feed goes; whoever calls it looks at nothing of the follow afterwards. */
static void refuse(follow_t *follow, int status, cairn_slice_t detail)
{
    const redis_pure_graph_t *graph = follow->poll->graph;
    cairn_feed_t *feed = follow->feed;
    follow->feed = NULL;
    tidy(follow->poll);
    if (feed) up(graph)->feed_failed(graph->redis->host, feed, status, detail);
}

/* {{last entry}, past} */
static int read_where(redis_reply_t *reply, follow_t *follow)
{
    redis_graph_past_t past;
    size_t count;
    follow->at = (cairn_position_t){0, 0};
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_array(reply, &count);
    if (rc == 0 && count > 0) {
        size_t parts;
        rc = redis_reply_array(reply, &parts);
        if (rc == 0) rc = redis_position_read(reply, &follow->at);
        for (size_t i = 1; i < parts && rc == 0; i++) rc = redis_reply_skip(reply);
    }
    if (rc == 0) rc = redis_graph_read_past(reply, &past);
    if (rc == 0) follow->clear = past.cleared;
    return rc;
}

static void on_where(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    follow_t *follow = CAIRN_CONTAINER_OF(req, follow_t, req);
    redis_pure_graph_t *graph = follow->poll->graph;
    follow->asking = false;
    int rc = status < 0 ? status : read_where(reply, follow);
    if (rc < 0) {
        refuse(follow, rc, status < 0 ? detail : cairn_str("the stream's end makes no sense"));
        return;
    }
    follow->previous = follow->at;
    follow->broken = follow->cleared = false;
    follow->up = true;
    up(graph)->feed_up(graph->redis->host, follow->feed);
    poll_later(graph);
}

#define LAST_ONE "$1\r\n+\r\n$1\r\n-\r\n$5\r\nCOUNT\r\n$1\r\n1\r\n"

/* Before it is known where the stream is it is put off. */
static int ask_where(follow_t *follow)
{
    if (follow->poll->graph->redis->early.keeps) return 0;
    const cairn_slice_t id = id_of(follow);
    const redis_graph_name_t name = redis_graph_name(follow->poll->graph->redis, id);
    redis_conn_t *conn = choose_for(follow->poll);
    char *out;
    int rc =
        redis_conn_reserve_unbounded(conn,
                                     sizeof REDIS_MULTI REDIS_EXEC LAST_ONE + 64 +
                                         redis_graph_key_bound(id) + redis_graph_past_bound(id),
                                     &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI "*6\r\n$9\r\nXREVRANGE\r\n"));
    out = redis_graph_key(out, id);
    out = redis_cmd_literal(out, LITERAL(LAST_ONE "*2\r\n$3\r\nGET\r\n"));
    out = redis_graph_past(out, &name);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_conn_commit_transaction(conn, out, on_where, &follow->req, 2, true);
    follow->asking = true;
    return 0;
}

/* ---- the answer of a poll ---- */

static void tell_clear(follow_t *follow)
{
    const redis_pure_graph_t *graph = follow->poll->graph;
    follow->cleared = false;
    follow->broken = false;
    follow->previous = (cairn_position_t){0, 0};
    if (follow->feed) up(graph)->feed_cleared(graph->redis->host, follow->feed);
}

/* One that cannot be told is told of as a gap behind which something follows, so that it is read.
 */
static void tell(follow_t *follow, cairn_stream_event_t *event, bool is_whole)
{
    static const cairn_stream_event_t left_out = {.event = {"", 0},
                                                  .data = {.type = {"", 0}, .bytes = {"", 0}}};
    const redis_pure_graph_t *graph = follow->poll->graph;
    const cairn_position_t position = event->position;
    if (follow->cleared && cairn_position_cmp(position, follow->clear) > 0) tell_clear(follow);
    const bool follows = is_whole && !follow->broken;
    const cairn_position_t previous = follows ? follow->previous : position;
    if (!is_whole) *event = left_out;
    event->position = position;
    follow->at = follow->previous = position;
    follow->broken = false;
    if (follow->feed) up(graph)->feed_event(graph->redis->host, follow->feed, previous, event);
}

static int take_entries(follow_t *follow, redis_reply_t *reply)
{
    redis_pure_graph_t *graph = follow->poll->graph;
    size_t count = 0;
    int rc = redis_reply_array(reply, &count);
    if (count >= EVENTS) graph->hurry = true;
    for (size_t i = 0; i < count && rc == 0; i++) {
        cairn_stream_event_t event = {.position = {0, 0}};
        redis_reply_t entry = *reply;
        rc = redis_reply_skip(reply);
        const bool is_whole =
            rc == 0 && redis_graph_read_entry(&entry, &graph->redis->arena, &event) == 0;
        const bool is_new = cairn_position_cmp(event.position, follow->at) > 0;
        if (rc == 0 && is_new && follow->up) tell(follow, &event, is_whole);
    }
    return rc;
}

static int take_past(follow_t *follow, redis_reply_t *reply)
{
    redis_graph_past_t past;
    int rc = redis_graph_read_past(reply, &past);
    if (rc < 0) return rc;
    follow->broken = cairn_position_cmp(past.trimmed, follow->at) > 0;
    if (cairn_position_cmp(past.cleared, follow->clear) <= 0) return 0;
    follow->clear = past.cleared;
    follow->cleared = true;
    return 0;
}

static int take_pasts(poll_t *poll, redis_reply_t *reply)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = 0; i < poll->asked && rc == 0; i++)
        if (poll->follows[i]->polled) rc = take_past(poll->follows[i], reply);
    return rc;
}

/* The follow whose stream this is the key of, from *at on. */
static follow_t *find(const poll_t *poll, size_t *at, cairn_slice_t key)
{
    const size_t prefix = sizeof REDIS_GRAPH_STREAM - 1;
    if (key.len < prefix) return NULL;
    const cairn_slice_t id = cairn_slice(key.ptr + prefix, key.len - prefix);
    for (; *at < poll->asked; (*at)++) {
        follow_t *follow = poll->follows[*at];
        if (follow->polled && cairn_slice_eq(id_of(follow), id)) return follow;
    }
    return NULL;
}

/* Those that have something, in the order they were asked for: RESP3 tells a map, RESP2 pairs. */
static int take_streams(poll_t *poll, redis_reply_t *reply)
{
    size_t count = 0, at = 0, parts;
    const redis_type_t type = redis_reply_type(reply);
    if (type == REDIS_NIL) return redis_reply_skip(reply);
    int rc = redis_reply_array(reply, &count);
    if (type == REDIS_MAP) count /= 2;
    for (size_t i = 0; i < count && rc == 0; i++) {
        cairn_slice_t key = {NULL, 0};
        if (type != REDIS_MAP) rc = redis_reply_array(reply, &parts);
        if (rc == 0 && type != REDIS_MAP && parts != 2) rc = CAIRN_EPROTOCOL;
        if (rc == 0) rc = redis_reply_string(reply, &key);
        if (rc < 0) break;
        follow_t *follow = find(poll, &at, key);
        rc = follow ? take_entries(follow, reply) : CAIRN_EPROTOCOL;
    }
    return rc;
}

static int take(poll_t *poll, redis_reply_t *reply)
{
    size_t results;
    int rc = redis_reply_array(reply, &results);
    if (rc == 0 && results != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = take_pasts(poll, reply);
    if (rc == 0) rc = take_streams(poll, reply);
    for (size_t i = 0; i < poll->asked; i++) {
        follow_t *follow = poll->follows[i];
        if (follow->polled && follow->up && follow->cleared) tell_clear(follow);
    }
    cairn_arena_reset(&poll->graph->redis->arena);
    return rc;
}

/* One stream that is none makes the poll of all fail: each asks again where it ends, and that one
 * is refused. Who may not read at all would for ever ask. */
static void fail(poll_t *poll, int status, cairn_slice_t detail)
{
    const bool goes_on = status != CAIRN_EDENIED && status != CAIRN_EPROTOCOL;
    for (size_t i = 0; i < poll->asked; i++) {
        follow_t *follow = poll->follows[i];
        if (!follow->polled || !follow->up) continue;
        follow->up = false;
        if (!goes_on) refuse(follow, status, detail);
    }
}

static void on_polled(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    poll_t *poll = CAIRN_CONTAINER_OF(req, poll_t, req);
    redis_pure_graph_t *graph = poll->graph;
    int rc = status < 0 ? status : take(poll, reply);
    if (rc < 0) fail(poll, rc, status < 0 ? detail : cairn_str("a poll's answer makes no sense"));
    poll->under_way = false;
    graph->unanswered--;
    tidy(poll);
    poll_later(graph);
}

/* ---- polling ---- */

static size_t choose(poll_t *poll, size_t *bytes)
{
    size_t count = 0;
    poll->asked = poll->count;
    *bytes = sizeof REDIS_MULTI REDIS_EXEC + 256;
    for (size_t i = 0; i < poll->count; i++) {
        follow_t *follow = poll->follows[i];
        follow->polled = follow->up && follow->feed;
        if (!follow->polled) continue;
        const cairn_slice_t id = id_of(follow);
        *bytes += redis_graph_key_bound(id) + redis_graph_past_bound(id) + REDIS_CMD_OVERHEAD +
                  REDIS_POSITION_SIZE;
        count++;
    }
    return count;
}

static char *write_poll(char *out, const poll_t *poll, size_t count)
{
    const redis_backend_t *redis = poll->graph->redis;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = redis_cmd_begin(out, 1 + count);
    out = redis_cmd_literal(out, LITERAL("$4\r\nMGET\r\n"));
    for (size_t i = 0; i < poll->asked; i++) {
        const redis_graph_name_t name = redis_graph_name(redis, id_of(poll->follows[i]));
        if (poll->follows[i]->polled) out = redis_graph_past(out, &name);
    }
    out = redis_cmd_begin(out, 4 + 2 * count);
    out = redis_cmd_literal(out, LITERAL("$5\r\nXREAD\r\n$5\r\nCOUNT\r\n"));
    out = redis_cmd_u64(out, EVENTS);
    out = redis_cmd_literal(out, LITERAL("$7\r\nSTREAMS\r\n"));
    for (size_t i = 0; i < poll->asked; i++)
        if (poll->follows[i]->polled) out = redis_graph_key(out, id_of(poll->follows[i]));
    for (size_t i = 0; i < poll->asked; i++)
        if (poll->follows[i]->polled) out = redis_position_arg(out, poll->follows[i]->at);
    return redis_cmd_literal(out, LITERAL(REDIS_EXEC));
}

static void send_poll(poll_t *poll)
{
    size_t bytes;
    char *out;
    const size_t count = choose(poll, &bytes);
    if (count == 0) return;
    redis_conn_t *conn = choose_for(poll);
    if (redis_conn_reserve_unbounded(conn, bytes, &out) < 0) return;
    redis_conn_commit_transaction(conn, write_poll(out, poll, count), on_polled, &poll->req, 2,
                                  true);
    poll->under_way = true;
    poll->graph->unanswered++;
}

static void expire(cairn_deadline_t *deadline)
{
    redis_pure_graph_t *graph = CAIRN_CONTAINER_OF(deadline, redis_pure_graph_t, timer);
    graph->timed = false;
    for (poll_t *poll = graph->polls; poll; poll = poll->next) {
        for (size_t i = 0; i < poll->count; i++) {
            follow_t *follow = poll->follows[i];
            /* Without memory it is tried again. */
            if (follow->feed && !follow->up && !follow->asking) (void)!ask_where(follow);
        }
        if (!poll->under_way) send_poll(poll);
    }
    poll_later(graph);
}

/* ---- feeds ---- */

int redis_graph_feed_open(void *self, cairn_feed_t *feed)
{
    redis_backend_t *redis = self;
    follow_t *follow = cairn_calloc(1, sizeof *follow + feed->stream.len);
    if (!follow) return UV_ENOMEM;
    const uint16_t slot = slot_to_poll(redis->pure_graph, feed->stream);
    poll_t *poll = poll_with_room(redis->pure_graph, slot);
    if (!poll) {
        cairn_free(follow);
        return UV_ENOMEM;
    }
    follow->poll = poll;
    follow->len = feed->stream.len;
    if (follow->len > 0) memcpy(follow->id, feed->stream.ptr, follow->len);
    poll->follows[poll->count++] = follow;
    if (ask_where(follow) < 0) {
        tidy(poll);
        return UV_ENOMEM;
    }
    follow->feed = feed;
    feed->data = follow;
    poll_later(redis->pure_graph);
    return 0;
}

void redis_graph_feed_close(void *self, cairn_feed_t *feed)
{
    redis_backend_t *redis = self;
    follow_t *follow = feed->data;
    if (follow->asking) redis_route_forget(&follow->req);
    follow->asking = false;
    follow->feed = NULL;
    tidy(follow->poll);
    redis->host->api->feeds->feed_closed(redis->host, feed);
}

/* ---- lost links ---- */

static bool is_at(const redis_standalone_t *node, const poll_t *poll)
{
    const redis_cluster_t *cluster = poll->graph->redis->route.cluster;
    return !cluster || redis_cluster_node(cluster, poll->slot) == node;
}

static void tell_down(follow_t *follow, int status, cairn_slice_t detail)
{
    const redis_pure_graph_t *graph = follow->poll->graph;
    if (!follow->up || !follow->feed) return;
    follow->up = false;
    up(graph)->feed_down(graph->redis->host, follow->feed, status, detail);
}

void redis_pure_graph_link_lost(redis_pure_graph_t *graph, const redis_standalone_t *node,
                                int status, const char *detail)
{
    for (poll_t *poll = graph->polls, *next; poll; poll = next) {
        poll->busy = true;
        for (size_t i = 0; is_at(node, poll) && i < poll->count; i++)
            tell_down(poll->follows[i], status, cairn_str(detail));
        poll->busy = false;
        next = poll->next;
        tidy(poll);
    }
    poll_later(graph);
}
