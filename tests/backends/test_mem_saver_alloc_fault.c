/* Every allocation of every operation of the memory saver fails once: then the operation says so,
 * and what is kept is what was kept before, to the last count. */
#include "alloc_fault.h"
#include "check.h"
#include "mem_saver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define S cairn_str
#define MOST_ALLOCATIONS 500

/* ---- everything that is kept, as text ---- */

static char *written;
static size_t written_len;
static FILE *out;

static void show(const char *what, cairn_slice_t bytes)
{
    fprintf(out, " %s=%s", what, bytes.ptr ? "" : "absent");
    for (size_t i = 0; i < bytes.len; i++) fprintf(out, "%02x", (unsigned char)bytes.ptr[i]);
}

static void show_blobs(const mem_space_t *space)
{
    for (mem_node_t *node = mem_map_first(&space->blobs); node; node = mem_map_next(node)) {
        const mem_blob_t *blob = CAIRN_CONTAINER_OF(node, mem_blob_t, node);
        show("\n  blob", node->key.major);
        show("version", node->key.minor);
        fprintf(out, " users=%zu", blob->users);
        if (!blob->content) continue;
        fprintf(out, " kind=%d", (int)blob->content->kind);
        show("type", blob->content->value.type);
        show("bytes", blob->content->value.bytes);
    }
}

static void show_object(const mem_object_t *object)
{
    show("\n  object", object->node.key.major);
    fprintf(out, " ttl=%lld", (long long)object->ttl_ms);
    if (object->ttl_ms > 0) fprintf(out, " until %llu", (unsigned long long)object->deadline_ms);
    if (object->checkpoint) {
        show("parent", object->checkpoint->parent_id);
        show("metadata", object->checkpoint->metadata);
        show("run", object->checkpoint->in_runs.key.major);
        show("body", object->checkpoint->body);
    }
    for (mem_node_t *node = mem_map_first(&object->writes); node; node = mem_map_next(node)) {
        const mem_write_t *write = CAIRN_CONTAINER_OF(node, mem_write_t, node);
        show("\n   task", node->key.major);
        fprintf(out, " idx=%d", write->idx);
        show("path", write->task_path);
        show("channel", write->channel);
        show("type", write->value.type);
        show("bytes", write->value.bytes);
    }
}

static void show_space(const mem_space_t *space)
{
    show("\nthread", space->thread->node.key.major);
    show("ns", space->node.key.major);
    show_blobs(space);
    for (mem_node_t *node = mem_map_first(&space->objects); node; node = mem_map_next(node))
        show_object(CAIRN_CONTAINER_OF(node, mem_object_t, node));
}

/* To be freed. */
static char *kept(const mem_saver_t *saver)
{
    out = open_memstream(&written, &written_len);
    assert_non_null(out);
    fprintf(out, "%zu threads, %zu runs, %zu deadlines", saver->threads.count, saver->runs.count,
            saver->deadlines.count);
    for (mem_node_t *t = mem_map_first(&saver->threads); t; t = mem_map_next(t)) {
        const mem_thread_t *thread = CAIRN_CONTAINER_OF(t, mem_thread_t, node);
        for (mem_node_t *s = mem_map_first(&thread->spaces); s; s = mem_map_next(s))
            show_space(CAIRN_CONTAINER_OF(s, mem_space_t, node));
    }
    assert_int_equal(fclose(out), 0);
    return written;
}

/* ---- something to work on ---- */

static const cairn_channel_version_t versions[] = {
    {{"a", 1}, {"1", 1}},
    {{"b", 1}, {"2", 1}},
    {{"d", 1}, {"3", 1}},
    {{"e", 1}, {"4", 1}},
};
static const cairn_channel_value_t values[] = {
    {{"a", 1}, {"1", 1}, CAIRN_CHANNEL_VALUE, {{"json", 4}, {"[1]", 3}}},
    {{"d", 1}, {"3", 1}, CAIRN_CHANNEL_DELTA, {{NULL, 0}, {NULL, 0}}},
    {{"e", 1}, {"4", 1}, CAIRN_CHANNEL_EMPTY, {{NULL, 0}, {NULL, 0}}},
};
static const cairn_write_t writes[] = {
    {{"d", 1}, {{"json", 4}, {"2", 1}}},
    {{CAIRN_CHANNEL_ERROR, 9}, {{"text", 4}, {"no", 2}}},
    {{"d", 1}, {{"json", 4}, {"3", 1}}},
};

static int put(mem_saver_t *saver, cairn_checkpoint_ref_t parent, const char *id, int64_t ttl_ms,
               bool shallow)
{
    cairn_checkpoint_t checkpoint = {
        .id = S(id),
        .channel_versions = versions,
        .channel_version_count = 4,
        .channel_values = values,
        .channel_value_count = 3,
    };
    cairn_saver_put_args_t args = {
        .parent = parent,
        .checkpoint = &checkpoint,
        .metadata = S("{\"counters_since_delta_snapshot\":{\"m\":[1,1]},\"k\":1}"),
        .run_id = S("run"),
        .terms = {.ttl_ms = ttl_ms, .shallow = shallow},
    };
    return mem_put(saver, &args);
}

static int put_writes(mem_saver_t *saver, cairn_checkpoint_ref_t at, const char *task)
{
    cairn_task_writes_t task_writes = {S(task), S("path"), writes, 3};
    cairn_saver_put_writes_args_t args = {.at = at, .writes = &task_writes, .terms.ttl_ms = 60000};
    return mem_put_writes(saver, &args);
}

static void fill(mem_saver_t *saver)
{
    mem_expire(saver, 1000);
    cairn_checkpoint_ref_t root = {S("t"), S(""), S(NULL)};
    cairn_checkpoint_ref_t c1 = {S("t"), S(""), S("c1")}, c2 = {S("t"), S(""), S("c2")};
    cairn_checkpoint_ref_t early = {S("t"), S("sub"), S("x")};
    assert_status(put(saver, root, "c1", 5000, false), 0);
    assert_status(put(saver, c1, "c2", CAIRN_TTL_PERSIST, false), 0);
    assert_status(put(saver, c2, "c3", 7000, false), 0);
    assert_status(put_writes(saver, c1, "task"), 0);
    assert_status(put_writes(saver, c2, "task"), 0);
    assert_status(put_writes(saver, early, "task"), 0);
}

/* ---- the operations ---- */

static int put_new_thread(mem_saver_t *saver)
{
    return put(saver, (cairn_checkpoint_ref_t){S("new"), S("ns"), S("p")}, "c", 9000, false);
}

static int put_replacing(mem_saver_t *saver)
{
    return put(saver, (cairn_checkpoint_ref_t){S("t"), S(""), S("p")}, "c2", 9000, false);
}

static int put_shallow(mem_saver_t *saver)
{
    return put(saver, (cairn_checkpoint_ref_t){S("t"), S(""), S("c3")}, "c4", 9000, true);
}

static int put_after_writes(mem_saver_t *saver)
{
    return put(saver, (cairn_checkpoint_ref_t){S("t"), S("sub"), S(NULL)}, "x", 9000, false);
}

static int put_writes_again(mem_saver_t *saver)
{
    return put_writes(saver, (cairn_checkpoint_ref_t){S("t"), S(""), S("c1")}, "task");
}

static int put_writes_early(mem_saver_t *saver)
{
    return put_writes(saver, (cairn_checkpoint_ref_t){S("new"), S(""), S("c1")}, "task");
}

static int read_all(mem_saver_t *saver)
{
    cairn_arena_t arena = {0};
    cairn_saver_page_t page;
    cairn_saver_list_args_t args = {.most = 2};
    int rc = mem_list(saver, &args, &arena, &page);
    if (rc == 0) {
        assert_int_equal(page.count, 2);
        assert_true(page.cursor.len > 0);
    }
    cairn_arena_free(&arena);
    return rc;
}

static int history(mem_saver_t *saver)
{
    static const cairn_slice_t channels[] = {{"d", 1}, {"a", 1}};
    cairn_saver_history_args_t args = {
        .at = {S("t"), S(""), S(NULL)}, .channels = channels, .count = 2};
    cairn_arena_t arena = {0};
    cairn_channel_history_t *answer;
    int rc = mem_history(saver, &args, &arena, &answer);
    if (rc == 0) {
        assert_int_equal(answer[0].write_count, 4);
        assert_true(answer[1].has_seed);
    }
    cairn_arena_free(&arena);
    return rc;
}

static int prune(mem_saver_t *saver)
{
    cairn_slice_t thread = S("t");
    cairn_saver_prune_args_t args = {.thread_ids = &thread, .thread_count = 1, .keep = 1};
    uint64_t checkpoints;
    return mem_prune(saver, &args, &checkpoints);
}

static int copy(mem_saver_t *saver)
{
    uint64_t checkpoints;
    int rc = mem_copy_thread(saver, S("t"), S("copy"), &checkpoints);
    if (rc == 0) assert_int_equal(checkpoints, 3);
    return rc;
}

/* ---- each with every fault ---- */

/* Whether the fault was met. */
static bool meets_fault(int (*operation)(mem_saver_t *), size_t nth)
{
    mem_saver_t saver = {0};
    alloc_watch();
    fill(&saver);
    char *before = kept(&saver);
    alloc_fail(ALLOC_FAIL_ONCE, nth);
    int rc = operation(&saver);
    bool met = alloc_fault_fired();
    char *after = kept(&saver);
    assert_status(rc, met ? UV_ENOMEM : 0);
    if (met) assert_string_equal(after, before);
    free(before);
    free(after);
    mem_saver_clear(&saver);
    assert_int_equal(saver.runs.count + saver.deadlines.count + saver.threads.count, 0);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
    return met;
}

static void all_or_nothing(int (*operation)(mem_saver_t *))
{
    size_t nth = 1;
    while (meets_fault(operation, nth)) assert_in_range(++nth, 2, MOST_ALLOCATIONS);
    assert_in_range(nth, 2, MOST_ALLOCATIONS);
}

static void a_put_is_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(put_new_thread);
    all_or_nothing(put_replacing);
    all_or_nothing(put_shallow);
    all_or_nothing(put_after_writes);
}

static void writes_are_put_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(put_writes_again);
    all_or_nothing(put_writes_early);
}

static void reading_changes_nothing(void **state)
{
    (void)state;
    all_or_nothing(read_all);
    all_or_nothing(history);
}

static void a_prune_is_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(prune);
}

static void a_copy_is_all_or_nothing(void **state)
{
    (void)state;
    all_or_nothing(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_put_is_all_or_nothing),  cmocka_unit_test(writes_are_put_all_or_nothing),
        cmocka_unit_test(reading_changes_nothing),  cmocka_unit_test(a_prune_is_all_or_nothing),
        cmocka_unit_test(a_copy_is_all_or_nothing),
    };
    return cmocka_run_group_tests_name("memory saver: allocation faults", tests, NULL, NULL);
}
