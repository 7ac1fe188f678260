/* What sentinels say, well formed and not. */
#include "redis_sentinel_reply.h"

#include "check.h"

#include <stdio.h>

static redis_reply_t reply_of(const char *bytes)
{
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, strlen(bytes));
    return reply;
}

static int read_master(const char *bytes, redis_address_t *master)
{
    redis_reply_t reply = reply_of(bytes);
    return redis_sentinel_read_master(&reply, master);
}

static void a_master_has_host_and_port(void **state)
{
    (void)state;
    redis_address_t master;
    assert_int_equal(read_master("*2\r\n$2\r\nh1\r\n$4\r\n7000\r\n", &master), 1);
    assert_string_equal(master.host, "h1");
    assert_int_equal(master.port, 7000);
    assert_int_equal(read_master("*2\r\n$3\r\n::1\r\n$5\r\n65535\r\n", &master), 1);
    assert_string_equal(master.host, "::1");
    assert_int_equal(read_master("*-1\r\n", &master), 0);
    assert_int_equal(read_master("_\r\n", &master), 0);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        ":1\r\n",
        "$2\r\nh1\r\n",
        "*0\r\n",
        "*1\r\n$2\r\nh1\r\n",
        "*3\r\n$2\r\nh1\r\n$1\r\n1\r\n$1\r\n1\r\n",
        "*2\r\n$2\r\nh1\r\n$1\r\n0\r\n",
        "*2\r\n$2\r\nh1\r\n$0\r\n\r\n",
        "*2\r\n$2\r\nh1\r\n$2\r\n1x\r\n",
        "*2\r\n$2\r\nh1\r\n$2\r\n-1\r\n",
        "*2\r\n$2\r\nh1\r\n$5\r\n65536\r\n",
        "*2\r\n$2\r\nh1\r\n$11\r\n42949672961\r\n",
        "*2\r\n$0\r\n\r\n$1\r\n1\r\n",
        "*2\r\n$2\r\nh\n\r\n$1\r\n1\r\n",
        "*2\r\n$2\r\nh1\r\n:1\r\n",
        "*2\r\n_\r\n$1\r\n1\r\n",
    };
    redis_address_t master;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (read_master(malformed[i], &master) != CAIRN_EPROTOCOL)
            check_fail("%s was taken", malformed[i]);
    char long_host[400];
    snprintf(long_host, sizeof long_host, "*2\r\n$256\r\n%0256d\r\n$1\r\n1\r\n", 0);
    assert_int_equal(read_master(long_host, &master), CAIRN_EPROTOCOL);
}

static int read_peers(const char *bytes, redis_addresses_t *known)
{
    redis_reply_t reply = reply_of(bytes);
    return redis_sentinel_read_peers(&reply, known);
}

#define FIELD(name_len, name, value_len, value)                                                    \
    "$" #name_len "\r\n" name "\r\n$" #value_len "\r\n" value "\r\n"
#define PEER_2 FIELD(4, "name", 1, "x") FIELD(2, "ip", 2, "h2") FIELD(4, "port", 1, "2")
#define PEER_3 FIELD(4, "port", 1, "3") FIELD(2, "ip", 2, "h3")

static void peers_are_added_once(void **state)
{
    (void)state;
    redis_addresses_t known = {0};
    assert_status(redis_addresses_add(&known, cairn_str("h2"), 2), 0);
    assert_status(read_peers("*2\r\n%3\r\n" PEER_2 "%2\r\n" PEER_3, &known), 0);
    assert_status(read_peers("*2\r\n*6\r\n" PEER_2 "*4\r\n" PEER_3, &known), 0);
    assert_int_equal(known.count, 2);
    assert_string_equal(known.list[1].host, "h3");
    assert_int_equal(known.list[1].port, 3);
    assert_status(read_peers("*0\r\n", &known), 0);
    assert_status(read_peers("*1\r\n*2\r\n" FIELD(2, "ip", 2, "h4"), &known), 0);
    assert_status(read_peers("*1\r\n*0\r\n", &known), 0);
    assert_int_equal(known.count, 2);
    redis_addresses_free(&known);
}

static void what_is_no_list_is_refused(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "",
        "_\r\n",
        ":1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*1\r\n$2\r\nip\r\n",
        "*2\r\n%2\r\n" PEER_3,
        "*1\r\n*2\r\n:1\r\n:2\r\n",
        "*1\r\n*2\r\n$2\r\nip\r\n:2\r\n",
    };
    redis_addresses_t known = {0};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (read_peers(malformed[i], &known) != CAIRN_EPROTOCOL)
            check_fail("%s was taken", malformed[i]);
    redis_addresses_free(&known);
}

static void a_list_does_not_grow_for_ever(void **state)
{
    (void)state;
    redis_addresses_t known = {0};
    for (uint16_t port = 1; port < 1000; port++)
        assert_status(redis_addresses_add(&known, cairn_str("h"), port), 0);
    assert_int_equal(known.count, CAIRN_HOSTS_MAX);
    redis_addresses_free(&known);
}

static int read_switch(const char *text, redis_address_t *master)
{
    return redis_sentinel_read_switch(cairn_str(text), cairn_str("svc"), master);
}

static void a_switch_says_where_to(void **state)
{
    (void)state;
    redis_address_t master = {.host = "before"};
    assert_int_equal(read_switch("svc h1 1 h2 2", &master), 1);
    assert_string_equal(master.host, "h2");
    assert_int_equal(master.port, 2);
    assert_int_equal(read_switch("svc2 h1 1 h3 3", &master), 0);
    assert_int_equal(read_switch("sv h1 1 h3 3", &master), 0);
    assert_string_equal(master.host, "h2");
    static const char *const malformed[] = {"",
                                            "svc",
                                            "svc h1 1",
                                            "svc h1 1 h2",
                                            "svc h1 1 h2 ",
                                            "svc h1 1 h2 0",
                                            "svc h1 1  2",
                                            "svc h1 1 h2 2 ",
                                            "svc h1 1 h2 2 3"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_status(read_switch(malformed[i], &master), CAIRN_EPROTOCOL);
    assert_string_equal(master.host, "h2");
}

static void addresses_are_named_as_users_write_them(void **state)
{
    (void)state;
    redis_address_text_t text;
    redis_address_t address = {.host = "h", .port = 1};
    assert_string_equal(redis_address_text(text, &address), "h:1");
    assert_true(redis_address_set(&address, cairn_str("::1"), 2));
    assert_string_equal(redis_address_text(text, &address), "[::1]:2");
    assert_false(redis_address_set(&address, cairn_slice("a\0b", 3), 2));
    const redis_address_t other = {.host = "::1", .port = 3}, same = {.host = "::1", .port = 2};
    assert_false(redis_address_eq(&address, &other));
    assert_true(redis_address_eq(&address, &same));
}

static void options_say_one_or_several(void **state)
{
    (void)state;
    redis_addresses_t known = {0};
    cairn_options_t options;
    cairn_options_init(&options);
    assert_status(redis_addresses_read(&known, &options, 26379), 0);
    assert_int_equal(known.count, 1);
    assert_string_equal(known.list[0].host, "localhost");
    assert_int_equal(known.list[0].port, 6379);
    redis_addresses_free(&known);
    options.hosts = "a,[::1]:7,b:8,a";
    assert_status(redis_addresses_read(&known, &options, 26379), 0);
    assert_int_equal(known.count, 3);
    assert_int_equal(known.list[0].port, 26379);
    assert_string_equal(known.list[1].host, "::1");
    assert_int_equal(known.list[2].port, 8);
    redis_addresses_free(&known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_has_host_and_port),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(peers_are_added_once),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(a_list_does_not_grow_for_ever),
        cmocka_unit_test(a_switch_says_where_to),
        cmocka_unit_test(addresses_are_named_as_users_write_them),
        cmocka_unit_test(options_say_one_or_several),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
