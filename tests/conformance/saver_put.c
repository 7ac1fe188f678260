/* Rules 4-9: put. */
#include "saver_suite.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- 4: id and parent ---- */

static void a_checkpoint_is_stored_under_its_own_id_with_the_configs_as_parent(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@2=y", .parent = "c1");
    assert_get(s, at("c1"), "c1 a@1=x");
    assert_get(s, at("c2"), "c2 <c1 a@2=y");
}

static void a_parent_need_not_be_there(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c2", "", .parent = "c1");
    assert_get(s, at("c2"), "c2 <c1");
    assert_none(s, at("c1"));
}

static void forks_have_the_same_parent(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@2=y", .parent = "c1");
    saver_put(s, "c3", "a@3=z", .parent = "c1");
    assert_get(s, at("c2"), "c2 <c1 a@2=y");
    assert_get(s, at("c3"), "c3 <c1 a@3=z");
    assert_get(s, at("c1"), "c1 a@1=x");
}

static void put_asks_for_the_ids_it_cannot_do_without(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_refused(s->own, ask_put(s->own, &(put_words_t){.id = NULL}), UV_EINVAL, "id");
    cairn_checkpoint_t checkpoint = {.id = cairn_str("c")};
    cairn_checkpoint_ref_t nowhere = ref(NULL, NULL, NULL);
    int rc = ask_put_raw(s->own, &nowhere, &checkpoint, cairn_str(NULL), NULL);
    assert_refused(s->own, rc, UV_EINVAL, "thread_id");
    cairn_channel_value_t value = {.channel = cairn_str("a")};
    checkpoint.channel_values = &value;
    checkpoint.channel_value_count = 1;
    cairn_checkpoint_ref_t place = latest();
    rc = ask_put_raw(s->own, &place, &checkpoint, cairn_str(NULL), NULL);
    assert_refused(s->own, rc, UV_EINVAL, "version");
    assert_list(s, "", .headers_only = true);
}

/* ---- 5: channels ---- */

static void an_unchanged_channel_is_found_under_its_version(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y");
    saver_put(s, "c2", "a@1 b@2=z", .parent = "c1");
    saver_put(s, "c3", "a@1 b@1", .parent = "c2");
    assert_get(s, at("c2"), "c2 <c1 a@1=x b@2=z");
    assert_get(s, at("c3"), "c3 <c2 a@1=x b@1=y");
}

static void an_empty_channel_is_left_out_on_load(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1! b@1=");
    saver_put(s, "c2", "a@1 b@1");
    assert_get(s, at("c1"), "c1 a@1 b@1=");
    assert_get(s, at("c2"), "c2 a@1 b@1=");
    saver_put(s, "c3", "a@2=x b@2!");
    assert_get(s, at("c3"), "c3 a@2=x b@2");
}

static void a_delta_is_left_out_on_load(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@2~ b@1=y", .parent = "c1");
    assert_get(s, at("c2"), "c2 <c1 a@2 b@1=y");
}

static void a_channel_missing_from_channel_versions_never_appears(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x -b@1=y");
    assert_get(s, at("c1"), "c1 a@1=x");
    saver_put(s, "c2", "a@1 c@1=z");
    saver_put(s, "c3", "c@1");
    assert_get(s, at("c2"), "c2 a@1=x c@1=z");
    assert_get(s, at("c3"), "c3 c@1=z");
}

static void a_version_without_a_value_anywhere_is_no_value(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@7");
    assert_get(s, at("c1"), "c1 a@1=x b@7");
}

static void values_are_of_one_thread_and_namespace(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "a@1=root");
    saver_put(s, "c", "a@1=below", .ns = "n");
    saver_put(s, "c", "a@1", .ns = "m");
    saver_put(s, "c", "a@1", .thread = "u");
    assert_get(s, at("c"), "c a@1=root");
    assert_get(s, ref("t", "n", "c"), "t/n/c a@1=below");
    assert_get(s, ref("t", "m", "c"), "t/m/c a@1");
    assert_get(s, ref("u", NULL, "c"), "u//c a@1");
}

static void of_a_channel_that_comes_twice_the_last_counts(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1 b@1=z -a@1=x -a@1=y");
    assert_get(s, at("c1"), "c1 a@1=y b@1=z");
    saver_put(s, "c2", "a@2 -a@2=x -a@2!");
    assert_get(s, at("c2"), "c2 a@2");
}

static void values_come_in_the_order_of_channel_versions(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "z@1 a@1 m@1 -a@1=1 -m@1=2 -z@1=3");
    assert_get(s, at("c1"), "c1 z@1=3 a@1=1 m@1=2");
    saver_put(s, "c2", "m@1 z@1 a@1");
    assert_get(s, at("c2"), "c2 m@1=2 z@1=3 a@1=1");
}

static void what_was_read_can_be_put_again(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@2!");
    saver_put(s, "c1", "a@1=x b@2", .thread = "u");
    assert_get(s, ref("u", NULL, "c1"), "u//c1 a@1=x b@2");
    saver_put(s, "c1", "a@1=x b@2");
    assert_get(s, at("c1"), "c1 a@1=x b@2");
}

/* ---- 6: versions ---- */

static void versions_are_opaque(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1",
              "a@1=int b@1.0=real c@00000000000000000000000000000001.0.5=cairn d@v-1=text");
    saver_put(s, "c2", "a@01=padded b@1=int c@1.00=real d@=empty");
    assert_get(s, at("c1"),
               "c1 a@1=int b@1.0=real c@00000000000000000000000000000001.0.5=cairn d@v-1=text");
    assert_get(s, at("c2"), "c2 a@01=padded b@1=int c@1.00=real d@''=empty");
    saver_put(s, "c3", "a@1 b@1.0 c@1 d@v-2");
    assert_get(s, at("c3"), "c3 a@1=int b@1.0=real c@1 d@v-2");
}

static void a_version_once_written_is_not_rewritten(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=first b@1! c@1=");
    saver_put(s, "c2", "a@1=second b@1=late c@1=late", .parent = "c1");
    assert_get(s, at("c1"), "c1 a@1=first b@1 c@1=");
    assert_get(s, at("c2"), "c2 <c1 a@1=first b@1 c@1=");
    saver_put(s, "c3", "a@1! b@1! c@1!");
    assert_get(s, at("c3"), "c3 a@1=first b@1 c@1=");
    saver_put(s, "c1", "a@1=third");
    assert_get(s, at("c1"), "c1 a@1=first");
}

static void forks_never_share_a_version_that_cairn_made(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    char root[CAIRN_VERSION_ID_SIZE];
    char forks[2][CAIRN_VERSION_ID_SIZE];
    char words[3 * CAIRN_VERSION_ID_SIZE];
    assert_status(cairn_version_id_next(cairn_str(NULL), root), 0);
    snprintf(words, sizeof words, "a@%s=root", root);
    saver_put(s, "c1", words);
    for (int i = 0; i < 2; i++) {
        assert_status(cairn_version_id_next(cairn_str(root), forks[i]), 0);
        assert_true(strcmp(root, forks[i]) < 0);
        snprintf(words, sizeof words, "a@%s=fork%d", forks[i], i);
        saver_put(s, i ? "c3" : "c2", words, .parent = "c1");
    }
    assert_contains(saver_get(s, at("c2")), "=fork0");
    assert_contains(saver_get(s, at("c3")), "=fork1");
}

/* ---- 7: again ---- */

static void putting_an_id_again_replaces_checkpoint_and_metadata(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c2", "a@1=x b@1=y", .parent = "c1", .metadata = "{\"step\":1,\"old\":true}");
    saver_put(s, "c2", "c@1=z", .parent = "c0", .metadata = "{\"step\":2}");
    assert_get(s, at("c2"), "c2 <c0 c@1=z {\"step\":2}");
    saver_put(s, "c2", "");
    assert_get(s, at("c2"), "c2");
    assert_list(s, "c2", .thread_id = cairn_str("t"));
}

static void putting_an_id_again_keeps_its_pending_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "task", "a=1 b=2");
    saver_put(s, "c1", "a@2=y");
    assert_get(s, at("c1"), "c1 a@2=y [task.0 a=1] [task.1 b=2]");
}

/* ---- 8: metadata ---- */

static void metadata_is_kept_custom_keys_and_all(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "",
              .metadata = "{\"source\":\"loop\",\"step\":-1,\"mine\":{\"a\":[1,null]}}");
    assert_get(s, at("c1"), "c1 {\"source\":\"loop\",\"step\":-1,\"mine\":{\"a\":[1,null]}}");
}

static void absent_and_empty_metadata_is_an_empty_object(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .metadata = NULL);
    saver_put(s, "c2", "", .metadata = "");
    saver_put(s, "c3", "", .metadata = "{}");
    assert_string_equal(saver_list_full(s, NULL), "c3\nc2\nc1");
}

static void metadata_that_is_no_json_object_is_refused(world_t *w)
{
    static const char *const wrong[] = {
        "[]",         "1",       "null",  "\"text\"",  "{",    "{}}",          "{\"a\"}",
        "{\"a\":1,}", "{'a':1}", "{} {}", "{\"a\":x}", "\xff", "{\"\xff\":1}",
    };
    saver_client_t *s = saver_open(w, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put_words_t words = {.id = "c", .metadata = wrong[i]};
        assert_refused(s->own, ask_put(s->own, &words), UV_EINVAL, "metadata");
    }
    cairn_checkpoint_t checkpoint = {.id = cairn_str("c")};
    cairn_checkpoint_ref_t place = latest();
    int rc = ask_put_raw(s->own, &place, &checkpoint, cairn_slice("{}\0", 3), NULL);
    assert_refused(s->own, rc, UV_EINVAL, "metadata");
    assert_none(s, latest());
}

static void the_run_id_is_indexed_when_given(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .run_id = "r1");
    saver_put(s, "c2", "", .metadata = "{\"run_id\":\"r1\"}");
    saver_put(s, "c3", "", .run_id = "r2", .metadata = "{\"run_id\":\"r1\"}");
    saver_put(s, "c4", "", .metadata = "{\"run_id\":1}");
    saver_put(s, "c5", "");
    assert_int_equal(saver_delete_run(s, "r1"), 2);
    assert_list(s, "c5 c4 c3", .thread_id = cairn_str("t"));
    assert_int_equal(saver_delete_run(s, "1"), 0);
    assert_int_equal(saver_delete_run(s, "r2"), 1);
    assert_list(s, "c5 c4", .thread_id = cairn_str("t"));
}

static void a_run_id_may_be_escaped_in_the_metadata(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .run_id = "r\xc3\xa4/1");
    saver_put(s, "c2", "", .metadata = "{\"run_id\":\"r\xc3\xa4/1\"}");
    saver_put(s, "c3", "", .metadata = "{\"run_id\":\"\\u0072\\u00E4\\/1\"}");
    saver_put(s, "c4", "", .metadata = "{\"run_id\":\"r\\u00e4/2\",\"other\":\"r\xc3\xa4/1\"}");
    assert_int_equal(saver_delete_run(s, "r\xc3\xa4/1"), 3);
    assert_list(s, "c4", .headers_only = true);
}

static void putting_an_id_again_moves_it_to_its_new_run(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "", .run_id = "r1");
    saver_put(s, "c2", "", .run_id = "r1");
    saver_put(s, "c1", "", .run_id = "r2");
    saver_put(s, "c2", "");
    assert_int_equal(saver_delete_run(s, "r1"), 0);
    assert_int_equal(saver_delete_run(s, "r2"), 1);
    assert_list(s, "c2", .thread_id = cairn_str("t"));
}

/* ---- 9: atomic, in order, whole ---- */

static void everything_of_a_checkpoint_comes_back(world_t *w)
{
    cairn_version_seen_t seen[] = {
        {cairn_str("node"), cairn_str("a"), cairn_str("1")},
        {cairn_str("node"), cairn_str("b"), cairn_str("")},
        {cairn_str("blind"), cairn_str(NULL), cairn_str(NULL)},
    };
    cairn_slice_t updated[] = {cairn_str("a"), cairn_str("")};
    cairn_checkpoint_t checkpoint = {
        .id = cairn_str("c"),
        .ts = cairn_str("2024-05-04T06:32:42.235444+00:00"),
        .v = INT64_MIN,
        .versions_seen = seen,
        .version_seen_count = 3,
        .updated_channels = updated,
        .updated_channel_count = 2,
        .extra = cairn_value(cairn_str("msgpack"), cairn_slice("\x80\0", 2)),
    };
    saver_client_t *s = saver_open(w, NULL);
    saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
    assert_get(s, at("c"),
               "c v=-9223372036854775808 ts=2024-05-04T06\\x3a32\\x3a42.235444\\x2b00\\x3a00 "
               "seen:node:a:1 seen:node:b:'' seen:blind updated:a:'' extra=(msgpack)\\x80\\x00");
}

static void updated_channels_unknown_is_not_none(world_t *w)
{
    cairn_slice_t none = {0};
    cairn_checkpoint_t checkpoint = {.id = cairn_str("c1")};
    saver_client_t *s = saver_open(w, NULL);
    saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
    checkpoint.id = cairn_str("c2");
    checkpoint.updated_channels = &none;
    saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
    assert_string_equal(saver_list_full(s, NULL), "c2 updated\nc1");
}

static void a_large_value_comes_back_whole(world_t *w)
{
    enum {
        LARGE = 3000000
    };
    char *bytes = calloc(1, LARGE);
    assert_non_null(bytes);
    for (size_t i = 0; i < LARGE; i++) bytes[i] = (char)(i * 7 + i / 256);
    cairn_slice_t a = cairn_str("a");
    cairn_channel_version_t version = {a, a};
    cairn_value_t large = cairn_value(cairn_str("raw"), cairn_slice(bytes, LARGE));
    cairn_channel_value_t value = {a, a, CAIRN_CHANNEL_VALUE, large};
    cairn_checkpoint_t checkpoint = {.id = cairn_str("c"),
                                     .channel_versions = &version,
                                     .channel_version_count = 1,
                                     .channel_values = &value,
                                     .channel_value_count = 1};
    saver_client_t *s = saver_open(w, NULL);
    saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
    text_t expected = {0};
    cairn_checkpoint_tuple_t tuple = {
        .ref = ref("t", "", "c"), .checkpoint = checkpoint, .metadata = cairn_str("{}")};
    text_add_tuple(&expected, &tuple);
    assert_true(strcmp(saver_get(s, latest()), text_chars(&expected)) == 0);
    text_free(&expected);
    free(bytes);
}

static void a_submit_consumes_its_arguments(world_t *w)
{
    char id[] = "c1";
    char words[] = "a@1=x b@1=y";
    char metadata[] = "{\"k\":1}";
    char writes[] = "a=x";
    saver_client_t *s = saver_open(w, NULL);
    ask_t *put = saver_ask(s);
    ask_t *write = saver_ask(s);
    ask_t *get = saver_ask(s);
    assert_status(ask_put(put, &(put_words_t){.id = id, .channels = words, .metadata = metadata}),
                  0);
    assert_status(ask_write(write, &(write_words_t){.at = id, .task = id, .writes = writes}), 0);
    assert_status(ask_get(get, at(id), NULL), 0);
    memset(id, '#', sizeof id - 1);
    memset(words, '#', sizeof words - 1);
    memset(metadata, '#', sizeof metadata - 1);
    memset(writes, '#', sizeof writes - 1);
    ask_await(put, 0);
    ask_await(write, 0);
    ask_await(get, 0);
    assert_string_equal(text_chars(&get->text), "c1 a@1=x b@1=y {\"k\":1} [c1.0 a=x]");
}

static void operations_of_one_handle_take_effect_in_the_order_of_submits(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *asks[7];
    for (int i = 0; i < 7; i++) asks[i] = saver_ask(s);
    assert_status(ask_get(asks[0], latest(), NULL), 0);
    assert_status(ask_put(asks[1], &(put_words_t){.id = "c1", .channels = "a@1=x"}), 0);
    assert_status(ask_get(asks[2], latest(), NULL), 0);
    assert_status(ask_put(asks[3], &(put_words_t){.id = "c2", .channels = "a@1"}), 0);
    assert_status(ask_get(asks[4], latest(), NULL), 0);
    assert_status(ask_delete_thread(asks[5], cairn_str("t")), 0);
    assert_status(ask_get(asks[6], latest(), NULL), 0);
    for (int i = 0; i < 7; i++) ask_await(asks[i], 0);
    assert_string_equal(text_chars(&asks[0]->text), "none");
    assert_string_equal(text_chars(&asks[2]->text), "c1 a@1=x");
    assert_string_equal(text_chars(&asks[4]->text), "c2 a@1=x");
    assert_int_equal(asks[5]->count, 2);
    assert_string_equal(text_chars(&asks[6]->text), "none");
}

/* Two states of one checkpoint, put in turns while it is read: never a mixture. */
static void a_reader_sees_all_of_a_put_or_none(world_t *w)
{
    enum {
        ROUNDS = 50
    };
    saver_client_t *s = saver_open(w, NULL);
    ask_t *asks[2 * ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        put_words_t one = {
            .id = "c", .channels = "a@1=x b@1=x c@1=x", .parent = "p1", .metadata = "{\"n\":1}"};
        put_words_t two = {.id = "c", .channels = "a@2=y", .parent = "p2"};
        asks[2 * i] = saver_ask(s);
        asks[2 * i + 1] = saver_ask(s);
        assert_status(ask_put(asks[2 * i], i % 2 ? &one : &two), 0);
        assert_status(ask_get(asks[2 * i + 1], i % 3 ? latest() : at("c"), NULL), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        ask_await(asks[2 * i], 0);
        ask_await(asks[2 * i + 1], 0);
        assert_string_equal(text_chars(&asks[2 * i + 1]->text),
                            i % 2 ? "c <p1 a@1=x b@1=x c@1=x {\"n\":1}" : "c <p2 a@2=y");
    }
}

static void the_same_put_twice_is_the_same_as_once(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 2; i++) {
        saver_put(s, "c1", "a@1=x", .parent = "c0", .metadata = "{\"k\":1}", .run_id = "r");
        assert_get(s, latest(), "c1 <c0 a@1=x {\"k\":1}");
    }
    assert_list(s, "c1", .thread_id = cairn_str("t"));
    assert_int_equal(saver_delete_run(s, "r"), 1);
}

const scenario_t saver_put_scenarios[] = {
    SCENARIO(a_checkpoint_is_stored_under_its_own_id_with_the_configs_as_parent),
    SCENARIO(a_parent_need_not_be_there),
    SCENARIO(forks_have_the_same_parent),
    SCENARIO(put_asks_for_the_ids_it_cannot_do_without),
    SCENARIO(an_unchanged_channel_is_found_under_its_version),
    SCENARIO(an_empty_channel_is_left_out_on_load),
    SCENARIO(a_delta_is_left_out_on_load),
    SCENARIO(a_channel_missing_from_channel_versions_never_appears),
    SCENARIO(a_version_without_a_value_anywhere_is_no_value),
    SCENARIO(values_are_of_one_thread_and_namespace),
    SCENARIO(of_a_channel_that_comes_twice_the_last_counts),
    SCENARIO(values_come_in_the_order_of_channel_versions),
    SCENARIO(what_was_read_can_be_put_again),
    SCENARIO(versions_are_opaque),
    SCENARIO(a_version_once_written_is_not_rewritten),
    SCENARIO(forks_never_share_a_version_that_cairn_made),
    SCENARIO(putting_an_id_again_replaces_checkpoint_and_metadata),
    SCENARIO(putting_an_id_again_keeps_its_pending_writes),
    SCENARIO(metadata_is_kept_custom_keys_and_all),
    SCENARIO(absent_and_empty_metadata_is_an_empty_object),
    SCENARIO(metadata_that_is_no_json_object_is_refused),
    SCENARIO(the_run_id_is_indexed_when_given),
    SCENARIO(a_run_id_may_be_escaped_in_the_metadata),
    SCENARIO(putting_an_id_again_moves_it_to_its_new_run),
    SCENARIO(everything_of_a_checkpoint_comes_back),
    SCENARIO(updated_channels_unknown_is_not_none),
    SCENARIO(a_large_value_comes_back_whole),
    SCENARIO(a_submit_consumes_its_arguments),
    SCENARIO(operations_of_one_handle_take_effect_in_the_order_of_submits),
    SCENARIO(a_reader_sees_all_of_a_put_or_none),
    SCENARIO(the_same_put_twice_is_the_same_as_once),
    {NULL, NULL},
};
