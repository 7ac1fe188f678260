/* Kill -9 of a server that writes every command to disk before it answers, in the middle of puts:
 * what was acknowledged is whole after the restart, and nothing is there by halves. */
#include "keyspace.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>

enum {
    ROUNDS = 5,
    THREADS = 8,
    PUTS = 4000, /* more than a round gets to */
    VALUE = 3000
};

static redis_t redis;

/* ---- what is put: all of it can be told from the thread and the number ---- */

typedef struct thread {
    ask_t *put;
    ask_t *write;
    int number;
    int submitted; /* checkpoints 1 ... */
    int acknowledged;
    int written; /* acknowledged put_writes */
    bool over;
    char value[VALUE + 1];
} thread_t;

static void name_of(const thread_t *thread, char out[16])
{
    snprintf(out, 16, "thread%d", thread->number % 100);
}

static void fill_value(thread_t *thread, int step)
{
    memset(thread->value, 'a' + (step + thread->number) % 26, VALUE);
    snprintf(thread->value, 32, "%d.%d", thread->number, step);
    thread->value[strlen(thread->value)] = '.';
}

static int put_next(thread_t *thread)
{
    static const char *const channels[] = {"one", "two", "three"};
    char name[16], id[32], parent[32], version[32], metadata[64];
    int step = ++thread->submitted;
    name_of(thread, name);
    fill_value(thread, step);
    snprintf(id, sizeof id, "c%06d", step);
    snprintf(parent, sizeof parent, "c%06d", step - 1);
    snprintf(version, sizeof version, "%d", step);
    snprintf(metadata, sizeof metadata, "{\"step\":%d}", step);
    cairn_channel_version_t versions[3];
    cairn_channel_value_t values[3];
    cairn_value_t value = cairn_value(cairn_str(TEXT_TYPE), cairn_slice(thread->value, VALUE));
    for (int i = 0; i < 3; i++) {
        versions[i] = (cairn_channel_version_t){cairn_str(channels[i]), cairn_str(version)};
        values[i] = (cairn_channel_value_t){cairn_str(channels[i]), cairn_str(version), 0, value};
    }
    cairn_checkpoint_t checkpoint = {.id = cairn_str(id),
                                     .channel_versions = versions,
                                     .channel_version_count = 3,
                                     .channel_values = values,
                                     .channel_value_count = 3};
    cairn_checkpoint_ref_t at_it = ref(name, NULL, step > 1 ? parent : NULL);
    cairn_saver_put_options_t options = {.run_id = cairn_str("run")};
    return ask_put_raw(thread->put, &at_it, &checkpoint, cairn_str(metadata), &options);
}

static int write_next(thread_t *thread)
{
    char name[16], id[32];
    name_of(thread, name);
    snprintf(id, sizeof id, "c%06d", thread->acknowledged);
    write_words_t words = {.at = id, .task = "t1", .writes = "a=1 b=2", .thread = name};
    return ask_write(thread->write, &words);
}

static void go_on(ask_t *ask)
{
    thread_t *thread = ask->data;
    if (ask->status != 0) {
        thread->over = true;
        return;
    }
    if (ask == thread->write) {
        thread->written = thread->acknowledged;
        if (put_next(thread) != 0) thread->over = true;
        return;
    }
    thread->acknowledged = thread->submitted;
    if (thread->acknowledged == PUTS || write_next(thread) != 0) thread->over = true;
}

/* ---- what is found ---- */

static void expect(thread_t *thread, text_t *out, int step, bool with_writes)
{
    char name[16];
    name_of(thread, name);
    fill_value(thread, step);
    text_clear(out);
    text_add(out, "%s//c%06d", name, step);
    if (step > 1) text_add(out, " <c%06d", step - 1);
    text_add(out, " one@%d=%s two@%d=%s three@%d=%s {\"step\":%d}", step, thread->value, step,
             thread->value, step, thread->value, step);
    if (with_writes) text_add(out, " [t1.0 a=1] [t1.1 b=2]");
}

/* The last one put may or may not be there; of its writes the same holds. */
static void check_last(saver_client_t *s, thread_t *thread, text_t *expected)
{
    char name[16], id[32];
    name_of(thread, name);
    if (thread->submitted > thread->acknowledged) {
        snprintf(id, sizeof id, "c%06d", thread->submitted);
        const char *found = saver_get(s, ref(name, NULL, id));
        expect(thread, expected, thread->submitted, false);
        if (strcmp(found, "none") != 0) assert_string_equal(found, text_chars(expected));
    }
    if (thread->acknowledged == 0) return;
    snprintf(id, sizeof id, "c%06d", thread->acknowledged);
    const char *found = saver_get(s, ref(name, NULL, id));
    expect(thread, expected, thread->acknowledged, thread->written == thread->acknowledged);
    if (thread->written < thread->acknowledged && strstr(found, "[t1.0"))
        expect(thread, expected, thread->acknowledged, true);
    assert_string_equal(found, text_chars(expected));
}

static void check_thread(saver_client_t *s, thread_t *thread)
{
    char name[16], id[32];
    text_t expected = {0};
    name_of(thread, name);
    for (int step = 1; step < thread->acknowledged; step++) {
        snprintf(id, sizeof id, "c%06d", step);
        expect(thread, &expected, step, true);
        assert_get(s, ref(name, NULL, id), text_chars(&expected));
    }
    check_last(s, thread, &expected);
    cairn_saver_query_t query = {.thread_id = cairn_str(name), .headers_only = true};
    size_t rows = 0;
    for (const char *at = saver_list(s, &query); *at; at++) rows += *at == '/';
    assert_in_range(rows / 2, thread->acknowledged, thread->submitted);
    text_free(&expected);
}

/* ---- rounds ---- */

static bool has_enough(void *ctx)
{
    const thread_t *threads = ctx;
    int acknowledged = 0;
    for (int i = 0; i < THREADS; i++) acknowledged += threads[i].acknowledged;
    return acknowledged >= 10 * THREADS;
}

static bool are_over(void *ctx)
{
    const thread_t *threads = ctx;
    for (int i = 0; i < THREADS; i++) {
        if (!threads[i].over) return false;
    }
    return true;
}

/* What was on its way when the server was killed may have been carried out. What was submitted
 * before the link was seen to be broken, and never sent, waits for another until it times out, and
 * was not. */
static void check_end(saver_client_t *s, thread_t *thread)
{
    char name[16], id[32];
    const bool was_put = thread->put->status != 0;
    const int status = was_put ? thread->put->status : thread->write->status;
    if (status != UV_ETIMEDOUT) {
        assert_status(status, CAIRN_EMAYBE);
        return;
    }
    name_of(thread, name);
    snprintf(id, sizeof id, "c%06d", was_put ? thread->submitted : thread->acknowledged);
    const char *found = saver_get(s, ref(name, NULL, id));
    if (was_put)
        assert_string_equal(found, "none");
    else
        assert_lacks(found, "[t1.0");
}

static bool is_rewritten(void)
{
    const char *info = redis_ask(&redis, "INFO persistence");
    return strstr(info, "aof_rewrite_in_progress:0") && strstr(info, "aof_rewrite_scheduled:0");
}

/* A transaction that was cut within a command Redis 7.0 leaves out, but for its end it leaves in
 * the file: at the next start what follows is taken for a part of it, and it is carried out by
 * halves. */
static void forget_what_was_cut(void)
{
    uint64_t deadline = uv_hrtime() + 20000000000u;
    redis_ask(&redis, "BGREWRITEAOF");
    while (!is_rewritten() && uv_hrtime() < deadline) continue;
    assert_true(is_rewritten());
    assert_non_null(strstr(redis_ask(&redis, "INFO persistence"), "aof_last_bgrewrite_status:ok"));
}

static void run_round(world_t *w, saver_client_t *s, int round)
{
    static thread_t threads[THREADS];
    memset(threads, 0, sizeof threads);
    for (int i = 0; i < THREADS; i++) {
        threads[i].number = round * THREADS + i;
        threads[i].put = saver_ask(s);
        threads[i].write = saver_ask(s);
        threads[i].put->data = threads[i].write->data = &threads[i];
        threads[i].put->react = threads[i].write->react = go_on;
        assert_status(put_next(&threads[i]), 0);
    }
    loop_run_until(&w->loop, "some puts", has_enough, threads);
    loop_turns(&w->loop, round * 3);
    server_kill(&redis.server);
    loop_run_until(&w->loop, "puts to fail", are_over, threads);
    redis_restart(&redis);
    forget_what_was_cut();
    for (int i = 0; i < THREADS; i++) {
        check_end(s, &threads[i]);
        check_thread(s, &threads[i]);
    }
}

static void what_was_acknowledged_is_whole_after_kill_9(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int round = 0; round < ROUNDS; round++) run_round(w, s, round);
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.orphans > 0) check_fail("%zu orphans, as %s", found.orphans, found.orphan);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_was_acknowledged_is_whole_after_kill_9),
};

int main(void)
{
    static char appendonly[] = "--appendonly", yes[] = "yes";
    static char appendfsync[] = "--appendfsync", always[] = "always";
    static char *const args[] = {appendonly, yes, appendfsync, always, NULL};
    static const server_options_t options = {.args = args};
    redis_start(&redis, &options);
    int failures = SCENARIOS_RUN(
        "redis: kill -9 during puts", scenarios,
        redis_url(&redis, NULL, "?reconnect_min_ms=1&reconnect_max_ms=10&timeout_ms=15000"));
    redis_stop(&redis);
    return failures;
}
