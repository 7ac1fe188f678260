/* Scripted nodes say what they are told to, in a form that is read. */
#include "scripted_cluster.h"

#include "check.h"
#include "redis_slots.h"

#include <stdio.h>
#include <string.h>

static uv_loop_t loop;
static scripted_cluster_t cluster;
static redis_slot_map_t map;

static int setup(void **state)
{
    (void)state;
    redis_slot_map_init(&map);
    scripted_cluster_open(&cluster, &loop, 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_slot_map_free(&map);
    scripted_cluster_close(&cluster);
    uv_run(&loop, UV_RUN_DEFAULT);
    return 0;
}

static const char *answer_of(int node, const char *command)
{
    for (scripted_rule_t *rule = cluster.nodes[node].rules; rule; rule = rule->next)
        if (strcmp(rule->command, command) == 0) return rule->reply;
    check_fail("node %d answers nothing to %s", node, command);
    return NULL;
}

static int read_map(int node, const char *command)
{
    static const redis_asked_t asked = {.host = {"asked", 5}, .port = 1};
    const char *bytes = answer_of(node, command);
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, strlen(bytes));
    int rc = strcmp(command, "CLUSTER SHARDS") == 0 ? redis_slots_read_shards(&reply, &asked, &map)
                                                    : redis_slots_read_slots(&reply, &asked, &map);
    if (rc == 0) assert_true(redis_reply_done(&reply));
    return rc;
}

static const char *const commands[] = {"CLUSTER SHARDS", "CLUSTER SLOTS"};

static void they_are_honest_at_first(void **state)
{
    (void)state;
    for (int node = 0; node < 3; node++) {
        for (size_t i = 0; i < 2; i++) {
            assert_status(read_map(node, commands[i]), 0);
            assert_int_equal(map.covered, REDIS_SLOTS);
            assert_int_equal(map.count, 3);
            assert_int_equal(redis_slot_map_owner(&map, 0)->place.port, cluster.nodes[0].port);
            assert_int_equal(redis_slot_map_owner(&map, 16383)->place.port, cluster.nodes[2].port);
        }
    }
    assert_string_equal(answer_of(1, "ASKING"), "+OK\r\n");
}

static void they_lie_when_told_to(void **state)
{
    (void)state;
    static const scripted_shard_t lies[] = {{.slots = "0-9 20", .host = "", .port = 7},
                                            {.slots = "", .id = "idle"},
                                            {.slots = "10-19", .host = "elsewhere"}};
    scripted_cluster_say(&cluster, 1, lies, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_status(read_map(1, commands[i]), 0);
        assert_int_equal(map.covered, 21);
        assert_string_equal(redis_slot_map_owner(&map, 20)->place.host, "asked");
        assert_int_equal(redis_slot_map_owner(&map, 20)->place.port, 7);
        assert_string_equal(redis_slot_map_owner(&map, 10)->place.host, "elsewhere");
        assert_int_equal(redis_slot_map_owner(&map, 10)->place.port, cluster.nodes[2].port);
    }
    static const scripted_shard_t nonsense[] = {{.slots = "0-9"}, {.slots = "9-16384"}};
    scripted_cluster_say(&cluster, 1, nonsense, 2);
    for (size_t i = 0; i < 2; i++) assert_status(read_map(1, commands[i]), CAIRN_EPROTOCOL);
    assert_status(read_map(0, "CLUSTER SHARDS"), 0);
}

static void they_send_each_other_round(void **state)
{
    (void)state;
    char expected[64];
    assert_string_equal(scripted_moved(&cluster, 5, "", 7000), "-MOVED 5 :7000\r\n");
    scripted_ask_loop(&cluster, "GET", 12182, 0, 2);
    snprintf(expected, sizeof expected, "-ASK 12182 127.0.0.1:%d\r\n", cluster.nodes[2].port);
    assert_string_equal(answer_of(0, "GET"), expected);
    scripted_moved_loop(&cluster, "GET", 12182, 0, 2);
    snprintf(expected, sizeof expected, "-MOVED 12182 127.0.0.1:%d\r\n", cluster.nodes[0].port);
    assert_string_equal(answer_of(2, "GET"), expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_are_honest_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(they_lie_when_told_to, setup, teardown),
        cmocka_unit_test_setup_teardown(they_send_each_other_round, setup, teardown),
    };
    uv_loop_init(&loop);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_loop_close(&loop);
    return failed;
}
