/* Rule 20: the metadata filter. */
#include "saver_suite.h"

/* Which of c4 ... c1 the filter lets through. */
static void assert_filtered(saver_client_t *s, const char *filter, const char *expected)
{
    assert_list(s, expected, .filter = cairn_str(filter));
    assert_list(s, expected, .filter = cairn_str(filter), .thread_id = cairn_str("t"));
}

static saver_client_t *open_four(world_t *w, const char *m1, const char *m2, const char *m3,
                                 const char *m4)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .metadata = m1);
    saver_put(s, "c2", "", .metadata = m2);
    saver_put(s, "c3", "", .metadata = m3);
    saver_put(s, "c4", "", .metadata = m4);
    return s;
}

static void a_filter_is_and_over_its_keys(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"source\":\"loop\",\"step\":1}",
                                  "{\"source\":\"loop\",\"step\":2,\"more\":true}",
                                  "{\"source\":\"input\",\"step\":1}", "{}");
    assert_filtered(s, "{\"source\":\"loop\"}", "c2 c1");
    assert_filtered(s, "{\"step\":1}", "c3 c1");
    assert_filtered(s, "{\"step\":1,\"source\":\"loop\"}", "c1");
    assert_filtered(s, "{\"source\":\"loop\",\"step\":3}", "");
    assert_filtered(s, "{\"missing\":1}", "");
}

static void an_empty_filter_lets_everything_through(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"k\":1}", "{}", "", NULL);
    assert_filtered(s, "{}", "c4 c3 c2 c1");
    assert_filtered(s, "", "c4 c3 c2 c1");
    assert_filtered(s, NULL, "c4 c3 c2 c1");
}

static void nested_objects_match_as_subsets(world_t *w)
{
    saver_client_t *s =
        open_four(w, "{\"user\":{\"id\":7,\"name\":\"ada\",\"roles\":{\"admin\":true}}}",
                  "{\"user\":{\"id\":7}}", "{\"user\":7}", "{\"id\":7,\"user\":{}}");
    assert_filtered(s, "{\"user\":{\"id\":7}}", "c2 c1");
    assert_filtered(s, "{\"user\":{\"roles\":{\"admin\":true}}}", "c1");
    assert_filtered(s, "{\"user\":{\"roles\":{}}}", "c1");
    assert_filtered(s, "{\"user\":{}}", "c4 c2 c1");
    assert_filtered(s, "{\"user\":7}", "c3");
}

static void null_matches_null_only(world_t *w)
{
    saver_client_t *s =
        open_four(w, "{\"k\":null}", "{\"k\":false}", "{\"other\":1}", "{\"k\":{\"in\":null}}");
    assert_filtered(s, "{\"k\":null}", "c1");
    assert_filtered(s, "{\"k\":{\"in\":null}}", "c4");
    assert_filtered(s, "{\"k\":false}", "c2");
}

static void kinds_do_not_match_each_other(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"k\":1}", "{\"k\":\"1\"}", "{\"k\":true}", "{\"k\":[1]}");
    assert_filtered(s, "{\"k\":1}", "c1");
    assert_filtered(s, "{\"k\":\"1\"}", "c2");
    assert_filtered(s, "{\"k\":true}", "c3");
    assert_filtered(s, "{\"k\":[1]}", "c4");
    assert_filtered(s, "{\"k\":{}}", "");
    assert_filtered(s, "{\"k\":null}", "");
}

static void numbers_match_by_value(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"k\":1}", "{\"k\":1.0}", "{\"k\":1e0}", "{\"k\":1.5}");
    assert_filtered(s, "{\"k\":1}", "c3 c2 c1");
    assert_filtered(s, "{\"k\":1.0}", "c3 c2 c1");
    assert_filtered(s, "{\"k\":1.5}", "c4");
    assert_filtered(s, "{\"k\":-1}", "");
}

static void great_integers_match_to_the_last_digit(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"k\":9007199254740993}", "{\"k\":9007199254740992}",
                                  "{\"k\":9223372036854775807}", "{\"k\":-9223372036854775808}");
    assert_filtered(s, "{\"k\":9007199254740993}", "c1");
    assert_filtered(s, "{\"k\":9007199254740992}", "c2");
    assert_filtered(s, "{\"k\":9223372036854775807}", "c3");
    assert_filtered(s, "{\"k\":-9223372036854775808}", "c4");
}

static void arrays_match_whole_and_in_order(world_t *w)
{
    saver_client_t *s =
        open_four(w, "{\"k\":[1,2]}", "{\"k\":[2,1]}", "{\"k\":[1,2,3]}", "{\"k\":[{\"a\":1}]}");
    assert_filtered(s, "{\"k\":[1,2]}", "c1");
    assert_filtered(s, "{\"k\":[1]}", "");
    assert_filtered(s, "{\"k\":[]}", "");
    assert_filtered(s, "{\"k\":[{\"a\":1}]}", "c4");
}

static void strings_match_whatever_they_hold(world_t *w)
{
    saver_client_t *s = open_four(w, "{\"k\":\"a\\u00fc\\n\"}", "{\"k\":\"a\xc3\xbc\\u000a\"}",
                                  "{\"k\":\"\\\"*%\\\\\"}", "{\"\":\"\",\"k.k\":{\"$eq\":1}}");
    assert_filtered(s, "{\"k\":\"a\xc3\xbc\\n\"}", "c2 c1");
    assert_filtered(s, "{\"k\":\"\\u0022*%\\u005c\"}", "c3");
    assert_filtered(s, "{\"\":\"\"}", "c4");
    assert_filtered(s, "{\"k.k\":{\"$eq\":1}}", "c4");
    assert_filtered(s, "{\"k\":\"A\"}", "");
}

static void a_filter_composes_with_thread_namespace_and_id(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .metadata = "{\"k\":1}");
    saver_put(s, "c2", "", .metadata = "{\"k\":1}", .ns = "n");
    saver_put(s, "c3", "", .metadata = "{\"k\":1}", .thread = "u");
    cairn_slice_t k = cairn_str("{\"k\":1}");
    assert_list(s, "u//c3 t/n/c2 c1", .filter = k);
    assert_list(s, "t/n/c2 c1", .filter = k, .thread_id = cairn_str("t"));
    assert_list(s, "u//c3 c1", .filter = k, .checkpoint_ns = cairn_str(""));
    assert_list(s, "t/n/c2", .filter = k, .checkpoint_id = cairn_str("c2"));
}

static void a_filter_that_is_no_json_object_is_refused(world_t *w)
{
    static const char *const wrong[] = {"[]", "1", "null", "{", "{\"a\"}", "{}x", "\xff"};
    saver_client_t *s = saver_open(w, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_saver_query_t query = {.filter = cairn_str(wrong[i])};
        assert_refused(s->own, ask_list(s->own, &query), UV_EINVAL, "filter");
    }
}

const scenario_t saver_filter_scenarios[] = {
    SCENARIO(a_filter_is_and_over_its_keys),
    SCENARIO(an_empty_filter_lets_everything_through),
    SCENARIO(nested_objects_match_as_subsets),
    SCENARIO(null_matches_null_only),
    SCENARIO(kinds_do_not_match_each_other),
    SCENARIO(numbers_match_by_value),
    SCENARIO(great_integers_match_to_the_last_digit),
    SCENARIO(arrays_match_whole_and_in_order),
    SCENARIO(strings_match_whatever_they_hold),
    SCENARIO(a_filter_composes_with_thread_namespace_and_id),
    SCENARIO(a_filter_that_is_no_json_object_is_refused),
    {NULL, NULL},
};
