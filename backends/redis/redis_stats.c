#include "redis_stats.h"

#include <stdio.h>
#include <string.h>

static const char *name_of(redis_conn_state_t state)
{
    static const char *const names[] = {
        [REDIS_CONN_CLOSED] = "closed",       [REDIS_CONN_LOCATING] = "locating",
        [REDIS_CONN_RESOLVING] = "resolving", [REDIS_CONN_CONNECTING] = "connecting",
        [REDIS_CONN_GREETING] = "greeting",   [REDIS_CONN_READY] = "ready",
        [REDIS_CONN_WAITING] = "waiting",     [REDIS_CONN_CLOSING] = "closing",
    };
    return names[state];
}

/* Commands behind the last that was written to its end. Only where a write was cut short is there
 * more to it than all or none. */
static uint64_t unsent(const redis_conn_t *conn)
{
    const redis_out_t *out = &conn->out;
    const redis_queue_t *queue = &conn->queue;
    size_t left = redis_out_unsent(out);
    if (out->sent == out->head) return redis_queue_owed(queue);
    uint64_t count = 0;
    for (uint64_t seq = queue->tail; left > 0 && seq != queue->head; count++) {
        size_t bytes = redis_queue_at(queue, --seq)->bytes;
        left -= bytes < left ? bytes : left;
    }
    return count;
}

void redis_conn_describe(const redis_conn_t *conn, const char *role, cairn_connection_t *out)
{
    const redis_tally_t *tally = &conn->tally;
    *out = (cairn_connection_t){
        .size = sizeof *out,
        .state_ms = uv_now(conn->host->loop) - tally->since_ms,
        .inflight = redis_queue_owed(&conn->queue) + redis_queue_count(&conn->prelude),
        .inflight_bytes = redis_out_held(&conn->out),
        .queued = unsent(conn),
        .queued_bytes = redis_out_unsent(&conn->out) + redis_out_unsent(&conn->hello_out),
        .answered = tally->answered,
        .errors = tally->errors,
        .bytes_in = tally->bytes_in,
        .bytes_out = tally->bytes_out,
        .attempts = tally->attempts,
        .connects = tally->connects,
        .losses = tally->losses,
    };
    snprintf(out->role, sizeof out->role, "%s", role);
    snprintf(out->where, sizeof out->where, "%s", conn->where);
    snprintf(out->state, sizeof out->state, "%s", name_of(conn->state));
    snprintf(out->last_loss, sizeof out->last_loss, "%s", tally->last_loss);
}

/* Those that sentinels are asked over are none of its own. */
static void add_connection(void *ctx, const cairn_connection_t *one)
{
    cairn_node_t *node = ctx;
    if (strcmp(one->role, "sentinel") == 0) return;
    node->connections += strcmp(one->state, name_of(REDIS_CONN_CLOSED)) != 0;
    node->inflight += one->inflight;
    node->queued += one->queued;
    node->answered += one->answered;
    node->errors += one->errors;
    node->bytes_in += one->bytes_in;
    node->bytes_out += one->bytes_out;
    node->connects += one->connects;
    node->losses += one->losses;
    if (!node->last_loss[0])
        snprintf(node->last_loss, sizeof node->last_loss, "%s", one->last_loss);
}

void redis_node_describe(const redis_standalone_t *node, const char *role, cairn_node_t *out)
{
    *out = (cairn_node_t){
        .size = sizeof *out,
        .ready = node->connected,
        .redirected = node->redirected,
        .put_off = node->put_off,
    };
    snprintf(out->role, sizeof out->role, "%s", role);
    snprintf(out->where, sizeof out->where, "%s", redis_standalone_where(node));
    redis_standalone_each(node, add_connection, out);
}

void redis_conn_waits_for(const redis_conn_t *conn, char *out, size_t size)
{
    if (conn->state != REDIS_CONN_READY)
        snprintf(out, size, "%s is not connected%s%s", conn->where[0] ? conn->where : "the server",
                 conn->tally.last_loss[0] ? ": " : "", conn->tally.last_loss);
    else if (conn->hold.limited)
        snprintf(out, size, "%s does not take it yet: %s", conn->where, conn->hold.reason);
    else
        snprintf(out, size, "%s has not answered", conn->where);
}
