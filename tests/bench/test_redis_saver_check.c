/* `cairn-bench check`: what a saver keeps is clean, and whatever is done to it from outside is
 * told. */
#include "check.h"
#include "check_command.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static redis_t redis;
static char unix_url[256];

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

static saver_check_t look(void)
{
    const check_config_t config = {.url = unix_url};
    saver_check_t found;
    char error[SAVER_CHECK_TEXT];
    if (check_run(&config, &found, error) < 0) check_fail("%s", error);
    return found;
}

/* All kinds of keys: with and without a TTL, runs, a delta channel, writes alone, two namespaces.
 */
static saver_client_t *fill(world_t *w)
{
    clear();
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y d@1~", .run_id = "r1");
    saver_write(s, "c1", "t1", "a=1");
    saver_put(s, "c2", "a@1 b@2=z", .parent = "c1", .ttl = cairn_ttl_ms(1000000));
    saver_put(s, "c2", "a@1=x", .ns = "n:{%}");
    saver_write(s, "c3", "t1", "a=1");
    return s;
}

static void what_a_saver_keeps_is_clean(world_t *w)
{
    fill(w);
    redis_ask(&redis, "SET somebody:else x");
    saver_check_t found = look();
    if (found.orphans > 0) check_fail("%s", found.orphan[0]);
    assert_int_equal(found.others, 1);
    assert_string_equal(found.other, "somebody:else");
    char size[32];
    snprintf(size, sizeof size, "%zu", found.keys + found.others);
    assert_string_equal(redis_ask(&redis, "DBSIZE"), size);
    assert_in_range(found.without_ttl, 1, found.keys - 1);
}

static void with_a_ttl_on_everything_no_key_is_without(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, 3600000}};
    const check_config_t strict = {.ttl = true}, lenient = {0};
    saver_client_t *s = saver_open(w, &an_hour);
    saver_put(s, "c1", "a@1=x", .run_id = "r1");
    saver_write(s, "c2", "t1", "a=1");
    saver_check_t found = look();
    assert_int_equal(found.without_ttl, 0);
    assert_true(check_is_good(&strict, &found));
    saver_pin(s, at("c1"));
    found = look();
    assert_int_equal(found.orphans, 0);
    assert_true(found.without_ttl > 0);
    assert_false(check_is_good(&strict, &found));
    assert_true(check_is_good(&lenient, &found));
    found.orphans = 1;
    assert_false(check_is_good(&lenient, &found));
}

/* ---- whatever is not as it was is told ---- */

static void assert_told(const char *command, const char *why)
{
    saver_check_t found = look();
    for (size_t i = 0; i < found.orphans && i < SAVER_CHECK_FEW; i++)
        if (strstr(found.orphan[i], why)) return;
    check_fail("%s: %zu orphans, first %s, expected %s", command, found.orphans, found.orphan[0],
               why);
}

static void whatever_is_changed_is_told(world_t *w)
{
    static const struct {
        const char *command;
        const char *why;
    } faults[] = {
        {"DEL langgraph:checkpoint:{t}:%:c1", "lists what is not there"},
        {"DEL langgraph:checkpoint:{t}:%:c2", "lists a checkpoint that is not there"},
        {"HDEL langgraph:checkpoint:{t}:%:c1 l", "says nothing of its channels"},
        {"HDEL langgraph:checkpoint:{t}:%:c1 r",
         "lists a checkpoint that is not there, or of no run"},
        {"HSET langgraph:checkpoint:{t}:%:c1 r r2", "its run does not list it"},
        {"HSET langgraph:checkpoint:{t}:%:c2 r r1", "its run does not list it"},
        {"HSET langgraph:checkpoint:{t}:%:c1 l a:1", "no checkpoint names it"},
        {"DEL langgraph:checkpoint_write:{t}:%:c1", "has no list of writes"},
        {"DEL langgraph:checkpoint_write:{t}:%:c3", "lists what is not there"},
        {"LSET langgraph:checkpoint_write:{t}:%:c1 0 x", "does not begin with a TTL"},
        {"LSET langgraph:checkpoint_write:{t}:%:c1 0 5", "begins with another TTL"},
        {"LSET langgraph:checkpoint_write:{t}:%:c2 0 5", "lives longer than its TTL"},
        {"COPY langgraph:checkpoint_write:{t}:%:c3 langgraph:checkpoint_write:{t}:%:c4",
         "its thread does not list it"},
        {"COPY langgraph:checkpoint:{t}:%:c1 langgraph:checkpoint:{t}:%:c5",
         "its thread does not list it"},
        {"SET langgraph:checkpoint_blob:{t}:%:a:9 x", "no checkpoint names it"},
        {"SET langgraph:checkpoint_blob:{u}:%:a:1 x", "no checkpoint names it"},
        {"PEXPIRE langgraph:checkpoint_blob:{t}:%:a:1 900000", "expires before a checkpoint"},
        {"PEXPIRE langgraph:checkpoint_blob:{t}:%:b:2 900000", "expires before a checkpoint"},
        {"PERSIST langgraph:checkpoint_blob:{t}:%:b:2", "outlives every checkpoint"},
        {"PEXPIRE langgraph:checkpoint:{t}:%:c1 900000", "expires, but should not"},
        {"PERSIST langgraph:checkpoint:{t}:%:c2", "never expires, but should"},
        {"PEXPIRE langgraph:checkpoint_write:{t}:%:c2 900000", "expires at another time"},
        {"ZREM langgraph:thread:{t} \"c\\x00\\x00c1\"", "its thread does not list it"},
        {"ZADD langgraph:thread:{t} 0 \"w\\x00\\x00c1\"", "its thread lists it as something else"},
        {"ZADD langgraph:thread:{t} 0 \"c\\x00\\x00c9\"", "lists what is not there"},
        {"ZADD langgraph:thread:{t} 0 c1", "lists what cannot be read"},
        {"ZADD langgraph:thread:{t} 0 x", "lists what cannot be read"},
        {"PEXPIRE langgraph:thread:{t} 9000000", "expires before what it lists"},
        {"ZADD langgraph:thread_expiry:{t} 9e12 \"c\\x00\\x00c9\"", "of what is not listed"},
        {"ZREM langgraph:thread_expiry:{t} \"c\\x00\\x00c2\"", "expires, but should not"},
        {"PEXPIRE langgraph:thread_expiry:{t} 900000", "expires at another time than its list"},
        {"PEXPIRE langgraph:checkpoints_expiry:52 900000", "expires at another time than its list"},
        {"DEL langgraph:checkpoint:{t}:n%3A%7B%25%7D:c2", "lists what is not there"},
        {"DEL langgraph:thread:{t}", "is beside a list that is not there"},
        {"PEXPIRE langgraph:thread_delta:{t} 1000000", "expires at another time than its list"},
        {"ZADD langgraph:thread_loose:{t} 1 x", "were not counted to the end"},
        {"DEL langgraph:checkpoints:52", "the list of all does not list it"},
        {"ZADD langgraph:checkpoints:52 0 garbage", "lists what cannot be read"},
        {"COPY langgraph:checkpoints:52 langgraph:checkpoints:51", "of another shard"},
        {"PEXPIRE langgraph:checkpoints:52 1000000", "expires before what it lists"},
        {"DEL langgraph:checkpoints_expiry:52", "the list of all has another expiry"},
        {"DEL langgraph:checkpoint_run:{r1}", "its run does not list it"},
        {"COPY langgraph:checkpoint_run:{r1} langgraph:checkpoint_run:{r2}", "of another run"},
        {"PEXPIRE langgraph:checkpoint_run:{r1} 1000000", "expires before what it lists"},
        {"SET langgraph:checkpoint_index:{t}:% x", "a key of no known kind"},
        {"SET langgraph:checkpoint:{t} x", "a key of no known kind"},
        {"SET langgraph:thread:{t} x", "a key of no known kind"},
        {"SET langgraph:checkpoint_run:{r1} x", "a key of no known kind"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fill(w);
        redis_ask(&redis, faults[i].command);
        assert_told(faults[i].command, faults[i].why);
    }
}

static void what_outlives_all_that_it_lists_is_told(world_t *w)
{
    static const cairn_saver_options_t an_hour = {.default_ttl = {true, 3600000}};
    static const struct {
        const char *command;
        const char *why;
    } faults[] = {
        {"PERSIST langgraph:thread:{t}", "never expires, as all that it lists does"},
        {"PERSIST langgraph:checkpoints:52", "never expires, as all that it lists does"},
        {"PERSIST langgraph:checkpoint_run:{r1}", "never expires, as all that it lists does"},
        {"PERSIST langgraph:thread_expiry:{t}", "expires at another time than its list"},
        {"PEXPIRE langgraph:thread:{t} 7200000", "outlives what it lists"},
        {"PEXPIRE langgraph:thread:{t} 1800000", "expires before what it lists"},
        {"PEXPIRE langgraph:checkpoint_run:{r1} 7200000", "outlives what it lists"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        clear();
        saver_client_t *s = saver_open(w, &an_hour);
        saver_put(s, "c1", "a@1=x", .run_id = "r1");
        assert_int_equal(look().orphans, 0);
        redis_ask(&redis, faults[i].command);
        assert_told(faults[i].command, faults[i].why);
    }
}

/* What has expired is listed until somebody comes by, and is no orphan. */
static void what_has_expired_is_no_orphan(world_t *w)
{
    saver_client_t *s = fill(w);
    saver_put(s, "c0", "a@0=x", .run_id = "r1", .ttl = cairn_ttl_ms(20));
    saver_write(s, "c4", "t1", "a=1", .ttl = cairn_ttl_ms(20));
    uint64_t deadline = uv_hrtime() + 2000000000u;
    const char *left;
    do {
        left = redis_ask(&redis, "EXISTS langgraph:checkpoint:{t}:%:c0 "
                                 "langgraph:checkpoint_write:{t}:%:c4");
    } while (strcmp(left, "0") != 0 && uv_hrtime() < deadline);
    saver_check_t found = look();
    if (found.orphans > 0) check_fail("%s", found.orphan[0]);
}

static void only_the_first_are_named(world_t *w)
{
    fill(w);
    for (int i = 0; i < 3 * SAVER_CHECK_FEW; i++) {
        char command[128];
        snprintf(command, sizeof command, "SET langgraph:checkpoint_blob:{t}:%%:a:1%d x", i);
        redis_ask(&redis, command);
    }
    saver_check_t found = look();
    assert_int_equal(found.orphans, 3 * SAVER_CHECK_FEW);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    check_report(&(check_config_t){0}, &found, out);
    fclose(out);
    assert_contains(text, "orphans 30\n");
    assert_contains(text, "and 20 more");
    free(text);
}

/* ---- the command ---- */

static void assert_unreachable(const char *url, const char *why)
{
    const check_config_t config = {.url = url};
    saver_check_t found;
    char error[SAVER_CHECK_TEXT] = "";
    assert_int_equal(check_run(&config, &found, error), -1);
    assert_contains(error, why);
}

static void a_server_that_cannot_be_asked_is_an_error(world_t *w)
{
    (void)w;
    assert_unreachable("memory:", "only a Redis server");
    assert_unreachable("nonsense", "the URL is not right");
    assert_unreachable("unix:///nowhere/sock", "No such file");
    assert_unreachable(redis_url(&redis, "nobody:wrong", NULL), "WRONGPASS");
    assert_unreachable(redis_url(&redis, NULL, "/4711"), "SELECT");
}

static void a_database_is_looked_at_alone(world_t *w)
{
    char url[256], error[SAVER_CHECK_TEXT];
    saver_check_t found;
    fill(w);
    snprintf(url, sizeof url, "%s", redis_url(&redis, NULL, "/3"));
    const check_config_t config = {.url = url};
    assert_int_equal(check_run(&config, &found, error), 0);
    assert_int_equal(found.keys + found.others, 0);
}

/* Its exit status; `out` gets what it writes. */
static int run(const char *arguments, char out[4096])
{
    const char *folder = getenv("CAIRN_BINARY_DIR");
    char command[4096];
    snprintf(command, sizeof command, "%s/bench/cairn-bench check %s 2>&1", folder ? folder : ".",
             arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t used = fread(out, 1, 4095, pipe);
    out[used] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_command_says_it_with_its_exit_status(world_t *w)
{
    char out[4096], arguments[512];
    fill(w);
    snprintf(arguments, sizeof arguments, "--url %s", unix_url);
    assert_int_equal(run(arguments, out), 0);
    assert_contains(out, "\norphans 0\n");
    snprintf(arguments, sizeof arguments, "--url %s --ttl", unix_url);
    assert_int_equal(run(arguments, out), 1);
    assert_contains(out, "\n  langgraph:");
    redis_ask(&redis, "SET langgraph:checkpoint_blob:{t}:%:a:9 x");
    snprintf(arguments, sizeof arguments, "--url %s", unix_url);
    assert_int_equal(run(arguments, out), 1);
    assert_contains(out, "\norphans 1\n  no checkpoint names it: "
                         "langgraph:checkpoint_blob:{t}:%:a:9\n");
    assert_int_equal(run("--url unix:///nowhere/sock", out), 1);
    assert_contains(out, "/nowhere/sock");
    assert_int_equal(run("", out), 2);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_a_saver_keeps_is_clean),
    SCENARIO(with_a_ttl_on_everything_no_key_is_without),
    SCENARIO(whatever_is_changed_is_told),
    SCENARIO(what_outlives_all_that_it_lists_is_told),
    SCENARIO(what_has_expired_is_no_orphan),
    SCENARIO(only_the_first_are_named),
    SCENARIO(a_server_that_cannot_be_asked_is_an_error),
    SCENARIO(a_database_is_looked_at_alone),
    SCENARIO(the_command_says_it_with_its_exit_status),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    snprintf(unix_url, sizeof unix_url, "%s", redis_unix_url(&redis, NULL));
    int failures = SCENARIOS_RUN("bench: check", scenarios, unix_url);
    redis_stop(&redis);
    return failures;
}
