/* Every allocation of a saver's life fails once, and everything after it: on a cluster, what goes
 * to all slots, or from one to another. */
#include "alloc_life.h"
#include "check.h"
#include "saver_text.h"
#include "store_cluster.h"

#include <cairn/saver.h>
#include <stdio.h>
#include <string.h>

typedef struct life {
    cairn_saver_t saver;
    cairn_saver_put_t put;
    cairn_saver_list_t list;
    cairn_saver_copy_t copy;
    cairn_saver_delete_t runs;
    bool put_done;
} life_t;

static life_t it;

static void on_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    it.put_done = alloc_life_ends(status);
}

static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    text_t found = {0};
    (void)req;
    if (!alloc_life_ends(status) || !it.put_done) return;
    alloc_life_expect(page->count == 1, "a page is not whole");
    if (page->count > 0) text_add_tuple(&found, &page->tuples[0]);
    alloc_life_expect(strcmp(text_chars(&found), "c1 a@1=x b@1=y") == 0,
                      "a checkpoint is not whole");
    text_free(&found);
}

static void on_copied(cairn_saver_copy_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    if (alloc_life_ends(status) && it.put_done)
        alloc_life_expect(checkpoints == 1, "a copy is not whole");
}

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    if (alloc_life_ends(status) && it.put_done)
        alloc_life_expect(checkpoints == 1 || checkpoints == 2, "what is of a run was not deleted");
}

static void put(void)
{
    channels_t channels;
    channels_parse(&channels, "a@1=x b@1=y");
    const cairn_checkpoint_t checkpoint = {.id = cairn_str("c1"),
                                           .channel_versions = channels.versions,
                                           .channel_version_count = channels.version_count,
                                           .channel_values = channels.values,
                                           .channel_value_count = channels.value_count};
    const cairn_checkpoint_ref_t at = {.thread_id = cairn_str("t")};
    const cairn_saver_put_options_t options = {.run_id = cairn_str("r")};
    alloc_life_accepts(
        cairn_saver_put(&it.saver, &it.put, &at, &checkpoint, cairn_str(NULL), &options, on_put));
}

static void live(void)
{
    const cairn_slice_t run = cairn_str("r");
    memset(&it, 0, sizeof it);
    assert_status(cairn_saver_init(&it.saver, &alloc_life.cairn, NULL), 0);
    put();
    alloc_life_await();
    alloc_life_accepts(cairn_saver_list(&it.saver, &it.list, NULL, on_page));
    alloc_life_await();
    alloc_life_accepts(
        cairn_saver_copy_thread(&it.saver, &it.copy, cairn_str("t"), cairn_str("u"), on_copied));
    alloc_life_await();
    alloc_life_accepts(cairn_saver_delete_for_runs(&it.saver, &it.runs, &run, 1, on_deleted));
}

/* Without being told that there is a cluster. */
static const char *auto_url(const char *rest)
{
    char all[256];
    snprintf(all, sizeof all, "cluster=auto&%s", rest);
    return cluster_url(&store_cluster, all);
}

int main(void)
{
    static const alloc_life_place_t cluster = {store_cluster_url, store_cluster_clear, true};
    static const alloc_life_place_t as_it_says = {auto_url, store_cluster_clear, true};
    store_cluster_start();
    int failures = alloc_life_run_at(&cluster, "allocation faults: saver over a cluster", live);
    failures +=
        alloc_life_run_at(&as_it_says, "allocation faults: saver, as the server says", live);
    store_cluster_stop();
    return failures;
}
