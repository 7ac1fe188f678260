/* Rule 28: shallow mode. */
#include "saver_suite.h"

#include <stdlib.h>

static const cairn_saver_options_t shallow = {.shallow = true};

static void shallow_keeps_only_the_latest_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, &shallow);
    saver_put(s, "c1", "a@1=x b@1=y");
    saver_write(s, "c1", "t1", "a=1");
    saver_put(s, "c2", "a@2=z b@1", .parent = "c1");
    assert_get(s, latest(), "c2 <c1 a@2=z b@1=y");
    assert_none(s, at("c1"));
    assert_list(s, "c2", .headers_only = true);
    saver_put(s, "c3", "a@1 b@1", .parent = "c2");
    assert_get(s, latest(), "c3 <c2 a@1 b@1=y");
}

static void shallow_is_per_thread_and_namespace(world_t *w)
{
    saver_client_t *s = saver_open(w, &shallow);
    for (int i = 1; i <= 3; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "");
        saver_put(s, id, "", .ns = "n");
        saver_put(s, id, "", .thread = "u");
    }
    assert_list(s, "c3", .thread_id = cairn_str("t"), .checkpoint_ns = cairn_str(""));
    assert_list(s, "t/n/c3", .thread_id = cairn_str("t"), .checkpoint_ns = cairn_str("n"));
    assert_list(s, "u//c3", .thread_id = cairn_str("u"));
}

static void shallow_latest_is_the_greatest_id_all_the_same(world_t *w)
{
    saver_client_t *s = saver_open(w, &shallow);
    saver_put(s, "c2", "a@1=x");
    saver_put(s, "c1", "a@1 b@1=y");
    assert_get(s, latest(), "c2 a@1=x");
    assert_none(s, at("c1"));
    saver_put(s, "c3", "b@1");
    assert_get(s, latest(), "c3 b@1");
}

static void shallow_keeps_writes_that_come_before_their_checkpoint(world_t *w)
{
    saver_client_t *s = saver_open(w, &shallow);
    saver_write(s, "c2", "t1", "a=1");
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    assert_get(s, latest(), "c2 [t1.0 a=1]");
    saver_write(s, "c2", "t1", "__error__=e");
    saver_put(s, "c2", "a@1=x");
    assert_get(s, latest(), "c2 a@1=x [t1.-1 __error__=e] [t1.0 a=1]");
}

static void shallow_leaves_nothing_of_what_it_dropped(world_t *w)
{
    saver_client_t *s = saver_open(w, &shallow);
    saver_put(s, "c1", "a@1=x", .run_id = "r1");
    saver_write(s, "c1", "t1", "a=1");
    saver_put(s, "c2", "a@2=y", .run_id = "r2");
    assert_int_equal(saver_delete_run(s, "r1"), 0);
    assert_int_equal(saver_delete_run(s, "r2"), 1);
    saver_assert_empty(s);
}

static void shallow_is_an_option_of_the_saver_not_of_the_data(world_t *w)
{
    saver_client_t *deep = saver_open(w, NULL);
    saver_client_t *s = saver_beside(deep, &shallow);
    saver_put(deep, "c1", "");
    saver_put(deep, "c2", "");
    assert_list(s, "c2 c1", .headers_only = true);
    saver_put(s, "c3", "");
    assert_list(deep, "c3", .headers_only = true);
    saver_put(deep, "c4", "");
    assert_list(s, "c4 c3", .headers_only = true);
}

static void a_handle_may_be_opened_shallow(world_t *w)
{
    saver_open(w, NULL);
    client_t *client = world_client(w);
    cairn_options_t *options = malloc(sizeof *options);
    assert_non_null(options);
    cairn_options_init(options);
    assert_status(cairn_options_from_url(options, w->url, NULL), 0);
    options->shallow = 1;
    assert_status(cairn_open(&client->cairn, &w->loop, options, NULL), 0);
    client->open = true;
    free(options);
    saver_client_t *s = saver_on(client);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "");
    assert_list(s, "c2", .headers_only = true);
}

const scenario_t saver_shallow_scenarios[] = {
    SCENARIO(shallow_keeps_only_the_latest_checkpoint),
    SCENARIO(shallow_is_per_thread_and_namespace),
    SCENARIO(shallow_latest_is_the_greatest_id_all_the_same),
    SCENARIO(shallow_keeps_writes_that_come_before_their_checkpoint),
    SCENARIO(shallow_leaves_nothing_of_what_it_dropped),
    SCENARIO(shallow_is_an_option_of_the_saver_not_of_the_data),
    SCENARIO(a_handle_may_be_opened_shallow),
    {NULL, NULL},
};
