/* Whether a server says that it is a node of a cluster; and a replica that is read from. */
#include "redis_greeting.h"

#define CLUSTER_INFO "*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n"

static void assert_says_of_cluster(const char *info, bool expected)
{
    options.asks_mode = true;
    greet();
    assert_int_equal(answer("-ERR unknown command 'HELLO'\r\n"), 0);
    assert_said(SET_NAME CLUSTER_INFO LIB_NAME LIB_VER);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer(info), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
    assert_true(hello.says_mode);
    assert_int_equal(hello.is_cluster, expected);
}

static void old_servers_are_asked_whether_they_are_a_node(void **state)
{
    (void)state;
    assert_says_of_cluster("$16\r\ncluster_state:ok\r\n", true);
    assert_says_of_cluster("-ERR This instance has cluster support disabled\r\n", false);
    assert_says_of_cluster("-NOPERM this user has no permissions\r\n", false);
    assert_says_of_cluster(":1\r\n", false);
}

static void a_greeting_tells_whether_it_is_a_node(void **state)
{
    (void)state;
    options.asks_mode = true;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_said(LIB_NAME LIB_VER);
    assert_true(hello.says_mode);
    assert_false(hello.is_cluster);
    greet();
    assert_int_equal(answer("%2\r\n$5\r\nproto\r\n:3\r\n$4\r\nmode\r\n$7\r\ncluster\r\n"), 0);
    assert_said(LIB_NAME LIB_VER);
    assert_true(hello.is_cluster);
}

#define READONLY "*1\r\n$8\r\nREADONLY\r\n"

static void a_replica_that_is_read_from_is_told_so(void **state)
{
    (void)state;
    options.asks_mode = options.reads_only = true;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_said(READONLY LIB_NAME LIB_VER);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
    /* With everything that may be said beside. */
    options.password = "sesame";
    greet();
    assert_int_equal(answer("-ERR unknown command 'HELLO'\r\n"), 0);
    assert_said(
        "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n" SET_NAME CLUSTER_INFO READONLY LIB_NAME LIB_VER);
}

static void one_that_refuses_that_is_not_read_from(void **state)
{
    (void)state;
    options.reads_only = true;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_status(answer("-NOPERM User default has no permissions to run 'readonly'\r\n"),
                  CAIRN_EDENIED);
    assert_contains(hello.detail, "READONLY: NOPERM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(old_servers_are_asked_whether_they_are_a_node),
        TEST(a_greeting_tells_whether_it_is_a_node),
        TEST(a_replica_that_is_read_from_is_told_so),
        TEST(one_that_refuses_that_is_not_read_from),
    };
    return cmocka_run_group_tests_name("redis: mode in a greeting", tests, NULL, NULL);
}
