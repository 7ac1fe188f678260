/* The cluster that other tests run on is one, and does what they tell it to. */
#include "certs.h"
#include "check.h"
#include "cluster.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static cluster_t cluster;

static void set_key(int node, const char *tag, const char *rest, const char *value)
{
    redisReply *reply = cluster_command(&cluster, node, "SET {%s}%s %s", tag, rest, value);
    assert_string_equal(reply->str, "OK");
    freeReplyObject(reply);
}

/* The reply in words, good until the next. */
static const char *get_key(int node, const char *tag, const char *rest)
{
    static char text[128];
    redisReply *reply = cluster_command(&cluster, node, "GET {%s}%s", tag, rest);
    snprintf(text, sizeof text, "%s", reply->str ? reply->str : "nil");
    freeReplyObject(reply);
    return text;
}

static void it_is_a_cluster_of_masters_and_replicas(void **state)
{
    (void)state;
    assert_int_equal(cluster.count, 6);
    assert_int_equal(cluster_owner(&cluster, 0), 0);
    assert_int_equal(cluster_owner(&cluster, 16383), 2);
    assert_int_equal(cluster_replica_of(&cluster, 1), 4);
    assert_contains(cluster_ask(&cluster, 5, "CLUSTER INFO"), "cluster_slots_ok:16384");
    assert_contains(cluster_ask(&cluster, 0, "INFO server"), "_mode:cluster");
}

static void a_tag_has_the_slot_that_was_asked_for(void **state)
{
    (void)state;
    static const unsigned slots[] = {0, 1, 8000, 16383};
    char command[64], slot[16];
    cluster_tag_t tag;
    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        snprintf(command, sizeof command, "CLUSTER KEYSLOT x{%s}y", cluster_tag(tag, slots[i]));
        snprintf(slot, sizeof slot, "%u", slots[i]);
        assert_string_equal(cluster_ask(&cluster, 0, command), slot);
    }
}

static void a_slot_stops_half_way(void **state)
{
    (void)state;
    const int from = cluster_owner(&cluster, 100), to = cluster_owner(&cluster, 10000);
    cluster_tag_t tag;
    cluster_tag(tag, 100);
    set_key(from, tag, "a", "1");
    set_key(from, tag, "b", "2");

    cluster_move_begin(&cluster, 100, to);
    assert_int_equal(cluster_move_keys(&cluster, 100, to, 1), 1);
    const bool a_left = strncmp(get_key(from, tag, "a"), "ASK 100 127.0.0.1:", 18) == 0;
    assert_string_equal(get_key(from, tag, a_left ? "b" : "a"), a_left ? "2" : "1");
    assert_contains(get_key(from, tag, a_left ? "a" : "b"), "ASK 100 127.0.0.1:");
    assert_contains(get_key(to, tag, "a"), "MOVED 100 ");

    assert_int_equal(cluster_move_keys(&cluster, 100, to, 10), 1);
    assert_int_equal(cluster_move_keys(&cluster, 100, to, 10), 0);
    cluster_move_finish(&cluster, 100, to);
    assert_int_equal(cluster_owner(&cluster, 100), to);
    assert_string_equal(get_key(to, tag, "a"), "1");
    assert_string_equal(get_key(to, tag, "b"), "2");
    assert_contains(get_key(from, tag, "a"), "MOVED 100 ");
}

static void a_move_is_cancelled(void **state)
{
    (void)state;
    const int from = cluster_owner(&cluster, 200), to = cluster_owner(&cluster, 10000);
    cluster_tag_t tag;
    cluster_tag(tag, 200);
    cluster_move_begin(&cluster, 200, to);
    assert_contains(get_key(from, tag, "a"), "ASK 200 ");
    cluster_move_cancel(&cluster, 200, to);
    assert_string_equal(get_key(from, tag, "a"), "nil");
    assert_int_equal(cluster_owner(&cluster, 200), from);
}

static void many_slots_move_with_their_keys(void **state)
{
    (void)state;
    const int from = cluster_owner(&cluster, 300), to = cluster_owner(&cluster, 10000);
    cluster_tag_t tag;
    set_key(from, cluster_tag(tag, 300), "a", "first");
    set_key(from, cluster_tag(tag, 349), "a", "last");
    cluster_move(&cluster, 300, 349, to);
    assert_int_equal(cluster_owner(&cluster, 299), from);
    assert_int_equal(cluster_owner(&cluster, 325), to);
    assert_int_equal(cluster_owner(&cluster, 350), from);
    assert_string_equal(get_key(to, cluster_tag(tag, 300), "a"), "first");
    assert_string_equal(get_key(to, cluster_tag(tag, 349), "a"), "last");
    cluster_await_whole(&cluster);
}

static void a_replica_takes_over(void **state)
{
    (void)state;
    const int old = cluster_owner(&cluster, 0);
    const int replica = cluster_replica_of(&cluster, old);
    cluster_failover(&cluster, replica, NULL);
    assert_int_equal(cluster_owner(&cluster, 0), replica);
    cluster_await_whole(&cluster);
    assert_int_equal(cluster_replica_of(&cluster, replica), old);
    cluster_failover(&cluster, old, "FORCE");
    assert_int_equal(cluster_owner(&cluster, 0), old);
    cluster_await_whole(&cluster);
}

static void a_killed_master_is_replaced(void **state)
{
    (void)state;
    const int old = cluster_owner(&cluster, 16000);
    const int replica = cluster_replica_of(&cluster, old);
    cluster_kill(&cluster, old);
    assert_false(cluster_is_running(&cluster, old));
    assert_int_equal(cluster_await_other(&cluster, 16000, old), replica);
    cluster_restart(&cluster, old);
    cluster_await_whole(&cluster);
    assert_int_equal(cluster_replica_of(&cluster, replica), old);
}

static void a_stopped_master_is_replaced(void **state)
{
    (void)state;
    const int old = cluster_owner(&cluster, 16000);
    cluster_pause(&cluster, old);
    const int other = cluster_await_other(&cluster, 16000, old);
    cluster_resume(&cluster, old);
    cluster_await_whole(&cluster);
    assert_int_equal(cluster_owner(&cluster, 16000), other);
}

static void nodes_come_and_go(void **state)
{
    (void)state;
    const int added = cluster_add(&cluster);
    const int owner = cluster_owner(&cluster, 5);
    cluster_tag_t tag;
    set_key(owner, cluster_tag(tag, 5), "a", "moving");
    cluster_move(&cluster, 5, 5, added);
    assert_string_equal(get_key(added, tag, "a"), "moving");

    const int follower = cluster_add(&cluster);
    cluster_follow(&cluster, follower, added);
    assert_int_equal(cluster_replica_of(&cluster, added), follower);
    cluster_remove(&cluster, follower);
    cluster_move(&cluster, 5, 5, owner);
    cluster_remove(&cluster, added);
    cluster_await_whole(&cluster);
    assert_lacks(cluster_ask(&cluster, owner, "CLUSTER NODES"), cluster.nodes[added].id);
    assert_string_equal(get_key(owner, tag, "a"), "moving");
}

static void a_slot_without_a_master_is_uncovered(void **state)
{
    (void)state;
    const int master = cluster_owner(&cluster, 16000);
    const int replica = cluster_replica_of(&cluster, master);
    const int other = cluster_owner(&cluster, 0);
    cluster_tag_t tag;
    cluster_kill(&cluster, replica);
    cluster_kill(&cluster, master);
    cluster_await_uncovered(&cluster, 16000);
    assert_string_equal(get_key(other, cluster_tag(tag, 0), "a"),
                        "CLUSTERDOWN The cluster is down");
    cluster_restart(&cluster, master);
    cluster_restart(&cluster, replica);
    cluster_await_whole(&cluster);
}

static void nothing_is_left_of_it(void **state)
{
    (void)state;
    pid_t pids[CLUSTER_NODES_MAX];
    char folder[sizeof cluster.nodes[0].redis.server.folder];
    const int count = cluster.count;
    for (int i = 0; i < count; i++) pids[i] = cluster.nodes[i].redis.server.pid;
    strcpy(folder, cluster.nodes[0].redis.server.folder);
    cluster_stop(&cluster);
    for (int i = 0; i < count; i++)
        if (pids[i] > 0) assert_true(kill(pids[i], 0) < 0 && errno == ESRCH);
    assert_true(access(folder, F_OK) < 0);
}

static void one_with_a_password_moves_and_fails_over(void **state)
{
    (void)state;
    static const cluster_options_t options = {.password = "open-sesame", .partial = true};
    cluster_start(&cluster, &options);
    assert_contains(cluster_url(&cluster, NULL), "redis://:open-sesame@127.0.0.1:");
    cluster_tag_t tag;
    set_key(0, cluster_tag(tag, 7), "a", "1");
    cluster_move(&cluster, 7, 7, 1);
    assert_string_equal(get_key(1, tag, "a"), "1");
    cluster_failover(&cluster, cluster_replica_of(&cluster, 1), NULL);
    cluster_kill(&cluster, 2);
    cluster_kill(&cluster, 5);
    cluster_await_uncovered(&cluster, 16383);
    assert_string_equal(get_key(0, cluster_tag(tag, 0), "a"), "nil");
    assert_contains(get_key(0, cluster_tag(tag, 16383), "a"), "MOVED 16383 ");
    cluster_ask(&cluster, 0, "CLUSTER DELSLOTS 16383");
    assert_string_equal(get_key(0, tag, "a"), "CLUSTERDOWN Hash slot not served");
    cluster_stop(&cluster);
}

static void one_with_tls_moves_and_fails_over(void **state)
{
    (void)state;
    certs_t certs;
    certs_make(&certs);
    const cluster_options_t options = {
        .masters = 2,
        .tls_cert = certs_path(&certs, "server.pem"),
        .tls_key = certs_path(&certs, "server.key"),
        .tls_ca = certs_path(&certs, "ca.pem"),
    };
    cluster_start(&cluster, &options);
    assert_contains(cluster_node_url(&cluster, 3, "db=0"), "rediss://127.0.0.1:");
    assert_contains(cluster_node_url(&cluster, 3, "db=0"), "ca.pem&db=0");
    cluster_tag_t tag;
    set_key(0, cluster_tag(tag, 7), "a", "1");
    cluster_move(&cluster, 7, 7, 1);
    assert_string_equal(get_key(1, tag, "a"), "1");
    cluster_failover(&cluster, 3, NULL);
    cluster_await_whole(&cluster);
    cluster_stop(&cluster);
    certs_remove(&certs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_a_cluster_of_masters_and_replicas),
        cmocka_unit_test(a_tag_has_the_slot_that_was_asked_for),
        cmocka_unit_test(a_slot_stops_half_way),
        cmocka_unit_test(a_move_is_cancelled),
        cmocka_unit_test(many_slots_move_with_their_keys),
        cmocka_unit_test(a_replica_takes_over),
        cmocka_unit_test(a_killed_master_is_replaced),
        cmocka_unit_test(a_stopped_master_is_replaced),
        cmocka_unit_test(nodes_come_and_go),
        cmocka_unit_test(a_slot_without_a_master_is_uncovered),
        cmocka_unit_test(nothing_is_left_of_it),
        cmocka_unit_test(one_with_a_password_moves_and_fails_over),
        cmocka_unit_test(one_with_tls_moves_and_fails_over),
    };
    cluster_start(&cluster, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    cluster_stop(&cluster);
    return failed;
}
