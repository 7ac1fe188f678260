#include "check.h"

#include <cairn/options.h>
#include <stdlib.h>
#include <string.h>

static cairn_options_t options;
static cairn_error_t error;

static void set(const char *name, const char *value)
{
    int rc = value ? setenv(name, value, 1) : unsetenv(name);
    assert_int_equal(rc, 0);
}

/* NULL leaves a variable unset. */
static void environment(const char *type, const char *url, const char *max_connections)
{
    set("CHECKPOINT_TYPE", type);
    set("REDIS_URL", url);
    set("REDIS_MAX_CONNECTIONS", max_connections);
}

static int fresh(void **state)
{
    (void)state;
    memset(&error, 0, sizeof error);
    cairn_options_init(&options);
    environment(NULL, NULL, NULL);
    return 0;
}

static void assert_read(const char *scheme, int shallow)
{
    int rc = cairn_options_from_env(&options, &error);
    if (rc != 0) check_fail("%s: %s", cairn_err_name(rc), error.text);
    assert_string_equal(options.scheme, scheme);
    assert_int_equal(options.shallow, shallow);
    assert_status(cairn_options_check(&options, NULL), 0);
}

static void assert_refused(int code, const char *text)
{
    cairn_options_t before = options;
    assert_status(cairn_options_from_env(&options, &error), code);
    assert_status(error.code, code);
    assert_string_equal(error.text, text);
    assert_memory_equal(&options, &before, sizeof options);
    assert_status(cairn_options_from_env(&options, NULL), code);
}

static void nothing_set_is_memory(void **state)
{
    (void)state;
    assert_read("memory", 0);
    assert_int_equal(options.max_connections, 2);
}

static void empty_counts_as_unset(void **state)
{
    (void)state;
    environment("", "", "");
    assert_read("memory", 0);
    assert_int_equal(options.max_connections, 2);
    environment("", "redis://h", "");
    assert_read("redis", 0);
}

static void a_url_alone_is_redis(void **state)
{
    (void)state;
    environment(NULL, "redis://alice:secret@h:7000/2?timeout_ms=9", NULL);
    assert_read("redis", 0);
    assert_string_equal(options.username, "alice");
    assert_string_equal(options.password, "secret");
    assert_string_equal(options.host, "h");
    assert_int_equal(options.port, 7000);
    assert_int_equal(options.db, 2);
    assert_int_equal(options.timeout_ms, 9);
    environment(NULL, "unix:///r.sock", NULL);
    assert_read("unix", 0);
}

static void the_type_decides(void **state)
{
    (void)state;
    environment("memory", "redis://h", NULL);
    assert_read("memory", 0);
    environment("redis", "redis://h", NULL);
    assert_read("redis", 0);
    environment("shallow/redis", "redis://h", NULL);
    assert_read("redis", 1);
    environment("redis", "redis://h", NULL);
    assert_read("redis", 0);
}

static void an_unset_type_leaves_shallow_alone(void **state)
{
    (void)state;
    options.shallow = 1;
    environment(NULL, "redis://h", NULL);
    assert_read("redis", 1);
}

static void max_connections_is_read(void **state)
{
    (void)state;
    environment(NULL, "redis://h", "65536");
    assert_read("redis", 0);
    assert_int_equal(options.max_connections, 65536);
    environment(NULL, "redis://h?max_connections=3", NULL);
    assert_read("redis", 0);
    assert_int_equal(options.max_connections, 3);
    environment(NULL, "redis://h?max_connections=3", "4");
    assert_read("redis", 0);
    assert_int_equal(options.max_connections, 4);
    environment("memory", NULL, "5");
    assert_read("memory", 0);
    assert_int_equal(options.max_connections, 5);
}

static void a_bad_type_is_named(void **state)
{
    (void)state;
    environment("postgres", "redis://h", NULL);
    assert_refused(CAIRN_EOPTION,
                   "CHECKPOINT_TYPE=\"postgres\" is none of memory, redis and shallow/redis");
    environment("Redis", "redis://h", NULL);
    assert_refused(CAIRN_EOPTION,
                   "CHECKPOINT_TYPE=\"Redis\" is none of memory, redis and shallow/redis");
    environment("shallow/memory", NULL, NULL);
    assert_refused(CAIRN_EOPTION,
                   "CHECKPOINT_TYPE=\"shallow/memory\" is none of memory, redis and shallow/redis");
}

static void redis_needs_a_url(void **state)
{
    (void)state;
    static const char *const urls[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        environment("redis", urls[i], NULL);
        assert_refused(CAIRN_EOPTION, "CHECKPOINT_TYPE asks for redis, but REDIS_URL is not set");
        environment("shallow/redis", urls[i], "3");
        assert_refused(CAIRN_EOPTION, "CHECKPOINT_TYPE asks for redis, but REDIS_URL is not set");
    }
}

static void a_bad_url_is_named(void **state)
{
    (void)state;
    environment(NULL, "redis://h:70000", "3");
    assert_refused(CAIRN_EURL, "REDIS_URL: port \"70000\" is out of range 1..65535");
    environment(NULL, "redis://h?timeout=1", NULL);
    assert_refused(CAIRN_EOPTION, "REDIS_URL: parameter \"timeout\" is unknown; did you mean "
                                  "\"timeout_ms\"?");
    environment(NULL, "redis+cluster:h", NULL);
    assert_refused(CAIRN_EURL, "REDIS_URL: \"redis+cluster:\" is not followed by \"//\"");
    environment("redis", "Memory:", NULL);
    assert_refused(CAIRN_EOPTION, "REDIS_URL is no URL of a Redis server");
}

static void bad_max_connections_are_named(void **state)
{
    (void)state;
    environment(NULL, "redis://h", "0");
    assert_refused(CAIRN_EOPTION, "REDIS_MAX_CONNECTIONS=0 is out of range 1..65536");
    environment(NULL, "redis://h", "65537");
    assert_refused(CAIRN_EOPTION, "REDIS_MAX_CONNECTIONS=65537 is out of range 1..65536");
    environment(NULL, "redis://h", "18446744073709551617");
    assert_refused(CAIRN_EOPTION,
                   "REDIS_MAX_CONNECTIONS=18446744073709551617 is out of range 1..65536");
    environment("memory", NULL, "many");
    assert_refused(CAIRN_EOPTION, "REDIS_MAX_CONNECTIONS=\"many\" is not a whole number");
    environment("memory", NULL, " 3");
    assert_refused(CAIRN_EOPTION, "REDIS_MAX_CONNECTIONS is not a whole number");
}

static void a_secret_in_the_wrong_variable_is_not_quoted(void **state)
{
    (void)state;
    environment("redis://:swordfish@h", NULL, NULL);
    assert_refused(CAIRN_EOPTION, "CHECKPOINT_TYPE is none of memory, redis and shallow/redis");
    environment(NULL, NULL, "redis://:swordfish@h");
    assert_refused(CAIRN_EOPTION, "REDIS_MAX_CONNECTIONS is not a whole number");
    environment(NULL, "redis://:angler/fish@h", NULL);
    assert_status(cairn_options_from_env(&options, &error), CAIRN_EURL);
    assert_contains(error.text, "REDIS_URL: ");
    assert_lacks(error.text, "angler");
    assert_lacks(error.text, "fish");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_set_is_memory, fresh),
        cmocka_unit_test_setup(empty_counts_as_unset, fresh),
        cmocka_unit_test_setup(a_url_alone_is_redis, fresh),
        cmocka_unit_test_setup(the_type_decides, fresh),
        cmocka_unit_test_setup(an_unset_type_leaves_shallow_alone, fresh),
        cmocka_unit_test_setup(max_connections_is_read, fresh),
        cmocka_unit_test_setup(a_bad_type_is_named, fresh),
        cmocka_unit_test_setup(redis_needs_a_url, fresh),
        cmocka_unit_test_setup(a_bad_url_is_named, fresh),
        cmocka_unit_test_setup(bad_max_connections_are_named, fresh),
        cmocka_unit_test_setup(a_secret_in_the_wrong_variable_is_not_quoted, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
