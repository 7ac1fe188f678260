#include "nodes.h"
#include "outage.h"
#include "saver.h"
#include "slot.h"
#include "store_work.h"
#include "top.h"
#include <stdlib.h>
#include <string.h>

enum {
    MASTERS = 2
};

static nodes_t nodes;

static int start_nodes(void **state)
{
    (void)state;
    if (nodes_start(&nodes, MASTERS, NULL) < 0) fail_msg("%s", nodes.error);
    return 0;
}

static int stop_nodes(void **state)
{
    (void)state;
    nodes_stop(&nodes);
    return 0;
}

static void ask(unsigned node, const char *command, char *reply, size_t size)
{
    if (server_ask(&nodes.servers[node], command, reply, size) < 0)
        fail_msg("%s: %s", command, nodes.servers[node].error);
}

static long keys_on(unsigned node)
{
    char reply[64];
    ask(node, "DBSIZE", reply, sizeof reply);
    return strtol(reply, NULL, 10);
}

static void clear(void)
{
    if (nodes_tell(&nodes, "FLUSHALL") < 0) fail_msg("%s", nodes.error);
}

static void a_slot_is_what_a_node_says(void **state)
{
    (void)state;
    static const char *const keys[] = {"a", "123456789", "users:u7"};
    char command[96], reply[64];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(command, sizeof command, "CLUSTER KEYSLOT %s", keys[i]);
        ask(0, command, reply, sizeof reply);
        assert_int_equal(slot_of(keys[i], strlen(keys[i])), strtol(reply, NULL, 10));
    }
    assert_int_equal(slot_of("123456789", 9), 0x31c3);
    assert_int_equal(slot_of("", 0), 0);
}

/* Others would answer MOVED. */
static void masters_share_the_slots_as_it_is_said(void **state)
{
    (void)state;
    char command[96], reply[64];
    for (unsigned i = 0; i < 200; i++) {
        const int len = snprintf(command, sizeof command, "SET key-%u x", i);
        const size_t key = strlen("SET "), key_len = (size_t)len - key - strlen(" x");
        ask(slot_owner(slot_of(command + key, key_len), MASTERS), command, reply, sizeof reply);
        assert_string_equal(reply, "OK");
    }
    clear();
}

static void items_of_both_clients_are_spread(void **state)
{
    (void)state;
    static const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        for (int op = 0; op < STORE_SEARCH; op++) {
            store_work_t work = short_run(nodes.url, clients[i], (store_op_t)op);
            work.batch = op == STORE_MIX ? 16 : 1;
            assert_row(run(&work), &work, "redis", "tcp");
            assert_true(keys_on(0) > ITEMS / 10);
            assert_true(keys_on(1) > ITEMS / 10);
            clear();
        }
    }
}

static void checkpoints_of_both_clients_are_spread(void **state)
{
    (void)state;
    static const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    static saver_result_t saver_result;
    for (size_t i = 0; i < 2 * sizeof clients / sizeof *clients; i++) {
        saver_config_t config;
        saver_bench_init(&config);
        config.url = nodes.url;
        config.client = clients[i / 2];
        config.op = i % 2 ? SAVER_GET : SAVER_AGENT;
        config.channels = 3;
        config.window = 16;
        config.warmup_s = 0.02;
        config.duration_s = 0.1;
        config.keep = true;
        if (saver_bench_run(&config, &saver_result, error) < 0) fail_msg("%s", error);
        assert_true(saver_result.row.msgs_per_s > 0);
        assert_true(keys_on(0) > 0);
        assert_true(keys_on(1) > 0);
        clear();
    }
}

static void a_node_that_is_gone_is_told(void **state)
{
    (void)state;
    nodes_t own;
    if (nodes_start(&own, 1, NULL) < 0) fail_msg("%s", own.error);
    char url[sizeof own.url + 16];
    snprintf(url, sizeof url, "%s,127.0.0.1:1", own.url);
    const store_work_t work = short_run(url, &client_hiredis, STORE_GET);
    assert_fails(&work, "Connection refused");
    nodes_stop(&own);
}

/* With all their keys, and for everybody. */
static void slots_move_with_what_is_in_them(void **state)
{
    (void)state;
    enum {
        FIRST = 12000, /* of the second */
        COUNT = 100,
        KEYS = 2000
    };
    char command[96], reply[64];
    long in_them = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        const int len = snprintf(command, sizeof command, "key-%u", i);
        const unsigned slot = slot_of(command, (size_t)len);
        in_them += slot >= FIRST && slot < FIRST + COUNT;
        snprintf(command, sizeof command, "SET key-%u x", i);
        ask(slot_owner(slot, MASTERS), command, reply, sizeof reply);
    }
    const long before = keys_on(0), all = keys_on(0) + keys_on(1);
    assert_int_equal(all, KEYS);
    assert_true(in_them > 0);
    assert_int_equal(nodes_move(&nodes, FIRST, COUNT, 1, 0), 0);
    assert_int_equal(keys_on(0), before + in_them);
    assert_int_equal(keys_on(0) + keys_on(1), all);
    assert_int_equal(nodes_move(&nodes, FIRST, COUNT, 0, 1), 0);
    assert_int_equal(keys_on(0), before);
    assert_int_equal(nodes_move(&nodes, FIRST, 1, 0, 1), -1);
    assert_non_null(strstr(nodes.error, "moving slots"));
    clear();
}

/* Requests about the one that is lost are told apart, and the cluster is whole again behind it. */
static void a_node_is_lost_while_others_work(void **state)
{
    (void)state;
    static outage_result_t outage;
    for (int round = 0; round < 4; round++) {
        const outage_work_t work = {
            .name = "outage",
            .nodes = &nodes,
            .node = MASTERS - 1,
            .happens = round % 2 == 1,
            .window = 8,
            .value = 64,
            .warmup_s = 0.02,
            .duration_s = 0.5,
        };
        if (outage_run(&work, &outage, error) < 0) fail_msg("%s", error);
        assert_true(outage.row.msgs_per_s > 0);
        assert_true(outage.row.p99_us > 0);
        assert_int_equal(outage.lost_failed > 0, work.happens);
        assert_int_equal(outage.lost_done > 0, !work.happens);
        clear();
    }
}

/* A row a node, and one for whoever is asked for the map. */
static void top_shows_every_node(void **state)
{
    (void)state;
    char *text = NULL, why[LINK_ERROR_MAX] = "";
    size_t size = 0;
    const top_config_t config = {.url = nodes.url, .count = 1, .interval_ms = 500};
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(top_run(&config, out, why), 0);
    fclose(out);
    size_t masters = 0, seeds = 0;
    for (const char *at = text; (at = strstr(at, "\nmaster ")); at++) masters++;
    for (const char *at = text; (at = strstr(at, "\nseed ")); at++) seeds++;
    assert_int_equal(masters, MASTERS);
    assert_int_equal(seeds, 1);
    free(text);
}

static void a_number_of_masters_that_cannot_be(void **state)
{
    (void)state;
    nodes_t own;
    assert_int_equal(nodes_start(&own, 0, NULL), -1);
    assert_int_equal(nodes_start(&own, NODES_MAX + 1, NULL), -1);
    assert_string_not_equal(own.error, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_is_what_a_node_says),
        cmocka_unit_test(masters_share_the_slots_as_it_is_said),
        cmocka_unit_test(items_of_both_clients_are_spread),
        cmocka_unit_test(checkpoints_of_both_clients_are_spread),
        cmocka_unit_test(a_node_that_is_gone_is_told),
        cmocka_unit_test(slots_move_with_what_is_in_them),
        cmocka_unit_test(a_node_is_lost_while_others_work),
        cmocka_unit_test(top_shows_every_node),
        cmocka_unit_test(a_number_of_masters_that_cannot_be),
    };
    return cmocka_run_group_tests_name("bench: nodes of a cluster", tests, start_nodes, stop_nodes);
}
