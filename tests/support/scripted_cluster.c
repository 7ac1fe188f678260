#include "scripted_cluster.h"

#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOTS = 16384
};

/* Rules borrow what they say. */
struct scripted_text {
    scripted_text_t *next;
    size_t len;
    char bytes[8192];
};

static scripted_text_t *add_text(scripted_cluster_t *cluster)
{
    scripted_text_t *text = calloc(1, sizeof *text);
    if (!text) abort();
    text->next = cluster->texts;
    cluster->texts = text;
    return text;
}

static void write_text(scripted_text_t *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void write_text(scripted_text_t *text, const char *format, ...)
{
    const size_t room = sizeof text->bytes - text->len;
    va_list args;
    va_start(args, format);
    const int len = vsnprintf(text->bytes + text->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room) check_fail("a scripted reply is too long");
    text->len += (size_t)len;
}

/* ---- the map ---- */

typedef struct range {
    long first;
    long last;
} range_t;

/* The range that `*slots` begins with; moves behind it. */
static bool take_range(const char **slots, range_t *range)
{
    char *stop = NULL;
    range->first = strtol(*slots, &stop, 10);
    if (stop == *slots) return false;
    range->last = *stop == '-' ? strtol(stop + 1, &stop, 10) : range->first;
    *slots = stop;
    return true;
}

static int count_ranges(const char *slots)
{
    int count = 0;
    range_t range;
    while (take_range(&slots, &range)) count++;
    return count;
}

typedef struct place {
    const char *host;
    int port;
    char id[41];
} place_t;

static place_t place_of(const scripted_cluster_t *cluster, const scripted_shard_t *shard,
                        int number)
{
    place_t place = {.host = shard->host ? shard->host : "127.0.0.1", .port = shard->port};
    if (place.port == 0) place.port = cluster->nodes[number % cluster->count].port;
    if (shard->id)
        snprintf(place.id, sizeof place.id, "%s", shard->id);
    else
        snprintf(place.id, sizeof place.id, "%040d", place.port);
    return place;
}

static void write_string(scripted_text_t *text, const char *string)
{
    write_text(text, "$%zu\r\n%s\r\n", strlen(string), string);
}

static void write_shard(scripted_text_t *text, const scripted_shard_t *shard, const place_t *place)
{
    const char *slots = shard->slots;
    range_t range;
    write_text(text, "*4\r\n+slots\r\n*%d\r\n", 2 * count_ranges(slots));
    while (take_range(&slots, &range))
        write_text(text, ":%ld\r\n:%ld\r\n", range.first, range.last);
    write_text(text, "+nodes\r\n*1\r\n*10\r\n+id\r\n");
    write_string(text, place->id);
    write_text(text, "+port\r\n:%d\r\n+endpoint\r\n", place->port);
    write_string(text, place->host);
    write_text(text, "+role\r\n+master\r\n+health\r\n+%s\r\n",
               shard->health ? shard->health : "online");
}

static void write_ranges(scripted_text_t *text, const scripted_shard_t *shard, const place_t *place)
{
    const char *slots = shard->slots;
    range_t range;
    while (take_range(&slots, &range)) {
        write_text(text, "*3\r\n:%ld\r\n:%ld\r\n*3\r\n", range.first, range.last);
        write_string(text, place->host);
        write_text(text, ":%d\r\n", place->port);
        write_string(text, place->id);
    }
}

void scripted_cluster_say(scripted_cluster_t *cluster, int node, const scripted_shard_t *shards,
                          int count)
{
    scripted_text_t *by_shard = add_text(cluster), *by_range = add_text(cluster);
    int ranges = 0;
    for (int i = 0; i < count; i++) ranges += count_ranges(shards[i].slots);
    write_text(by_shard, "*%d\r\n", count);
    write_text(by_range, "*%d\r\n", ranges);
    for (int i = 0; i < count; i++) {
        const place_t place = place_of(cluster, &shards[i], i);
        write_shard(by_shard, &shards[i], &place);
        write_ranges(by_range, &shards[i], &place);
    }
    scripted_always(&cluster->nodes[node], "CLUSTER SHARDS", by_shard->bytes);
    scripted_always(&cluster->nodes[node], "CLUSTER SLOTS", by_range->bytes);
}

/* ---- redirects ---- */

static const char *redirect(scripted_cluster_t *cluster, const char *word, unsigned slot,
                            const char *host, int port)
{
    scripted_text_t *text = add_text(cluster);
    write_text(text, "-%s %u %s:%d\r\n", word, slot, host, port);
    return text->bytes;
}

const char *scripted_moved(scripted_cluster_t *cluster, unsigned slot, const char *host, int port)
{
    return redirect(cluster, "MOVED", slot, host, port);
}

const char *scripted_ask(scripted_cluster_t *cluster, unsigned slot, const char *host, int port)
{
    return redirect(cluster, "ASK", slot, host, port);
}

static void redirect_loop(scripted_cluster_t *cluster, const char *word, const char *command,
                          unsigned slot, int a, int b)
{
    const int to[] = {b, a}, from[] = {a, b};
    for (int i = 0; i < 2; i++)
        scripted_always(&cluster->nodes[from[i]], command,
                        redirect(cluster, word, slot, "127.0.0.1", cluster->nodes[to[i]].port));
}

void scripted_moved_loop(scripted_cluster_t *cluster, const char *command, unsigned slot, int a,
                         int b)
{
    redirect_loop(cluster, "MOVED", command, slot, a, b);
}

void scripted_ask_loop(scripted_cluster_t *cluster, const char *command, unsigned slot, int a,
                       int b)
{
    redirect_loop(cluster, "ASK", command, slot, a, b);
}

/* ---- life ---- */

static void be_honest(scripted_cluster_t *cluster)
{
    char slots[SCRIPTED_NODES_MAX][32];
    scripted_shard_t shards[SCRIPTED_NODES_MAX] = {{0}};
    const int count = cluster->count;
    for (int i = 0; i < count; i++) {
        snprintf(slots[i], sizeof slots[i], "%d-%d", SLOTS * i / count,
                 SLOTS * (i + 1) / count - 1);
        shards[i].slots = slots[i];
    }
    for (int i = 0; i < count; i++) scripted_cluster_say(cluster, i, shards, count);
}

void scripted_cluster_open(scripted_cluster_t *cluster, uv_loop_t *loop, int nodes)
{
    assert_in_range(nodes, 1, SCRIPTED_NODES_MAX);
    memset(cluster, 0, sizeof *cluster);
    int used = snprintf(cluster->url, sizeof cluster->url, "redis://");
    for (int i = 0; i < nodes; i++) {
        scripted_t *node = &cluster->nodes[cluster->count++];
        scripted_open(node, loop);
        node->mode = "cluster";
        scripted_always(node, "ASKING", "+OK\r\n");
        scripted_always(node, "READONLY", "+OK\r\n");
        used += snprintf(cluster->url + used, sizeof cluster->url - (size_t)used, "%s127.0.0.1:%d",
                         i > 0 ? "," : "", node->port);
    }
    be_honest(cluster);
}

void scripted_cluster_close(scripted_cluster_t *cluster)
{
    for (int i = 0; i < cluster->count; i++) scripted_close(&cluster->nodes[i]);
    while (cluster->texts) {
        scripted_text_t *text = cluster->texts;
        cluster->texts = text->next;
        free(text);
    }
}

static void close_with_world(world_t *world)
{
    scripted_cluster_close(world->data);
    free(world->data);
}

scripted_cluster_t *scripted_cluster_of(world_t *world, int nodes)
{
    scripted_cluster_t *cluster = malloc(sizeof *cluster);
    if (!cluster) abort();
    scripted_cluster_open(cluster, &world->loop, nodes);
    world->url = cluster->url;
    world->data = cluster;
    world->at_end = close_with_world;
    return cluster;
}
