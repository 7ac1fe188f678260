/* Rules 10-15: put_writes. */
#include "saver_suite.h"

/* ---- 10, 11: keys ---- */

static void a_write_is_keyed_by_task_and_position_in_the_call(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "a=x b=y a=z");
    saver_write(s, "c", "t2", "a=w");
    assert_get(s, at("c"), "c [t1.0 a=x] [t1.1 b=y] [t1.2 a=z] [t2.0 a=w]");
}

static void special_channels_have_an_index_of_their_own(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "a=x __error__=e __scheduled__=s __interrupt__=i __resume__=r b=y");
    assert_get(s, at("c"),
               "c [t1.-4 __resume__=r] [t1.-3 __interrupt__=i] [t1.-2 __scheduled__=s] "
               "[t1.-1 __error__=e] [t1.0 a=x] [t1.5 b=y]");
}

static void almost_special_channels_are_ordinary(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "__error=1 __ERROR__=2 __error__x=3 __pregel_tasks=4");
    assert_get(s, at("c"),
               "c [t1.0 __error=1] [t1.1 __ERROR__=2] [t1.2 __error__x=3] [t1.3 __pregel_tasks=4]");
}

/* ---- 12: who wins ---- */

static void the_first_write_of_an_index_wins(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "a=first b=first");
    saver_write(s, "c", "t1", "a=second c=second d=new");
    assert_get(s, at("c"), "c [t1.0 a=first] [t1.1 b=first] [t1.2 d=new]");
}

static void the_last_write_of_a_special_channel_wins(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "__error__=first __interrupt__=kept");
    saver_write(s, "c", "t1", "__error__=second");
    saver_write(s, "c", "t1", "__resume__=one __resume__=two", .path = "later");
    assert_get(
        s, at("c"),
        "c [t1.-4 __resume__=two later] [t1.-3 __interrupt__=kept] [t1.-1 __error__=second]");
}

static void who_wins_is_decided_write_by_write(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "a=1 __error__=1", .path = "p1");
    saver_write(s, "c", "t1", "a=2 __error__=2 b=2", .path = "p2");
    assert_get(s, at("c"), "c [t1.-1 __error__=2 p2] [t1.0 a=1 p1] [t1.2 b=2 p2]");
}

static void the_same_writes_twice_are_the_same_as_once(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    for (int i = 0; i < 2; i++) saver_write(s, "c", "t1", "a=x __error__=y");
    assert_get(s, at("c"), "c [t1.-1 __error__=y] [t1.0 a=x]");
}

/* ---- 13: before the checkpoint ---- */

static void writes_may_come_before_their_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_write(s, "c", "t1", "a=x");
    assert_none(s, at("c"));
    assert_none(s, latest());
    assert_list(s, "", .thread_id = cairn_str("t"));
    saver_put(s, "c", "a@1=y");
    assert_get(s, at("c"), "c a@1=y [t1.0 a=x]");
    saver_write(s, "c", "t2", "b=z");
    assert_get(s, latest(), "c a@1=y [t1.0 a=x] [t2.0 b=z]");
}

static void neither_writes_nor_checkpoint_erase_the_other_however_they_come(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *asks[40];
    for (int i = 0; i < 40; i += 2) {
        char id[] = {(char)('a' + i / 2), '\0'};
        put_words_t put = {.id = id, .channels = "a@1=x"};
        write_words_t write = {.at = id, .task = "t1", .writes = "a=y"};
        asks[i] = saver_ask(s);
        asks[i + 1] = saver_ask(s);
        if (i % 4) assert_status(ask_put(asks[i], &put), 0);
        assert_status(ask_write(asks[i + 1], &write), 0);
        if (i % 4 == 0) assert_status(ask_put(asks[i], &put), 0);
    }
    for (int i = 0; i < 40; i++) ask_await(asks[i], 0);
    for (int i = 0; i < 20; i++) {
        char id[] = {(char)('a' + i), '\0'};
        char expected[] = "? a@1=x [t1.0 a=y]";
        expected[0] = id[0];
        assert_get(s, at(id), expected);
    }
}

/* ---- 14: order, path ---- */

static void pending_writes_come_by_task_and_index(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t2", "a=1 b=2 c=3 d=4 e=5 f=6 g=7 h=8 i=9 j=10 k=11 __error__=e");
    saver_write(s, "c", "t10", "a=1");
    saver_write(s, "c", "t1", "a=1 __resume__=r");
    saver_write(s, "c", "", "a=0");
    assert_get(s, at("c"),
               "c [''.0 a=0] [t1.-4 __resume__=r] [t1.0 a=1] [t10.0 a=1] [t2.-1 __error__=e] "
               "[t2.0 a=1] [t2.1 b=2] [t2.2 c=3] [t2.3 d=4] [t2.4 e=5] [t2.5 f=6] [t2.6 g=7] "
               "[t2.7 h=8] [t2.8 i=9] [t2.9 j=10] [t2.10 k=11]");
}

static void hundreds_of_writes_of_one_call_come_in_order(world_t *w)
{
    enum {
        MANY = 500
    };
    saver_client_t *s = saver_open(w, NULL);
    cairn_write_t writes[MANY];
    cairn_value_t value = cairn_value(cairn_str(TEXT_TYPE), cairn_str("x"));
    text_t expected = {0};
    text_add(&expected, "c");
    for (int i = 0; i < MANY; i++) {
        writes[i] = (cairn_write_t){cairn_str("a"), value};
        text_add(&expected, " [t1.%d a=x]", i);
    }
    cairn_task_writes_t task = {cairn_str("t1"), cairn_str(NULL), writes, MANY};
    saver_put(s, "c", "");
    saver_write_raw(s, at("c"), &task);
    assert_get(s, at("c"), text_chars(&expected));
    text_free(&expected);
}

static void the_task_path_is_stored(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_write(s, "c", "t1", "a=x", .path = "~__pregel_pull");
    saver_write(s, "c", "t2", "a=x", .path = "");
    assert_get(s, at("c"), "c [t1.0 a=x \\x7e__pregel_pull] [t2.0 a=x]");
}

/* ---- 15: whose they are ---- */

static void a_new_checkpoint_starts_with_no_pending_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_write(s, "c1", "t1", "a=y");
    saver_put(s, "c2", "a@2=y", .parent = "c1");
    assert_get(s, at("c2"), "c2 <c1 a@2=y");
    assert_get(s, at("c1"), "c1 a@1=x [t1.0 a=y]");
}

static void writes_are_of_one_thread_and_namespace(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "");
    saver_put(s, "c", "", .ns = "n");
    saver_put(s, "c", "", .thread = "u");
    saver_write(s, "c", "t1", "a=root");
    saver_write(s, "c", "t1", "a=below", .ns = "n");
    saver_write(s, "c", "t1", "a=other", .thread = "u");
    assert_get(s, at("c"), "c [t1.0 a=root]");
    assert_get(s, ref("t", "n", "c"), "t/n/c [t1.0 a=below]");
    assert_get(s, ref("u", NULL, "c"), "u//c [t1.0 a=other]");
}

/* ---- arguments ---- */

static void no_writes_end_with_0_and_leave_nothing(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_write(s, "c", "t1", "");
    assert_none(s, at("c"));
    assert_int_equal(saver_thread_ttl(s, "t"), CAIRN_TTL_ABSENT);
    saver_put(s, "c", "a@1=x");
    saver_write(s, "c", "t1", "");
    assert_get(s, at("c"), "c a@1=x");
}

static void put_writes_asks_for_the_ids_it_cannot_do_without(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    ask_t *ask = s->own;
    write_words_t words = {.at = NULL, .task = "t1", .writes = "a=x"};
    assert_refused(ask, ask_write(ask, &words), UV_EINVAL, "checkpoint_id");
    words = (write_words_t){.at = "c", .task = NULL, .writes = "a=x"};
    assert_refused(ask, ask_write(ask, &words), UV_EINVAL, "task_id");
    cairn_checkpoint_ref_t nowhere = ref(NULL, NULL, "c");
    cairn_task_writes_t task = {.task_id = cairn_str("t1")};
    cairn_ttl_t nothing_said = {0};
    assert_refused(ask, ask_write_raw(ask, &nowhere, &task, nothing_said), UV_EINVAL, "thread_id");
    cairn_checkpoint_ref_t place = at("c");
    task.count = 1;
    assert_refused(ask, ask_write_raw(ask, &place, &task, nothing_said), UV_EINVAL, "writes");
}

const scenario_t saver_write_scenarios[] = {
    SCENARIO(a_write_is_keyed_by_task_and_position_in_the_call),
    SCENARIO(special_channels_have_an_index_of_their_own),
    SCENARIO(almost_special_channels_are_ordinary),
    SCENARIO(the_first_write_of_an_index_wins),
    SCENARIO(the_last_write_of_a_special_channel_wins),
    SCENARIO(who_wins_is_decided_write_by_write),
    SCENARIO(the_same_writes_twice_are_the_same_as_once),
    SCENARIO(writes_may_come_before_their_checkpoint),
    SCENARIO(neither_writes_nor_checkpoint_erase_the_other_however_they_come),
    SCENARIO(pending_writes_come_by_task_and_index),
    SCENARIO(hundreds_of_writes_of_one_call_come_in_order),
    SCENARIO(the_task_path_is_stored),
    SCENARIO(a_new_checkpoint_starts_with_no_pending_writes),
    SCENARIO(writes_are_of_one_thread_and_namespace),
    SCENARIO(no_writes_end_with_0_and_leave_nothing),
    SCENARIO(put_writes_asks_for_the_ids_it_cannot_do_without),
    {NULL, NULL},
};
