/* read and claim; and reads that wait.
 *
 * A read asks. If there is nothing and it may wait, it uses the stream's channel, is parked there,
 * and asks again when something is published, when a nak is due, or when the channel comes up,
 * until its time is over. No connection is kept busy by it.
 *
 * Of each group no more are woken than there are new events, the oldest first. One that was woken
 * and goes before it has its answer wakes another in its place.
 *
 * A call that has looked at much and found nothing says so, and is made again from there on. */
#include "redis_group.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

enum {
    GROUPS_APART = 8
};

/* Memory of its request, REDIS_SCRATCH_MEMORY; REDIS_CONN_WAITS is set as long as it lives. */
struct redis_wait {
    redis_wait_t *next, **at; /* parked: among the channel's waits; `at` NULL: it is not */
    redis_backend_t *redis;
    redis_channel_t *channel; /* NULL: it has not waited yet */
    cairn_group_read_t *req;
    cairn_deadline_t deadline;
    uint64_t until_ms;
    uint32_t news;  /* of the channel, when it asked */
    uint64_t group; /* a hash of its name */
    bool asking;
    bool called;            /* it is to ask in the place of another */
    size_t stream, command; /* sizes; they follow each other */
    char text[];
};

static redis_wait_t *wait_of(const cairn_req_t *req)
{
    return (redis_wait_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
}

static cairn_slice_t stream_of(const redis_wait_t *wait)
{
    return cairn_slice(wait->text, wait->stream);
}

/* ---- life ---- */

static void link_at(redis_wait_t *wait, redis_wait_t **at)
{
    wait->next = *at;
    if (wait->next) wait->next->at = &wait->next;
    wait->at = at;
    *at = wait;
}

static void unlink_from(redis_wait_t *wait)
{
    *wait->at = wait->next;
    if (wait->next) wait->next->at = wait->at;
    wait->at = NULL;
}

static void unpark(redis_wait_t *wait)
{
    wait->redis->host->api->deadline_stop(wait->redis->host, &wait->deadline);
    wait->called = false;
    if (wait->at) unlink_from(wait);
}

static void park(redis_wait_t *wait)
{
    redis_channel_t *channel = wait->channel;
    redis_wait_t **at = &channel->waits;
    while (*at) at = &(*at)->next; /* who waits longest is served first */
    link_at(wait, at);
}

/* The request is an ordinary one again. */
static void release(redis_wait_t *wait)
{
    cairn_req_t *req = &wait->req->req;
    unpark(wait);
    if (wait->channel) redis_channel_leave(wait->channel);
    req->scratch[REDIS_SCRATCH_CONN] &= ~(uint64_t)REDIS_CONN_WAITS;
    if (!req->scratch[REDIS_SCRATCH_CONN])
        req->scratch[REDIS_SCRATCH_CONN] = (uintptr_t)redis_saver_conn(wait->redis);
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    cairn_free(wait);
}

static void wake_another(const redis_wait_t *gone);

void redis_group_forget(cairn_req_t *req)
{
    redis_wait_t *wait = wait_of(req);
    const bool asking = wait->asking;
    if (asking || wait->called) wake_another(wait);
    release(wait);
    if (asking) redis_route_forget(req);
}

void redis_wait_drop(redis_wait_t *wait)
{
    wake_another(wait);
    unpark(wait);
    if (wait->channel) redis_channel_leave(wait->channel);
    cairn_free(wait);
}

/* ---- answers ---- */

static void fail(redis_wait_t *wait, int status, cairn_slice_t detail)
{
    cairn_req_t *req = &wait->req->req;
    if (wait->asking) wake_another(wait);
    release(wait);
    redis_saver_fail(req, status, detail);
}

static int read_deliveries(redis_reply_t *reply, size_t count, cairn_arena_t *arena,
                           cairn_delivery_t **out)
{
    int rc = 0;
    *out = count > 0 ? cairn_arena_alloc(arena, count, sizeof **out) : NULL;
    if (count > 0 && !*out) return UV_ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        cairn_delivery_t *delivery = &(*out)[i];
        cairn_slice_t packed;
        int64_t deliveries = 0;
        rc = redis_position_read(reply, &delivery->event.position);
        if (rc == 0) rc = redis_reply_string(reply, &packed);
        if (rc == 0) rc = redis_event_read(packed, &delivery->event);
        if (rc == 0) rc = redis_reply_int(reply, &deliveries);
        if (rc == 0 && deliveries < 1) rc = CAIRN_EPROTOCOL;
        delivery->deliveries = (uint64_t)deliveries;
    }
    return rc;
}

#define FROM_THE_BEGINNING "00000000000000000000"
_Static_assert(sizeof FROM_THE_BEGINNING - 1 == REDIS_GROUP_CURSOR, "as many digits");

/* What the script says: a number, or {when a nak is due, deliveries}, or {-2, a cursor}. */
typedef struct given {
    bool goes_on; /* from the cursor */
    char cursor[REDIS_GROUP_CURSOR + 1];
    int64_t due_ms; /* -1: none */
    size_t count;
    cairn_delivery_t *deliveries;
    bool has_letters; /* and nothing else */
    redis_reply_t letters;
} given_t;

static int read_cursor(redis_reply_t *reply, given_t *given)
{
    cairn_slice_t digits;
    int rc = redis_reply_string(reply, &digits);
    if (rc < 0 || digits.len > REDIS_GROUP_CURSOR) return CAIRN_EPROTOCOL;
    memcpy(given->cursor, FROM_THE_BEGINNING, sizeof given->cursor);
    memcpy(given->cursor + REDIS_GROUP_CURSOR - digits.len, digits.ptr, digits.len);
    given->goes_on = true;
    return 0;
}

static int read_given(redis_reply_t *reply, cairn_arena_t *arena, given_t *given, int *status,
                      cairn_slice_t *detail)
{
    size_t parts;
    int64_t number = 0;
    if (redis_reply_type(reply) == REDIS_INT) {
        int rc = redis_reply_int(reply, &number);
        if (rc == 0 && !redis_group_is_missing(number, status, detail)) rc = CAIRN_EPROTOCOL;
        return rc;
    }
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && (parts == 0 || parts % 3 == 0)) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_int(reply, &given->due_ms);
    if (rc == 0 && parts == 2 && given->due_ms == REDIS_GROUP_LETTERS) {
        given->has_letters = true;
        given->letters = *reply;
        return 0;
    }
    if (rc == 0 && parts == 2) return read_cursor(reply, given);
    if (rc == 0 && parts % 3 != 1) rc = CAIRN_EPROTOCOL;
    if (rc < 0) return rc;
    given->count = parts / 3;
    return read_deliveries(reply, given->count, arena, &given->deliveries);
}

static void tell(cairn_req_t *req, const given_t *given)
{
    redis_stream_done(req)->group_read_done(CAIRN_CONTAINER_OF(req, cairn_group_read_t, req),
                                            given->deliveries, given->count);
}

static void wait_for_more(redis_wait_t *wait, int64_t due_ms);

static void on_given(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail);

static int go_on(redis_backend_t *redis, cairn_req_t *req, const redis_wait_t *wait,
                 const given_t *given)
{
    int rc = redis_group_ask_again(redis_saver_conn(redis), req, given->cursor, on_given, false);
    if (rc == 0 && wait) req->scratch[REDIS_SCRATCH_CONN] |= REDIS_CONN_WAITS;
    return rc;
}

static void on_given(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    const bool waits = req->scratch[REDIS_SCRATCH_CONN] & REDIS_CONN_WAITS;
    redis_wait_t *wait = waits ? wait_of(req) : NULL;
    redis_backend_t *redis = waits ? wait->redis : redis_saver_of(req);
    given_t given = {.due_ms = -1};
    int rc = status < 0 ? 0 : read_given(reply, &redis->arena, &given, &status, &detail);
    if (rc == 0 && status == 0 && given.goes_on) {
        status = go_on(redis, req, wait, &given);
        if (status == 0) return;
    }
    if (rc == 0 && status == 0 && given.has_letters) {
        const cairn_slice_t command = redis_saver_conn(redis)->answered;
        status = redis_letters_of_read(redis, req, command, &given.letters, wait);
        if (status == 0) return;
    }
    if (wait && (status < 0 || rc < 0)) wake_another(wait);
    if (wait) wait->asking = false;
    if (wait && rc == 0 && status == 0 && given.count == 0) {
        wait_for_more(wait, given.due_ms);
    } else {
        if (wait) release(wait);
        if (!redis_saver_failed(req, status, rc, detail)) tell(req, &given);
    }
    cairn_arena_reset(&redis->arena);
}

/* ---- waiting ---- */

/* From the loop. */
static void ask(redis_wait_t *wait)
{
    redis_conn_t *conn = redis_route_choose(&wait->redis->route, stream_of(wait));
    cairn_req_t *req = &wait->req->req;
    char *out;
    unpark(wait);
    wait->asking = true;
    int rc = redis_conn_reserve_unbounded(conn, wait->command, &out);
    if (rc < 0) {
        fail(wait, rc, cairn_slice(NULL, 0));
        return;
    }
    out = redis_cmd_literal(out, wait->text + wait->stream, wait->command);
    redis_conn_commit_script(conn, out, on_given, req, false);
    req->scratch[REDIS_SCRATCH_CONN] |= REDIS_CONN_WAITS;
    if (wait->channel) wait->news = wait->channel->news;
}

int redis_group_resume(redis_backend_t *redis, cairn_req_t *req, redis_wait_t *wait,
                       cairn_slice_t command)
{
    req->scratch[REDIS_SCRATCH_CONN] = 0;
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)wait;
    if (wait) {
        ask(wait);
        return 0;
    }
    const unsigned slot = (unsigned)redis_cluster_slot_of(command);
    redis_conn_t *conn = redis_route_choose_slot(&redis->route, slot);
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, command.len, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, command.ptr, command.len);
    redis_conn_commit_script(conn, out, on_given, req, false);
    return 0;
}

static void on_time(cairn_deadline_t *deadline)
{
    redis_wait_t *wait = CAIRN_CONTAINER_OF(deadline, redis_wait_t, deadline);
    const cairn_host_t *host = wait->redis->host;
    cairn_req_t *req = &wait->req->req;
    if (host->api->now_ms(host) < wait->until_ms) {
        ask(wait);
        return;
    }
    if (wait->called) wake_another(wait);
    release(wait);
    tell(req, &(given_t){.count = 0});
}

/* Nobody but the channel and the clock ends it now. */
static void rest(redis_wait_t *wait, int64_t due_ms)
{
    const cairn_host_t *host = wait->redis->host;
    const uint64_t now_ms = host->api->now_ms(host);
    uint64_t left_ms = wait->until_ms > now_ms ? wait->until_ms - now_ms : 0;
    if (due_ms >= 0 && (uint64_t)due_ms < left_ms) left_ms = (uint64_t)due_ms + 1;
    wait->req->req.scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_WAITS;
    wait->deadline.expire = on_time;
    host->api->deadline_start(host, &wait->deadline, left_ms);
    park(wait);
}

static void wait_for_more(redis_wait_t *wait, int64_t due_ms)
{
    redis_channel_t *channel = wait->channel;
    /* What was published since it asked may not be in the answer: that came over another link. */
    bool stale = channel && channel->news != wait->news;
    if (!channel) {
        channel = wait->channel = redis_channel_use(wait->redis, stream_of(wait));
        stale = channel && channel->up;
    }
    if (!channel) {
        fail(wait, UV_ENOMEM, cairn_slice(NULL, 0));
    } else if (stale) {
        ask(wait);
    } else {
        rest(wait, due_ms);
    }
}

/* ---- waking ---- */

/* How many of each group are woken. */
typedef struct tally {
    uint64_t groups[GROUPS_APART];
    uint64_t woken[GROUPS_APART];
    size_t count;
} tally_t;

/* False: of its group there are enough. Of more groups than can be told apart all are woken. */
static bool is_needed(tally_t *tally, uint64_t group, uint64_t events)
{
    size_t i = 0;
    while (i < tally->count && tally->groups[i] != group) i++;
    if (i == GROUPS_APART) return true;
    if (i == tally->count) {
        tally->groups[i] = group;
        tally->woken[i] = 0;
        tally->count++;
    }
    return tally->woken[i]++ < events;
}

/* Moves those that are to ask into a list of their own, as callbacks may take away any. */
static void choose(redis_channel_t *channel, uint64_t events, redis_wait_t **chosen)
{
    tally_t tally = {.count = 0};
    redis_wait_t **last = chosen;
    for (redis_wait_t *wait = channel->waits, *next; wait; wait = next) {
        next = wait->next;
        if (wait->called && events != REDIS_WAKE_ALL) continue; /* it asks for another's event */
        if (!is_needed(&tally, wait->group, events)) continue;
        unlink_from(wait);
        link_at(wait, last);
        last = &wait->next;
    }
}

void redis_waits_wake(redis_channel_t *channel, uint64_t events)
{
    redis_wait_t *chosen = NULL;
    choose(channel, events, &chosen);
    while (chosen) ask(chosen);
}

void redis_waits_fail(redis_channel_t *channel, int status, cairn_slice_t detail)
{
    redis_wait_t *chosen = NULL;
    choose(channel, REDIS_WAKE_ALL, &chosen);
    while (chosen) fail(chosen, status, detail);
}

/* Soon: not inside what made it necessary. */
static void wake_another(const redis_wait_t *gone)
{
    const cairn_host_t *host = gone->redis->host;
    redis_wait_t *wait = gone->channel ? gone->channel->waits : NULL;
    while (wait && (wait->called || wait->group != gone->group)) wait = wait->next;
    if (!wait) return;
    wait->called = true;
    host->api->deadline_stop(host, &wait->deadline);
    host->api->deadline_start(host, &wait->deadline, 0);
}

/* ---- submits ---- */

enum {
    ARGS = 5 /* group, member, most, idle, cursor */
};

static size_t bound(const redis_backend_t *redis, const redis_queue_name_t *name,
                    const cairn_group_read_args_t *args)
{
    return redis_queue_bound(redis, name, ARGS,
                             redis_escaped_size(args->group) + args->member.len +
                                 2 * REDIS_CMD_NUMBER + REDIS_GROUP_CURSOR);
}

static char *command(char *out, const redis_backend_t *redis, const redis_queue_name_t *name,
                     const cairn_group_read_args_t *args, bool claims)
{
    out = redis_queue_begin(out, &redis_script_group_read, redis, name, ARGS);
    out = redis_group_arg(out, args->group);
    out = redis_cmd_arg(out, args->member);
    out = redis_cmd_u64(out, args->most);
    out = claims ? redis_cmd_u64(out, args->min_idle_ms)
                 : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    return redis_cmd_arg(out, cairn_str(FROM_THE_BEGINNING));
}

static int give(redis_backend_t *redis, cairn_group_read_t *req,
                const cairn_group_read_args_t *args, bool claims)
{
    const redis_queue_name_t name = redis_queue_name(args->stream);
    char *out;
    int rc = redis_stream_reserve(redis, name.id, bound(redis, &name, args), &out);
    if (rc < 0) return rc;
    out = command(out, redis, &name, args, claims);
    req->req.scratch[REDIS_SCRATCH_MEMORY] = 0;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_given, &req->req, false);
    return 0;
}

int redis_group_claim(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    return give(self, req, args, true);
}

int redis_group_read(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    if (args->wait_ms == 0) return give(self, req, args, false);
    redis_backend_t *redis = self;
    const redis_queue_name_t name = redis_queue_name(args->stream);
    const size_t bytes = bound(redis, &name, args);
    redis_wait_t *wait = cairn_calloc(1, sizeof *wait + args->stream.len + bytes);
    if (!wait) return UV_ENOMEM;
    char *out;
    int rc = redis_stream_reserve(redis, name.id, bytes, &out);
    if (rc < 0) {
        cairn_free(wait);
        return rc;
    }
    wait->redis = redis;
    wait->req = req;
    wait->until_ms = redis->host->api->now_ms(redis->host) + args->wait_ms;
    wait->group = redis_stream_hash(args->group);
    wait->stream = args->stream.len;
    if (wait->stream > 0) memcpy(wait->text, args->stream.ptr, wait->stream);
    char *const begin = wait->text + wait->stream;
    wait->command = (size_t)(command(begin, redis, &name, args, false) - begin);
    out = redis_cmd_literal(out, begin, wait->command);
    wait->asking = true;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)wait;
    redis_conn_commit_script(redis_saver_conn(redis), out, on_given, &req->req, false);
    req->req.scratch[REDIS_SCRATCH_CONN] |= REDIS_CONN_WAITS;
    return 0;
}
