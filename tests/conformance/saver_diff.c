#include "saver_diff.h"

#include <stdio.h>
#include <stdlib.h>

/* What a TTL of one side may differ from the other's by: a stall of the machine between the two.
 * The TTLs that are given are much further apart. */
#define TTL_TOLERANCE_MS 100000

/* ---- a difference ---- */

static void print_log(const diff_t *diff)
{
    fprintf(stderr, "default_ttl=%lld scope=%d refresh=%d shallow=%d\n%s",
            (long long)(diff->options.default_ttl.given ? diff->options.default_ttl.ms : 0),
            diff->options.ttl_scope, diff->options.refresh_on_read, diff->options.shallow,
            text_chars(&diff->log));
}

/* cmocka cuts what is long. */
static void print_line(const char *label, const char *line)
{
    fprintf(stderr, "  %-10s %.*s\n", label, (int)strcspn(line, "\n"), line);
}

static void differ(const diff_t *diff, const char *what, const char *one, const char *other)
{
    print_log(diff);
    while (*one && strcspn(one, "\n") == strcspn(other, "\n") &&
           strncmp(one, other, strcspn(one, "\n") + 1) == 0) {
        one += strcspn(one, "\n") + 1;
        other += strcspn(other, "\n") + 1;
    }
    fprintf(stderr, "%s: the first line that differs\n", what);
    print_line("one side", one);
    print_line("the other", other);
    check_fail("the two sides differ in %s", what);
}

static void compare(const diff_t *diff, const char *what, const char *one, const char *other)
{
    if (strcmp(one, other) != 0) differ(diff, what, one, other);
}

static bool is_like(int64_t one, int64_t other)
{
    if (one < 0 || other < 0) return one == other;
    int64_t apart = one > other ? one - other : other - one;
    return apart <= TTL_TOLERANCE_MS;
}

static void compare_ttls(const diff_t *diff, const char *what, int64_t one, int64_t other)
{
    if (is_like(one, other)) return;
    char texts[2][32];
    snprintf(texts[0], sizeof texts[0], "%lld ms", (long long)one);
    snprintf(texts[1], sizeof texts[1], "%lld ms", (long long)other);
    differ(diff, what, texts[0], texts[1]);
}

/* ---- one operation on one side ---- */

static int submit(ask_t *ask, const op_t *op)
{
    switch (op->kind) {
    case OP_PUT:
        return ask_put_raw(ask, &op->at, &op->checkpoint, cairn_str(op->metadata),
                           &op->put_options);
    case OP_WRITE:
        return ask_write_raw(ask, &op->at, &op->task, op->ttl);
    case OP_GET:
        return ask_get(ask, op->at, &op->get_options);
    case OP_HISTORY:
        return ask_history(ask, &op->at, op->names, op->name_count);
    case OP_TTL:
        return ask_ttl(ask, op->scope, op->at);
    case OP_SET_TTL:
        return ask_set_ttl(ask, op->scope, op->at, op->ttl);
    case OP_PIN:
        return ask_pin(ask, op->scope, op->at);
    case OP_UNPIN:
        return ask_unpin(ask, op->scope, op->at);
    case OP_DELETE_THREAD:
        return ask_delete_thread(ask, op->at.thread_id);
    case OP_DELETE_FOR_RUNS:
        return ask_delete_for_runs(ask, op->names, op->name_count);
    case OP_PRUNE:
        return ask_prune(ask, &op->prune);
    case OP_COPY:
        return ask_copy(ask, op->names[0], op->names[1]);
    default:
        abort();
    }
}

static void list_all(ask_t *ask, const cairn_saver_query_t *asked)
{
    cairn_saver_query_t query = *asked;
    text_clear(&ask->text);
    text_clear(&ask->refs);
    do {
        assert_status(ask_list(ask, &query), 0);
        ask_await(ask, 0);
        query.paging.cursor = cairn_slice(ask->cursor, ask->cursor_len);
    } while (ask->cursor_len > 0);
}

/* ---- both sides ---- */

static void compare_results(diff_t *diff, const op_t *op, size_t which)
{
    const ask_t *one = diff->asks[0][which];
    const ask_t *other = diff->asks[1][which];
    text_t texts[2] = {{0}, {0}};
    for (int side = 0; side < 2; side++) {
        const ask_t *ask = diff->asks[side][which];
        text_add(&texts[side], "%s, %llu, %s", cairn_err_name(ask->status),
                 (unsigned long long)ask->count, text_chars(&ask->text));
    }
    text_t what = {0};
    diff_describe(&what, op);
    compare(diff, text_chars(&what), text_chars(&texts[0]), text_chars(&texts[1]));
    compare_ttls(diff, text_chars(&what), one->ttl_ms, other->ttl_ms);
    text_free(&what);
    text_free(&texts[0]);
    text_free(&texts[1]);
}

static void note(diff_t *diff, const op_t *op)
{
    diff_describe(&diff->log, op);
    text_add(&diff->log, "\n");
}

static void run_batch(diff_t *diff, size_t count)
{
    int rcs[2][DIFF_BATCH];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++) {
            ask_t *ask = diff->asks[side][i];
            text_clear(&ask->text);
            rcs[side][i] = submit(ask, &diff->ops[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        note(diff, &diff->ops[i]);
        compare(diff, "a submit", cairn_err_name(rcs[0][i]), cairn_err_name(rcs[1][i]));
        for (int side = 0; side < 2 && rcs[0][i] == 0; side++) ask_await_any(diff->asks[side][i]);
        if (rcs[0][i] == 0) compare_results(diff, &diff->ops[i], i);
    }
}

static void compare_lists(diff_t *diff, const cairn_saver_query_t *query)
{
    for (int side = 0; side < 2; side++) list_all(diff->asks[side][0], query);
    compare(diff, "a list", text_chars(&diff->asks[0][0]->text),
            text_chars(&diff->asks[1][0]->text));
}

static void run_alone(diff_t *diff)
{
    op_t *op = &diff->ops[0];
    diff_make_op(diff, op, false);
    if (op->kind != OP_LIST) {
        run_batch(diff, 1);
        return;
    }
    note(diff, op);
    compare_lists(diff, &op->query);
}

/* From the answer on, the server counts no longer than the TTL. */
static void run_brief(diff_t *diff)
{
    int64_t ttl_ms = diff_make_brief_op(diff, &diff->ops[0]);
    run_batch(diff, 1);
    loop_run_for(&diff->world->loop, (unsigned)ttl_ms + 2);
}

/* ---- everything that can be read ---- */

static void compare_ttl_of(diff_t *diff, cairn_saver_scope_t scope, cairn_checkpoint_ref_t at)
{
    for (int side = 0; side < 2; side++) {
        assert_status(ask_ttl(diff->asks[side][0], scope, at), 0);
        ask_await(diff->asks[side][0], 0);
    }
    text_t what = {0};
    text_add(&what, "the TTL of ");
    text_add_ref(&what, &at);
    compare_ttls(diff, text_chars(&what), diff->asks[0][0]->ttl_ms, diff->asks[1][0]->ttl_ms);
    text_free(&what);
}

static void compare_thread(diff_t *diff, cairn_slice_t id)
{
    cairn_saver_query_t query = {.thread_id = id};
    compare_lists(diff, &query);
    compare_ttl_of(diff, CAIRN_SCOPE_THREAD, (cairn_checkpoint_ref_t){.thread_id = id});
    for (size_t n = 0; n < DIFF_SPACES; n++) {
        for (size_t i = 0; i < DIFF_IDS; i++) {
            cairn_checkpoint_ref_t at = {id, diff->pool.spaces[n], diff->pool.ids[i]};
            compare_ttl_of(diff, CAIRN_SCOPE_CHECKPOINT, at);
        }
    }
}

static void compare_everything(diff_t *diff)
{
    cairn_saver_query_t everything = {0};
    compare_lists(diff, &everything);
    for (size_t i = 0; i < DIFF_THREADS; i++) compare_thread(diff, diff->pool.threads[i]);
}

/* ---- a sequence ---- */

static void run_steps(diff_t *diff)
{
    unsigned last = 20 + (unsigned)diff_random(diff, 150);
    while (diff->steps < last) {
        uint64_t what = diff_random(diff, 100);
        if (what < 50) {
            size_t count = 1 + diff_random(diff, DIFF_BATCH);
            for (size_t i = 0; i < count; i++) diff_make_op(diff, &diff->ops[i], true);
            run_batch(diff, count);
        } else if (what < 90) {
            run_alone(diff);
        } else if (what < 95) {
            run_brief(diff);
        } else {
            compare_thread(diff, diff->pool.threads[diff_random(diff, DIFF_THREADS)]);
        }
    }
    compare_everything(diff);
}

static void delete_everything(diff_t *diff)
{
    for (size_t i = 0; i < DIFF_THREADS; i++) {
        diff->ops[0] = (op_t){.kind = OP_DELETE_THREAD};
        diff->ops[0].at.thread_id = diff->pool.threads[i];
        run_batch(diff, 1);
    }
}

static diff_t *begin(world_t *world, const diff_setting_t *setting, uint64_t seed)
{
    diff_t *diff = calloc(1, sizeof *diff);
    if (!diff) abort();
    diff->world = world;
    diff->random = seed;
    diff_make_pool(diff);
    diff_make_options(diff);
    for (int side = 0; side < 2; side++) {
        world->url = setting->urls[side];
        diff->sides[side] = saver_open(world, &diff->options);
        for (size_t i = 0; i < DIFF_BATCH; i++) diff->asks[side][i] = saver_ask(diff->sides[side]);
    }
    return diff;
}

void diff_run(const diff_setting_t *setting, uint64_t seed)
{
    world_t *world = calloc(1, sizeof *world);
    if (!world) abort();
    world_begin(world, setting->urls[0]);
    diff_t *diff = begin(world, setting, seed);
    run_steps(diff);
    if (setting->after) setting->after(diff->only_ttls);
    delete_everything(diff);
    if (setting->assert_empty) setting->assert_empty();
    text_free(&diff->log);
    free(diff);
    world_end(world);
    free(world);
}
