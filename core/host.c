/* The table through which backends call core. */
#include "circuit.h"
#include "interfaces.h"
#include "list.h"
#include "sub.h"

#include <stdio.h>

static topic_t *topic_of(cairn_topic_t *shared)
{
    return CONTAINER_OF(shared, topic_t, shared);
}

static uint64_t now_ms(const cairn_host_t *host)
{
    return deadlines_now(&core_of(host)->deadlines);
}

static void log_line(const cairn_host_t *host, cairn_log_level_t level, const char *text)
{
    cairn_t *cairn = core_of(host)->cairn;
    if (cairn->on_log) cairn->on_log(cairn, level, text);
}

static bool logs(const cairn_host_t *host)
{
    return core_of(host)->cairn->on_log != NULL;
}

static void defer(const cairn_host_t *host, cairn_task_t *task)
{
    turn_defer(&core_of(host)->turn, task);
}

static void undefer(const cairn_host_t *host, cairn_task_t *task)
{
    (void)host;
    turn_undefer(task);
}

static void deadline_start(const cairn_host_t *host, cairn_deadline_t *deadline,
                           uint64_t timeout_ms)
{
    deadlines_start(&core_of(host)->deadlines, deadline, timeout_ms);
}

static void deadline_stop(const cairn_host_t *host, cairn_deadline_t *deadline)
{
    deadlines_stop(&core_of(host)->deadlines, deadline);
}

/* ---- the connection ---- */

static void log_connected(const cairn_core_t *core)
{
    char line[256];
    if (!core->cairn->on_log) return;
    const char *where = core_where(core, NULL);
    snprintf(line, sizeof line, "connected to %s%s%s", core->server, *where ? " at " : "", where);
    log_line(&core->host, CAIRN_LOG_INFO, line);
}

static void connected(const cairn_host_t *host, uint64_t capabilities, const char *server)
{
    cairn_core_t *core = core_of(host);
    if (!core_is_open(core)) return;
    core->stats.reconnects += core->stats.connects > 0;
    core->state = CAIRN_READY;
    core->capabilities = capabilities & core->offered;
    core->stats.connects++;
    core->link_error[0] = '\0';
    circuit_connected(core);
    snprintf(core->server, sizeof core->server, "%s", server);
    log_connected(core);
    core_emit(core, CAIRN_EVENT_CONNECTED, 0, cairn_str(core->server));
}

static void disconnected(const cairn_host_t *host, int status, const char *detail)
{
    cairn_core_t *core = core_of(host);
    if (!core_is_open(core)) return;
    if (core->state == CAIRN_READY) core->state = CAIRN_RECONNECTING;
    core->stats.disconnects++;
    circuit_link_lost(core);
    core->server[0] = '\0';
    snprintf(core->link_error, sizeof core->link_error, "%s", detail);
    bool mends = status != CAIRN_EAUTH && status != CAIRN_EDENIED;
    log_line(host, mends ? CAIRN_LOG_WARN : CAIRN_LOG_ERROR, core->link_error);
    core_emit(core, CAIRN_EVENT_DISCONNECTED, status, cairn_str(core->link_error));
}

static void reauthenticated(const cairn_host_t *host, int status, const char *detail)
{
    cairn_core_t *core = core_of(host);
    log_line(host, status < 0 ? CAIRN_LOG_WARN : CAIRN_LOG_INFO, detail);
    core_emit(core, CAIRN_EVENT_REAUTHENTICATED, status, cairn_str(detail));
}

static void credit(const cairn_host_t *host)
{
    cairn_core_t *core = core_of(host);
    if (!core->owes_credit) return;
    core->owes_credit = false;
    core_emit(core, CAIRN_EVENT_CREDIT, 0, cairn_slice(NULL, 0));
}

static void count_bytes(const cairn_host_t *host, uint64_t in, uint64_t out)
{
    cairn_core_t *core = core_of(host);
    if (in > 0) stamp_spoil(&core->stamp); /* what now ends was not waited for before */
    core->stats.bytes_in += in;
    core->stats.bytes_out += out;
}

/* ---- requests ---- */

static void publish_done(cairn_broker_publish_t *req, int64_t receivers)
{
    core_finish(&req->req, 0);
    if (req->cb) req->cb(req, 0, receivers);
}

/* ---- topics ---- */

static cairn_topic_t *topic_find(const cairn_host_t *host, bool pattern, cairn_slice_t name)
{
    topic_t *topic = topics_find(&core_of(host)->topics, pattern, name);
    return topic ? &topic->shared : NULL;
}

static cairn_topic_t *topic_next(const cairn_host_t *host, const cairn_topic_t *previous)
{
    const cairn_link_t *all = &core_of(host)->topics.names.all;
    const cairn_link_t *at =
        previous ? ((const topic_t *)(const void *)previous)->in_names.all.next : all->next;
    return at == all ? NULL : &CONTAINER_OF(at, topic_t, in_names.all)->shared;
}

static void topic_up(const cairn_host_t *host, cairn_topic_t *shared)
{
    (void)host;
    topic_t *topic = topic_of(shared);
    if (topic->state == TOPIC_CLOSING) return;
    topic->state = TOPIC_UP;
    for (cairn_link_t *at = topic->subs.next; at != &topic->subs; at = at->next)
        sub_up(CONTAINER_OF(at, cairn_sub_t, in_topic));
}

static void log_refusal(const cairn_core_t *core, const topic_t *topic, cairn_slice_t detail)
{
    char line[512];
    if (!core->cairn->on_log) return;
    cairn_slice_t name = topic->shared.name;
    snprintf(line, sizeof line, "subscription to %.*s refused: %.*s",
             name.len < 128 ? (int)name.len : 128, name.ptr,
             detail.len < 256 ? (int)detail.len : 256, detail.len ? detail.ptr : "");
    log_line(&core->host, CAIRN_LOG_WARN, line);
}

static void topic_failed(const cairn_host_t *host, cairn_topic_t *shared, int status,
                         cairn_slice_t detail)
{
    topic_t *topic = topic_of(shared);
    log_refusal(core_of(host), topic, detail);
    cairn_link_t subs;
    list_init(&subs);
    list_splice_back(&subs, &topic->subs);
    for (cairn_link_t *at = subs.next; at != &subs; at = at->next)
        CONTAINER_OF(at, cairn_sub_t, in_topic)->topic = NULL;
    /* Gone before anybody hears of it: who subscribes then asks the server again. */
    topics_remove(&core_of(host)->topics, topic);
    while (!list_empty(&subs))
        sub_fail(CONTAINER_OF(subs.next, cairn_sub_t, in_topic), status, detail);
}

static void topic_down(const cairn_host_t *host, cairn_topic_t *shared, int status,
                       cairn_slice_t detail)
{
    (void)host;
    topic_t *topic = topic_of(shared);
    if (topic->state != TOPIC_UP) return;
    topic->state = TOPIC_DOWN;
    for (cairn_link_t *at = topic->subs.next; at != &topic->subs; at = at->next)
        sub_down(CONTAINER_OF(at, cairn_sub_t, in_topic), status, detail);
}

static void topics_down(const cairn_host_t *host, int status, cairn_slice_t detail)
{
    const cairn_link_t *all = &core_of(host)->topics.names.all;
    for (cairn_link_t *at = all->next; at != all; at = at->next)
        topic_down(host, &CONTAINER_OF(at, topic_t, in_names.all)->shared, status, detail);
}

static void topics_kept_out(const cairn_host_t *host, int status, cairn_slice_t detail)
{
    const cairn_link_t *all = &core_of(host)->topics.names.all;
    for (cairn_link_t *at = all->next; at != all; at = at->next) {
        topic_t *topic = CONTAINER_OF(at, topic_t, in_names.all);
        for (cairn_link_t *in = topic->subs.next; in != &topic->subs; in = in->next)
            sub_kept_out(CONTAINER_OF(in, cairn_sub_t, in_topic), status, detail);
    }
}

static void topic_closed(const cairn_host_t *host, cairn_topic_t *shared)
{
    topic_t *topic = topic_of(shared);
    if (topic->state == TOPIC_CLOSING) topics_remove(&core_of(host)->topics, topic);
}

static uint32_t deliver(cairn_topic_t *shared, const cairn_broker_message_t *message,
                        bool (*offer)(cairn_sub_t *, const cairn_broker_message_t *))
{
    topic_t *topic = topic_of(shared);
    uint32_t takers = 0;
    /* A callback may add subscriptions at the end, which this message is not for; leaving is
     * deferred. */
    const cairn_link_t *last = topic->subs.prev;
    for (cairn_link_t *at = &topic->subs; at != last;) {
        at = at->next;
        takers += offer(CONTAINER_OF(at, cairn_sub_t, in_topic), message);
    }
    return takers;
}

static uint32_t deliver_now(const cairn_host_t *host, cairn_topic_t *topic,
                            const cairn_broker_message_t *message)
{
    (void)host;
    return deliver(topic, message, sub_offer_now);
}

static uint32_t deliver_later(const cairn_host_t *host, cairn_topic_t *topic,
                              const cairn_broker_message_t *message)
{
    (void)host;
    return deliver(topic, message, sub_offer_later);
}

const cairn_host_api_t core_host_api = {
    .size = sizeof(cairn_host_api_t),
    .now_ms = now_ms,
    .log = log_line,
    .defer = defer,
    .undefer = undefer,
    .connected = connected,
    .disconnected = disconnected,
    .credit = credit,
    .count_bytes = count_bytes,
    .fail = core_fail,
    .publish_done = publish_done,
    .topic_find = topic_find,
    .topic_next = topic_next,
    .topic_up = topic_up,
    .topic_failed = topic_failed,
    .topics_down = topics_down,
    .topic_closed = topic_closed,
    .deliver_now = deliver_now,
    .deliver_later = deliver_later,
    .saver = &core_saver_done,
    .store = &core_store_done,
    .stream = &core_stream_done,
    .feeds = &core_feed_done,
    .deadline_start = deadline_start,
    .deadline_stop = deadline_stop,
    .logs = logs,
    .reauthenticated = reauthenticated,
    .topics_kept_out = topics_kept_out,
    .topic_down = topic_down,
};
