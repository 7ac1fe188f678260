/* The store where namespaces are in different slots of a real cluster: many of them in order, the
 * directory that names them, and what fails in one place only. */
#include "check.h"
#include "redis_directory.h"
#include "store_cluster.h"

#include <stdio.h>

enum {
    MANY = 300,
    AN_HOUR_MS = 3600000
};

#define PERSISTENT .options.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST)

/* ---- many namespaces ---- */

static cairn_store_op_t put_op(const char *path, const char *key)
{
    return (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                              .ns = ns(path),
                              .key = cairn_str(key),
                              .value = cairn_str("{\"n\":1}")};
}

/* "u/000" ... in one batch each ten, as paths for ns() are good for some dozens only. */
static void put_many(items_t *s)
{
    enum {
        TOGETHER = 10
    };
    char paths[TOGETHER][16];
    cairn_store_op_t ops[TOGETHER];
    for (int first = 0; first < MANY; first += TOGETHER) {
        for (int i = 0; i < TOGETHER; i++) {
            snprintf(paths[i], sizeof paths[i], "u/%03d", first + i);
            ops[i] = put_op(paths[i], "k");
        }
        items_batch(s, ops, TOGETHER);
    }
}

static void expect_many(text_t *text, const char *suffix, int step)
{
    for (int i = step > 0 ? 0 : MANY - 1; i >= 0 && i < MANY; i += step)
        text_add(text, "%su/%03d%s", text->len > 0 ? " " : "", i, suffix);
}

static void what_is_in_hundreds_of_slots_comes_in_order(world_t *w)
{
    text_t up = {0}, names = {0};
    items_t *s = items_open(w, NULL);
    put_many(s);
    expect_many(&up, ":k", 1);
    expect_many(&names, "", 1);
    assert_search(s, text_chars(&up), .prefix = ns("u"), .order = CAIRN_ORDER_KEY);
    assert_search(s, text_chars(&up), .order = CAIRN_ORDER_KEY, .paging.page_size = 7);
    assert_search(s, text_chars(&up), .order = CAIRN_ORDER_KEY, .filter = cairn_str("{\"n\":1}"));
    assert_namespaces(s, text_chars(&names), .prefix = "u");
    assert_namespaces(s, text_chars(&names), .page_size = 7);
    assert_namespaces(s, "u", .max_depth = 1);
    assert_int_equal(items_count(s, "u", NULL), MANY);
    assert_int_equal(items_count(s, NULL, "{\"n\":1}"), MANY);
    items_put(s, "v/2", "k", "2");
    items_put(s, "v/1", "k", "1");
    items_put(s, "w", "k", "0");
    assert_search(s, "w:k v/1:k v/2:k", .paging.limit = cairn_limit(3));
    assert_search(s, "v/1:k v/2:k", .prefix = ns("v"), .paging.page_size = 1);
    assert_search(s, "v/2:k v/1:k", .prefix = ns("v"), .order = CAIRN_ORDER_UPDATED_ASC);
    text_free(&up);
    text_free(&names);
}

/* All at once, twice: what is new, and what is known and goes without a script. */
static void puts_of_a_turn_reach_all_their_slots(world_t *w)
{
    enum {
        PUTS = 40,
        TURNS = 4
    };
    char path[16], value[16];
    call_t *calls[PUTS];
    items_t *s = items_open(w, NULL);
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < PUTS; i++) {
            snprintf(path, sizeof path, "t/%d", i);
            snprintf(value, sizeof value, "%d", turn * PUTS + i);
            calls[i] = items_call(s);
            const item_words_t words = {path, "k", value, {.ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST)}};
            assert_int_equal(call_put(calls[i], &words), 0);
        }
        for (int i = 0; i < PUTS; i++) {
            call_await(calls[i], 0);
            assert_int_equal(calls[i]->existed, turn > 0);
        }
    }
    for (int i = 0; i < PUTS; i++) {
        snprintf(path, sizeof path, "t/%d", i);
        snprintf(value, sizeof value, "%d", (TURNS - 1) * PUTS + i);
        assert_item(s, path, "k", value);
    }
    assert_int_equal(items_count(s, "t", NULL), PUTS);
}

static void a_search_may_be_taken_away_while_many_are_asked(world_t *w)
{
    items_t *s = items_open(w, NULL);
    put_many(s);
    for (int i = 0; i < 20; i++) {
        call_t *call = items_call(s);
        assert_int_equal(call_search(call, &(cairn_store_query_t){.prefix = ns("u")}), 0);
        loop_run_for(&w->loop, (unsigned)i / 4);
        int rc = cairn_cancel(&call->of.req);
        assert_true(rc == 0 || rc == UV_EALREADY);
        call_await_any(call);
    }
    assert_int_equal(items_count(s, "u", NULL), MANY);
}

/* The slots of some namespaces that are still to come. */
static void move_some(int by)
{
    enum {
        FIRST = 150,
        SOME = 8
    };
    char tag[16];
    for (int i = FIRST; i < FIRST + SOME; i++) {
        snprintf(tag, sizeof tag, "u:%03d", i);
        const unsigned slot = cluster_slot(tag);
        const int to = (cluster_owner(&store_cluster, slot) + by) % 3;
        cluster_move(&store_cluster, slot, slot, to);
    }
}

static void a_page_goes_on_where_slots_have_moved(world_t *w)
{
    text_t all = {0};
    items_t *s = items_open(w, NULL);
    put_many(s);
    expect_many(&all, ":k", 1);
    call_t *call = items_call(s);
    cairn_store_query_t query = {
        .prefix = ns("u"), .order = CAIRN_ORDER_KEY, .paging.page_size = 100};
    assert_int_equal(call_search(call, &query), 0);
    call_await(call, 0);
    move_some(1);
    while (call->cursor_len > 0) {
        query.paging.cursor = cairn_slice(call->cursor, call->cursor_len);
        assert_int_equal(call_search(call, &query), 0);
        call_await(call, 0);
    }
    assert_string_equal(text_chars(&call->places), text_chars(&all));
    items_put(s, "u/150", "l", "1");
    assert_item(s, "u/150", "l", "1");
    move_some(2);
    assert_int_equal(items_count(s, "u", NULL), MANY + 1);
    text_free(&all);
}

/* ---- the directory ---- */

static bool are_one_name(void *ctx)
{
    (void)ctx;
    return store_cluster_names() == 1;
}

static bool are_no_names(void *ctx)
{
    (void)ctx;
    return store_cluster_names() == 0;
}

static void a_name_leaves_the_directory_an_hour_after_its_last_put(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1");
    items_put(s, "a/c", "k", "1");
    assert_int_equal(store_cluster_names(), 2);
    items_delete(s, "a/b", "k");
    store_cluster_age_names();
    for (int i = 0; i < 2; i++) /* the second goes behind what the first has said of it */
        assert_search(s, "a/c:k", .prefix = ns("a"));
    loop_run_until(&w->loop, "one name", are_one_name, NULL);
    items_delete(s, "a/c", "k");
    assert_int_equal(items_count(s, NULL, NULL), 0);
    loop_run_until(&w->loop, "no names", are_no_names, NULL);
}

static void a_name_stays_for_an_hour(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1");
    items_delete(s, "a/b", "k");
    for (int i = 0; i < 2; i++) assert_namespaces(s, "", .prefix = "a");
    assert_int_equal(store_cluster_names(), 1);
    items_put(s, "a/b", "k", "1");
    assert_namespaces(items_open(w, NULL), "a/b", .prefix = "a");
}

static void a_namespace_is_registered_again_by_who_has_not_done_it(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1", PERSISTENT);
    items_t *other = items_open(w, NULL);
    store_cluster_age_names();
    items_put(other, "a/b", "l", "1", PERSISTENT);
    items_delete(s, "a/b", "k");
    items_delete(s, "a/b", "l");
    for (int i = 0; i < 2; i++) assert_namespaces(s, "", .prefix = "a");
    assert_int_equal(store_cluster_names(), 1);
}

static void the_directory_lives_an_hour_longer_than_what_it_names(world_t *w)
{
    enum {
        TTL_MS = 60000
    };
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1", .options.ttl = cairn_ttl_ms(TTL_MS));
    assert_in_range(store_cluster_names_ttl(), AN_HOUR_MS, AN_HOUR_MS + 2 * TTL_MS);
    items_set_ttl(s, "a/b", "k", 100 * TTL_MS);
    assert_in_range(store_cluster_names_ttl(), AN_HOUR_MS + 98 * TTL_MS, AN_HOUR_MS + 200 * TTL_MS);
    items_put(s, "a/b", "k", "1", PERSISTENT);
    assert_int_equal(store_cluster_names_ttl(), -1);
}

static bool are_kept(void *ctx)
{
    (void)ctx;
    return store_cluster_names_ttl() > 2 * AN_HOUR_MS;
}

static void a_refresh_keeps_the_name_as_well(world_t *w)
{
    enum {
        TTL_MS = 7200000
    };
    items_t *s = items_open(w, NULL);
    items_put(s, "a/b", "k", "1", .options.ttl = cairn_ttl_ms(TTL_MS));
    items_t *other = items_open(w, NULL);
    store_cluster_expire_names(TTL_MS / 2);
    for (int i = 0; i < 2; i++) (void)items_get(other, "a/b", "k"); /* the first meets the TTL */
    loop_run_until(&w->loop, "the name to be kept", are_kept, NULL);
}

/* ---- what fails in one place ---- */

static void set_memory(int node, const char *bytes)
{
    char command[64];
    snprintf(command, sizeof command, "CONFIG SET maxmemory %s", bytes);
    (void)cluster_ask(&store_cluster, node, command);
}

/* A namespace "x/<n>" that is on that node, or not, whose directory is on that one, or not. */
static const char *space_between(int node, int node_of_directory)
{
    static char path[16];
    char tag[16];
    for (int i = 0;; i++) {
        snprintf(path, sizeof path, "x/%d", i);
        snprintf(tag, sizeof tag, "x:%d", i);
        if (cluster_owner(&store_cluster, cluster_slot(tag)) != node) continue;
        const cairn_namespace_t space = ns(path);
        char encoded[64];
        cairn_namespace_encode(space, encoded);
        const unsigned shard =
            redis_directory_shard(cairn_slice(encoded, cairn_namespace_encoded_size(space)));
        if (store_cluster_node_of_shard(shard) == node_of_directory) return path;
    }
}

static void a_batch_fails_only_where_it_does(world_t *w)
{
    items_t *s = items_open(w, NULL);
    char good[16], bad[16];
    snprintf(good, sizeof good, "%s", space_between(0, 0));
    snprintf(bad, sizeof bad, "%s", space_between(1, 0));
    items_put(s, bad, "old", "0");
    set_memory(1, "1");
    const cairn_store_op_t ops[] = {
        put_op(good, "k"),
        put_op(bad, "k"),
        {.type = CAIRN_STORE_GET, .ns = ns(bad), .key = cairn_str("old")},
        put_op(good, "l")};
    assert_string_equal(items_batch(s, ops, 4), "put 0\nerror CAIRN_EOOM\nerror CAIRN_EOOM\nput 0");
    set_memory(1, "0");
    assert_item(s, good, "l", "{\"n\":1}");
    assert_no_item(s, bad, "k");
}

static void a_put_that_is_refused_says_so_though_its_name_is_registered(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "warm", "k", "1");
    const char *path = space_between(1, 0);
    set_memory(1, "1");
    call_t *call = items_call(s);
    assert_int_equal(call_put(call, &(item_words_t){.ns = path, .key = "k", .value = "1"}), 0);
    call_await(call, CAIRN_EOOM);
    set_memory(1, "0");
    assert_namespaces(s, "warm", .max_depth = 0);
}

static void a_put_whose_name_is_not_registered_is_in_doubt(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "warm", "k", "1");
    const char *path = space_between(0, 1);
    set_memory(1, "1");
    call_t *call = items_call(s);
    assert_int_equal(call_put(call, &(item_words_t){.ns = path, .key = "k", .value = "1"}), 0);
    call_await(call, CAIRN_EMAYBE);
    set_memory(1, "0");
    items_put(s, path, "k", "2");
    assert_namespaces(s, path, .prefix = "x");
}

static const scenario_t scenarios[] = {
    SCENARIO(what_is_in_hundreds_of_slots_comes_in_order),
    SCENARIO(puts_of_a_turn_reach_all_their_slots),
    SCENARIO(a_search_may_be_taken_away_while_many_are_asked),
    SCENARIO(a_page_goes_on_where_slots_have_moved),
    SCENARIO(a_name_leaves_the_directory_an_hour_after_its_last_put),
    SCENARIO(a_name_stays_for_an_hour),
    SCENARIO(a_namespace_is_registered_again_by_who_has_not_done_it),
    SCENARIO(the_directory_lives_an_hour_longer_than_what_it_names),
    SCENARIO(a_refresh_keeps_the_name_as_well),
    SCENARIO(a_batch_fails_only_where_it_does),
    SCENARIO(a_put_that_is_refused_says_so_though_its_name_is_registered),
    SCENARIO(a_put_whose_name_is_not_registered_is_in_doubt),
};

int main(void)
{
    store_cluster_start();
    int failures = SCENARIOS_RUN("store: where namespaces are in different slots", scenarios,
                                 store_cluster_url(NULL));
    store_cluster_stop();
    return failures;
}
