#include "store_diff.h"

#include <stdio.h>
#include <stdlib.h>

/* What a TTL of a side with a clock of its own may differ from the model's by: a stall of the
 * machine. The TTLs that are given are much further apart. */
#define TTL_TOLERANCE_MS 100000

/* ---- a difference ---- */

static void differ(const sdiff_t *diff, size_t side, const char *found, const char *expected)
{
    fprintf(stderr, "default_ttl=%lld refresh=%d\n%s",
            (long long)(diff->options.default_ttl.given ? diff->options.default_ttl.ms : 0),
            diff->options.refresh_on_read, text_chars(&diff->log));
    fprintf(stderr, "--- %s found:\n%s\n--- the model expects:\n%s\n",
            diff->sides[side]->world->url, found, expected);
    check_fail("a store and the model differ");
}

static void compare(const sdiff_t *diff, size_t side, const char *found, const char *expected)
{
    if (strcmp(found, expected) != 0) differ(diff, side, found, expected);
}

static void compare_ttl(const sdiff_t *diff, size_t side, int64_t found, int64_t expected)
{
    int64_t apart = found > expected ? found - expected : expected - found;
    if (found == expected) return;
    if (!diff->exact && found > 0 && expected > 0 && apart <= TTL_TOLERANCE_MS) return;
    char texts[2][32];
    snprintf(texts[0], sizeof texts[0], "%lld ms", (long long)found);
    snprintf(texts[1], sizeof texts[1], "%lld ms", (long long)expected);
    differ(diff, side, texts[0], texts[1]);
}

/* ---- one operation on one side ---- */

static cairn_store_op_t step_of(const sdiff_pool_t *pool, const sdiff_op_t *op)
{
    static const cairn_store_op_type_t types[] = {CAIRN_STORE_PUT, CAIRN_STORE_DELETE,
                                                  CAIRN_STORE_GET, CAIRN_STORE_SEARCH,
                                                  CAIRN_STORE_LIST_NAMESPACES};
    return (cairn_store_op_t){.type = types[op->kind],
                              .ns = pool->names[op->name],
                              .key = pool->keys[op->key],
                              .refresh = op->refresh,
                              .value = cairn_str(op->value_text),
                              .options = &op->options,
                              .search = &op->query,
                              .list = &op->list};
}

static int submit(call_t *call, const sdiff_pool_t *pool, const sdiff_op_t *op)
{
    cairn_namespace_t name = pool->names[op->name];
    cairn_slice_t key = pool->keys[op->key];
    cairn_store_op_t steps[SDIFF_BATCH];
    for (size_t i = 0; i < op->part_count; i++) steps[i] = step_of(pool, &op->parts[i]);
    switch (op->kind) {
    case SDIFF_PUT:
        return call_put_raw(call, name, key, cairn_str(op->value_text), &op->options);
    case SDIFF_DELETE:
        return call_delete(call, name, key);
    case SDIFF_GET:
        return call_get(call, name, key, op->refresh);
    case SDIFF_COUNT:
        return call_count(call, op->query.prefix, op->query.filter);
    case SDIFF_TTL:
        return call_ttl(call, name, key);
    case SDIFF_SET_TTL:
        return call_set_ttl(call, name, key, op->ttl);
    case SDIFF_PIN:
        return call_pin(call, name, key);
    case SDIFF_UNPIN:
        return call_unpin(call, name, key);
    case SDIFF_BATCH_OF:
        return call_batch(call, steps, op->part_count);
    default:
        abort();
    }
}

static void add_facts(text_t *out, const call_t *call, size_t which, bool has_score)
{
    const item_facts_t *facts = &call->facts[which];
    text_add(out, " ttl=%lld%s", (long long)facts->ttl_ms,
             facts->created_at_us == facts->updated_at_us ? " new" : "");
    if (has_score) text_add(out, " score=%.4f", facts->score);
}

static void search_all(call_t *call, const sdiff_op_t *op, text_t *out)
{
    cairn_store_query_t query = op->query;
    text_clear(&call->text);
    text_clear(&call->places);
    call->fact_count = 0;
    do {
        assert_status(call_search(call, &query), 0);
        call_await(call, 0);
        query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    } while (call->cursor_len > 0);
    const char *line = text_chars(&call->text);
    for (size_t i = 0; i < call->fact_count; i++) {
        size_t len = strcspn(line, "\n");
        text_add(out, "\n%.*s", (int)len, line);
        add_facts(out, call, i, op->kind == SDIFF_NEAR);
        line += len + (line[len] == '\n');
    }
}

static void list_all(call_t *call, const sdiff_op_t *op, text_t *out)
{
    cairn_namespace_query_t query = op->list;
    text_clear(&call->places);
    do {
        assert_status(call_list(call, &query), 0);
        call_await(call, 0);
        query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
    } while (call->cursor_len > 0);
    if (call->places.len > 0) text_add(out, " %s", text_chars(&call->places));
}

static void carry_out(const sdiff_t *diff, call_t *call, text_t *out)
{
    const sdiff_op_t *op = &diff->op;
    if (op->kind == SDIFF_SEARCH || op->kind == SDIFF_NEAR) {
        search_all(call, op, out);
        return;
    }
    if (op->kind == SDIFF_LIST) {
        list_all(call, op, out);
        return;
    }
    text_clear(&call->text);
    call->fact_count = 0;
    assert_status(submit(call, &diff->pool, op), 0);
    call_await(call, 0);
    if (op->kind <= SDIFF_DELETE) text_add(out, "%d", call->existed);
    if (op->kind == SDIFF_COUNT) text_add(out, "%llu", (unsigned long long)call->count);
    if (op->kind >= SDIFF_SET_TTL && op->kind <= SDIFF_UNPIN)
        text_add(out, "%lld", (long long)call->ttl_ms);
    if (op->kind == SDIFF_GET || op->kind == SDIFF_BATCH_OF)
        text_add(out, "%s", text_chars(&call->text));
    if (op->kind == SDIFF_GET && call->count > 0) add_facts(out, call, 0, false);
}

/* ---- all sides and the model ---- */

static void pass_time(sdiff_t *diff, unsigned ms)
{
    for (size_t i = 0; i < diff->side_count && diff->exact; i++)
        fake_clock_advance(diff->sides[i]->clock, &diff->sides[i]->client->cairn, ms);
    if (!diff->exact) loop_run_for(&diff->world->loop, ms + 2);
    diff->model.now_ms += ms;
}

/* Now and then the other handle goes on. Each has its own notion of the server's clock, which is
 * right to a millisecond. */
static void take_turns(sdiff_t *diff)
{
    enum {
        NOTIONS_DIFFER_MS = 2
    };
    if (!diff->spare[0] || sdiff_random(diff, 8) > 0) return;
    for (size_t i = 0; i < diff->side_count; i++) {
        call_t *call = diff->calls[i];
        diff->calls[i] = diff->spare[i];
        diff->spare[i] = call;
    }
    text_add(&diff->log, "the other handle\n");
    loop_run_for(&diff->world->loop, NOTIONS_DIFFER_MS);
}

static void run_op(sdiff_t *diff)
{
    take_turns(diff);
    sdiff_describe(&diff->log, &diff->pool, &diff->op);
    text_add(&diff->log, "\n");
    if (diff->op.kind == SDIFF_PASS) {
        pass_time(diff, diff->op.pass_ms);
        return;
    }
    text_t expected = {0};
    model_carry_out(&diff->model, &diff->op, &expected);
    for (size_t i = 0; i < diff->side_count; i++) {
        text_t found = {0};
        carry_out(diff, diff->calls[i], &found);
        compare(diff, i, text_chars(&found), text_chars(&expected));
        if (diff->op.kind == SDIFF_TTL)
            compare_ttl(diff, i, diff->calls[i]->ttl_ms, model_ttl(&diff->model, &diff->op));
        text_free(&found);
    }
    text_free(&expected);
}

static void compare_everything(sdiff_t *diff)
{
    diff->op = (sdiff_op_t){.kind = SDIFF_SEARCH, .query.refresh = CAIRN_REFRESH_NO};
    run_op(diff);
    diff->op = (sdiff_op_t){.kind = SDIFF_LIST};
    run_op(diff);
    for (size_t n = 0; n < SDIFF_NAMES; n++) {
        for (size_t k = 0; k < SDIFF_KEYS; k++) {
            diff->op = (sdiff_op_t){.kind = SDIFF_TTL, .name = n, .key = k};
            run_op(diff);
        }
    }
}

static void run_steps(sdiff_t *diff)
{
    unsigned last = 50 + (unsigned)sdiff_random(diff, 300);
    while (diff->steps < last) {
        uint64_t what = sdiff_random(diff, 100);
        if (what == 0) {
            compare_everything(diff);
        } else if (what < 3) {
            sdiff_make_brief_op(diff);
            unsigned ms = (unsigned)diff->op.ttl.ms;
            run_op(diff);
            pass_time(diff, ms);
        } else {
            sdiff_make_op(diff);
            run_op(diff);
        }
    }
    compare_everything(diff);
}

static void delete_everything(sdiff_t *diff)
{
    for (size_t n = 0; n < SDIFF_NAMES; n++) {
        for (size_t k = 0; k < SDIFF_KEYS; k++) {
            diff->op = (sdiff_op_t){.kind = SDIFF_DELETE, .name = n, .key = k};
            run_op(diff);
        }
    }
    for (size_t i = 0; i < diff->side_count; i++) items_assert_empty(diff->sides[i]);
}

void sdiff_run(const sdiff_setting_t *setting, uint64_t seed)
{
    world_t *world = malloc(sizeof *world);
    sdiff_t *diff = calloc(1, sizeof *diff);
    if (!world || !diff) abort();
    world_begin(world, setting->urls[0]);
    diff->world = world;
    diff->random = seed;
    diff->exact = setting->fake_clock;
    diff->together = setting->together;
    sdiff_make_pool(diff);
    sdiff_make_options(diff);
    diff->model = (model_t){.pool = &diff->pool, .options = diff->options, .now_ms = 1};
    for (; diff->side_count < 2 && setting->urls[diff->side_count]; diff->side_count++) {
        world->url = setting->urls[diff->side_count];
        diff->sides[diff->side_count] = items_open(world, &diff->options);
        diff->calls[diff->side_count] = items_call(diff->sides[diff->side_count]);
        if (setting->in_turns)
            diff->spare[diff->side_count] = items_call(items_open(world, &diff->options));
    }
    run_steps(diff);
    delete_everything(diff);
    world_end(world);
    text_free(&diff->log);
    free(diff);
    free(world);
}

/* ---- many sequences ---- */

static uint64_t running; /* the seed, for whoever reads that it failed */

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

void sdiff_run_many(const sdiff_setting_t *(*setting_of)(uint64_t seed))
{
    uint64_t replayed = number_of("CAIRN_SEED", 0);
    uint64_t first = uv_hrtime();
    uint64_t until = first + number_of("CAIRN_DIFF_SECONDS", 5) * 1000000000u;
    unsigned sequences = 0;
    do {
        running = replayed ? replayed : first + sequences;
        sdiff_run(setting_of(running), running);
        sequences++;
    } while (!replayed && uv_hrtime() < until);
    print_message("%u sequences agree\n", sequences);
    running = 0;
}

void sdiff_tell_seed(void)
{
    if (running) fprintf(stderr, "CAIRN_SEED=%llu\n", (unsigned long long)running);
}
