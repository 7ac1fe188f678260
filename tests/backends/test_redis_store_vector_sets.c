/* Search by vector on servers that have vector sets: they are used where they may be, and what is
 * found is what a scan finds. What is expected is reckoned here, from what was put. */
#include "keyspace.h"
#include "monitor.h"
#include "redis.h"
#include "store_points.h"

#include <stdio.h>
#include <string.h>

enum {
    MANY = 300
};

static redis_t redis;
static const cairn_store_options_t with_index = {.indexes = &points_index, .index_count = 1};
static const cairn_store_options_t hourly = {
    .indexes = &points_index, .index_count = 1, .default_ttl = {true, 3600000}};

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static items_t *open_empty(world_t *w, const cairn_store_options_t *options)
{
    points_begin();
    return items_open(w, options);
}

#define assert_found_by(s, monitor, how, ...)                                                      \
    do {                                                                                           \
        monitor_read(monitor);                                                                     \
        assert_found((s), __VA_ARGS__);                                                            \
        monitor_read(monitor);                                                                     \
        how((monitor)->names, "VSIM");                                                             \
    } while (0)
#define by_set assert_contains
#define by_scan assert_lacks

/* ---- where vector sets are used ---- */

static size_t count_of(const char *names, const char *name)
{
    size_t count = 0;
    for (const char *at = names; (at = strstr(at, name)); at += strlen(name)) count++;
    return count;
}

static void candidates_are_read_and_nothing_else(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", MANY);
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 3);
    assert_int_equal(m.trips, 4); /* which set; VSIM; candidates; items */
    assert_int_equal(count_of(m.names, "HGET"), 3 + 8);
    assert_int_equal(count_of(m.names, "GET") - count_of(m.names, "HGET"), 3);
    monitor_stop(&m);
}

static void other_metrics_are_scanned(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 100);
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_scan, .near = points_somewhere(), .metric = CAIRN_METRIC_L2,
                    .most = 5);
    assert_found_by(s, &m, by_scan, .near = points_somewhere(),
                    .metric = CAIRN_METRIC_INNER_PRODUCT, .most = 5);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 5);
    monitor_stop(&m);
}

static void where_most_are_wanted_all_are_read(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 60);
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_scan, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 50);
    assert_found_by(s, &m, by_scan, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .offset = UINT64_MAX, .most = 50);
    monitor_stop(&m);
}

/* ---- the same results ---- */

static void ask_all_kinds(items_t *s)
{
    static const char *const prefixes[] = {NULL, "a", "c"};
    static const cairn_metric_t metrics[] = {CAIRN_METRIC_COSINE, CAIRN_METRIC_L2,
                                             CAIRN_METRIC_INNER_PRODUCT};
    static const uint32_t limits[] = {1, 7, 40};
    static const int leasts[] = {0, 50, 97};
    for (size_t i = 0; i < 81; i++)
        assert_found(s, .near = points_somewhere(), .prefix = prefixes[i % 3],
                     .metric = metrics[i / 3 % 3], .most = limits[i / 9 % 3],
                     .least = leasts[i / 27], .offset = i % 4 * (i % 2));
}

static void what_is_found_is_what_a_scan_finds(world_t *w)
{
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 150);
    points_put_many(s, "a/b", 90);
    points_put_many(s, "c", 120);
    ask_all_kinds(s);
    for (size_t i = 0; i < 60; i++) {
        point_t *point = &points[points_random() % point_count];
        if (i % 3 == 0) {
            points_delete(s, point->path, point->key);
        } else {
            points_put(s, point->path, point->key, 1);
        }
    }
    ask_all_kinds(s);
    for (size_t i = 0; i < 20; i++) points_put(s, "a", points[7 * i].key, i % POINT_ROWS);
    ask_all_kinds(s);
}

static void namespaces_go_by_a_set_or_a_scan_each(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 5);
    points_put_many(s, "b", 80);
    points_put_many(s, "c", 4);
    points_put_many(s, "d", 80);
    points_put_many(s, "e", 80);
    points_put(s, "d", "plain", 0);
    points_put_many(s, "f", 3);
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    assert_int_equal(count_of(m.names, "VSIM"), 2);
    monitor_stop(&m);
    for (int i = 0; i < 20; i++)
        assert_found(s, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE, .most = 9,
                     .least = i % 4 * 20);
}

static void equal_scores_are_in_the_order_of_keys_beyond_the_first_answer(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 200);
    for (size_t i = 0; i < 90; i++) {
        memcpy(points[2 * i].floats[0], points[0].floats[0], sizeof points[0].floats[0]);
        point_put(s, &points[2 * i], (cairn_ttl_t){0});
    }
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = points[0].floats[0], .metric = CAIRN_METRIC_COSINE,
                    .most = 5);
    assert_int_equal(count_of(m.names, "VSIM"), 2); /* 64 and 256 candidates */
    monitor_stop(&m);
}

/* Few match, so candidates do not suffice, however many are asked for. */
static void a_filter_that_few_meet_is_met_by_all(world_t *w)
{
    enum {
        MORE_THAN_ASKED = 1300
    };
    items_t *s = open_empty(w, &with_index);
    float floats[POINT_DIMENSIONS];
    const cairn_vector_t vector = {points_index.name, floats, POINT_DIMENSIONS};
    for (int i = 0; i < MORE_THAN_ASKED; i++) {
        char key[24];
        snprintf(key, sizeof key, "k%04d", i);
        points_randomize(floats);
        items_put(s, "a", key, i == 400 || i == 900 ? "{\"n\":1}" : "{\"n\":0}",
                  {.vectors = &vector, .vector_count = 1});
    }
    monitor_t m;
    monitor_start(&m, &redis);
    const char *found = items_search(s, &(cairn_store_query_t){.near = &vector,
                                                               .filter = cairn_str("{\"n\":1}"),
                                                               .paging.limit = cairn_limit(2)});
    assert_true(strcmp(found, "a:k0400 a:k0900") == 0 || strcmp(found, "a:k0900 a:k0400") == 0);
    monitor_read(&m);
    assert_contains(m.names, "VSIM");
    monitor_stop(&m);
}

/* ---- elements follow their items ---- */

static void deleted_and_updated_items_keep_the_set_whole(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", MANY);
    monitor_start(&m, &redis);
    for (int i = 0; i < 40; i++) {
        char key[24];
        snprintf(key, sizeof key, "k%03d", 5 * i);
        if (i % 2)
            points_put(s, "a", key, 1);
        else
            points_delete(s, "a", key);
    }
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    monitor_stop(&m);
}

static void a_batch_of_deletes_leaves_the_set_whole_in_the_end(world_t *w)
{
    enum {
        DELETED = 200
    };
    static cairn_store_op_t ops[DELETED];
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", MANY);
    for (size_t i = 0; i < DELETED; i++)
        ops[i] = (cairn_store_op_t){
            .type = CAIRN_STORE_DELETE, .ns = ns("a"), .key = cairn_str(points[i].key)};
    items_batch(s, ops, DELETED);
    assert_string_equal(redis_ask(&redis, "VCARD langgraph:store_near:{a}:xv:24"), "284");
    memmove(points, points + DELETED, (MANY - DELETED) * sizeof *points);
    point_count = MANY - DELETED;
    points_put(s, "a", "k000", 1); /* what is put again is not taken out any more */
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    assert_string_equal(redis_ask(&redis, "VCARD langgraph:store_near:{a}:xv:24"), "101");
    monitor_stop(&m);
}

static void a_batch_of_puts_is_found_by_a_set(world_t *w)
{
    enum {
        PUT = 100
    };
    static cairn_store_op_t ops[PUT];
    static cairn_store_put_options_t options[PUT];
    static cairn_vector_t vectors[PUT];
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    for (int i = 0; i < 2; i++) points_put(s, "b", "warm", 1); /* the second asks for the time */
    for (size_t i = 0; i < PUT; i++) {
        char key[24];
        snprintf(key, sizeof key, "k%03zu", i);
        point_t *point = point_of("a", key);
        point->rows = 1;
        points_randomize(point->floats[0]);
        vectors[i] = (cairn_vector_t){points_index.name, point->floats[0], POINT_DIMENSIONS};
        options[i] = (cairn_store_put_options_t){.vectors = &vectors[i], .vector_count = 1};
        ops[i] = (cairn_store_op_t){.type = CAIRN_STORE_PUT,
                                    .ns = ns("a"),
                                    .key = cairn_str(point->key),
                                    .value = cairn_str("{\"n\":0}"),
                                    .options = &options[i]};
    }
    monitor_start(&m, &redis);
    items_batch(s, ops, PUT);
    monitor_read(&m);
    assert_int_equal(m.trips, 7); /* 16 each, so that none holds the server long */
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    monitor_stop(&m);
}

static void expired_items_leave_the_set(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", MANY);
    const float *near = points[0].floats[0];
    float kept[POINT_DIMENSIONS];
    memcpy(kept, near, sizeof kept);
    for (int i = 0; i < 30; i++) {
        point_t *point = &points[i];
        memcpy(point->floats[0], kept, sizeof kept);
        point_put(s, point, cairn_ttl_ms(60));
    }
    for (int i = 0; i < 30; i++) items_await_gone(s, "a", points[i].key);
    memmove(points, points + 30, (MANY - 30) * sizeof *points);
    point_count = MANY - 30;
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = kept, .metric = CAIRN_METRIC_COSINE, .most = 9);
    assert_string_equal(redis_ask(&redis, "VCARD langgraph:store_near:{a}:xv:24"), "270");
    monitor_stop(&m);
}

/* What has expired is still listed, and an element; it comes again without a vector, or goes. */
static void what_replaces_an_expired_item_replaces_its_element(world_t *w)
{
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 100);
    for (int i = 0; i < 6; i++) point_put(s, &points[i], cairn_ttl_ms(20));
    for (int i = 0; i < 6; i++) items_await_gone(s, "a", points[i].key);
    items_put(s, "a", "k000", "{}");                                       /* plain */
    items_put(s, "a", "k001", "{}", .options.ttl = cairn_ttl_ms(3600000)); /* by a script */
    items_delete(s, "a", "k002");
    points[3].rows = 2;
    points_randomize(points[3].floats[1]);
    point_put(s, &points[3], (cairn_ttl_t){0});
    items_put(s, "a", "k000", "{}");
    items_delete(s, "a", "k000");
    items_delete(s, "a", "k001");
    point_forget(point_of("a", "k005"));
    point_forget(point_of("a", "k004"));
    point_forget(point_of("a", "k002"));
    point_forget(point_of("a", "k001"));
    point_forget(point_of("a", "k000"));
    for (int i = 0; i < 10; i++)
        assert_found(s, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE, .most = 4);
    assert_string_equal(redis_ask(&redis, "VCARD langgraph:store_near:{a}:xv:24"), "94");
}

/* ---- sets that have not all items ---- */

static void an_item_no_set_can_hold_is_found_by_a_scan(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 90);
    monitor_start(&m, &redis);
    for (int kind = 0; kind < 5; kind++) {
        point_t *odd = points_put(s, "a", "k007", kind == 1 ? 0 : kind == 2 ? 3 : 1);
        for (int i = 0; i < POINT_DIMENSIONS && kind > 2; i++)
            odd->floats[0][i] = kind == 3 ? 0 : odd->floats[0][i] * (kind == 4 ? 1e-30f : 1e30f);
        point_put(s, odd, (cairn_ttl_t){0});
        if (kind == 0)
            assert_found_by(s, &m, by_set, .near = points_somewhere(),
                            .metric = CAIRN_METRIC_COSINE, .most = 9);
        else
            assert_found_by(s, &m, by_scan, .near = points_somewhere(),
                            .metric = CAIRN_METRIC_COSINE, .most = 9);
        if (kind > 1)
            assert_found(s, .near = odd->floats[0], .metric = CAIRN_METRIC_COSINE, .most = 9);
        points_put(s, "a", "k007", 1);
        assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                        .most = 9);
    }
    monitor_stop(&m);
}

static void a_set_that_lacks_elements_is_not_asked(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 90);
    monitor_start(&m, &redis);
    redis_ask(&redis, "VREM langgraph:store_near:{a}:xv:24 k033");
    assert_found_by(s, &m, by_scan, .near = point_of("a", "k033")->floats[0],
                    .metric = CAIRN_METRIC_COSINE, .most = 9);
    points_put(s, "a", "k033", 1);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    redis_ask(&redis, "DEL langgraph:store_near:{a}:xv:24 langgraph:store_near:{a}");
    assert_found_by(s, &m, by_scan, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    points_put_many(s, "a", 90);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    monitor_stop(&m);
}

enum {
    LONG = 32768,
    LONG_ONES = 4194304 / LONG /* that a set has room for */
};

static void put_long(items_t *s, int number)
{
    static float floats[LONG];
    const cairn_vector_t vector = {cairn_str("long"), floats, LONG};
    char key[24];
    floats[0] = 1;
    floats[1] = (float)number;
    snprintf(key, sizeof key, "k%03d", number);
    items_put(s, "a", key, "{}", {.vectors = &vector, .vector_count = 1});
}

/* Who changes a set waits for who asks it. */
static void what_is_too_large_has_no_set(world_t *w)
{
    static const cairn_vector_index_t index = {.name = {"long", 4}, .dimensions = LONG};
    static const cairn_store_options_t options = {.indexes = &index, .index_count = 1};
    static const float floats[LONG] = {1};
    const cairn_vector_t near = {index.name, floats, LONG};
    const cairn_store_query_t query = {.near = &near, .paging.limit = cairn_limit(1)};
    monitor_t m;
    items_t *s = open_empty(w, &options);
    for (int i = 0; i < LONG_ONES; i++) put_long(s, i);
    monitor_start(&m, &redis);
    assert_string_equal(items_search(s, &query), "a:k000");
    monitor_read(&m);
    by_set(m.names, "VSIM");
    monitor_stop(&m);
    put_long(s, LONG_ONES);
    monitor_start(&m, &redis);
    assert_string_equal(items_search(s, &query), "a:k000");
    monitor_read(&m);
    by_scan(m.names, "VSIM");
    monitor_stop(&m);
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_near:{a}:xlong:32768"), "0");
}

/* Others put and delete what a set has, or has not, while it is asked: what stays is found. */
static void what_others_change_meanwhile_hides_nothing(world_t *w)
{
    enum {
        ROUNDS = 150
    };
    items_t *s = open_empty(w, &with_index), *other = items_open(w, &with_index);
    points_put_many(s, "a", 100);
    float floats[2][POINT_DIMENSIONS];
    const cairn_vector_t vectors[] = {{points_index.name, floats[0], POINT_DIMENSIONS},
                                      {points_index.name, floats[1], POINT_DIMENSIONS}};
    const item_words_t words[] = {{"a", "odd", "{}", {.vectors = vectors, .vector_count = 1}},
                                  {"a", "odd", "{}", {.vectors = vectors, .vector_count = 2}},
                                  {"a", "odd", "{}", {.vectors = vectors, .vector_count = 0}}};
    call_t *search = items_call(s), *put = items_call(other), *again = items_call(other);
    for (size_t i = 0; i < ROUNDS; i++) {
        const point_t *stays = &points[i % 100];
        const cairn_vector_t near = {points_index.name, stays->floats[0], POINT_DIMENSIONS};
        points_randomize(floats[0]);
        points_randomize(floats[1]);
        search->fact_count = 0;
        assert_status(call_search(search, &(cairn_store_query_t){.near = &near,
                                                                 .paging.limit = cairn_limit(1)}),
                      0);
        assert_status(call_put(put, &words[i % 3]), 0);
        assert_status(i % 5 == 0 ? call_delete(again, ns("a"), cairn_str("odd"))
                                 : call_put(again, &words[i / 3 % 3]),
                      0);
        call_await(search, 0);
        call_await(put, 0);
        call_await(again, 0);
        assert_int_equal(search->fact_count, 1);
        assert_true(search->facts[0].score > 0.99999);
    }
}

/* ---- keys ---- */

static void assert_every_key_has_a_ttl(void)
{
    keyspace_t found;
    keyspace_check(&redis, &found);
    if (found.without_ttl > 0)
        check_fail("%zu keys have no TTL, as %s", found.without_ttl, found.persistent);
    assert_true(found.keys > 0);
}

static void under_a_default_ttl_sets_have_one(world_t *w)
{
    static cairn_store_op_t ops[50];
    items_t *s = open_empty(w, &hourly);
    points_put(s, "a", "first", 1);
    assert_every_key_has_a_ttl();
    points_put_many(s, "a", 100);
    point_put(s, point_of("a", "first"), cairn_ttl_ms(7200000));
    for (size_t i = 0; i < 50; i++)
        ops[i] = (cairn_store_op_t){
            .type = CAIRN_STORE_DELETE, .ns = ns("a"), .key = cairn_str(points[i + 9].key)};
    items_batch(s, ops, 50);
    assert_string_equal(redis_ask(&redis, "EXISTS langgraph:store_left:{a}"), "1");
    assert_every_key_has_a_ttl();
    items_pin(s, "a", "first");
    assert_string_equal(redis_ask(&redis, "PTTL langgraph:store_near:{a}:xv:24"), "-1");
    items_unpin(s, "a", "first");
    assert_every_key_has_a_ttl();
    items_delete(s, "a", "first");
    assert_every_key_has_a_ttl();
}

static void deleting_everything_leaves_no_set(world_t *w)
{
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 40);
    points_put_many(s, "b", 2);
    items_delete(s, "b", "k000");
    items_delete(s, "b", "k001");
    static cairn_store_op_t ops[40];
    for (size_t i = 0; i < 40; i++)
        ops[i] = (cairn_store_op_t){
            .type = CAIRN_STORE_DELETE, .ns = ns("a"), .key = cairn_str(points[i].key)};
    items_batch(s, ops, 40);
    assert_string_equal(redis_ask(&redis, "DBSIZE"), "0");
}

static void what_may_not_be_asked_is_scanned(world_t *w)
{
    monitor_t m;
    items_t *s = open_empty(w, &with_index);
    points_put_many(s, "a", 90);
    monitor_start(&m, &redis);
    assert_found_by(s, &m, by_set, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE,
                    .most = 9);
    redis_ask(&redis, "ACL SETUSER default -vsim");
    assert_found(s, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE, .most = 9);
    redis_ask(&redis, "ACL SETUSER default -vcard -vadd -vrem");
    points_put(s, "a", "k000", 1);
    points_put(s, "a", "k001", 0);
    points_delete(s, "a", "k002");
    assert_found(s, .near = points_somewhere(), .metric = CAIRN_METRIC_COSINE, .most = 9);
    redis_ask(&redis, "ACL SETUSER default +@all");
    points_put(s, "a", "k003", 2); /* as many as there would be elements */
    points_put(s, "a", "k004", 1);
    assert_found(s, .near = points[3].floats[0], .metric = CAIRN_METRIC_COSINE, .most = 9);
    assert_found(s, .near = points[3].floats[1], .metric = CAIRN_METRIC_COSINE, .most = 9);
    monitor_stop(&m);
}

static const scenario_t scenarios[] = {
    SCENARIO(candidates_are_read_and_nothing_else),
    SCENARIO(other_metrics_are_scanned),
    SCENARIO(where_most_are_wanted_all_are_read),
    SCENARIO(what_is_found_is_what_a_scan_finds),
    SCENARIO(namespaces_go_by_a_set_or_a_scan_each),
    SCENARIO(equal_scores_are_in_the_order_of_keys_beyond_the_first_answer),
    SCENARIO(a_filter_that_few_meet_is_met_by_all),
    SCENARIO(deleted_and_updated_items_keep_the_set_whole),
    SCENARIO(a_batch_of_deletes_leaves_the_set_whole_in_the_end),
    SCENARIO(a_batch_of_puts_is_found_by_a_set),
    SCENARIO(expired_items_leave_the_set),
    SCENARIO(what_replaces_an_expired_item_replaces_its_element),
    SCENARIO(an_item_no_set_can_hold_is_found_by_a_scan),
    SCENARIO(a_set_that_lacks_elements_is_not_asked),
    SCENARIO(what_is_too_large_has_no_set),
    SCENARIO(what_others_change_meanwhile_hides_nothing),
    SCENARIO(under_a_default_ttl_sets_have_one),
    SCENARIO(deleting_everything_leaves_no_set),
    SCENARIO(what_may_not_be_asked_is_scanned),
};

static bool has_vector_sets(void)
{
    return strcmp(redis_ask(&redis, "EVAL return(type(redis.pcall(ARGV[1],ARGV[2]))) 0 VCARD k"),
                  "number") == 0;
}

int main(void)
{
    int failures = 0;
    redis_start(&redis, NULL);
    store_backend.clear = clear;
    store_backend.clock_slack_us = 2000;
    if (has_vector_sets()) {
        failures += SCENARIOS_RUN("redis: vector sets, RESP3", scenarios,
                                  redis_url(&redis, NULL, "?keepalive_ms=0"));
        failures += SCENARIOS_RUN("redis: vector sets, RESP2", scenarios,
                                  redis_url(&redis, NULL, "?keepalive_ms=0&protocol=2"));
    } else {
        printf("skipped: this server has no vector sets\n");
    }
    redis_stop(&redis);
    return failures;
}
