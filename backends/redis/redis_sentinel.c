#include "redis_sentinel.h"

#include "redis_cmd.h"
#include "redis_sentinel_reply.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>

/* One that has no RESP3 cannot be asked over a link that listens: it is asked so often instead. */
#define POLL_MS 1000
#define ASK_AGAIN_MS 10000 /* where keepalive says nothing */

#define SWITCHES "+switch-master"

static redis_sentinel_t *sentinel_of(const redis_conn_t *link)
{
    return link->data;
}

/* Ends the link as one that did not help; another sentinel is asked. */
static void give_up(redis_sentinel_t *sentinel, int status, cairn_slice_t why)
{
    char detail[256];
    snprintf(detail, sizeof detail, "sentinel %.100s: %.*s", sentinel->link.where,
             why.len < 120 ? (int)why.len : 120, why.ptr);
    redis_conn_lose(&sentinel->link, status, detail);
}

/* Each sentinel has its share of the time of an attempt, and the server the same. */
static void share_patience(redis_sentinel_t *sentinel)
{
    const uint64_t share_ms = sentinel->patience_ms / (sentinel->known.count + 1);
    sentinel->options.connect_timeout_ms = share_ms > 0 ? share_ms : 1;
}

/* ---- questions ---- */

static void on_timer(uv_timer_t *timer);

static void wait_for(redis_sentinel_t *sentinel, uint64_t ms)
{
    uv_timer_start(&sentinel->timer, on_timer, ms, 0);
}

static void on_master(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_sentinel_t *sentinel = ctx;
    redis_address_t master;
    int rc = status < 0 ? status : redis_sentinel_read_master(reply, &master);
    if (rc <= 0) {
        if (status == 0 && rc < 0) detail = cairn_str("the answer is no address");
        if (rc == 0) detail = cairn_str("does not know the service");
        give_up(sentinel, rc < 0 ? rc : CAIRN_ESERVER, detail);
        return;
    }
    sentinel->asking = false;
    sentinel->failed = 0;
    wait_for(sentinel, sentinel->link.hello.protocol == 2 ? POLL_MS : sentinel->ask_again_ms);
    sentinel->events->found(sentinel, &master);
}

/* One that does not tell of others, or nonsense, may still be right in what else it says. */
static void on_peers(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_sentinel_t *sentinel = ctx;
    (void)detail;
    if (status == 0) (void)!redis_sentinel_read_peers(reply, &sentinel->known);
    share_patience(sentinel);
}

static int say(redis_sentinel_t *sentinel, const char *command, size_t command_len,
               const char *argument, redis_answer_fn answer, uint32_t flags)
{
    char *at;
    const cairn_slice_t last = cairn_str(argument);
    int rc = redis_conn_reserve_unbounded(&sentinel->link,
                                          command_len + redis_cmd_bound(1, last.len), &at);
    if (rc < 0) return rc;
    at = redis_cmd_literal(at, command, command_len);
    at = redis_cmd_arg(at, last);
    redis_conn_commit(&sentinel->link, at, answer, sentinel, REDIS_CMD_TRANSIENT | flags);
    return 0;
}

static void ask(redis_sentinel_t *sentinel)
{
    static const char where[] = "*3\r\n$8\r\nSENTINEL\r\n$23\r\nGET-MASTER-ADDR-BY-NAME\r\n";
    static const char others[] = "*3\r\n$8\r\nSENTINEL\r\n$9\r\nSENTINELS\r\n";
    if (sentinel->asking) return;
    sentinel->asking = true;
    wait_for(sentinel, sentinel->options.connect_timeout_ms);
    int rc = say(sentinel, where, sizeof where - 1, sentinel->service, on_master, 0);
    if (rc == 0) rc = say(sentinel, others, sizeof others - 1, sentinel->service, on_peers, 0);
    if (rc < 0) give_up(sentinel, rc, cairn_str(uv_strerror(rc)));
}

static void on_timer(uv_timer_t *timer)
{
    redis_sentinel_t *sentinel = timer->data;
    if (sentinel->asking) {
        give_up(sentinel, UV_ETIMEDOUT, cairn_str("no answer in time"));
    } else {
        ask(sentinel);
    }
}

void redis_sentinel_ask(redis_sentinel_t *sentinel)
{
    redis_conn_t *link = &sentinel->link;
    const bool is_ready = link->state == REDIS_CONN_READY;
    if (!is_ready) {
        redis_conn_hurry(link);
    } else if (sentinel->doubted && sentinel->known.count > 1) {
        give_up(sentinel, UV_ECANCELED, cairn_str("what it said led nowhere"));
        redis_conn_hurry(link);
    } else {
        ask(sentinel);
    }
}

void redis_sentinel_doubt(redis_sentinel_t *sentinel)
{
    sentinel->doubted = sentinel->link.state == REDIS_CONN_READY;
}

/* ---- the link ---- */

static void on_locate(redis_conn_t *link)
{
    const redis_sentinel_t *sentinel = sentinel_of(link);
    redis_conn_go(link, &sentinel->known.list[sentinel->turn]);
}

static void on_subscribed(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)reply;
    if (status < 0) give_up(ctx, status, detail);
}

static void on_prelude(redis_conn_t *link)
{
    static const char subscribe[] = "*2\r\n$9\r\nSUBSCRIBE\r\n";
    redis_sentinel_t *sentinel = sentinel_of(link);
    if (link->hello.protocol == 2) return;
    int rc = say(sentinel, subscribe, sizeof subscribe - 1, SWITCHES, on_subscribed,
                 REDIS_CMD_SUBSCRIPTION);
    if (rc < 0) give_up(sentinel, rc, cairn_str(uv_strerror(rc)));
}

static void on_ready(redis_conn_t *link)
{
    ask(sentinel_of(link));
}

/* A round, in which each is asked at once after the other, is begun by who asks; one that ends its
 * link when all is answered begins none. */
static void on_lost(redis_conn_t *link, int status, const char *detail)
{
    redis_sentinel_t *sentinel = sentinel_of(link);
    char text[400];
    const bool was_idle = link->arrived && !sentinel->asking;
    sentinel->asking = false;
    sentinel->doubted = false;
    sentinel->turn = (sentinel->turn + 1) % sentinel->known.count;
    uv_timer_stop(&sentinel->timer);
    if (was_idle) return;
    if (++sentinel->failed < sentinel->known.count) {
        redis_conn_hurry(link);
        return;
    }
    snprintf(text, sizeof text, "none of %zu sentinels says where \"%.64s\" is; the last: %.256s",
             sentinel->known.count, sentinel->service, detail);
    sentinel->failed = 0;
    sentinel->events->unknown(sentinel, status, text);
}

static int on_message(redis_conn_t *link, cairn_slice_t kind, size_t count, redis_reply_t *rest)
{
    redis_sentinel_t *sentinel = sentinel_of(link);
    cairn_slice_t channel, message;
    redis_address_t master;
    (void)kind;
    if (count != 2 || redis_reply_string(rest, &channel) < 0 ||
        redis_reply_string(rest, &message) < 0)
        return CAIRN_EPROTOCOL;
    if (!cairn_slice_eq(channel, cairn_str(SWITCHES))) return 0;
    int rc = redis_sentinel_read_switch(message, cairn_str(sentinel->service), &master);
    if (rc > 0) sentinel->events->found(sentinel, &master);
    return rc;
}

static void on_room(redis_conn_t *link)
{
    (void)link; /* nothing is refused here for want of it */
}

static int on_unscripted(redis_conn_t *link)
{
    (void)link;
    return CAIRN_ESERVER;
}

/* ---- life ---- */

static void one_closed(redis_sentinel_t *sentinel)
{
    if (--sentinel->open > 0) return;
    sentinel->events->closed(sentinel);
    redis_addresses_free(&sentinel->known);
    cairn_free(sentinel);
}

static void on_closed(redis_conn_t *link)
{
    one_closed(sentinel_of(link));
}

static void on_timer_closed(uv_handle_t *timer)
{
    one_closed(timer->data);
}

static const redis_conn_owner_t owner = {
    .locate = on_locate,
    .prelude = on_prelude,
    .ready = on_ready,
    .lost = on_lost,
    .message = on_message,
    .room = on_room,
    .unscripted = on_unscripted,
    .closed = on_closed,
};

redis_sentinel_t *redis_sentinel_new(void)
{
    return cairn_calloc(1, sizeof(redis_sentinel_t));
}

void redis_sentinel_open(redis_sentinel_t *sentinel, const cairn_host_t *host,
                         cairn_hiredis_uv_t *group, const redis_conn_options_t *of,
                         const char *service, const redis_sentinel_events_t *events)
{
    sentinel->events = events;
    sentinel->service = service;
    sentinel->known = of->places;
    sentinel->options = *of;
    sentinel->options.places = (redis_addresses_t){0}; /* one an attempt: on_locate says which */
    sentinel->patience_ms = of->connect_timeout_ms;
    sentinel->ask_again_ms = of->keepalive_ms > 0 ? of->keepalive_ms : ASK_AGAIN_MS;
    share_patience(sentinel);
    sentinel->open = 2;
    sentinel->link.data = sentinel;
    uv_timer_init(host->loop, &sentinel->timer);
    sentinel->timer.data = sentinel;
    redis_conn_open(&sentinel->link, host, group, &sentinel->options, &owner);
}

void redis_sentinel_close(redis_sentinel_t *sentinel)
{
    redis_conn_close(&sentinel->link);
    uv_close((uv_handle_t *)&sentinel->timer, on_timer_closed);
}
