/* Every allocation fails once, and everything after it, of a handle that reads from replicas: one
 * that is there, and one that has to be found first. */
#include "alloc_life.h"
#include "check.h"
#include "cluster.h"
#include "loop.h"
#include "saver_text.h"

#include <cairn/saver.h>
#include <cairn/store.h>
#include <cairn/stream.h>
#include <stdio.h>
#include <string.h>

typedef struct life {
    cairn_saver_t saver;
    cairn_store_t store;
    cairn_streams_t streams;
    cairn_saver_put_t put_checkpoint;
    cairn_saver_get_t get_checkpoint[2];
    cairn_store_put_t put;
    cairn_store_get_t get[2];
    cairn_store_batch_t batch;
    cairn_stream_append_t append;
    cairn_stream_read_t read;
    cairn_stream_info_t info;
    bool put_done, checkpoint_done;
} life_t;

static cluster_t cluster;
static life_t it;

static const char labels_text[] = "t";

static cairn_namespace_t space(void)
{
    static cairn_slice_t label;
    label = cairn_str(labels_text);
    return (cairn_namespace_t){&label, 1};
}

static void clear(void)
{
    cluster_ask(&cluster, cluster_owner(&cluster, 0), "FLUSHALL");
}

/* ---- what was asked has ended ---- */

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)req, (void)existed;
    it.put_done = alloc_life_ends(status);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    (void)req;
    if (!alloc_life_ends(status)) return;
    alloc_life_expect(!it.put_done || (item && cairn_slice_eq(item->value, cairn_str("1"))),
                      "an item is not there, or not whole");
}

static void on_batch(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.put_done) return;
    alloc_life_expect(count == 1 && (results->status < 0 || results->item),
                      "an item of a batch is not there");
}

static void on_checkpoint_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    it.checkpoint_done = alloc_life_ends(status);
}

static void on_checkpoint(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    text_t found = {0};
    (void)req;
    if (!alloc_life_ends(status) || !it.checkpoint_done) return;
    if (tuple) text_add_tuple(&found, tuple);
    alloc_life_expect(tuple && strcmp(text_chars(&found), "c1 a@1=x b@1=y") == 0,
                      "a checkpoint is not there, or not whole");
    text_free(&found);
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    (void)req, (void)appended;
    (void)alloc_life_ends(status);
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    (void)req, (void)page;
    (void)alloc_life_ends(status);
}

static void on_info(cairn_stream_info_t *req, int status, const cairn_stream_facts_t *facts)
{
    (void)req, (void)facts;
    (void)alloc_life_ends(status);
}

/* ---- what is asked ---- */

static void put_all(void)
{
    channels_t channels;
    channels_parse(&channels, "a@1=x b@1=y");
    const cairn_checkpoint_t checkpoint = {.id = cairn_str("c1"),
                                           .channel_versions = channels.versions,
                                           .channel_version_count = channels.version_count,
                                           .channel_values = channels.values,
                                           .channel_value_count = channels.value_count};
    const cairn_checkpoint_ref_t at = {.thread_id = cairn_str("t")};
    const cairn_stream_entry_t entry = {.event = cairn_str("m"),
                                        .data = {cairn_str("json"), cairn_str("a")}};
    alloc_life_accepts(cairn_saver_put(&it.saver, &it.put_checkpoint, &at, &checkpoint,
                                       cairn_str(NULL), NULL, on_checkpoint_put));
    alloc_life_accepts(
        cairn_store_put(&it.store, &it.put, space(), cairn_str("k"), cairn_str("1"), NULL, on_put));
    alloc_life_accepts(
        cairn_stream_append(&it.streams, &it.append, cairn_str("t"), &entry, 1, NULL, on_appended));
}

static void get_both(int number)
{
    const cairn_checkpoint_ref_t latest = {.thread_id = cairn_str("t")};
    alloc_life_accepts(
        cairn_saver_get(&it.saver, &it.get_checkpoint[number], &latest, NULL, on_checkpoint));
    alloc_life_accepts(cairn_store_get(&it.store, &it.get[number], space(), cairn_str("k"),
                                       CAIRN_REFRESH_NO, on_got));
}

static bool replica_is_ready(void *ctx)
{
    cairn_connection_t all[16];
    const size_t count = cairn_connections(ctx, all, 16);
    for (size_t i = 0; i < count && i < 16; i++)
        if (strcmp(all[i].role, "replica") == 0 && strcmp(all[i].state, "ready") == 0) return true;
    return false;
}

static void live(void)
{
    enum {
        PATIENCE_MS = 300
    };
    const cairn_store_op_t op = {
        .type = CAIRN_STORE_GET, .ns = space(), .key = cairn_str("k"), .refresh = CAIRN_REFRESH_NO};
    memset(&it, 0, sizeof it);
    assert_status(cairn_saver_init(&it.saver, &alloc_life.cairn, NULL), 0);
    assert_status(cairn_store_init(&it.store, &alloc_life.cairn, NULL), 0);
    assert_status(cairn_streams_init(&it.streams, &alloc_life.cairn, NULL), 0);
    put_all();
    alloc_life_await();
    get_both(0);
    (void)loop_try_for(&alloc_life.loop, PATIENCE_MS, replica_is_ready, &alloc_life.cairn);
    get_both(1);
    alloc_life_accepts(cairn_store_batch(&it.store, &it.batch, &op, 1, on_batch));
    alloc_life_accepts(cairn_stream_read(&it.streams, &it.read, cairn_str("t"), NULL, on_page));
    alloc_life_accepts(cairn_stream_info(&it.streams, &it.info, cairn_str("t"), on_info));
}

static const char *url(const char *rest)
{
    static char text[512];
    snprintf(text, sizeof text, "redis+cluster://127.0.0.1:%d?read_from=prefer_replica&%s",
             cluster_port(&cluster, cluster_owner(&cluster, 0)), rest);
    return text;
}

int main(void)
{
    static const alloc_life_place_t place = {.url = url, .clear = clear, .brief = true};
    const cluster_options_t one = {.masters = 1, .replicas = 1};
    cluster_start(&cluster, &one);
    int failures = alloc_life_run_at(&place, "allocation faults: replicas", live);
    cluster_stop(&cluster);
    return failures;
}
