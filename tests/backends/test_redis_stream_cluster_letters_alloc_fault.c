/* Every allocation fails once, and everything after it, while events become dead letters in another
 * slot of a cluster, by a nak and by a claim. */
#include "alloc_life.h"
#include "check.h"
#include "cluster.h"

#include <cairn/group.h>
#include <stdio.h>
#include <string.h>

typedef struct life {
    cairn_streams_t streams;
    cairn_stream_append_t append;
    cairn_group_change_t create, nak;
    cairn_group_read_t read, claim;
    cairn_stream_count_t length;
    cairn_position_t given[2];
    size_t count;
} life_t;

static cluster_t cluster;
static cluster_tag_t run, dead;
static life_t it;

static void clear(void)
{
    cluster_ask(&cluster, 0, "FLUSHALL");
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)req, (void)appended;
    (void)alloc_life_ends(status);
}

static void on_changed(cairn_group_change_t *req, int status, uint64_t count)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(count <= 1, "more was changed than there is");
}

static void on_read(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                    size_t count)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    for (size_t i = 0; i < count && i < 2; i++) it.given[it.count++] = deliveries[i].event.position;
}

static void on_claimed(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                       size_t count)
{
    (void)req, (void)deliveries;
    if (alloc_life_ends(status)) alloc_life_expect(count == 0, "a dead letter was delivered");
}

static void on_length(cairn_stream_count_t *req, int status, uint64_t count)
{
    (void)req;
    if (alloc_life_ends(status)) alloc_life_expect(count <= 2, "a letter came twice");
}

static void live(void)
{
    const cairn_group_options_t once = {
        .from = CAIRN_FROM_ALL, .max_deliveries = 1, .dead_letter = cairn_str(dead)};
    const cairn_slice_t stream = cairn_str(run), group = cairn_str("g"), member = cairn_str("m");
    const cairn_stream_entry_t entries[] = {
        {.event = cairn_str("m"), .data = {cairn_str("json"), cairn_str("a")}},
        {.event = cairn_str("m"), .data = {cairn_str("json"), cairn_str("b")}},
    };
    memset(&it, 0, sizeof it);
    assert_status(cairn_streams_init(&it.streams, &alloc_life.cairn, NULL), 0);
    alloc_life_accepts(
        cairn_stream_append(&it.streams, &it.append, stream, entries, 2, NULL, on_appended));
    alloc_life_accepts(
        cairn_group_create(&it.streams, &it.create, stream, group, &once, on_changed));
    alloc_life_await();
    alloc_life_accepts(
        cairn_group_read(&it.streams, &it.read, stream, group, member, 2, 0, on_read));
    alloc_life_await();
    if (it.count > 0)
        alloc_life_accepts(
            cairn_group_nak(&it.streams, &it.nak, stream, group, it.given, 1, 0, on_changed));
    alloc_life_await();
    alloc_life_accepts(
        cairn_group_claim(&it.streams, &it.claim, stream, group, member, 2, 0, on_claimed));
    alloc_life_await();
    alloc_life_accepts(cairn_stream_length(&it.streams, &it.length, cairn_str(dead), on_length));
}

static const char *url(const char *rest)
{
    static char text[512];
    snprintf(text, sizeof text, "redis+cluster://127.0.0.1:%d?%s", cluster_port(&cluster, 0), rest);
    return text;
}

int main(void)
{
    static const alloc_life_place_t place = {.url = url, .clear = clear, .brief = true};
    const cluster_options_t one = {.masters = 1, .replicas = -1};
    cluster_start(&cluster, &one);
    cluster_tag(run, 100);
    cluster_tag(dead, 12000);
    int failures = alloc_life_run_at(&place, "allocation faults: dead letters of a cluster", live);
    cluster_stop(&cluster);
    return failures;
}
