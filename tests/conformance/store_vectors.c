/* Rule 43: vectors that live and die with their items, and search by them. */
#include "store_suite.h"

#include <math.h>

static const cairn_vector_index_t plane = {.name = {"plane", 5}, .dimensions = 2};
static const cairn_vector_index_t indexes[] = {
    {.name = {"plane", 5}, .dimensions = 2},
    {.name = {"space", 5}, .dimensions = 3, .metric = CAIRN_METRIC_L2},
};
static const cairn_store_options_t with_plane = {.indexes = &plane, .index_count = 1};
static const cairn_store_options_t with_both = {.indexes = indexes, .index_count = 2};

#define PLANE(x, y) ((cairn_vector_t){{"plane", 5}, (const float[]){(x), (y)}, 2})
#define SPACE(x, y, z) ((cairn_vector_t){{"space", 5}, (const float[]){(x), (y), (z)}, 3})

static void put_at(items_t *s, const char *path, const char *key, const char *value, float x,
                   float y)
{
    const cairn_vector_t vector = PLANE(x, y);
    items_put(s, path, key, value, {.vectors = &vector, .vector_count = 1});
}

#define assert_near(s, expected, x, y, ...)                                                        \
    assert_search((s), (expected), .near = &PLANE(x, y), .paging.limit = cairn_limit(100),         \
                  __VA_ARGS__)

static void assert_scores(const items_t *s, const double *expected, size_t count)
{
    assert_int_equal(s->own->fact_count, count);
    for (size_t i = 0; i < count; i++)
        if (!(fabs(s->own->facts[i].score - expected[i]) <= 1e-5))
            check_fail("score %zu is %g, not %g", i, s->own->facts[i].score, expected[i]);
}

static items_t *with_points(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    put_at(s, "p", "east", "{\"n\":1}", 2, 0);
    put_at(s, "p", "north", "{\"n\":2}", 0, 5);
    put_at(s, "p/q", "northeast", "{\"n\":3}", 1, 1);
    put_at(s, "r", "west", "{\"n\":4}", -1, 0);
    items_put(s, "p", "nowhere", "{\"n\":5}");
    return s;
}

static void cosine_finds_the_nearest_direction_first(world_t *w)
{
    items_t *s = with_points(w);
    assert_near(s, "p:east p/q:northeast p:north r:west", 1, 0, .metric = CAIRN_METRIC_COSINE);
    assert_scores(s, (const double[]){1, 0.70710678, 0, -1}, 4);
    assert_near(s, "p:east p/q:northeast p:north r:west", 1, 0, .offset = 0);
}

static void l2_finds_the_nearest_place_first(world_t *w)
{
    items_t *s = with_points(w);
    assert_near(s, "r:west p/q:northeast p:east p:north", 0, 0, .metric = CAIRN_METRIC_L2,
                .filter = cairn_str("{\"n\":{\"$ne\":9}}"));
    assert_near(s, "p/q:northeast p:east r:west p:north", 0.5f, 0, .metric = CAIRN_METRIC_L2);
    assert_scores(s, (const double[]){-1.11803399, -1.5, -1.5, -5.02493781}, 4);
}

static void the_inner_product_counts_length_too(world_t *w)
{
    items_t *s = with_points(w);
    assert_near(s, "p:north p/q:northeast p:east r:west", 0.5f, 1,
                .metric = CAIRN_METRIC_INNER_PRODUCT);
    assert_scores(s, (const double[]){5, 1.5, 1, -0.5}, 4);
}

static void the_indexs_metric_counts_where_the_call_says_nothing(world_t *w)
{
    items_t *s = items_open(w, &with_both);
    const cairn_vector_t vectors[] = {PLANE(1, 0), SPACE(0, 0, 3)};
    items_put(s, "a", "k", "{}", {.vectors = vectors, .vector_count = 2});
    assert_search(s, "a:k", .near = &SPACE(0, 0, 1), .paging.limit = cairn_limit(5));
    assert_scores(s, (const double[]){-2}, 1);
    assert_search(s, "a:k", .near = &PLANE(2, 0), .paging.limit = cairn_limit(5));
    assert_scores(s, (const double[]){1}, 1);
}

static void items_without_a_vector_are_not_found_by_one(world_t *w)
{
    items_t *s = items_open(w, &with_both);
    items_put(s, "a", "plain", "{}");
    const cairn_vector_t vector = SPACE(1, 2, 3);
    items_put(s, "a", "other", "{}", {.vectors = &vector, .vector_count = 1});
    assert_near(s, "", 1, 0, .offset = 0);
    assert_int_equal(items_count(s, NULL, NULL), 2);
}

static void the_prefix_and_the_filter_come_first(world_t *w)
{
    items_t *s = with_points(w);
    assert_near(s, "p:east p/q:northeast p:north", 1, 0, .prefix = ns("p"));
    assert_near(s, "p/q:northeast", 1, 0, .prefix = ns("p/q"));
    assert_near(s, "", 1, 0, .prefix = ns("x"));
    assert_near(s, "p/q:northeast p:north r:west", 1, 0,
                .filter = cairn_str("{\"n\":{\"$gt\":1}}"));
    cairn_slice_t even = cairn_str("{\"n\":{\"$gte\":2}}");
    assert_search(s, "p/q:northeast p:north", .near = &PLANE(1, 0), .filter = even,
                  .paging.limit = cairn_limit(2));
}

static void offset_and_limit_count_the_best(world_t *w)
{
    items_t *s = with_points(w);
    const cairn_vector_t east = PLANE(1, 0);
    assert_search(s, "p:east p/q:northeast", .near = &east, .paging.limit = cairn_limit(2));
    assert_int_equal(s->pages, 1);
    assert_search(s, "p/q:northeast p:north", .near = &east, .offset = 1,
                  .paging.limit = cairn_limit(2));
    assert_search(s, "r:west", .near = &east, .offset = 3, .paging.limit = cairn_limit(2));
    assert_search(s, "", .near = &east, .offset = 4, .paging.limit = cairn_limit(2));
    assert_search(s, "", .near = &east, .offset = UINT64_MAX, .paging.limit = cairn_limit(2));
    assert_search(s, "", .near = &east, .paging.limit = cairn_limit(0));
}

static void of_several_vectors_the_best_counts_and_the_item_comes_once(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t several[] = {PLANE(0, 1), PLANE(1, 0.1f), PLANE(-1, 0), PLANE(1, 1)};
    items_put(s, "a", "k", "{}", {.vectors = several, .vector_count = 4});
    put_at(s, "a", "l", "{}", 1, 0.5f);
    assert_near(s, "a:k a:l", 1, 0, .offset = 0);
    assert_scores(s, (const double[]){0.99503719, 0.89442719}, 2);
}

static void of_equal_vectors_of_an_item_one_counts(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t twice[] = {PLANE(0, 1), PLANE(2, 1), PLANE(2, 1)};
    const char *const keys[] = {"n", "k", "m", "l"};
    for (size_t i = 0; i < 4; i++)
        items_put(s, "a", keys[i], "{}", {.vectors = twice, .vector_count = 3});
    assert_search(s, "a:k a:l a:m", .near = &PLANE(2, 1), .paging.limit = cairn_limit(3));
    assert_search(s, "a:l a:m a:n", .near = &PLANE(2, 1), .offset = 1,
                  .paging.limit = cairn_limit(5));
    assert_scores(s, (const double[]){1, 1, 1}, 3);
}

static void equal_scores_are_in_the_order_of_keys_then_namespaces(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    put_at(s, "b", "k1", "{}", 1, 0);
    put_at(s, "a", "k2", "{}", 2, 0);
    put_at(s, "a", "k1", "{}", 3, 0);
    put_at(s, "a/b", "k1", "{}", 4, 0);
    assert_near(s, "a:k1 a/b:k1 b:k1 a:k2", 1, 0, .offset = 0);
    assert_search(s, "a:k1 a/b:k1", .near = &PLANE(1, 0), .paging.limit = cairn_limit(2));
}

static void a_vector_without_direction_is_at_right_angles_to_all(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    put_at(s, "a", "zero", "{}", 0, 0);
    put_at(s, "a", "west", "{}", -1, 0);
    assert_near(s, "a:zero a:west", 1, 0, .offset = 0);
    assert_scores(s, (const double[]){0, -1}, 2);
    assert_near(s, "a:west a:zero", 0, 0, .offset = 0);
}

static void an_update_replaces_all_vectors(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    put_at(s, "a", "k", "{}", 1, 0);
    put_at(s, "a", "l", "{}", 1, 1);
    put_at(s, "a", "k", "{}", 0, 1);
    assert_near(s, "a:l a:k", 1, 0, .offset = 0);
    items_put(s, "a", "k", "{}");
    assert_near(s, "a:l", 1, 0, .offset = 0);
    assert_item(s, "a", "k", "{}");
}

static void a_deletes_item_takes_its_vectors_along(world_t *w)
{
    items_t *s = with_points(w);
    items_delete(s, "p", "east");
    assert_near(s, "p/q:northeast p:north r:west", 1, 0, .offset = 0);
    items_delete(s, "p", "north");
    items_delete(s, "p/q", "northeast");
    items_delete(s, "r", "west");
    assert_near(s, "", 1, 0, .offset = 0);
    items_delete(s, "p", "nowhere");
    items_assert_empty(s);
}

static void vectors_expire_with_their_item(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t east = PLANE(1, 0);
    items_put(s, "a", "brief", "{}",
              {.vectors = &east, .vector_count = 1, .ttl = cairn_ttl_ms(20)});
    put_at(s, "a", "k", "{}", 0, 1);
    items_await_gone(s, "a", "brief");
    assert_near(s, "a:k", 1, 0, .offset = 0);
    items_delete(s, "a", "k");
    items_assert_empty(s);
}

static void a_search_by_vector_refreshes_what_it_returns(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t east = PLANE(1, 0), north = PLANE(0, 1);
    const cairn_ttl_t minute = cairn_ttl_ms(60000);
    items_put(s, "a", "k", "{}", {.vectors = &east, .vector_count = 1, .ttl = minute});
    items_put(s, "a", "l", "{}", {.vectors = &north, .vector_count = 1, .ttl = minute});
    items_await_ttl(s, "a", "k", 59980);
    items_await_ttl(s, "a", "l", 59980);
    assert_search(s, "a:k", .near = &east, .paging.limit = cairn_limit(1));
    assert_item_ttl(s, "a", "k", 60000, s->span);
    assert_in_range(items_ttl(s, "a", "l"), 1, 59980);
    items_await_ttl(s, "a", "k", 59980);
    assert_search(s, "a:k", .near = &east, .paging.limit = cairn_limit(1),
                  .refresh = CAIRN_REFRESH_NO);
    assert_in_range(items_ttl(s, "a", "k"), 1, 59980);
}

static void a_pinned_item_keeps_its_vectors(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t east = PLANE(1, 0);
    items_put(s, "a", "k", "{}",
              {.vectors = &east, .vector_count = 1, .ttl = cairn_ttl_ms(timed_brief(400))});
    items_put(s, "a", "l", "{}", .options.ttl = cairn_ttl_ms(timed_brief(400)));
    assert_int_equal(items_pin(s, "a", "k"), CAIRN_TTL_PERSIST);
    items_await_gone(s, "a", "l");
    assert_near(s, "a:k", 1, 0, .offset = 0);
}

static void a_batch_puts_and_searches_vectors(world_t *w)
{
    items_t *s = with_points(w);
    const cairn_vector_t east = PLANE(1, 0);
    const cairn_store_put_options_t options = {.vectors = &east, .vector_count = 1};
    const cairn_store_query_t query = {.near = &east, .paging.limit = cairn_limit(2)};
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_PUT,
         .ns = ns("p"),
         .key = cairn_str("another"),
         .value = cairn_str("{}"),
         .options = &options},
        {.type = CAIRN_STORE_SEARCH, .search = &query},
    };
    assert_string_equal(items_batch(s, ops, 2), "put 0\nsearch p:east p/q:northeast");
    assert_near(s, "p:another p:east p/q:northeast p:north r:west", 1, 0, .offset = 0);
}

static void a_name_of_an_index_may_be_any_bytes(world_t *w)
{
    const cairn_vector_index_t odd[] = {{.name = {"\0:{*}%", 6}, .dimensions = 1},
                                        {.name = {"", 0}, .dimensions = 1}};
    const cairn_store_options_t options = {.indexes = odd, .index_count = 2};
    const float one = 1;
    items_t *s = items_open(w, &options);
    const cairn_vector_t vectors[] = {{odd[0].name, &one, 1}, {odd[1].name, &one, 1}};
    items_put(s, "a", "k", "{}", {.vectors = &vectors[0], .vector_count = 1});
    items_put(s, "a", "l", "{}", {.vectors = &vectors[1], .vector_count = 1});
    assert_search(s, "a:k", .near = &vectors[0], .paging.limit = cairn_limit(9));
    assert_search(s, "a:l", .near = &vectors[1], .paging.limit = cairn_limit(9));
}

/* As many as fill more than one page of a backend that reads in pages, and long ones. */
static void the_best_of_many_are_found_exactly(world_t *w)
{
    enum {
        MANY = 700,
        LONG = 96,
        BEST = 25
    };
    static float floats[MANY][LONG];
    const cairn_vector_index_t index = {.name = {"v", 1}, .dimensions = LONG};
    const cairn_store_options_t options = {.indexes = &index, .index_count = 1};
    items_t *s = items_open(w, &options);
    uint32_t random = 1;
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < LONG; k++) {
            random = random * 1664525u + 1013904223u;
            floats[i][k] = (float)(random >> 8) / (1 << 23) - 1;
        }
        char key[16];
        snprintf(key, sizeof key, "k%03d", i);
        const cairn_vector_t vector = {index.name, floats[i], LONG};
        items_put(s, i % 2 ? "a" : "b", key, "{}", {.vectors = &vector, .vector_count = 1});
    }
    const cairn_vector_t near = {index.name, floats[7], LONG};
    for (cairn_metric_t m = CAIRN_METRIC_COSINE; m <= CAIRN_METRIC_INNER_PRODUCT; m++) {
        cairn_store_query_t query = {.near = &near, .metric = m, .paging.limit = cairn_limit(BEST)};
        items_search(s, &query);
        assert_int_equal(s->own->fact_count, BEST);
        double worst = s->own->facts[BEST - 1].score;
        int better = 0;
        for (int i = 0; i < MANY; i++) {
            double dot = 0, a = 0, b = 0, apart = 0;
            for (int k = 0; k < LONG; k++) {
                double x = (double)floats[7][k], y = (double)floats[i][k];
                dot += x * y;
                a += x * x;
                b += y * y;
                apart += (x - y) * (x - y);
            }
            double score = m == CAIRN_METRIC_COSINE ? dot / sqrt(a * b)
                           : m == CAIRN_METRIC_L2   ? -sqrt(apart)
                                                    : dot;
            better += score > worst + 1e-5;
        }
        assert_in_range(better, BEST - 2, BEST - 1);
        for (int i = 1; i < BEST; i++)
            assert_true(s->own->facts[i - 1].score >= s->own->facts[i].score);
    }
}

static void a_vector_that_does_not_fit_is_refused(world_t *w)
{
    items_t *s = items_open(w, &with_plane);
    const cairn_vector_t wrong[] = {{cairn_str("plane"), (const float[]){1}, 1},
                                    {cairn_str("other"), (const float[]){1, 2}, 2},
                                    {cairn_str("plane"), (const float[]){1, NAN}, 2}};
    for (size_t i = 0; i < 3; i++) {
        item_words_t words = {"a", "k", "1", {.vectors = &wrong[i], .vector_count = 1}};
        assert_call_refused(s->own, call_put(s->own, &words), UV_EINVAL, "vectors[0]");
        cairn_store_query_t query = {.near = &wrong[i], .paging.limit = cairn_limit(1)};
        assert_status(call_search(s->own, &query), UV_EINVAL);
    }
    cairn_store_query_t endless = {.near = &PLANE(1, 0)};
    assert_call_refused(s->own, call_search(s->own, &endless), UV_EINVAL, "paging.limit");
    items_assert_empty(s);
}

const scenario_t store_vector_scenarios[] = {
    SCENARIO(cosine_finds_the_nearest_direction_first),
    SCENARIO(l2_finds_the_nearest_place_first),
    SCENARIO(the_inner_product_counts_length_too),
    SCENARIO(the_indexs_metric_counts_where_the_call_says_nothing),
    SCENARIO(items_without_a_vector_are_not_found_by_one),
    SCENARIO(the_prefix_and_the_filter_come_first),
    SCENARIO(offset_and_limit_count_the_best),
    SCENARIO(of_several_vectors_the_best_counts_and_the_item_comes_once),
    SCENARIO(of_equal_vectors_of_an_item_one_counts),
    SCENARIO(equal_scores_are_in_the_order_of_keys_then_namespaces),
    SCENARIO(a_vector_without_direction_is_at_right_angles_to_all),
    SCENARIO(an_update_replaces_all_vectors),
    SCENARIO(a_deletes_item_takes_its_vectors_along),
    SCENARIO(vectors_expire_with_their_item),
    SCENARIO(a_search_by_vector_refreshes_what_it_returns),
    SCENARIO(a_pinned_item_keeps_its_vectors),
    SCENARIO(a_batch_puts_and_searches_vectors),
    SCENARIO(a_name_of_an_index_may_be_any_bytes),
    SCENARIO(the_best_of_many_are_found_exactly),
    SCENARIO(a_vector_that_does_not_fit_is_refused),
    {NULL, NULL},
};
