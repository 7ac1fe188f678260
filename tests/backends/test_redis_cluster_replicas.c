/* Reads that go to replicas: which do, and which do not; what a replica that is behind may tell,
 * and that nothing is believed because of it. */
#include "cluster.h"
#include "replicas.h"
#include "saver_client.h"
#include "store_client.h"
#include "stream_client.h"

#include <hiredis/hiredis.h>

#define PREFER "read_from=prefer_replica"

enum {
    MASTERS = 3
};

static cluster_t cluster;

/* ---- a thread, a namespace and a stream, all called "t", and so each in some slot ---- */

typedef struct all {
    client_t *client;
    saver_client_t *saver;
    items_t *items;
    streams_client_t *streams;
} all_t;

/* A world knows the clients of one kind; here there are three. */
static struct {
    void *clients;
    void (*at_end)(world_t *w);
} kinds[3];

static void end_all(world_t *w)
{
    for (int i = 0; i < 3; i++) {
        w->data = kinds[i].clients;
        kinds[i].at_end(w);
        kinds[i].clients = NULL;
    }
}

static void keep_kind(world_t *w, int kind)
{
    kinds[kind].clients = w->data;
    kinds[kind].at_end = w->at_end;
    w->data = kinds[(kind + 1) % 3].clients;
}

static all_t open_all(world_t *w, const char *query)
{
    all_t all = {.client = world_open(w, query)};
    client_await(all.client, "connected");
    w->data = kinds[0].clients;
    all.saver = saver_on(all.client);
    keep_kind(w, 0);
    all.items = items_on(all.client);
    keep_kind(w, 1);
    all.streams = streams_on(all.client);
    keep_kind(w, 2);
    w->at_end = end_all;
    return all;
}

static const char *get(items_t *items, const char *path)
{
    return items_get_raw(items, ns(path), cairn_str("k"), CAIRN_REFRESH_NO);
}

static bool replicas_are_ready(void *ctx)
{
    const client_t *client = ctx;
    cairn_connection_t all[64];
    const size_t count = cairn_connections(&client->cairn, all, 64);
    int ready = 0;
    for (size_t i = 0; i < count; i++)
        ready += strcmp(all[i].role, "replica") == 0 && strcmp(all[i].state, "ready") == 0;
    return ready == MASTERS;
}

static all_t open_reader(world_t *w, const char *query)
{
    all_t all = open_all(w, query);
    loop_run_until(&w->loop, "replicas to be connected", replicas_are_ready, all.client);
    return all;
}

static int master_of(const char *key)
{
    return cluster_owner(&cluster, cluster_slot(key));
}

static int replica_of(const char *key)
{
    return cluster_replica_of(&cluster, master_of(key));
}

static void put_all(all_t *all)
{
    saver_put(all->saver, "c1", "a@1=x b@1=y");
    saver_write(all->saver, "c1", "task", "a=1");
    items_put(all->items, "t", "k", "1");
    items_put(all->items, "t", "l", "2");
    streams_append(all->streams, "t", "e f");
    cluster_await_whole(&cluster);
}

static void read_all(all_t *all)
{
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_GET,
         .ns = ns("t"),
         .key = cairn_str("k"),
         .refresh = CAIRN_REFRESH_NO},
        {.type = CAIRN_STORE_GET,
         .ns = ns("t"),
         .key = cairn_str("l"),
         .refresh = CAIRN_REFRESH_NO},
    };
    const cairn_saver_get_options_t headers = {.headers_only = true};
    assert_string_equal(get(all->items, "t"), "t:k=1");
    assert_string_equal(items_batch(all->items, ops, 2), "get t:k=1\nget t:l=2");
    assert_int_equal(items_ttl(all->items, "t", "k"), CAIRN_TTL_PERSIST);
    assert_get(all->saver, ref("t", NULL, NULL), "c1 a@1=x b@1=y [task.0 a=1]");
    assert_get(all->saver, ref("t", NULL, "c1"), "c1 a@1=x b@1=y [task.0 a=1]");
    assert_string_equal(saver_get_with(all->saver, ref("t", NULL, NULL), &headers), "c1");
    assert_stream(all->streams, "t", "e f");
    assert_int_equal(streams_length(all->streams, "t"), 2);
    assert_true(streams_exists(all->streams, "t"));
    assert_true(streams_info(all->streams, "t"));
    assert_in_range(streams_ttl(all->streams, "t"), 1, 300000);
}

static unsigned long reads_of_masters(void)
{
    unsigned long sum = 0;
    for (int slot = 0; slot < 3; slot++)
        sum += replicas_reads_at(&cluster, cluster_owner(&cluster, 100 + 5500u * (unsigned)slot));
    return sum;
}

static unsigned long reads_of_replicas(void)
{
    unsigned long sum = 0;
    for (int slot = 0; slot < 3; slot++)
        sum += replicas_reads_at(
            &cluster,
            cluster_replica_of(&cluster, cluster_owner(&cluster, 100 + 5500u * (unsigned)slot)));
    return sum;
}

/* ---- which go where ---- */

static void by_default_replicas_are_left_alone(world_t *w)
{
    replicas_clear(&cluster);
    all_t all = open_all(w, NULL);
    put_all(&all);
    replicas_forget_reads(&cluster);
    read_all(&all);
    assert_int_equal(reads_of_replicas(), 0);
    assert_true(reads_of_masters() > 10);
    assert_false(replicas_are_ready(all.client));
}

static void reads_that_change_nothing_go_to_replicas(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    put_all(&writer);
    replicas_forget_reads(&cluster);
    read_all(&reader);
    assert_int_equal(reads_of_masters(), 0);
    assert_true(reads_of_replicas() > 10);
}

/* What this handle believes to be the latest is asked for by its parts, of a replica as well. */
static void what_was_put_from_here_is_read_there_too(world_t *w)
{
    replicas_clear(&cluster);
    all_t all = open_reader(w, PREFER);
    put_all(&all);
    replicas_forget_reads(&cluster);
    read_all(&all);
    assert_int_equal(reads_of_masters(), 0);
}

static void writes_and_what_puts_a_ttl_back_go_to_masters(world_t *w)
{
    const cairn_saver_get_options_t refreshing = {.refresh = CAIRN_REFRESH_YES};
    replicas_clear(&cluster);
    all_t all = open_reader(w, PREFER);
    replicas_forget_reads(&cluster);
    put_all(&all);
    saver_put(all.saver, "c2", "a@2=z b@1", .parent = "c1", .ttl = cairn_ttl_ms(60000));
    assert_string_equal(saver_get_with(all.saver, ref("t", NULL, NULL), &refreshing),
                        "c2 <c1 a@2=z b@1=y");
    items_put(all.items, "t", "k", "3", .options.ttl = cairn_ttl_ms(60000));
    assert_item(all.items, "t", "k", "3");
    items_delete(all.items, "t", "l");
    follower_t *f = streams_follow(all.streams, "t", NULL);
    follower_await(f, "live");
    streams_append(all.streams, "t", "g");
    follower_await_events(f, 1);
    assert_int_equal(saver_delete_thread(all.saver, "t"), 2);
    for (int node = 0; node < cluster.count; node++) {
        assert_int_equal(replicas_errors_at(&cluster, node, "MOVED"), 0);
        assert_int_equal(replicas_errors_at(&cluster, node, "READONLY"), 0);
    }
}

/* ---- one that is behind ---- */

static void nothing_is_absent_on_the_word_of_a_replica(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    const int replica = replica_of("{t}");
    replicas_cut(&cluster, replica);
    saver_put(writer.saver, "c1", "a@1=x b@1=y");
    saver_write(writer.saver, "c1", "task", "a=1");
    items_put(writer.items, "t", "k", "1");
    items_put(writer.items, "t", "l", "2");
    streams_append(writer.streams, "t", "e f");
    read_all(&reader);
    replicas_mend(&cluster, replica);
}

/* It is what the option is for that this may be so. */
static void what_is_there_may_be_old(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    put_all(&writer);
    const int replica = replica_of("{t}");
    replicas_cut(&cluster, replica);
    items_put(writer.items, "t", "k", "9");
    saver_put(writer.saver, "c2", "a@2=z b@1", .parent = "c1");
    streams_append(writer.streams, "t", "g");
    read_all(&reader);
    /* What the caller has seen already is not taken back. */
    const cairn_position_t seen = streams_append(writer.streams, "t", "h");
    (void)streams_read(reader.streams, "t", (cairn_stream_range_t){.after = seen});
    assert_int_equal(cairn_position_cmp(reader.streams->own->last, seen), 0);
    assert_item(writer.items, "t", "k", "9");
    replicas_mend(&cluster, replica);
    assert_string_equal(get(reader.items, "t"), "t:k=9");
    assert_get(reader.saver, ref("t", NULL, NULL), "c2 <c1 a@2=z b@1=y");
}

/* The handle has read an old latest, and then puts: what it puts goes by what it has put itself,
 * and by what the master says. */
static void puts_do_not_go_by_what_a_replica_said(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    saver_put(reader.saver, "c1", "a@1=x b@1=y");
    cluster_await_whole(&cluster);
    assert_get(reader.saver, ref("t", NULL, NULL), "c1 a@1=x b@1=y");
    const int replica = replica_of("{t}");
    replicas_cut(&cluster, replica);
    saver_put(writer.saver, "c2", "a@2=z b@1", .parent = "c1");
    saver_put(writer.saver, "c4", "a@4=w b@1", .parent = "c2");
    assert_get(reader.saver, ref("t", NULL, NULL), "c1 a@1=x b@1=y");
    saver_put(reader.saver, "c3", "a@3=v b@3=u", .parent = "c1");
    /* It has put that itself, and so hears of what is newer still. */
    assert_get(reader.saver, ref("t", NULL, NULL), "c4 <c2 a@4=w b@1=y");
    saver_put(reader.saver, "c5", "a@4 b@3", .parent = "c4");
    assert_get(reader.saver, ref("t", NULL, NULL), "c5 <c4 a@4=w b@3=u");
    const cairn_saver_query_t of_t = {.thread_id = cairn_str("t")};
    assert_string_equal(saver_list(writer.saver, &of_t), "c5 c4 c3 c2 c1");
    assert_get(writer.saver, ref("t", NULL, "c3"), "c3 <c1 a@3=v b@3=u");
    items_put(reader.items, "t", "k", "1");
    items_put(writer.items, "t", "k", "2");
    (void)get(reader.items, "t");
    items_put(reader.items, "t", "k", "3");
    assert_item(writer.items, "t", "k", "3");
    streams_append(writer.streams, "t", "e");
    (void)streams_length(reader.streams, "t");
    streams_append(reader.streams, "t", "f");
    assert_stream(writer.streams, "t", "e f");
    replicas_mend(&cluster, replica);
    assert_string_equal(saver_list(reader.saver, &of_t), "c5 c4 c3 c2 c1");
    assert_get(reader.saver, ref("t", NULL, NULL), "c5 <c4 a@4=w b@3=u");
}

/* A put that goes by what is remembered needs no script; this one has nothing to go by. */
static void what_a_replica_said_is_not_remembered(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    saver_put(writer.saver, "c1", "a@1=x b@1=y");
    cluster_await_whole(&cluster);
    assert_get(reader.saver, ref("t", NULL, NULL), "c1 a@1=x b@1=y");
    replicas_forget_reads(&cluster);
    saver_put(reader.saver, "c2", "a@2=z b@1", .parent = "c1");
    assert_true(replicas_calls_at(&cluster, master_of("{t}"), "evalsha") > 0);
    /* This one has: it shows that the one before can fail. */
    assert_get(reader.saver, ref("t", NULL, NULL), "c2 <c1 a@2=z b@1=y");
    replicas_forget_reads(&cluster);
    saver_put(writer.saver, "c3", "a@3=v b@1", .parent = "c2");
    assert_get(writer.saver, ref("t", NULL, NULL), "c3 <c2 a@3=v b@1=y");
    replicas_forget_reads(&cluster);
    saver_put(writer.saver, "c4", "a@4=u b@1", .parent = "c3");
    assert_int_equal(replicas_calls_at(&cluster, master_of("{t}"), "evalsha"), 0);
}

/* It says MASTERDOWN to commands, and something else inside of scripts. */
static void one_that_tells_nothing_without_its_master_is_gone_around(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    all_t strict = open_reader(w, "read_from=replica");
    put_all(&writer);
    const int replica = replica_of("{t}");
    cluster_ask(&cluster, replica, "CONFIG SET replica-serve-stale-data no");
    replicas_cut(&cluster, replica);
    for (int i = 0; i < 3; i++) read_all(&reader);
    call_t *call = items_call(strict.items); /* to which there is no way around */
    call->timeout_ms = 60000;
    assert_status(call_get(call, ns("t"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    call_await(call, CAIRN_ECLUSTER);
    replicas_mend(&cluster, replica);
    cluster_ask(&cluster, replica, "CONFIG SET replica-serve-stale-data yes");
    read_all(&reader);
    call_t *again = items_call(strict.items);
    again->timeout_ms = 60000;
    assert_status(call_get(again, ns("t"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    call_await(again, 0);
}

/* The latest has expired: it is taken off the list, which a replica may not do. */
static void what_has_to_be_tidied_up_first_is_read_at_the_master(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_all(w, NULL), reader = open_reader(w, PREFER);
    saver_put(writer.saver, "c1", "a@1=x");
    saver_put(writer.saver, "c2", "a@2=y", .parent = "c1", .ttl = cairn_ttl_ms(300));
    loop_run_for(&w->loop, 400);
    cluster_await_whole(&cluster);
    assert_get(reader.saver, ref("t", NULL, NULL), "c1 a@1=x");
}

/* ---- a slot that is on its way: a replica knows nothing of that ---- */

#define WHOLE "c1 a@1=x b@1=y [task.0 a=1]"

/* Of all its keys that one is on the other node, and its replica has let go of it. */
static bool go_half_way(world_t *w, unsigned slot, int to, size_t number)
{
    redisReply *keys = cluster_keys(&cluster, slot);
    const bool is_there = number < keys->elements;
    assert_true(keys->elements >= 4);
    if (is_there) {
        cluster_move_begin(&cluster, slot, to);
        cluster_move_key(&cluster, slot, to, keys->element[number]->str,
                         keys->element[number]->len);
        loop_run_for(&w->loop, 30);
    }
    freeReplyObject(keys);
    return is_there;
}

static ask_t *ask_for(saver_client_t *s, const char *id)
{
    ask_t *ask = saver_ask(s);
    ask->timeout_ms = 60000;
    assert_status(ask_get(ask, ref("t", NULL, id), NULL), 0);
    return ask;
}

static void never_is_half_of_a_checkpoint_told(world_t *w)
{
    replicas_clear(&cluster);
    all_t writer = open_reader(w, PREFER), reader = open_reader(w, PREFER);
    const unsigned slot = cluster_slot("{t}");
    saver_put(writer.saver, "c1", "a@1=x b@1=y");
    saver_write(writer.saver, "c1", "task", "a=1");
    for (size_t number = 0;; number++) {
        const int to = (cluster_owner(&cluster, slot) + 1) % MASTERS;
        cluster_await_whole(&cluster);
        assert_get(writer.saver, ref("t", NULL, NULL), WHOLE);
        assert_get(reader.saver, ref("t", NULL, NULL), WHOLE);
        if (!go_half_way(w, slot, to, number)) return;
        ask_t *asks[] = {ask_for(writer.saver, NULL), ask_for(writer.saver, "c1"),
                         ask_for(reader.saver, NULL), ask_for(reader.saver, "c1")};
        loop_run_for(&w->loop, 30);
        while (cluster_move_keys(&cluster, slot, to, 100) > 0) continue;
        cluster_move_finish(&cluster, slot, to);
        for (int i = 0; i < 4; i++) {
            ask_await(asks[i], 0);
            assert_string_equal(text_chars(&asks[i]->text), WHOLE);
        }
    }
}

/* ---- options ---- */

static void assert_option_refused(world_t *w, const char *url, const char *part)
{
    cairn_t cairn = {0};
    cairn_error_t error;
    assert_status(cairn_open_url(&cairn, &w->loop, url, &error), CAIRN_EOPTION);
    assert_contains(error.text, part);
}

static void a_read_from_of_no_such_name_is_refused(world_t *w)
{
    assert_option_refused(w, "redis+cluster://127.0.0.1:1?read_from=slave", "\"slave\"");
    assert_option_refused(w, "redis+cluster://127.0.0.1:1?read_from=Replica", "\"Replica\"");
    assert_option_refused(w, "redis://127.0.0.1:1?read_from=nearest", "read_from=nearest");
    assert_option_refused(w, "redis://127.0.0.1:1?read_from=replica&cluster=no", "=replica");
}

static const scenario_t scenarios[] = {
    SCENARIO(by_default_replicas_are_left_alone),
    SCENARIO(reads_that_change_nothing_go_to_replicas),
    SCENARIO(what_was_put_from_here_is_read_there_too),
    SCENARIO(writes_and_what_puts_a_ttl_back_go_to_masters),
    SCENARIO(nothing_is_absent_on_the_word_of_a_replica),
    SCENARIO(what_is_there_may_be_old),
    SCENARIO(puts_do_not_go_by_what_a_replica_said),
    SCENARIO(what_a_replica_said_is_not_remembered),
    SCENARIO(one_that_tells_nothing_without_its_master_is_gone_around),
    SCENARIO(what_has_to_be_tidied_up_first_is_read_at_the_master),
    SCENARIO(never_is_half_of_a_checkpoint_told),
    SCENARIO(a_read_from_of_no_such_name_is_refused),
};

int main(void)
{
    char url[1024];
    cluster_start(&cluster, NULL);
    snprintf(url, sizeof url, "%s", cluster_url(&cluster, "cluster=yes"));
    const int failures = SCENARIOS_RUN("redis: reads of replicas", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
