/* Rule 39: filters. */
#include "store_suite.h"

static items_t *with_people(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "p", "ada",
              "{\"name\":\"Ada\",\"age\":36,\"at\":{\"city\":\"London\",\"zip\":5}}");
    items_put(s, "p", "bob", "{\"name\":\"Bob\",\"age\":20.5,\"at\":{\"city\":\"Paris\"}}");
    items_put(s, "p", "cyd", "{\"name\":\"Cyd\",\"age\":\"36\",\"tags\":[1,2]}");
    items_put(s, "p", "dan", "{\"name\":\"Dan\",\"age\":null,\"a.b\":1,\"a\":{\"b\":2}}");
    items_put(s, "p", "eve", "no JSON");
    return s;
}

#define assert_filter(s, expected, text)                                                           \
    assert_search((s), (expected), .filter = cairn_str(text), .order = CAIRN_ORDER_KEY)

static void a_plain_value_must_be_equal(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"name\":\"Ada\"}");
    assert_filter(s, "p:ada", "{\"age\":36}");
    assert_filter(s, "p:ada", "{\"age\":36.0}");
    assert_filter(s, "p:cyd", "{\"age\":\"36\"}");
    assert_filter(s, "p:cyd", "{\"tags\":[1,2]}");
    assert_filter(s, "", "{\"tags\":[2,1]}");
    assert_filter(s, "", "{\"tags\":1}");
    assert_filter(s, "", "{\"name\":\"ada\"}");
}

static void all_fields_must_match(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"name\":\"Ada\",\"age\":36}");
    assert_filter(s, "", "{\"name\":\"Ada\",\"age\":37}");
    assert_filter(s, "p:ada p:bob p:cyd p:dan p:eve", "{}");
    assert_filter(s, "p:ada p:bob p:cyd p:dan p:eve", "");
}

static void a_plain_object_matches_as_a_subset(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"at\":{\"city\":\"London\"}}");
    assert_filter(s, "p:ada p:bob", "{\"at\":{}}");
    assert_filter(s, "p:ada", "{\"at\":{\"zip\":{\"$gt\":4},\"city\":{\"$ne\":\"Paris\"}}}");
    assert_filter(s, "", "{\"name\":{\"city\":\"London\"}}");
}

static void eq_compares_whole_values(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"age\":{\"$eq\":36}}");
    assert_filter(s, "p:bob", "{\"at\":{\"$eq\":{\"city\":\"Paris\"}}}");
    assert_filter(s, "", "{\"at\":{\"$eq\":{\"city\":\"London\"}}}");
}

static void ne_matches_what_is_missing_too(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:bob p:cyd p:dan", "{\"age\":{\"$ne\":36}}");
    assert_filter(s, "p:ada p:bob p:dan", "{\"tags\":{\"$ne\":[1,2]}}");
    assert_filter(s, "p:ada p:bob p:cyd p:dan", "{\"nothing\":{\"$ne\":null}}");
}

static void null_matches_null_only(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:dan", "{\"age\":null}");
    assert_filter(s, "p:dan", "{\"age\":{\"$eq\":null}}");
    assert_filter(s, "", "{\"tags\":null}");
}

static void numbers_are_ordered_with_numbers_only(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"age\":{\"$gt\":20.5}}");
    assert_filter(s, "p:ada p:bob", "{\"age\":{\"$gte\":20.5}}");
    assert_filter(s, "p:bob", "{\"age\":{\"$lt\":36}}");
    assert_filter(s, "p:ada p:bob", "{\"age\":{\"$lte\":36}}");
    assert_filter(s, "", "{\"age\":{\"$gt\":null}}");
    assert_filter(s, "", "{\"age\":{\"$gte\":null}}");
    assert_filter(s, "", "{\"age\":{\"$lt\":true}}");
}

static void strings_are_ordered_with_strings_only(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:cyd p:dan", "{\"name\":{\"$gt\":\"Bob\"}}");
    assert_filter(s, "p:ada p:bob", "{\"name\":{\"$lte\":\"Bob\"}}");
    assert_filter(s, "p:cyd", "{\"age\":{\"$gt\":\"\"}}");
    assert_filter(s, "", "{\"name\":{\"$gt\":\"a\"}}");
    assert_filter(s, "", "{\"name\":{\"$lt\":5}}");
}

static void operators_of_one_field_are_anded(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:bob", "{\"age\":{\"$gt\":20,\"$lt\":36}}");
    assert_filter(s, "", "{\"age\":{\"$gt\":21,\"$lt\":36}}");
    assert_filter(s, "p:bob",
                  "{\"name\":{\"$gte\":\"A\",\"$lt\":\"D\",\"$ne\":\"Ada\"},\"age\":{\"$"
                  "gt\":0}}");
}

static void large_integers_are_told_apart(world_t *w)
{
    items_t *s = items_open(w, NULL);
    items_put(s, "p", "k", "{\"n\":9007199254740993}");
    assert_filter(s, "p:k", "{\"n\":9007199254740993}");
    assert_filter(s, "", "{\"n\":9007199254740992}");
    assert_filter(s, "p:k", "{\"n\":{\"$gt\":9007199254740992}}");
    assert_filter(s, "", "{\"n\":{\"$lt\":9007199254740993.0}}");
}

static void a_dotted_path_leads_into_nested_objects(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada", "{\"at.city\":\"London\"}");
    assert_filter(s, "p:ada", "{\"at.zip\":{\"$gte\":5}}");
    assert_filter(s, "", "{\"at.city.name\":\"London\"}");
    assert_filter(s, "p:bob p:cyd p:dan", "{\"at.zip\":{\"$ne\":5}}");
}

static void a_field_with_a_dot_in_its_name_comes_before_the_path(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:dan", "{\"a.b\":1}");
    assert_filter(s, "", "{\"a.b\":2}");
    assert_filter(s, "p:dan", "{\"a\":{\"b\":2}}");
}

static void what_is_no_object_matches_no_condition(world_t *w)
{
    items_t *s = with_people(w);
    assert_filter(s, "p:ada p:bob p:cyd p:dan", "{\"x\":{\"$ne\":1}}");
    assert_int_equal(items_count(s, "p", "{\"x\":{\"$ne\":1}}"), 4);
    assert_int_equal(items_count(s, "p", "{}"), 5);
}

static void an_unknown_operator_is_an_error_that_names_it(world_t *w)
{
    static const struct {
        const char *filter, *words;
    } wrong[] = {
        {"{\"age\":{\"$regex\":1}}", "unknown operator \"$regex\" in \"age\""},
        {"{\"age\":{\"$gt\":1,\"$in\":[1]}}", "unknown operator \"$in\" in \"age\""},
        {"{\"at\":{\"zip\":{\"$GT\":1}}}", "unknown operator \"$GT\" in \"zip\""},
        {"{\"age\":{\"$\":1}}", "unknown operator \"$\" in \"age\""},
        {"{\"$or\":[]}", "operator \"$or\" where a field should be"},
        {"{\"age\":{\"$gt\":1,\"x\":2}}", "field \"x\" beside operators in \"age\""},
        {"{\"age\":", "filter is no JSON object"},
        {"[]", "filter is no JSON object"},
    };
    items_t *s = with_people(w);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cairn_store_query_t query = {.filter = cairn_str(wrong[i].filter)};
        assert_call_refused(s->own, call_search(s->own, &query), UV_EINVAL, wrong[i].words);
        assert_call_refused(s->own, call_count(s->own, ns(NULL), query.filter), UV_EINVAL,
                            wrong[i].words);
        cairn_store_op_t ops[] = {{.type = CAIRN_STORE_GET, .ns = ns("p"), .key = cairn_str("ada")},
                                  {.type = CAIRN_STORE_SEARCH, .search = &query}};
        assert_call_refused(s->own, call_batch(s->own, ops, 2), UV_EINVAL, "ops[1].filter");
    }
}

const scenario_t store_filter_scenarios[] = {
    SCENARIO(a_plain_value_must_be_equal),
    SCENARIO(all_fields_must_match),
    SCENARIO(a_plain_object_matches_as_a_subset),
    SCENARIO(eq_compares_whole_values),
    SCENARIO(ne_matches_what_is_missing_too),
    SCENARIO(null_matches_null_only),
    SCENARIO(numbers_are_ordered_with_numbers_only),
    SCENARIO(strings_are_ordered_with_strings_only),
    SCENARIO(operators_of_one_field_are_anded),
    SCENARIO(large_integers_are_told_apart),
    SCENARIO(a_dotted_path_leads_into_nested_objects),
    SCENARIO(a_field_with_a_dot_in_its_name_comes_before_the_path),
    SCENARIO(what_is_no_object_matches_no_condition),
    SCENARIO(an_unknown_operator_is_an_error_that_names_it),
    {NULL, NULL},
};
