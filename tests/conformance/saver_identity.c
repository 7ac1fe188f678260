/* Rules 1-3: what a checkpoint is called, and in which order they are. */
#include "saver_suite.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- 1: (thread_id, checkpoint_ns, checkpoint_id) ---- */

static void a_checkpoint_is_thread_namespace_and_id(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "a@1=here", .thread = "t", .ns = "n");
    saver_put(s, "c", "a@1=elsewhere", .thread = "u", .ns = "n");
    saver_put(s, "c", "a@1=below", .thread = "t", .ns = "m");
    saver_put(s, "d", "a@2=later", .thread = "t", .ns = "n");
    assert_get(s, ref("t", "n", "c"), "t/n/c a@1=here");
    assert_get(s, ref("u", "n", "c"), "u/n/c a@1=elsewhere");
    assert_get(s, ref("t", "m", "c"), "t/m/c a@1=below");
    assert_get(s, ref("t", "n", "d"), "t/n/d a@2=later");
    assert_none(s, ref("u", "m", "c"));
    assert_none(s, ref("u", "n", "d"));
}

static void an_absent_namespace_is_the_root_for_put_writes_and_get(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "a@1=x", .ns = NULL);
    saver_put(s, "d", "a@2=y", .ns = "");
    saver_write(s, "c", "task", "a=1", .ns = "");
    saver_write(s, "d", "task", "a=2", .ns = NULL);
    assert_get(s, ref("t", "", "c"), "c a@1=x [task.0 a=1]");
    assert_get(s, ref("t", NULL, "c"), "c a@1=x [task.0 a=1]");
    assert_get(s, ref("t", "", "d"), "d a@2=y [task.0 a=2]");
    assert_get(s, ref("t", NULL, NULL), "d a@2=y [task.0 a=2]");
    assert_none(s, ref("t", "n", "c"));
}

/* ---- 2: order ---- */

static void latest_is_the_greatest_id_not_the_last_written(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c2", "");
    saver_put(s, "c9", "");
    saver_put(s, "c1", "");
    assert_get(s, latest(), "c9");
    saver_put(s, "c2", "");
    assert_get(s, latest(), "c9");
    assert_list(s, "c9 c2 c1", .thread_id = cairn_str("t"));
}

static void latest_is_of_one_thread_and_namespace(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "");
    saver_put(s, "c2", "", .ns = "n");
    saver_put(s, "c3", "", .thread = "u");
    assert_get(s, latest(), "c1");
    assert_get(s, ref("t", "n", NULL), "t/n/c2");
    assert_none(s, ref("t", "m", NULL));
    assert_none(s, thread("v"));
}

static void ids_are_ordered_bytewise(world_t *w)
{
    static const cairn_slice_t descending[] = {
        {"\xff\xff", 2}, {"\xff", 1}, {"\x80", 1}, {"\x7f", 1}, {"b", 1},
        {"a\x01", 2},    {"a\0b", 3}, {"a\0", 2},  {"a", 1},    {"B", 1},
        {"9", 1},        {"10", 2},   {"\0\0", 2}, {"\0", 1},   {"", 0},
    };
    static const size_t order[] = {7, 0, 14, 3, 10, 1, 12, 5, 9, 2, 13, 4, 11, 6, 8};
    saver_client_t *s = saver_open(w, NULL);
    size_t greatest = 14;
    for (size_t i = 0; i < 15; i++) {
        cairn_checkpoint_t checkpoint = {.id = descending[order[i]]};
        saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
        if (order[i] < greatest) greatest = order[i];
        text_t expected = {0};
        text_add_id(&expected, descending[greatest]);
        assert_get(s, latest(), text_chars(&expected));
        text_free(&expected);
    }
    assert_list(s,
                "\\xff\\xff \\xff \\x80 \\x7f b a\\x01 a\\x00b a\\x00 a B 9 10 \\x00\\x00 \\x00 ''",
                .thread_id = cairn_str("t"));
}

static void ids_that_cairn_makes_are_in_the_order_they_were_made(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_uuid6_t maker = {0};
    text_t expected = {0};
    char ids[20][CAIRN_UUID6_SIZE];
    for (int i = 0; i < 20; i++) {
        assert_status(cairn_uuid6_next(&maker, i, ids[i]), 0);
        saver_put(s, ids[i], "a@1=x", .parent = i > 0 ? ids[i - 1] : NULL);
        text_t found = {0};
        text_add(&found, "%s%s%s a@1=x", ids[i], i > 0 ? " <" : "", i > 0 ? ids[i - 1] : "");
        assert_get(s, latest(), text_chars(&found));
        text_free(&found);
    }
    for (int i = 19; i >= 0; i--) text_add(&expected, "%s%s", ids[i], i > 0 ? " " : "");
    assert_list(s, text_chars(&expected), .thread_id = cairn_str("t"));
    text_free(&expected);
}

/* ---- 3: any byte string ---- */

/* Whatever a backend may put between the parts of a key, take for a pattern, or escape with. */
static const cairn_slice_t awkward[] = {
    {"", 0},    {"\0", 1}, {"\0\0", 2},      {":", 1},    {"::", 2},   {"a:", 2},   {":a", 2},
    {"a:b", 3}, {"|", 1},  {"{", 1},         {"}", 1},    {"{}", 2},   {"{a}", 3},  {"}{", 2},
    {"*", 1},   {"?", 1},  {"[a]", 3},       {"%", 1},    {"%25", 3},  {"%00", 3},  {"%3A", 3},
    {"%3a", 3}, {"\\", 1}, {"/", 1},         {"\r\n", 2}, {" ", 1},    {"\xff", 1}, {"\xc3\xbc", 2},
    {"a", 1},   {"A", 1},  {"__empty__", 9}, {"$", 1},    {"'", 1},    {"\"", 1},   {"-1", 2},
    {"0", 1},   {"(a", 2}, {"+", 1},         {"-", 1},    {"a\0b", 3},
};

enum {
    AWKWARD = sizeof awkward / sizeof *awkward
};

/* One checkpoint all of whose parts are awkward. */
static void put_awkward(saver_client_t *s, cairn_checkpoint_ref_t parent, cairn_slice_t id,
                        cairn_slice_t part, const char *value)
{
    cairn_channel_version_t versions[] = {{part, id}};
    cairn_channel_value_t values[] = {
        {part, id, CAIRN_CHANNEL_VALUE, cairn_value(part, cairn_str(value))}};
    cairn_version_seen_t seen[] = {{part, part, part}};
    cairn_checkpoint_t checkpoint = {
        .id = id,
        .ts = part,
        .channel_versions = versions,
        .channel_version_count = 1,
        .channel_values = values,
        .channel_value_count = 1,
        .versions_seen = seen,
        .version_seen_count = 1,
        .updated_channels = &part,
        .updated_channel_count = 1,
        .extra = cairn_value(part, part),
    };
    saver_put_raw(s, parent, &checkpoint, cairn_str(NULL));
    cairn_write_t writes[] = {{part, cairn_value(part, part)}, {part, cairn_value(part, part)}};
    cairn_task_writes_t task = {part, part, writes, 2};
    cairn_checkpoint_ref_t at_it = {parent.thread_id, parent.checkpoint_ns, id};
    saver_write_raw(s, at_it, &task);
}

static void expect_awkward(text_t *out, cairn_checkpoint_ref_t at_it, cairn_slice_t parent,
                           cairn_slice_t part, const char *value)
{
    cairn_slice_t id = at_it.checkpoint_id;
    cairn_channel_version_t versions[] = {{part, id}};
    cairn_channel_value_t values[] = {
        {part, id, CAIRN_CHANNEL_VALUE, cairn_value(part, cairn_str(value))}};
    cairn_version_seen_t seen[] = {{part, part, part}};
    cairn_pending_write_t writes[] = {{part, part, 0, part, cairn_value(part, part)},
                                      {part, part, 1, part, cairn_value(part, part)}};
    cairn_checkpoint_tuple_t tuple = {
        .ref = at_it,
        .parent_id = parent,
        .checkpoint = {.id = at_it.checkpoint_id,
                       .ts = part,
                       .channel_versions = versions,
                       .channel_version_count = 1,
                       .channel_values = values,
                       .channel_value_count = 1,
                       .versions_seen = seen,
                       .version_seen_count = 1,
                       .updated_channels = &part,
                       .updated_channel_count = 1,
                       .extra = cairn_value(part, part)},
        .metadata = cairn_str("{}"),
        .pending_writes = writes,
        .pending_write_count = 2,
    };
    text_clear(out);
    text_add_tuple(out, &tuple);
}

static void any_bytes_make_an_id_of_every_kind(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    text_t expected = {0};
    for (size_t i = 0; i < AWKWARD; i++) {
        cairn_checkpoint_ref_t place = {awkward[i], awkward[i], awkward[i]};
        put_awkward(s, place, awkward[i], awkward[i], "x");
        expect_awkward(&expected, place, awkward[i], awkward[i], "x");
        assert_get(s, place, text_chars(&expected));
    }
    for (size_t i = 0; i < AWKWARD; i++) {
        cairn_checkpoint_ref_t place = {awkward[i], awkward[i], awkward[i]};
        expect_awkward(&expected, place, awkward[i], awkward[i], "x");
        assert_get(s, place, text_chars(&expected));
    }
    text_free(&expected);
}

/* Every combination of parts that could run into each other, each with a value of its own. */
static void no_two_checkpoints_ever_share_a_key(world_t *w)
{
    static const size_t some[] = {0, 1, 3, 5, 6, 7, 9, 17, 20, 28};
    enum {
        SOME = sizeof some / sizeof *some
    };
    saver_client_t *s = saver_open(w, NULL);
    text_t expected = {0};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < SOME * SOME * SOME; i++) {
            cairn_slice_t t = awkward[some[i % SOME]];
            cairn_slice_t n = awkward[some[i / SOME % SOME]];
            cairn_slice_t c = awkward[some[i / SOME / SOME]];
            char value[16];
            snprintf(value, sizeof value, "%zu", i);
            cairn_checkpoint_ref_t place = {t, n, c};
            if (round == 0) put_awkward(s, place, c, t, value);
            if (round == 0) continue;
            expect_awkward(&expected, place, c, t, value);
            assert_get(s, place, text_chars(&expected));
        }
    }
    text_free(&expected);
}

/* Channel and version of a value, task and index of a write: pairs as well. */
static void no_two_values_and_no_two_writes_ever_share_a_key(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    text_t expected = {0};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < AWKWARD; i++) {
            cairn_channel_version_t versions[AWKWARD];
            cairn_channel_value_t values[AWKWARD];
            cairn_write_t writes[2];
            char texts[AWKWARD][16];
            char id[16];
            snprintf(id, sizeof id, "c%zu", i);
            for (size_t k = 0; k < AWKWARD; k++) {
                snprintf(texts[k], sizeof texts[k], "%zu.%zu", i, k);
                cairn_value_t value = cairn_value(cairn_str(TEXT_TYPE), cairn_str(texts[k]));
                versions[k] = (cairn_channel_version_t){awkward[k], awkward[i]};
                values[k] = (cairn_channel_value_t){awkward[k], awkward[i], 0, value};
                if (k < 2) writes[k] = (cairn_write_t){cairn_str("a"), value};
            }
            cairn_checkpoint_t checkpoint = {.id = cairn_str(id),
                                             .channel_versions = versions,
                                             .channel_version_count = AWKWARD,
                                             .channel_values = values,
                                             .channel_value_count = AWKWARD};
            cairn_task_writes_t task = {awkward[i], cairn_str(NULL), writes, 2};
            if (round == 0) {
                saver_put_raw(s, latest(), &checkpoint, cairn_str(NULL));
                saver_write_raw(s, at("c0"), &task);
                continue;
            }
            cairn_checkpoint_tuple_t tuple = {
                .ref = ref("t", "", id), .checkpoint = checkpoint, .metadata = cairn_str("{}")};
            text_clear(&expected);
            text_add_tuple(&expected, &tuple);
            assert_contains(saver_get(s, at(id)), text_chars(&expected));
        }
    }
    assert_status(ask_get(s->own, at("c0"), NULL), 0);
    ask_await(s->own, 0);
    const char *found = text_chars(&s->own->text);
    size_t writes_found = 0;
    for (const char *next = found; (next = strstr(next, " a=")); next++) writes_found++;
    assert_int_equal(writes_found, 2 * AWKWARD);
    text_free(&expected);
}

static void an_empty_id_is_not_an_absent_one(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c", "", .thread = "");
    saver_put(s, "", "", .thread = "", .parent = "");
    assert_get(s, ref("", "", ""), "''//'' <''");
    assert_get(s, ref("", "", NULL), "''//c");
    assert_list(s, "''//''", .thread_id = cairn_str(""), .checkpoint_id = cairn_str(""));
    assert_int_equal(saver_delete_thread(s, ""), 2);
    assert_none(s, ref("", "", NULL));
}

/* ---- 3: the limit ---- */

static cairn_slice_t long_id(world_t *w, size_t len)
{
    char *id = malloc(len + 1);
    assert_non_null(id);
    memset(id, 'i', len);
    id[len] = '\0';
    w->names = realloc(w->names, (w->name_count + 1) * sizeof *w->names);
    assert_non_null(w->names);
    w->names[w->name_count++] = id;
    return cairn_slice(id, len);
}

static void ids_of_the_greatest_length_are_kept(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_slice_t id = long_id(w, CAIRN_ID_MAX);
    text_t expected = {0};
    cairn_checkpoint_ref_t place = {id, id, id};
    put_awkward(s, place, id, id, "x");
    expect_awkward(&expected, place, id, id, "x");
    assert_string_equal(saver_get(s, place), text_chars(&expected));
    assert_int_equal(saver_delete_thread(s, id.ptr), 1);
    text_free(&expected);
}

static int put_with(ask_t *ask, cairn_slice_t id, int where)
{
    cairn_slice_t fine = cairn_str("x");
    cairn_checkpoint_ref_t parent = {fine, fine, fine};
    cairn_channel_version_t version = {fine, fine};
    cairn_channel_value_t value = {fine, fine, CAIRN_CHANNEL_VALUE, cairn_value(fine, fine)};
    cairn_version_seen_t seen = {fine, fine, fine};
    cairn_slice_t updated = fine;
    cairn_saver_put_options_t options = {.run_id = fine};
    cairn_checkpoint_t checkpoint = {fine, fine,  1, &version, 1, &value,
                                     1,    &seen, 1, &updated, 1, {fine, fine}};
    cairn_slice_t *const places[] = {
        &parent.thread_id, &parent.checkpoint_ns, &parent.checkpoint_id,
        &checkpoint.id,    &version.channel,      &version.version,
        &value.channel,    &value.version,        &value.value.type,
        &seen.node,        &seen.channel,         &seen.version,
        &updated,          &options.run_id,
    };
    *places[where] = id;
    return ask_put_raw(ask, &parent, &checkpoint, cairn_str(NULL), &options);
}

static void an_id_too_long_is_refused_and_named_by_put(world_t *w)
{
    static const char *const names[] = {
        "thread_id", "checkpoint_ns", "checkpoint_id", "id",      "channel", "version", "channel",
        "version",   "value",         "node",          "channel", "version", "updated", "run_id",
    };
    saver_client_t *s = saver_open(w, NULL);
    cairn_slice_t id = long_id(w, CAIRN_ID_MAX + 1);
    for (int i = 0; i < (int)(sizeof names / sizeof *names); i++)
        assert_refused(s->own, put_with(s->own, id, i), CAIRN_ETOOBIG, names[i]);
    assert_list(s, "", .headers_only = true);
}

static void an_id_too_long_is_refused_and_named_by_the_others(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_slice_t id = long_id(w, CAIRN_ID_MAX + 1);
    ask_t *ask = s->own;
    cairn_checkpoint_ref_t place = at("c");
    cairn_write_t write = {cairn_str("a"), {{0}, {0}}};
    cairn_task_writes_t task = {id, cairn_str(NULL), &write, 1};
    cairn_ttl_t nothing_said = {0};
    assert_refused(ask, ask_write_raw(ask, &place, &task, nothing_said), CAIRN_ETOOBIG, "task_id");
    task = (cairn_task_writes_t){cairn_str("t"), id, &write, 1};
    assert_refused(ask, ask_write_raw(ask, &place, &task, nothing_said), CAIRN_ETOOBIG,
                   "task_path");
    write.channel = id;
    task.task_path = cairn_str(NULL);
    assert_refused(ask, ask_write_raw(ask, &place, &task, nothing_said), CAIRN_ETOOBIG, "channel");

    assert_refused(ask, ask_get(ask, (cairn_checkpoint_ref_t){id, id, id}, NULL), CAIRN_ETOOBIG,
                   "thread_id");
    cairn_saver_query_t query = {.thread_id = id};
    assert_refused(ask, ask_list(ask, &query), CAIRN_ETOOBIG, "thread_id");
    query = (cairn_saver_query_t){.checkpoint_ns = id};
    assert_refused(ask, ask_list(ask, &query), CAIRN_ETOOBIG, "checkpoint_ns");
    assert_refused(ask, ask_delete_thread(ask, id), CAIRN_ETOOBIG, "thread_id");
    assert_refused(ask, ask_delete_for_runs(ask, &id, 1), CAIRN_ETOOBIG, "run_id");
    cairn_saver_prune_options_t prune = {.thread_ids = &id, .thread_count = 1};
    assert_refused(ask, ask_prune(ask, &prune), CAIRN_ETOOBIG, "thread_id");
    assert_refused(ask, ask_copy(ask, id, cairn_str("u")), CAIRN_ETOOBIG, "thread_id");
    assert_refused(ask, ask_copy(ask, cairn_str("u"), id), CAIRN_ETOOBIG, "thread_id");
    assert_refused(ask, ask_history(ask, &place, &id, 1), CAIRN_ETOOBIG, "channel");
    assert_refused(ask, ask_ttl(ask, CAIRN_SCOPE_THREAD, (cairn_checkpoint_ref_t){.thread_id = id}),
                   CAIRN_ETOOBIG, "thread_id");
}

const scenario_t saver_identity_scenarios[] = {
    SCENARIO(a_checkpoint_is_thread_namespace_and_id),
    SCENARIO(an_absent_namespace_is_the_root_for_put_writes_and_get),
    SCENARIO(latest_is_the_greatest_id_not_the_last_written),
    SCENARIO(latest_is_of_one_thread_and_namespace),
    SCENARIO(ids_are_ordered_bytewise),
    SCENARIO(ids_that_cairn_makes_are_in_the_order_they_were_made),
    SCENARIO(any_bytes_make_an_id_of_every_kind),
    SCENARIO(no_two_checkpoints_ever_share_a_key),
    SCENARIO(no_two_values_and_no_two_writes_ever_share_a_key),
    SCENARIO(an_empty_id_is_not_an_absent_one),
    SCENARIO(ids_of_the_greatest_length_are_kept),
    SCENARIO(an_id_too_long_is_refused_and_named_by_put),
    SCENARIO(an_id_too_long_is_refused_and_named_by_the_others),
    {NULL, NULL},
};
