/* Which of a master and its replicas is the nearest, by what is known of their round trips. */
#include "check.h"
#include "redis_route.h"

#include <string.h>

#define TEST(function) cmocka_unit_test_setup(function, begin)

static redis_cluster_t cluster;
static redis_member_t master, *members[] = {&master};
static redis_replica_t first, second;

static int begin(void **state)
{
    (void)state;
    memset(&cluster, 0, sizeof cluster);
    memset(&master, 0, sizeof master);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    cluster.read_from = REDIS_READ_NEAREST;
    cluster.members = members;
    cluster.count = 1;
    master.replicas = &first;
    first.beside = &second;
    master.node.connected = first.node.connected = second.node.connected = true;
    return 0;
}

/* Round trips in microseconds; 0: none is known. */
static void assert_nearest(uint64_t of_master, uint64_t of_first, uint64_t of_second,
                           const redis_replica_t *expected)
{
    master.probe.took_us = of_master;
    first.probe.took_us = of_first;
    second.probe.took_us = of_second;
    redis_probe_choose_nearest(&cluster);
    assert_ptr_equal(master.nearest, expected);
}

static void in_a_tie_it_is_the_master_and_then_the_first(void **state)
{
    (void)state;
    assert_nearest(0, 0, 0, NULL);
    assert_nearest(1000, 1000, 1000, NULL);
    assert_nearest(1000, 500, 500, &first);
}

static void it_is_whoever_takes_least(void **state)
{
    (void)state;
    assert_nearest(2000, 1500, 1000, &second);
    assert_nearest(2000, 700, 1000, &first);
    assert_nearest(300, 700, 1000, NULL);
    assert_nearest(0, 700, 1000, &first);
}

static void it_stays_for_want_of_a_clear_reason(void **state)
{
    (void)state;
    assert_nearest(1000, 810, 0, NULL); /* less than a fifth */
    assert_nearest(1000, 790, 0, &first);
    assert_nearest(700, 790, 0, &first);
    assert_nearest(600, 790, 0, NULL);
    assert_nearest(150, 60, 0, NULL); /* less than 0.1 ms */
    assert_nearest(170, 60, 0, &first);
}

static void who_is_lost_is_not(void **state)
{
    (void)state;
    assert_nearest(1000, 100, 500, &first);
    first.node.connected = false;
    assert_nearest(1000, 100, 500, &second);
    master.replicas = &first; /* as the map says now: the second is gone */
    first.beside = NULL;
    assert_nearest(1000, 100, 500, NULL);
    master.node.connected = false;
    first.node.connected = true;
    assert_nearest(1000, 100, 500, &first);
}

/* An answer that is out takes at least as long as it has been; unless it went with its link. */
static void who_does_not_answer_is_far(void **state)
{
    (void)state;
    assert_nearest(1000, 100, 0, &first);
    first.probe.sent_us = uv_hrtime() / 1000 - 50000;
    assert_nearest(1000, 100, 0, NULL);
    first.node.commands.tally.losses = 1;
    assert_nearest(1000, 100, 0, &first);
}

static void others_are_not_asked_who_is_nearest(void **state)
{
    (void)state;
    cluster.read_from = REDIS_READ_PREFER_REPLICA;
    assert_nearest(1000, 100, 500, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_a_tie_it_is_the_master_and_then_the_first),
        TEST(it_is_whoever_takes_least),
        TEST(it_stays_for_want_of_a_clear_reason),
        TEST(who_is_lost_is_not),
        TEST(who_does_not_answer_is_far),
        TEST(others_are_not_asked_who_is_nearest),
    };
    return cmocka_run_group_tests_name("redis: the nearest of a cluster's nodes", tests, NULL,
                                       NULL);
}
