/* Rules 16 and 17: get. */
#include "saver_suite.h"

static void an_explicit_id_gives_that_checkpoint_or_none(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c3", "a@3=z");
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_none(s, at("c2"));
    assert_none(s, at(""));
    assert_none(s, at("c"));
    assert_none(s, at("c11"));
    assert_get(s, latest(), "c3 a@3=z");
}

static void of_a_thread_that_is_not_there_nothing_is_found(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_none(s, latest());
    assert_none(s, at("c"));
    saver_put(s, "c", "", .ns = "n");
    assert_none(s, latest());
}

static void a_tuple_holds_config_checkpoint_metadata_parent_and_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .thread = "u", .ns = "n");
    saver_put(s, "c2", "a@1 b@1=y", .thread = "u", .ns = "n", .parent = "c1",
              .metadata = "{\"step\":2}");
    saver_write(s, "c2", "t1", "b=z", .thread = "u", .ns = "n");
    static const char expected[] = "u/n/c2 <c1 a@1=x b@1=y {\"step\":2} [t1.0 b=z]";
    assert_get(s, ref("u", "n", "c2"), expected);
    assert_get(s, ref("u", "n", NULL), expected);
}

static void headers_only_is_without_channels_and_writes(world_t *w)
{
    static const cairn_saver_get_options_t headers = {.headers_only = true};
    cairn_version_seen_t seen = {cairn_str("n"), cairn_str("a"), cairn_str("1")};
    cairn_channel_version_t version = {cairn_str("a"), cairn_str("1")};
    cairn_value_t text = cairn_value(cairn_str(TEXT_TYPE), cairn_str("x"));
    cairn_channel_value_t value = {cairn_str("a"), cairn_str("1"), CAIRN_CHANNEL_VALUE, text};
    cairn_slice_t updated = cairn_str("a");
    cairn_checkpoint_t checkpoint = {
        cairn_str("c2"), cairn_str("now"), 4, &version, 1, &value, 1, &seen, 1, &updated, 1, text};
    saver_client_t *s = saver_open(w, NULL);
    saver_put_raw(s, at("c1"), &checkpoint, cairn_str("{\"k\":1}"));
    saver_write(s, "c2", "t1", "a=y");
    assert_get(s, at("c2"),
               "c2 <c1 a@1=x v=4 ts=now seen:n:a:1 updated:a extra=x {\"k\":1} [t1.0 a=y]");
    assert_string_equal(saver_get_with(s, at("c2"), &headers), "c2 <c1 v=4 ts=now {\"k\":1}");
    assert_string_equal(saver_get_with(s, latest(), &headers), "c2 <c1 v=4 ts=now {\"k\":1}");
    assert_string_equal(saver_get_with(s, at("c1"), &headers), "none");
}

static void get_changes_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_none(s, latest());
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    saver_put(s, "c1", "a@1=x");
    for (int i = 0; i < 3; i++) assert_get(s, latest(), "c1 a@1=x");
    assert_int_equal(saver_ttl(s, at("c1")), CAIRN_TTL_PERSIST);
}

static void get_asks_for_a_thread(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_refused(s->own, ask_get(s->own, ref(NULL, NULL, "c"), NULL), UV_EINVAL, "thread_id");
    cairn_saver_get_options_t odd = {.refresh = (cairn_refresh_t)7};
    assert_refused(s->own, ask_get(s->own, at("c"), &odd), UV_EINVAL, "refresh");
}

const scenario_t saver_get_scenarios[] = {
    SCENARIO(an_explicit_id_gives_that_checkpoint_or_none),
    SCENARIO(of_a_thread_that_is_not_there_nothing_is_found),
    SCENARIO(a_tuple_holds_config_checkpoint_metadata_parent_and_writes),
    SCENARIO(headers_only_is_without_channels_and_writes),
    SCENARIO(get_changes_nothing),
    SCENARIO(get_asks_for_a_thread),
    {NULL, NULL},
};
