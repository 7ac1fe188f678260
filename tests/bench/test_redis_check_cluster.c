/* `cairn-bench check` of a cluster: what a saver keeps on its nodes is clean, whatever is done to
 * it from outside is told, and where not all can be seen nothing is said to be clean. */
#include "check.h"
#include "check_command.h"
#include "cluster.h"
#include "saver_client.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MASTERS = 3
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

static int try_to_look(const char *url, saver_check_t *found, char error[SAVER_CHECK_TEXT])
{
    const check_config_t config = {.url = url};
    return check_run(&config, found, error);
}

static saver_check_t look(void)
{
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    if (try_to_look(cluster_url(&cluster, NULL), &found, error) < 0) check_fail("%s", error);
    return found;
}

/* Threads on every node, with all kinds of keys, and a run that is in several slots. */
static saver_client_t *fill(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    clear();
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "thread %d", i);
        saver_put(s, "c1", "a@1=x b@1=y d@1~", .thread = name, .run_id = "r1");
        saver_put(s, "c2", "a@1 b@2=z", .thread = name, .parent = "c1",
                  .ttl = cairn_ttl_ms(1000000));
    }
    saver_put(s, "c1", "a@1=x", .thread = "t", .run_id = "r 1");
    return s;
}

static void what_a_saver_keeps_is_clean(world_t *w)
{
    fill(w);
    (void)cluster_ask(&cluster, cluster_owner(&cluster, cluster_slot("else")), "SET else x");
    saver_check_t found = look();
    if (found.orphans > 0) check_fail("%s", found.orphan[0]);
    assert_int_equal(found.others, 1);
    size_t keys = 0;
    for (int node = 0; node < MASTERS; node++)
        keys += strtoul(cluster_ask(&cluster, node, "DBSIZE"), NULL, 10);
    assert_int_equal(found.keys + found.others, keys);
}

static void what_was_deleted_or_dropped_leaves_nothing(world_t *w)
{
    saver_client_t *s = fill(w);
    saver_delete_thread(s, "thread 3");
    saver_delete_run(s, "r1");
    saver_check_t found = look();
    if (found.orphans > 0) check_fail("%s", found.orphan[0]);
    assert_true(found.keys > 0);
}

static void one_of_its_nodes_leads_to_all(world_t *w)
{
    saver_check_t all, found;
    char error[SAVER_CHECK_TEXT];
    fill(w);
    all = look();
    for (int node = 0; node < MASTERS; node++) {
        if (try_to_look(cluster_node_url(&cluster, node, NULL), &found, error) < 0)
            check_fail("%s", error);
        assert_int_equal(found.keys, all.keys);
        assert_int_equal(found.orphans, 0);
    }
}

/* ---- what is not as it was ---- */

/* The name of the list, "langgraph:checkpoints:" or "langgraph:checkpoint_run:", in a thread's
 * slot. */
static void list_in(const char *thread, const char *prefix, char *out, size_t size)
{
    redisReply *keys = cluster_keys(&cluster, cluster_slot(thread));
    *out = '\0';
    for (size_t i = 0; i < keys->elements; i++)
        if (strncmp(keys->element[i]->str, prefix, strlen(prefix)) == 0)
            snprintf(out, size, "%s", keys->element[i]->str);
    freeReplyObject(keys);
    assert_string_not_equal(out, "");
}

static void ask_about(const char *thread, const char *format, const char *key)
{
    char command[256];
    snprintf(command, sizeof command, format, key);
    (void)cluster_ask(&cluster, cluster_owner(&cluster, cluster_slot(thread)), command);
}

static void assert_told(const char *what, const char *why)
{
    saver_check_t found = look();
    for (size_t i = 0; i < found.orphans && i < SAVER_CHECK_FEW; i++)
        if (strstr(found.orphan[i], why)) return;
    check_fail("%s: %zu orphans, first %s, expected %s", what, found.orphans, found.orphan[0], why);
}

static void whatever_is_changed_is_told(world_t *w)
{
    static const struct {
        const char *prefix, *command, *why;
    } faults[] = {
        {"langgraph:checkpoints:", "DEL %s", "the list of all does not list it"},
        {"langgraph:checkpoints:", "ZADD %s 0 garbage", "lists what cannot be read"},
        {"langgraph:checkpoints:", "PEXPIRE %s 900000", "expires before what it lists"},
        {"langgraph:checkpoint_run:", "DEL %s", "its run does not list it"},
        {"langgraph:checkpoint_run:", "PEXPIRE %s 900000", "expires before what it lists"},
        {"langgraph:checkpoint:", "DEL %s", "lists"},
        {"langgraph:thread:", "DEL %s", "its thread does not list it"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char key[256];
        fill(w);
        list_in("t", faults[i].prefix, key, sizeof key);
        ask_about("t", faults[i].command, key);
        assert_told(faults[i].prefix, faults[i].why);
    }
}

static void a_list_in_the_wrong_slot_is_told(world_t *w)
{
    char from[256], command[512];
    fill(w);
    list_in("t", "langgraph:checkpoints:", from, sizeof from);
    const int owner = cluster_owner(&cluster, cluster_slot("t"));
    redisReply *members = cluster_command(&cluster, owner, "ZRANGE %s 0 0", from);
    assert_int_equal(members->elements, 1);
    snprintf(command, sizeof command, "langgraph:checkpoints:{other}");
    redisReply *added =
        cluster_command(&cluster, cluster_owner(&cluster, cluster_slot("other")), "ZADD %s 0 %b",
                        command, members->element[0]->str, members->element[0]->len);
    assert_int_equal(added->type, REDIS_REPLY_INTEGER);
    freeReplyObject(added);
    freeReplyObject(members);
    assert_told("another slot's list", "lists what is of another shard");
}

/* ---- where not all can be seen ---- */

static void slots_on_their_way_are_told(world_t *w)
{
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    fill(w);
    const unsigned slot = cluster_slot("t");
    const int to = (cluster_owner(&cluster, slot) + 1) % MASTERS;
    cluster_move_begin(&cluster, slot, to);
    assert_int_equal(try_to_look(cluster_url(&cluster, NULL), &found, error), -1);
    assert_contains(error, "slots are on their way");
    cluster_move_cancel(&cluster, slot, to);
    assert_int_equal(look().orphans, 0);
}

static void a_node_that_is_away_is_told(world_t *w)
{
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    fill(w);
    cluster_kill(&cluster, 1);
    assert_int_equal(try_to_look(cluster_node_url(&cluster, 0, NULL), &found, error), -1);
    assert_string_not_equal(error, "");
    cluster_restart(&cluster, 1);
    cluster_await_whole(&cluster);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_a_saver_keeps_is_clean),
    SCENARIO(what_was_deleted_or_dropped_leaves_nothing),
    SCENARIO(one_of_its_nodes_leads_to_all),
    SCENARIO(whatever_is_changed_is_told),
    SCENARIO(a_list_in_the_wrong_slot_is_told),
    SCENARIO(slots_on_their_way_are_told),
    SCENARIO(a_node_that_is_away_is_told),
};

int main(void)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    cluster_start(&cluster, &options);
    saver_backend.clear = clear;
    char url[1024];
    snprintf(url, sizeof url, "%s", cluster_url(&cluster, "cluster=yes"));
    int failures = SCENARIOS_RUN("bench: check of a cluster", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
