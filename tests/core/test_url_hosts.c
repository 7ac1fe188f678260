/* URLs that name several hosts, or sentinels. What of them is refused is in test_url.c. */
#include "check.h"

#include <cairn/options.h>
#include <string.h>

static cairn_options_t options;
static cairn_error_t error;

static void assert_text(const char *actual, const char *expected)
{
    assert_non_null(actual);
    assert_string_equal(actual, expected);
}

static void read_url(const char *url)
{
    int rc = cairn_options_from_url(&options, url, &error);
    if (rc != 0) check_fail("%s: %s: %s", url, cairn_err_name(rc), error.text);
    assert_status(cairn_options_check(&options, NULL), 0);
}

typedef struct list {
    const char *url, *hosts, *host;
    uint16_t port;
} list_t;

static const list_t lists[] = {
    {"redis://a,b", "a,b", "a", 6379},
    {"redis://a:1,b:2", "a:1,b:2", "a", 1},
    {"redis://u:p,w@a,b:02/3", "a,b:2", "a", 6379},
    {"redis://[::1]:7,a,[fe80::1%25eth0]", "[::1]:7,a,[fe80::1%eth0]", "::1", 7},
    {"redis://%61,b,a", "a,b,a", "a", 6379},
    {"redis+sentinel://a,b:2,c/s", "a,b:2,c", "a", 26379},
};

static void several_hosts_are_a_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        read_url(lists[i].url);
        assert_text(options.hosts, lists[i].hosts);
        assert_text(options.host, lists[i].host);
        assert_int_equal(options.port, lists[i].port);
    }
}

static void a_list_is_not_endless(void **state)
{
    (void)state;
    char url[400] = "redis://a";
    for (int i = 1; i < CAIRN_HOSTS_MAX; i++) memcpy(url + strlen(url), ",b", 3);
    read_url(url);
    memcpy(url + strlen(url), ",b", 3);
    assert_status(cairn_options_from_url(&options, url, &error), CAIRN_EOPTION);
    assert_string_equal(error.text, "hosts are more than 64");
}

static void sentinels_are_asked_for_a_service(void **state)
{
    (void)state;
    read_url("redis+sentinel://u:p@h/my%2Fsvc/3?sentinel_username=s&sentinel_password=%c3%a4%20b");
    assert_text(options.scheme, "redis+sentinel");
    assert_text(options.host, "h");
    assert_int_equal(options.port, 26379);
    assert_null(options.hosts);
    assert_text(options.username, "u");
    assert_text(options.password, "p");
    assert_text(options.sentinel_service, "my/svc");
    assert_text(options.sentinel_username, "s");
    assert_text(options.sentinel_password, "\xc3\xa4 b");
    assert_int_equal(options.db, 3);
    read_url("redis+sentinel:///svc/");
    assert_text(options.host, "localhost");
    assert_text(options.sentinel_service, "svc");
    read_url("redis+sentinel://h?sentinel_service=other&db=4");
    assert_text(options.sentinel_service, "other");
    assert_int_equal(options.db, 4);
}

static void no_password_of_sentinels_meets_others(void **state)
{
    (void)state;
    read_url("redis+sentinel://a,b/s?sentinel_password=p");
    read_url("redis+sentinel://c/t");
    assert_null(options.hosts);
    assert_null(options.sentinel_password);
    assert_text(options.sentinel_service, "t");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_hosts_are_a_list),
        cmocka_unit_test(a_list_is_not_endless),
        cmocka_unit_test(sentinels_are_asked_for_a_service),
        cmocka_unit_test(no_password_of_sentinels_meets_others),
    };
    cairn_options_init(&options);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
