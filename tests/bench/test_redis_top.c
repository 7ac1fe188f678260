/* `cairn-bench top`: what it prints is what there is. */
#include "args.h"
#include "check.h"
#include "redis.h"
#include "top.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static redis_t redis;
static char unix_url[256];

static char *run(const top_config_t *config, int expected, char *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(top_run(config, out, error), expected);
    fclose(out);
    return text;
}

static json_t *parse_line(const char *line)
{
    json_error_t wrong;
    json_t *all = json_loads(line, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &wrong);
    if (!all) check_fail("%s: %s", wrong.text, line);
    return all;
}

static json_int_t whole(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (!json_is_integer(value)) check_fail("%s is no number", name);
    return json_integer_value(value);
}

static const char *word(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    if (!value) check_fail("%s is no text", name);
    return value;
}

static void one_sample_as_json(void **state)
{
    (void)state;
    char error[LINK_ERROR_MAX] = "";
    const top_config_t config = {.url = unix_url, .count = 1, .interval_ms = 300, .json = true};
    redis_ask(&redis, "SET a x");
    redis_ask(&redis, "MSET b x c x");
    char *text = run(&config, 0, error);
    assert_string_equal(strchr(text, '\n'), "\n");
    json_t *all = parse_line(text);
    const json_t *server = json_object_get(all, "server");
    const json_t *handle = json_object_get(all, "handle");
    const json_t *one = json_array_get(json_object_get(all, "connections"), 0);
    assert_string_equal(word(server, "role"), "master");
    assert_int_equal(strncmp(word(server, "name"), "redis ", 6), 0);
    assert_int_equal(whole(server, "keys"), 3);
    assert_true(whole(server, "connected_clients") >= 2);
    assert_true(whole(server, "used_memory") > 0);
    assert_string_equal(word(handle, "state"), "ready");
    assert_true(whole(handle, "completed") > 0);
    assert_int_equal(whole(json_object_get(handle, "latency_us"), "count"),
                     whole(handle, "completed"));
    assert_int_equal(whole(json_object_get(handle, "failures"), "timed_out"), 0);
    assert_string_equal(word(one, "where"), redis.server.unix_path);
    assert_string_equal(word(one, "state"), "ready");
    assert_int_equal(whole(one, "answered"), whole(handle, "completed"));
    json_decref(all);
    free(text);
}

static void as_many_samples_as_asked_for(void **state)
{
    (void)state;
    char error[LINK_ERROR_MAX] = "";
    const top_config_t config = {.url = unix_url, .count = 3, .interval_ms = 50, .json = true};
    char *text = run(&config, 0, error);
    json_int_t requests = -1;
    unsigned lines = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1, lines++) {
        json_t *all = parse_line(at);
        json_int_t now = whole(json_object_get(all, "handle"), "requests");
        assert_true(now >= requests);
        requests = now;
        json_decref(all);
    }
    assert_int_equal(lines, 3);
    free(text);
}

static void a_screen_has_it_all(void **state)
{
    (void)state;
    char error[LINK_ERROR_MAX] = "";
    const top_config_t config = {.url = unix_url, .count = 1, .interval_ms = 100};
    char *text = run(&config, 0, error);
    assert_contains(text, "server        redis ");
    assert_contains(text, "this handle   ready, ");
    assert_contains(text, "a message     p50 ");
    assert_contains(text, redis.server.unix_path);
    free(text);
}

static void no_server_is_told_and_fails(void **state)
{
    (void)state;
    char url[128], error[LINK_ERROR_MAX] = "";
    snprintf(url, sizeof url, "redis://:secret-word@127.0.0.1:%d", server_free_port());
    const top_config_t config = {.url = url, .count = 1, .interval_ms = 100};
    char *text = run(&config, -1, error);
    assert_contains(error, "not connected: ");
    assert_contains(error, "refused");
    assert_contains(text, "this handle   opening");
    assert_contains(text, "lost last: ");
    assert_lacks(text, "secret-word");
    assert_lacks(error, "secret-word");
    free(text);
}

static void a_handle_in_memory_has_no_server(void **state)
{
    (void)state;
    char error[LINK_ERROR_MAX] = "";
    const top_config_t config = {.url = "memory:", .count = 1, .interval_ms = 50, .json = true};
    char *text = run(&config, 0, error);
    json_t *all = parse_line(text);
    assert_contains(word(json_object_get(all, "server"), "error"), "only a Redis server");
    assert_int_equal(json_array_size(json_object_get(all, "connections")), 0);
    json_decref(all);
    free(text);
}

static void info_is_read(void **state)
{
    (void)state;
    static top_info_t info;
    top_info_read(
        "# Replication\r\nrole:slave\r\nmaster_link_status:down\r\nuptime_in_seconds:77\r\n"
        "maxmemory_human:5G\r\nmaxmemory:42\r\n# Keyspace\r\n"
        "db0:keys=5,expires=1,avg_ttl=0\r\ndb11:keys=2,expires=0,avg_ttl=0\r\n",
        &info);
    assert_true(info.given);
    assert_string_equal(info.role, "slave");
    assert_string_equal(info.link, "down");
    assert_int_equal(info.fields[TOP_uptime_in_seconds], 77);
    assert_int_equal(info.fields[TOP_maxmemory], 42);
    assert_int_equal(info.keys, 7);
}

static int parse(top_config_t *config, char **words, char *error)
{
    int count = 0;
    while (words[count]) count++;
    return args_top(count, words, config, error);
}

static void its_command_line_is_read(void **state)
{
    (void)state;
    char error[ARGS_ERROR_MAX];
    top_config_t config;
    char top[] = "top", url[] = "--url", where[] = "memory:", once[] = "--once", json[] = "--json";
    char count[] = "--count", seven[] = "7", interval[] = "--interval", ms[] = "200", few[] = "1";
    assert_int_equal(parse(&config, (char *[]){top, url, where, NULL}, error), 0);
    assert_int_equal(config.count, 0);
    assert_int_equal(config.interval_ms, 1000);
    assert_false(config.json);
    assert_int_equal(parse(&config, (char *[]){top, url, where, once, json, NULL}, error), 0);
    assert_int_equal(config.count, 1);
    assert_true(config.json);
    assert_int_equal(
        parse(&config, (char *[]){top, url, where, count, seven, interval, ms, NULL}, error), 0);
    assert_int_equal(config.count, 7);
    assert_int_equal(config.interval_ms, 200);
    assert_int_equal(parse(&config, (char *[]){top, NULL}, error), -1);
    assert_contains(error, "--url");
    assert_int_equal(parse(&config, (char *[]){top, url, where, interval, few, NULL}, error), -1);
    assert_contains(error, "--interval takes a number");
    assert_int_equal(parse(&config, (char *[]){top, url, where, seven, NULL}, error), -1);
    assert_contains(error, "'7' means nothing");
}

int main(void)
{
    redis_start(&redis, NULL);
    snprintf(unix_url, sizeof unix_url, "%s", redis_unix_url(&redis, NULL));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sample_as_json),
        cmocka_unit_test(as_many_samples_as_asked_for),
        cmocka_unit_test(a_screen_has_it_all),
        cmocka_unit_test(no_server_is_told_and_fails),
        cmocka_unit_test(a_handle_in_memory_has_no_server),
        cmocka_unit_test(info_is_read),
        cmocka_unit_test(its_command_line_is_read),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
