/* OPEN -> CLOSING               unsubscribe
 * OPEN -> DRAINING -> CLOSING   drain
 * OPEN -> FAILING -> FAILED     too slow, under CAIRN_CLOSE_SLOW
 * OPEN -> FAILED                refused by the server
 *
 * Leaving a topic, freeing and the close callback happen only in the subscription's own task, so
 * lists stay whole while callbacks run in the middle of them. */
#include "sub.h"

#include "list.h"

#include <cairn/sys/alloc.h>

enum {
    SUB_DUE_SUBSCRIBED = 1,
    SUB_DUE_RESUBSCRIBED = 2,
    SUB_DUE_SLOW = 4
};

#define DEFAULT_MAX_MESSAGES 65536u
#define DEFAULT_MAX_BYTES (8u << 20)

static void emit(cairn_sub_t *sub, cairn_broker_event_type_t type, int status, int64_t lost,
                 cairn_slice_t detail)
{
    cairn_broker_event_t event = {type, status, lost, detail};
    if (sub->handle->on_event) sub->handle->on_event(sub->handle, &event);
}

static void emit_plain(cairn_sub_t *sub, cairn_broker_event_type_t type)
{
    emit(sub, type, 0, 0, cairn_slice(NULL, 0));
}

static void run_later(cairn_sub_t *sub)
{
    turn_defer(&sub->core->turn, &sub->task);
}

static bool may_deliver(const cairn_sub_t *sub)
{
    return sub->started && sub->state <= SUB_FAILING && (!sub->metered || sub->credit > 0) &&
           core_is_open(sub->core);
}

/* ---- telling and delivering ---- */

static void tell_gap(cairn_sub_t *sub)
{
    if (sub->lost == 0 || sub->ring.count > 0 || !may_deliver(sub)) return;
    int64_t lost = sub->lost;
    sub->lost = 0;
    emit(sub, CAIRN_SUB_GAP, 0, lost, cairn_slice(NULL, 0));
}

static void tell_due(cairn_sub_t *sub)
{
    uint8_t due = sub->due;
    sub->due = 0;
    if (due & SUB_DUE_SUBSCRIBED) emit_plain(sub, CAIRN_SUB_SUBSCRIBED);
    if (due & SUB_DUE_RESUBSCRIBED) tell_gap(sub);
    if ((due & SUB_DUE_RESUBSCRIBED) && sub->state != SUB_CLOSING)
        emit_plain(sub, CAIRN_SUB_RESUBSCRIBED);
    if ((due & SUB_DUE_SLOW) && sub->state != SUB_CLOSING) emit_plain(sub, CAIRN_SUB_SLOW);
}

static void deliver(cairn_sub_t *sub, const cairn_broker_message_t *message)
{
    if (sub->metered) sub->credit--;
    sub->core->stats.delivered++;
    sub->on_message(sub->handle, message);
}

/* Any callback may fill the buffer and lose more: so all is looked at anew after each. */
static void deliver_buffered(cairn_sub_t *sub)
{
    for (uint32_t budget = sub->ring.count; budget > 0 && may_deliver(sub); budget--) {
        if (sub->due) {
            tell_due(sub);
            continue;
        }
        int64_t lost = message_ring_take_lost(&sub->ring);
        if (lost) {
            emit(sub, CAIRN_SUB_GAP, 0, lost, cairn_slice(NULL, 0));
            continue;
        }
        message_record_t record;
        if (!message_ring_take(&sub->ring, &record)) return;
        const cairn_topic_t *topic = &sub->topic->shared;
        cairn_broker_message_t message = {topic->pattern ? record.channel : topic->name,
                                          topic->pattern ? topic->name : cairn_slice(NULL, 0),
                                          record.payload};
        deliver(sub, &message);
        message_ring_release(&sub->ring);
    }
}

/* ---- the end ---- */

static void leave_topic(cairn_sub_t *sub)
{
    topic_t *topic = sub->topic;
    if (!topic) return;
    sub->topic = NULL;
    list_remove(&sub->in_topic);
    if (!list_empty(&topic->subs)) return;
    topic->state = TOPIC_CLOSING;
    sub->core->backend->broker->topic_close(sub->core->self, &topic->shared);
}

static void destroy(cairn_sub_t *sub)
{
    turn_undefer(&sub->task);
    deadlines_stop(&sub->core->deadlines, &sub->drain_deadline);
    leave_topic(sub);
    list_remove(&sub->in_core);
    message_ring_free(&sub->ring);
    sub->handle->sub = NULL;
    cairn_free(sub);
}

static void finish_close(cairn_sub_t *sub)
{
    cairn_broker_sub_t *handle = sub->handle;
    cairn_broker_drain_cb drain_cb = sub->drain_cb;
    cairn_broker_close_cb close_cb = sub->close_cb;
    int64_t left = sub->ring.count;
    destroy(sub);
    if (drain_cb) drain_cb(handle, left);
    if (close_cb) close_cb(handle);
}

static void run(cairn_task_t *task)
{
    cairn_sub_t *sub = CONTAINER_OF(task, cairn_sub_t, task);
    if (sub->state == SUB_CLOSING) {
        finish_close(sub);
        return;
    }
    if (!core_is_open(sub->core)) return; /* sub_end follows, and tells what there is to tell */
    tell_due(sub);
    deliver_buffered(sub);
    if (sub->due) return; /* deferred again */
    if (sub->ring.count > 0) {
        if (may_deliver(sub)) run_later(sub);
        return;
    }
    sub->slow = false;
    tell_gap(sub);
    if (sub->due || sub->ring.count > 0) return; /* likewise */
    if (sub->state == SUB_DRAINING) {
        finish_close(sub);
    } else if (sub->state == SUB_FAILING) {
        sub->state = SUB_FAILED;
        emit(sub, CAIRN_SUB_FAILED, CAIRN_ESLOW, 0, cairn_str(cairn_strerror(CAIRN_ESLOW)));
    }
}

void sub_end(cairn_sub_t *sub)
{
    cairn_broker_sub_t *handle = sub->handle;
    bool tell = sub->state == SUB_OPEN || sub->state == SUB_FAILING;
    if (!tell) {
        finish_close(sub);
        return;
    }
    destroy(sub);
    cairn_broker_event_t event = {CAIRN_SUB_FAILED, UV_ECANCELED, 0, cairn_str("handle closed")};
    if (handle->on_event) handle->on_event(handle, &event);
}

/* ---- from the backend ---- */

static void lose_newest(cairn_sub_t *sub)
{
    sub->lost = message_lost_add(sub->lost, 1);
    sub->dropped++;
    sub->core->stats.dropped++;
}

/* Drops from the front until `record` fits; false if it never will. */
static bool make_room(cairn_sub_t *sub, message_record_t *record)
{
    uint64_t alone = MESSAGE_RING_OVERHEAD + record->channel.len + record->payload.len;
    if (alone > sub->ring.max_bytes) return false;
    int rc = UV_ENOBUFS;
    while (rc == UV_ENOBUFS && sub->ring.count > 0) {
        record->lost = message_lost_add(record->lost, message_ring_drop_oldest(&sub->ring));
        sub->dropped++;
        sub->core->stats.dropped++;
        rc = message_ring_push(&sub->ring, record);
    }
    sub->lost = rc == 0 ? 0 : record->lost;
    return rc == 0;
}

static void overflow(cairn_sub_t *sub, message_record_t *record, int rc)
{
    if (!sub->slow) {
        sub->slow = true;
        sub->due |= SUB_DUE_SLOW;
    }
    bool out_of_bounds = rc == UV_ENOBUFS;
    if (sub->policy == CAIRN_CLOSE_SLOW) sub->state = SUB_FAILING;
    if (sub->policy != CAIRN_DROP_OLDEST || !out_of_bounds || !make_room(sub, record))
        lose_newest(sub);
    run_later(sub);
}

static void buffer(cairn_sub_t *sub, const cairn_broker_message_t *message)
{
    message_record_t record = {.payload = message->payload, .lost = sub->lost};
    if (sub->topic->shared.pattern) record.channel = message->channel;
    /* Who is not behind gets every message, however large: the bound is on what piles up. */
    bool behind = sub->ring.count > 0 || !may_deliver(sub);
    int rc = behind ? message_ring_push(&sub->ring, &record)
                    : message_ring_push_unbounded(&sub->ring, &record);
    if (rc < 0) {
        overflow(sub, &record, rc);
        return;
    }
    sub->lost = 0;
    if (may_deliver(sub)) run_later(sub);
}

bool sub_offer_later(cairn_sub_t *sub, const cairn_broker_message_t *message)
{
    if (!sub->live || sub->state != SUB_OPEN) return false;
    buffer(sub, message);
    return true;
}

bool sub_offer_now(cairn_sub_t *sub, const cairn_broker_message_t *message)
{
    if (!sub->live || sub->state != SUB_OPEN) return false;
    if (sub->due && sub->ring.count == 0) tell_due(sub);
    if (sub->lost) tell_gap(sub);
    if (sub->state != SUB_OPEN) return false;
    if (sub->ring.count > 0 || sub->lost || !may_deliver(sub)) {
        buffer(sub, message);
    } else {
        deliver(sub, message);
    }
    return true;
}

void sub_up(cairn_sub_t *sub)
{
    if (sub->live || sub->state != SUB_OPEN) return;
    sub->live = true;
    sub->kept_out = false;
    sub->due |= sub->missed_link ? SUB_DUE_RESUBSCRIBED : SUB_DUE_SUBSCRIBED;
    if (sub->missed_link) sub->lost = -1;
    sub->missed_link = false;
    run_later(sub);
}

void sub_down(cairn_sub_t *sub, int status, cairn_slice_t detail)
{
    if (!sub->live || sub->state != SUB_OPEN) return;
    sub->live = false;
    /* What waits to be delivered needs its beginning, and what is missed from here on its gap. */
    if ((sub->due & SUB_DUE_SUBSCRIBED) && sub->ring.count > 0) tell_due(sub);
    if (sub->state != SUB_OPEN) return;
    bool never_told = sub->due & SUB_DUE_SUBSCRIBED;
    bool told_down = sub->due & SUB_DUE_RESUBSCRIBED; /* and not yet that it came back */
    sub->due &= (uint8_t) ~(SUB_DUE_SUBSCRIBED | SUB_DUE_RESUBSCRIBED);
    sub->missed_link = !never_told;
    if (!never_told && !told_down) emit(sub, CAIRN_SUB_DISCONNECTED, status, 0, detail);
}

void sub_kept_out(cairn_sub_t *sub, int status, cairn_slice_t detail)
{
    if (sub->live || sub->missed_link || sub->kept_out || sub->state != SUB_OPEN) return;
    sub->kept_out = true;
    emit(sub, CAIRN_SUB_DISCONNECTED, status, 0, detail);
}

void sub_fail(cairn_sub_t *sub, int status, cairn_slice_t detail)
{
    list_remove(&sub->in_topic);
    sub->due = 0;
    if (sub->state == SUB_DRAINING) sub_close(sub, NULL);
    if (sub->state != SUB_OPEN && sub->state != SUB_FAILING) return;
    sub->state = SUB_FAILED;
    emit(sub, CAIRN_SUB_FAILED, status, 0, detail);
}

/* ---- from the application ---- */

static void expire_drain(cairn_deadline_t *deadline)
{
    finish_close(CONTAINER_OF(deadline, cairn_sub_t, drain_deadline));
}

static cairn_sub_t *sub_new(cairn_core_t *core, cairn_broker_sub_t *handle,
                            const cairn_broker_sub_options_t *options,
                            cairn_broker_message_cb on_message)
{
    cairn_sub_t *sub = cairn_calloc(1, sizeof *sub);
    if (!sub) return NULL;
    sub->handle = handle;
    sub->core = core;
    sub->on_message = on_message;
    sub->task.run = run;
    sub->drain_deadline.expire = expire_drain;
    sub->policy = options->policy;
    sub->started = !options->stopped;
    sub->metered = options->credit > 0;
    sub->credit = options->credit;
    message_ring_init(&sub->ring,
                      options->max_messages ? options->max_messages : DEFAULT_MAX_MESSAGES,
                      options->max_bytes ? options->max_bytes : DEFAULT_MAX_BYTES);
    return sub;
}

/* The topic of that name, asked of the backend if nobody had it. */
static int open_topic(cairn_core_t *core, bool pattern, cairn_slice_t name, topic_t **out)
{
    topic_t *topic = topics_find(&core->topics, pattern, name);
    bool is_new = !topic;
    if (is_new) topic = topics_add(&core->topics, pattern, name);
    if (!topic) return UV_ENOMEM;
    *out = topic;
    if (!is_new && topic->state != TOPIC_CLOSING) return 0;

    topic->state = TOPIC_OPENING;
    int rc = core->backend->broker->topic_open(core->self, &topic->shared);
    if (rc == 0) return 0;
    if (is_new) {
        topics_remove(&core->topics, topic);
    } else {
        topic->state = TOPIC_CLOSING;
    }
    return rc;
}

int sub_open(cairn_core_t *core, cairn_broker_sub_t *handle, bool pattern, cairn_slice_t name,
             const cairn_broker_sub_options_t *options, cairn_broker_message_cb on_message)
{
    cairn_sub_t *sub = sub_new(core, handle, options, on_message);
    if (!sub) return UV_ENOMEM;
    topic_t *topic = NULL;
    int rc = open_topic(core, pattern, name, &topic);
    if (rc < 0) {
        cairn_free(sub);
        return rc;
    }
    sub->topic = topic;
    list_push_back(&topic->subs, &sub->in_topic);
    list_push_back(&core->subs, &sub->in_core);
    handle->sub = sub;
    if (topic->state == TOPIC_UP) sub_up(sub);
    return 0;
}

void sub_stop(cairn_sub_t *sub)
{
    core_check_thread(sub->core);
    sub->started = false;
}

void sub_start(cairn_sub_t *sub)
{
    core_check_thread(sub->core);
    sub->started = true;
    run_later(sub);
}

void sub_credit(cairn_sub_t *sub, uint32_t messages)
{
    core_check_thread(sub->core);
    if (!sub->metered) return;
    sub->credit = messages < UINT32_MAX - sub->credit ? sub->credit + messages : UINT32_MAX;
    run_later(sub);
}

void sub_close(cairn_sub_t *sub, cairn_broker_close_cb close_cb)
{
    core_check_thread(sub->core);
    if (sub->state == SUB_CLOSING) return;
    sub->state = SUB_CLOSING;
    sub->close_cb = close_cb;
    run_later(sub);
}

int sub_drain(cairn_sub_t *sub, uint32_t timeout_ms, cairn_broker_drain_cb drain_cb)
{
    core_check_thread(sub->core);
    if (sub->state != SUB_OPEN) return UV_EALREADY;
    sub->state = SUB_DRAINING;
    sub->drain_cb = drain_cb;
    deadlines_start(&sub->core->deadlines, &sub->drain_deadline, timeout_ms);
    run_later(sub);
    return 0;
}
