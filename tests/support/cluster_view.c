#include "cluster_view.h"

#include "check.h"
#include "redis_slots.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PATIENCE_MS 60000
#define POLL_US 20000

/* ---- asking ---- */

static bool greet(redisContext *context, const char *password)
{
    if (!password) return true;
    redisReply *reply = redisCommand(context, "AUTH %s", password);
    const bool taken = reply && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return taken;
}

/* Over the unix socket: the same with TLS and without. */
static redisReply *try_command(cluster_t *cluster, int node, const char *format, va_list args)
{
    if (!cluster_is_running(cluster, node)) return NULL;
    const struct timeval limit = {.tv_sec = 5};
    redisContext *context =
        redisConnectUnixWithTimeout(cluster->nodes[node].redis.server.unix_path, limit);
    redisReply *reply = NULL;
    if (context && !context->err && redisSetTimeout(context, limit) == REDIS_OK &&
        greet(context, cluster->options.password))
        reply = redisvCommand(context, format, args);
    redisFree(context);
    return reply;
}

redisReply *cluster_try(cluster_t *cluster, int node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = try_command(cluster, node, format, args);
    va_end(args);
    return reply;
}

redisReply *cluster_command(cluster_t *cluster, int node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = try_command(cluster, node, format, args);
    va_end(args);
    if (!reply) check_fail("node %d does not answer %s", node, format);
    return reply;
}

/* ---- one node's view ---- */

static int find_node(const cluster_t *cluster, const char *id)
{
    for (int i = 0; i < cluster->count; i++)
        if (cluster->nodes[i].member && strcmp(cluster->nodes[i].id, id) == 0) return i;
    return CLUSTER_NOBODY;
}

/* "5", "0-5461"; slots that are on their way are in brackets. */
static void read_slots(char *words, int owner, cluster_view_t *view)
{
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (*word == '[') continue;
        char *stop = NULL;
        const long first = strtol(word, &stop, 10);
        const long last = *stop == '-' ? strtol(stop + 1, NULL, 10) : first;
        for (long slot = first; slot >= 0 && slot <= last && slot < CLUSTER_SLOTS; slot++)
            view->owner[slot] = (signed char)owner;
    }
}

/* id address flags master ping pong epoch link slots... */
static void read_node(const cluster_t *cluster, char *line, cluster_view_t *view)
{
    char id[64], flags[128], master[64];
    int slots = 0;
    if (sscanf(line, "%63s %*s %127s %63s %*s %*s %*s %*s %n", id, flags, master, &slots) < 3)
        return;
    const int node = find_node(cluster, id);
    if (node == CLUSTER_NOBODY) return;
    cluster_seen_t *seen = &view->nodes[node];
    seen->known = !strstr(flags, "handshake") && !strstr(flags, "noaddr");
    seen->failed = strstr(flags, "fail") && !strstr(flags, "nofailover");
    seen->replica = strstr(flags, "slave") != NULL;
    seen->master = seen->replica ? find_node(cluster, master) : CLUSTER_NOBODY;
    if (slots > 0) read_slots(line + slots, node, view);
}

bool cluster_view_read(cluster_t *cluster, int node, cluster_view_t *view)
{
    memset(view, 0, sizeof *view);
    memset(view->owner, CLUSTER_NOBODY, sizeof view->owner);
    redisReply *info = cluster_try(cluster, node, "CLUSTER INFO");
    redisReply *nodes = cluster_try(cluster, node, "CLUSTER NODES");
    const bool answers = info && info->str && nodes && nodes->str;
    if (answers) {
        view->serves = strstr(info->str, "cluster_state:ok") != NULL;
        char *rest = NULL;
        for (char *line = strtok_r(nodes->str, "\n", &rest); line;
             line = strtok_r(NULL, "\n", &rest))
            read_node(cluster, line, view);
    }
    freeReplyObject(info);
    freeReplyObject(nodes);
    return answers;
}

/* ---- all views ---- */

bool cluster_await_for(cluster_wish_t *wish, cluster_condition_t *is_so, unsigned patience_ms)
{
    const uint64_t deadline = uv_hrtime() + patience_ms * UINT64_C(1000000);
    while (!is_so(wish)) {
        if (uv_hrtime() > deadline) return false;
        usleep(POLL_US);
    }
    return true;
}

bool cluster_await(cluster_wish_t *wish, cluster_condition_t *is_so)
{
    return cluster_await_for(wish, is_so, PATIENCE_MS);
}

static bool is_member(const cluster_t *cluster, int node)
{
    return cluster->nodes[node].member && cluster_is_running(cluster, node);
}

static bool knows_all(const cluster_t *cluster, const cluster_view_t *view)
{
    for (int i = 0; i < cluster->count; i++)
        if (is_member(cluster, i) && (!view->nodes[i].known || view->nodes[i].failed)) return false;
    return true;
}

bool cluster_all_known(cluster_wish_t *wish)
{
    cluster_view_t view;
    for (int i = 0; i < wish->cluster->count; i++) {
        if (!is_member(wish->cluster, i)) continue;
        if (!cluster_view_read(wish->cluster, i, &view)) return false;
        if (!knows_all(wish->cluster, &view)) return false;
    }
    return true;
}

bool cluster_all_serve(cluster_wish_t *wish)
{
    cluster_view_t view;
    for (int i = 0; i < wish->cluster->count; i++)
        if (is_member(wish->cluster, i) &&
            !(cluster_view_read(wish->cluster, i, &view) && view.serves))
            return false;
    return true;
}

static bool has_caught_up(cluster_t *cluster, int node)
{
    redisReply *info = cluster_try(cluster, node, "INFO replication");
    const bool is_so = info && info->str && strstr(info->str, "role:slave") &&
                       strstr(info->str, "master_link_status:up");
    freeReplyObject(info);
    return is_so;
}

/* A node says of itself what it is. */
static bool is_settled(cluster_t *cluster, int node, const cluster_view_t *view)
{
    if (!view->serves || !knows_all(cluster, view)) return false;
    if (!view->nodes[node].replica) return true;
    const int master = view->nodes[node].master;
    return master >= 0 && is_member(cluster, master) && !view->nodes[master].replica &&
           has_caught_up(cluster, node);
}

bool cluster_is_whole(cluster_wish_t *wish)
{
    cluster_t *cluster = wish->cluster;
    cluster_view_t first, view;
    int views = 0;
    for (int i = 0; i < cluster->count; i++) {
        if (!cluster->nodes[i].member) continue;
        if (!cluster_view_read(cluster, i, &view) || !is_settled(cluster, i, &view)) return false;
        if (views++ == 0) first = view;
        if (memcmp(first.owner, view.owner, sizeof view.owner) != 0) return false;
    }
    return views > 0 && !memchr(first.owner, CLUSTER_NOBODY, sizeof first.owner);
}

/* Who all that run say owns the slot, or nobody, also while they do not agree. */
static int agreed_owner(cluster_t *cluster, unsigned slot, bool serves)
{
    int owner = CLUSTER_NOBODY;
    cluster_view_t view;
    for (int i = 0; i < cluster->count; i++) {
        if (!is_member(cluster, i)) continue;
        if (!cluster_view_read(cluster, i, &view)) return CLUSTER_NOBODY;
        if (serves && !view.serves) return CLUSTER_NOBODY;
        const int said = view.owner[slot];
        if (said < 0 || !is_member(cluster, said)) return CLUSTER_NOBODY;
        if (owner != CLUSTER_NOBODY && owner != said) return CLUSTER_NOBODY;
        owner = said;
    }
    return owner;
}

bool cluster_all_say_owner(cluster_wish_t *wish)
{
    return agreed_owner(wish->cluster, wish->slot, false) == wish->node;
}

static bool find_owner(cluster_wish_t *wish)
{
    wish->node = agreed_owner(wish->cluster, wish->slot, false);
    return wish->node != CLUSTER_NOBODY;
}

int cluster_owner(cluster_t *cluster, unsigned slot)
{
    cluster_wish_t wish = {.cluster = cluster, .slot = slot};
    if (!cluster_await(&wish, find_owner)) check_fail("nodes do not agree who has slot %u", slot);
    return wish.node;
}

static bool has_other_owner(cluster_wish_t *wish)
{
    const int owner = agreed_owner(wish->cluster, wish->slot, true);
    if (owner == CLUSTER_NOBODY || owner == wish->node) return false;
    wish->node = owner;
    return true;
}

int cluster_await_other(cluster_t *cluster, unsigned slot, int old)
{
    cluster_wish_t wish = {.cluster = cluster, .slot = slot, .node = old};
    if (!cluster_await(&wish, has_other_owner)) check_fail("nobody took slot %u over", slot);
    return wish.node;
}

static bool is_uncovered(cluster_wish_t *wish)
{
    cluster_view_t view;
    for (int i = 0; i < wish->cluster->count; i++) {
        if (!is_member(wish->cluster, i)) continue;
        if (!cluster_view_read(wish->cluster, i, &view)) return false;
        if (view.serves && !wish->cluster->options.partial) return false;
        const int owner = view.owner[wish->slot];
        if (owner >= 0 && !view.nodes[owner].failed) return false;
    }
    return true;
}

void cluster_await_uncovered(cluster_t *cluster, unsigned slot)
{
    cluster_wish_t wish = {.cluster = cluster, .slot = slot};
    if (!cluster_await(&wish, is_uncovered)) check_fail("slot %u is still covered", slot);
}

void cluster_await_whole(cluster_t *cluster)
{
    cluster_wish_t wish = {.cluster = cluster};
    if (!cluster_await(&wish, cluster_is_whole)) check_fail("the cluster is not whole");
}

static bool all_say_port(cluster_wish_t *wish)
{
    char address[32];
    snprintf(address, sizeof address, ":%d@", wish->port);
    for (int i = 0; i < wish->cluster->count; i++) {
        if (!is_member(wish->cluster, i) || !cluster_is_running(wish->cluster, i)) continue;
        redisReply *nodes = cluster_try(wish->cluster, i, "CLUSTER NODES");
        const bool says = nodes && nodes->str && strstr(nodes->str, address);
        freeReplyObject(nodes);
        if (!says) return false;
    }
    return true;
}

void cluster_announce(cluster_t *cluster, int node, int port)
{
    cluster_wish_t wish = {.cluster = cluster};
    char command[64];
    wish.port = port ? port : cluster_port(cluster, node);
    snprintf(command, sizeof command, "CONFIG SET cluster-announce-port %d", port);
    cluster_ask(cluster, node, command);
    if (!cluster_await(&wish, all_say_port)) check_fail("not all know that port of node %d", node);
}

int cluster_replica_of(cluster_t *cluster, int master)
{
    cluster_view_t view;
    for (int i = 0; i < cluster->count; i++) {
        if (!is_member(cluster, i) || !cluster_view_read(cluster, i, &view)) continue;
        if (view.nodes[i].replica && view.nodes[i].master == master) return i;
    }
    check_fail("node %d has no replica", master);
    return CLUSTER_NOBODY;
}

/* ---- slots of keys ---- */

unsigned cluster_slot(const char *key)
{
    return redis_slot(cairn_str(key));
}

const char *cluster_tag(cluster_tag_t out, unsigned slot)
{
    unsigned number = 0;
    do snprintf(out, sizeof(cluster_tag_t), "%u", number++);
    while (cluster_slot(out) != slot);
    return out;
}
