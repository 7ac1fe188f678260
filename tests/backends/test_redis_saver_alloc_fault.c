/* Every allocation of a saver's life fails once, and everything after it: over Redis. Whatever a
 * submit accepted ends once, what it gives is whole, and nothing is left behind. */
#include "alloc_life.h"
#include "check.h"
#include "saver_text.h"

#include <stdio.h>

/* ---- one life ---- */

typedef struct life {
    cairn_saver_t saver;
    cairn_saver_put_t put, again, writes;
    cairn_saver_get_t get, named;
    cairn_saver_list_t list, all;
    cairn_saver_history_t history;
    cairn_saver_copy_t copy;
    cairn_saver_ttl_t ttl;
    cairn_saver_delete_t prune, runs, deletion;
    bool puts_done; /* every put ended with 0, so what is read must be all of it */
} life_t;

static life_t it;

static const char *const whole = "c2 <c1 a@1=x b@1=y {\"run_id\":\"r\"} [t1.0 a=1]";

static void check_tuple(const cairn_checkpoint_tuple_t *tuple)
{
    text_t found = {0};
    text_add_tuple(&found, tuple);
    alloc_life_expect(strcmp(text_chars(&found), whole) == 0, "a checkpoint is not whole");
    text_free(&found);
}

static void on_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    if (!alloc_life_ends(status)) it.puts_done = false;
}

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(tuple != NULL, "a checkpoint is not there");
    if (tuple) check_tuple(tuple);
}

static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(page->count == 2, "a page is not whole");
    if (page->count > 0) check_tuple(&page->tuples[0]);
}

static void on_history(cairn_saver_history_t *req, int status,
                       const cairn_channel_history_t *channels, size_t count)
{
    (void)req;
    if (!alloc_life_ends(status) || !it.puts_done) return;
    alloc_life_expect(count == 1 && channels[0].has_seed, "a history has no seed");
}

static void on_copied(cairn_saver_copy_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(checkpoints == 2, "a copy is not whole");
}

static void on_ttl(cairn_saver_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    if (alloc_life_ends(status) && it.puts_done)
        alloc_life_expect(ttl_ms == 60000, "another TTL was set");
}

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    if (alloc_life_ends(status))
        alloc_life_expect(checkpoints <= 4, "more was deleted than there is");
}

static cairn_checkpoint_ref_t ref_of(const char *id)
{
    cairn_checkpoint_ref_t ref = {.thread_id = cairn_str("t"), .checkpoint_id = cairn_str(id)};
    return ref;
}

static bool put(cairn_saver_put_t *req, const char *parent, const char *id, const char *words)
{
    channels_t channels;
    channels_parse(&channels, words);
    cairn_checkpoint_t checkpoint = {.id = cairn_str(id),
                                     .channel_versions = channels.versions,
                                     .channel_version_count = channels.version_count,
                                     .channel_values = channels.values,
                                     .channel_value_count = channels.value_count};
    cairn_checkpoint_ref_t at = ref_of(parent);
    return alloc_life_accepts(cairn_saver_put(&it.saver, req, &at, &checkpoint,
                                              cairn_str("{\"run_id\":\"r\"}"), NULL, on_put));
}

static bool write_one(void)
{
    cairn_write_t write = {cairn_str("a"), cairn_value(cairn_str(TEXT_TYPE), cairn_str("1"))};
    cairn_task_writes_t writes = {.task_id = cairn_str("t1"), .writes = &write, .count = 1};
    cairn_checkpoint_ref_t at = ref_of("c2");
    cairn_ttl_t nothing_said = {0};
    return alloc_life_accepts(
        cairn_saver_put_writes(&it.saver, &it.writes, &at, &writes, nothing_said, on_put));
}

static void submit_all(void)
{
    cairn_checkpoint_ref_t latest = ref_of(NULL);
    cairn_checkpoint_ref_t named = ref_of("c2");
    cairn_saver_query_t query = {.thread_id = cairn_str("t"), .filter = cairn_str("{}")};
    cairn_slice_t channel = cairn_str("a");
    cairn_slice_t thread = cairn_str("t");
    cairn_slice_t run = cairn_str("r");
    cairn_saver_prune_options_t prune = {.thread_ids = &thread, .thread_count = 1};
    it.puts_done = put(&it.put, NULL, "c1", "a@1=x");
    it.puts_done = put(&it.again, "c1", "c2", "a@1 b@1=y") && it.puts_done;
    it.puts_done = write_one() && it.puts_done;
    alloc_life_accepts(cairn_saver_get(&it.saver, &it.get, &latest, NULL, on_got));
    alloc_life_accepts(cairn_saver_get(&it.saver, &it.named, &named, NULL, on_got));
    alloc_life_accepts(cairn_saver_list(&it.saver, &it.list, &query, on_page));
    query.thread_id = cairn_str(NULL);
    alloc_life_accepts(cairn_saver_list(&it.saver, &it.all, &query, on_page));
    alloc_life_accepts(
        cairn_saver_history(&it.saver, &it.history, &latest, &channel, 1, on_history));
    alloc_life_accepts(cairn_saver_set_ttl(&it.saver, &it.ttl, CAIRN_SCOPE_THREAD, &latest,
                                           cairn_ttl_ms(60000), on_ttl));
    alloc_life_accepts(
        cairn_saver_copy_thread(&it.saver, &it.copy, thread, cairn_str("u"), on_copied));
    alloc_life_accepts(cairn_saver_prune(&it.saver, &it.prune, &prune, on_deleted));
    alloc_life_accepts(cairn_saver_delete_for_runs(&it.saver, &it.runs, &run, 1, on_deleted));
    alloc_life_accepts(cairn_saver_delete_thread(&it.saver, &it.deletion, thread, on_deleted));
}

static void live(void)
{
    memset(&it, 0, sizeof it);
    assert_status(cairn_saver_init(&it.saver, &alloc_life.cairn, NULL), 0);
    submit_all();
}

int main(void)
{
    return alloc_life_run("allocation faults: saver over redis", live, NULL);
}
