/* A saver and a store at work while slots go to and fro and masters change: no request fails, and
 * what was acknowledged is there, at once and in the end. */
#include "cluster.h"
#include "saver_client.h"
#include "store_client.h"

#include <cairn/sys/backend.h>
#include <stdlib.h>

enum {
    MASTERS = 3,
    WRITERS = 8, /* threads, or as many namespaces */
    THINGS = 24, /* of each: checkpoints, items */
    TURNS = 2,   /* how often each slot moves */
    FAILOVERS = 2,
    PATIENCE_MS = 30000,
    SILENCE_MS =
        6000 /* none that is only slow is given up: that would lose what was acknowledged */
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++)
        (void)cluster_ask(&cluster, cluster_owner(&cluster, (unsigned)node * 5461), "FLUSHALL");
}

/* ---- who writes: one after the other, and now and then reads what it has written ---- */

typedef struct writer {
    ask_t *ask;   /* of a thread; or else */
    call_t *call; /* of a namespace */
    char name[24];
    unsigned long written; /* number of the last, of which there are THINGS at a time */
    bool reads;            /* the one at hand does */
    bool idle, stop;
    char failure[600];
} writer_t;

static writer_t writers[WRITERS];

static const char *thing_of(unsigned long number)
{
    static char names[4][16];
    static unsigned next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof names[0], "c%02lu", number % THINGS);
    return name;
}

static void put_checkpoint(writer_t *writer)
{
    char channels[64];
    snprintf(channels, sizeof channels, "a@%lu=v%lu b@1=same", writer->written, writer->written);
    assert_status(ask_put(writer->ask, &(put_words_t){.id = thing_of(writer->written),
                                                      .channels = channels,
                                                      .thread = writer->name,
                                                      .ttl = cairn_ttl_ms(600000)}),
                  0);
}

static void put_item(writer_t *writer)
{
    char value[32];
    snprintf(value, sizeof value, "{\"n\":%lu}", writer->written);
    const cairn_ttl_t ttl = writer->written % 3 == 0 ? cairn_ttl_ms(600000) : (cairn_ttl_t){0};
    assert_status(call_put(writer->call, &(item_words_t){.ns = writer->name,
                                                         .key = thing_of(writer->written),
                                                         .value = value,
                                                         .options.ttl = ttl}),
                  0);
}

static void read_back(writer_t *writer)
{
    const char *id = thing_of(writer->written);
    if (writer->ask) {
        text_clear(&writer->ask->text);
        assert_status(ask_get(writer->ask, ref(writer->name, NULL, id), NULL), 0);
    } else {
        text_clear(&writer->call->text);
        assert_status(call_get(writer->call, ns(writer->name), cairn_str(id), CAIRN_REFRESH_NO), 0);
    }
}

static const char *expected_of(const writer_t *writer, unsigned long number)
{
    static char expected[96];
    if (writer->ask)
        snprintf(expected, sizeof expected, "%s//%s a@%lu=v%lu b@1=same", writer->name,
                 thing_of(number), number, number);
    else
        snprintf(expected, sizeof expected, "%s:%s={\"n\":%lu}", writer->name, thing_of(number),
                 number);
    return expected;
}

static void go_on(writer_t *writer, int status, const char *detail, const text_t *text)
{
    if (status != 0) {
        snprintf(writer->failure, sizeof writer->failure, "%d %s", status, detail);
    } else if (writer->reads && strcmp(text_chars(text), expected_of(writer, writer->written))) {
        snprintf(writer->failure, sizeof writer->failure, "read %s", text_chars(text));
    }
    const bool ends = writer->failure[0] || (writer->stop && writer->written >= THINGS);
    writer->idle = ends;
    if (ends) return;
    writer->reads = !writer->reads && writer->written % 5 == 4;
    if (writer->reads) {
        read_back(writer);
        return;
    }
    writer->written++;
    if (writer->ask)
        put_checkpoint(writer);
    else
        put_item(writer);
}

static void on_ask(ask_t *ask)
{
    go_on(ask->data, ask->status, ask->detail, &ask->text);
}

static void on_call(call_t *call)
{
    go_on(call->data, call->status, call->detail, &call->text);
}

/* One of the two. */
typedef struct work {
    saver_client_t *saver;
    items_t *store;
} work_t;

static void begin(const work_t *work)
{
    memset(writers, 0, sizeof writers);
    for (int i = 0; i < WRITERS; i++) {
        writer_t *writer = &writers[i];
        snprintf(writer->name, sizeof writer->name, "thing-%d", i);
        writer->written = 1;
        if (work->saver) {
            writer->ask = saver_ask(work->saver);
            writer->ask->timeout_ms = PATIENCE_MS;
            writer->ask->data = writer;
            writer->ask->react = on_ask;
            put_checkpoint(writer);
        } else {
            writer->call = items_call(work->store);
            writer->call->timeout_ms = PATIENCE_MS;
            writer->call->data = writer;
            writer->call->react = on_call;
            put_item(writer);
        }
    }
}

static bool all_idle(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < WRITERS; i++)
        if (!writers[i].idle) return false;
    return true;
}

static void check_thread(saver_client_t *s, const writer_t *writer)
{
    writer->ask->react = NULL;
    for (unsigned long n = writer->written - THINGS + 1; n <= writer->written; n++)
        assert_get(s, ref(writer->name, NULL, thing_of(n)), expected_of(writer, n));
    assert_int_equal(saver_delete_thread(s, writer->name), THINGS);
}

static void check_space(items_t *s, const writer_t *writer)
{
    writer->call->react = NULL;
    for (unsigned long n = writer->written - THINGS + 1; n <= writer->written; n++)
        assert_string_equal(items_get(s, writer->name, thing_of(n)), expected_of(writer, n));
    assert_int_equal(items_count(s, writer->name, NULL), THINGS);
}

static void end(world_t *w, const work_t *work)
{
    for (int i = 0; i < WRITERS; i++) writers[i].stop = true;
    loop_run_until(&w->loop, "all have come to rest", all_idle, NULL);
    for (int i = 0; i < WRITERS; i++) {
        const writer_t *writer = &writers[i];
        if (writer->failure[0]) check_fail("%s: %s", writer->name, writer->failure);
        if (work->saver)
            check_thread(work->saver, writer);
        else
            check_space(work->store, writer);
    }
    if (work->saver) saver_assert_empty(work->saver);
}

/* ---- what happens meanwhile, in a thread of its own ---- */

static void move_all(void)
{
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < WRITERS; i++) {
            const unsigned slot = cluster_slot(writers[i].name);
            cluster_move(&cluster, slot, slot, (cluster_owner(&cluster, slot) + 1) % MASTERS);
        }
    }
}

static void change_masters(void)
{
    for (int i = 0; i < FAILOVERS; i++) {
        const int master = cluster_owner(&cluster, cluster_slot(writers[i].name));
        cluster_failover(&cluster, cluster_replica_of(&cluster, master), NULL);
        cluster_await_whole(&cluster);
    }
}

typedef struct trouble {
    void (*make)(void);
    uv_async_t over;
    bool is_over;
} trouble_t;

static void make_trouble(void *ctx)
{
    trouble_t *trouble = ctx;
    trouble->make();
    uv_async_send(&trouble->over);
}

static void on_over(uv_async_t *async)
{
    CAIRN_CONTAINER_OF(async, trouble_t, over)->is_over = true;
    uv_close((uv_handle_t *)async, NULL);
}

static bool is_over(void *ctx)
{
    return ((trouble_t *)ctx)->is_over;
}

static void work_while(world_t *w, const work_t *work, void (*make)(void))
{
    trouble_t trouble = {.make = make};
    uv_thread_t thread;
    begin(work);
    assert_int_equal(uv_async_init(&w->loop, &trouble.over, on_over), 0);
    assert_int_equal(uv_thread_create(&thread, make_trouble, &trouble), 0);
    loop_run_until(&w->loop, "it is over", is_over, &trouble);
    uv_thread_join(&thread);
    end(w, work);
}

static void threads_stay_whole_while_slots_move(world_t *w)
{
    work_while(w, &(work_t){.saver = saver_open(w, NULL)}, move_all);
}

static void namespaces_stay_whole_while_slots_move(world_t *w)
{
    work_while(w, &(work_t){.store = items_open(w, NULL)}, move_all);
}

static void threads_stay_whole_while_masters_change(world_t *w)
{
    work_while(w, &(work_t){.saver = saver_open(w, NULL)}, change_masters);
}

static void namespaces_stay_whole_while_masters_change(world_t *w)
{
    work_while(w, &(work_t){.store = items_open(w, NULL)}, change_masters);
}

static const scenario_t scenarios[] = {
    SCENARIO(threads_stay_whole_while_slots_move),
    SCENARIO(namespaces_stay_whole_while_slots_move),
    SCENARIO(threads_stay_whole_while_masters_change),
    SCENARIO(namespaces_stay_whole_while_masters_change),
};

int main(void)
{
    const cluster_options_t options = {.node_timeout_ms = SILENCE_MS};
    char url[1024];
    cluster_start(&cluster, &options);
    snprintf(url, sizeof url, "redis+cluster%s", strchr(cluster_url(&cluster, NULL), ':'));
    saver_backend = (saver_backend_t){.clear = clear};
    store_backend = (store_backend_t){.clear = clear, .clock_slack_us = 2000};
    const int failures = SCENARIOS_RUN("redis cluster: traffic", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
