/* How nodes are that may be read from: asked by PING, every half second, one at a time on the
 * connection that is there first, behind all that it has to do. So what is known is how long a read
 * takes there, and not the way alone.
 *
 * A replica that has not answered for a second, and has said nothing else either, is silent: reads
 * go elsewhere until it is heard of. */
#include "redis_route.h"

#include "redis_cmd.h"

enum {
    PERIOD_MS = 500,
    MISSES = 2,     /* until it is silent: one may be ours, if the loop was held up */
    SMOOTHING = 4,  /* of the last so many a PING is worth one */
    GAIN_US = 100,  /* somebody else is not nearer by less than this, */
    GAIN_PARTS = 5, /* nor by less than such a part of what it takes now */
    US_IN_A_MS = 1000
};

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

/* ---- PING ---- */

static void on_pong(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_probe_t *probe = ctx;
    (void)status, (void)reply, (void)detail; /* who refuses it answers, too */
    const uint64_t took_us = now_us() - probe->sent_us + 1;
    probe->took_us = probe->took_us == 0
                         ? took_us
                         : (probe->took_us * (SMOOTHING - 1) + took_us) / SMOOTHING + 1;
    probe->sent_us = 0;
    probe->missed = 0;
}

static bool is_out(const redis_probe_t *probe, const redis_conn_t *conn)
{
    return probe->sent_us > 0 && probe->losses == conn->tally.losses;
}

static void ask(redis_standalone_t *node, redis_probe_t *probe)
{
    static const char command[] = "*1\r\n$4\r\nPING\r\n";
    redis_conn_t *conn = &node->commands;
    char *at;
    if (is_out(probe, conn)) {
        probe->missed++;
        return;
    }
    probe->sent_us = 0;
    probe->missed = 0;
    if (conn->state != REDIS_CONN_READY) return;
    if (redis_conn_reserve_unbounded(conn, sizeof command - 1, &at) < 0) return;
    at = redis_cmd_literal(at, command, sizeof command - 1);
    probe->sent_us = now_us();
    probe->losses = conn->tally.losses;
    redis_conn_commit(conn, at, on_pong, probe, REDIS_CMD_TRANSIENT);
}

/* ---- silence ---- */

static bool was_heard(const redis_replica_t *replica)
{
    const redis_conn_t *conn = &replica->node.commands;
    const uint64_t silent_ms = uv_now(conn->host->loop) - conn->heard_ms;
    return silent_ms < (uint64_t)MISSES * PERIOD_MS;
}

static void look_after(redis_replica_t *replica)
{
    ask(&replica->node, &replica->probe);
    const bool silent = replica->probe.missed >= MISSES && !was_heard(replica);
    if (silent == replica->silent) return;
    replica->silent = silent;
    if (silent) redis_replica_relieve(replica);
}

/* ---- who is nearest ---- */

/* An answer that is still out takes so long already. */
static uint64_t takes_us(const redis_standalone_t *node, const redis_probe_t *probe)
{
    if (!node->connected || probe->took_us == 0) return UINT64_MAX;
    const uint64_t out_us = is_out(probe, &node->commands) ? now_us() - probe->sent_us : 0;
    return out_us > probe->took_us ? out_us : probe->took_us;
}

/* What somebody else has to be below, as long as it is not clear who is. */
static uint64_t less_by_a_gain(uint64_t us)
{
    if (us == UINT64_MAX) return us;
    const uint64_t gain_us = us / GAIN_PARTS > GAIN_US ? us / GAIN_PARTS : GAIN_US;
    return us > gain_us ? us - gain_us : 0;
}

static bool is_one_of(const redis_member_t *member, const redis_replica_t *replica)
{
    const redis_replica_t *at = member->replicas;
    while (at && at != replica) at = at->beside;
    return at != NULL;
}

/* In a tie the one that is so now stays; at first that is the master. */
static void choose(redis_member_t *member)
{
    if (!is_one_of(member, member->nearest)) member->nearest = NULL;
    redis_replica_t *best = member->nearest;
    const uint64_t now_takes_us =
        best ? takes_us(&best->node, &best->probe) : takes_us(&member->node, &member->probe);
    uint64_t least_us = less_by_a_gain(now_takes_us);
    const uint64_t master_us = takes_us(&member->node, &member->probe);
    if (master_us < least_us) {
        best = NULL;
        least_us = master_us;
    }
    for (redis_replica_t *at = member->replicas; at; at = at->beside) {
        const uint64_t us = takes_us(&at->node, &at->probe);
        if (us >= least_us) continue;
        best = at;
        least_us = us;
    }
    member->nearest = best;
}

void redis_probe_choose_nearest(redis_cluster_t *cluster)
{
    if (cluster->read_from != REDIS_READ_NEAREST) return;
    for (size_t i = 0; i < cluster->count; i++) choose(cluster->members[i]);
}

/* ---- every half second ---- */

static void on_due(uv_timer_t *timer)
{
    redis_cluster_t *cluster = timer->data;
    redis_probe_choose_nearest(cluster);
    for (size_t i = 0; i < cluster->replica_count; i++)
        if (!cluster->replicas[i]->closing) look_after(cluster->replicas[i]);
    for (size_t i = 0; i < cluster->count && cluster->read_from == REDIS_READ_NEAREST; i++)
        if (!cluster->members[i]->closing)
            ask(&cluster->members[i]->node, &cluster->members[i]->probe);
    redis_replicas_age_waiting(cluster);
}

void redis_probe_start(redis_cluster_t *cluster)
{
    uv_timer_init(cluster->host->loop, &cluster->read_timer);
    cluster->read_timer.data = cluster;
    cluster->open++;
    uv_timer_start(&cluster->read_timer, on_due, PERIOD_MS, PERIOD_MS);
}
