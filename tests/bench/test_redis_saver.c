#include "args.h"
#include "saver.h"
#include "saver_command.h"
#include "saver_steps.h"
#include "server.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static saver_result_t result;
static char error[CLIENT_ERROR_MAX];
static char tcp_url[64], unix_url[160];
static server_t server;

static int start_server(void **state)
{
    (void)state;
    if (server_start(&server, NULL) < 0) fail_msg("%s", server.error);
    snprintf(tcp_url, sizeof tcp_url, "redis://127.0.0.1:%d", server.port);
    snprintf(unix_url, sizeof unix_url, "unix://%s", server.unix_path);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static long keys_on_server(void)
{
    char reply[64];
    if (server_ask(&server, "DBSIZE", reply, sizeof reply) < 0) fail_msg("%s", server.error);
    return strtol(reply, NULL, 10);
}

static void flush_server(void)
{
    char reply[64];
    if (server_ask(&server, "FLUSHALL", reply, sizeof reply) < 0) fail_msg("%s", server.error);
}

static saver_config_t short_run(const char *url, const client_ops_t *client, saver_op_t op)
{
    saver_config_t config;
    saver_bench_init(&config);
    config.url = url;
    config.client = client;
    config.op = op;
    config.value = 100;
    config.window = 8;
    config.warmup_s = 0.02;
    config.duration_s = 0.1;
    return config;
}

static const row_t *run(const saver_config_t *config)
{
    error[0] = '\0';
    if (saver_bench_run(config, &result, error) < 0) fail_msg("%s", error);
    return &result.row;
}

static void assert_refused(const saver_config_t *config, const char *why)
{
    error[0] = '\0';
    assert_int_equal(saver_bench_run(config, &result, error), -1);
    if (!strstr(error, why)) fail_msg("it was refused with: %s", error);
}

static void assert_sound(const row_t *row)
{
    assert_int_equal(row->unit, ROW_OPERATIONS);
    assert_true(row->msgs_per_s > 0);
    assert_true(row->mb_per_s > 0);
    assert_true(row->p50_us > 0);
    assert_true(row->p50_us <= row->p90_us);
    assert_true(row->p90_us <= row->p99_us);
    assert_true(row->p99_us <= row->p999_us);
    assert_true(row->p999_us <= row->max_us);
    assert_true(row->client_cpu_us_per_msg > 0);
}

/* ---- runs ---- */

static void every_operation_in_memory(void **state)
{
    (void)state;
    for (int op = 0; op < SAVER_OPS; op++) {
        saver_config_t config = short_run("memory:", &client_cairn, (saver_op_t)op);
        const row_t *row = run(&config);
        char workload[32];
        snprintf(workload, sizeof workload, "saver.%s", saver_bench_op_name((saver_op_t)op));
        assert_sound(row);
        assert_string_equal(row->workload, workload);
        assert_string_equal(row->backend, "memory");
        assert_int_equal(row->threads, 8);
        assert_int_equal(row->inflight, 8);
        assert_int_equal(row->channels, 5);
        assert_int_equal(row->payload, 100);
        assert_true(isnan(row->rate_wanted));
    }
}

static void run_every_operation(const char *url, const client_ops_t *client, uint64_t ttl_ms)
{
    for (int op = 0; op < SAVER_OPS; op++) {
        saver_config_t config = short_run(url, client, (saver_op_t)op);
        config.channels = 1 + 3 * (uint32_t)op;
        config.ttl_ms = ttl_ms;
        const row_t *row = run(&config);
        assert_sound(row);
        assert_string_equal(row->client, client->name);
        assert_string_equal(row->backend, "redis");
        assert_int_equal(row->ttl_ms, ttl_ms > 0 ? (int64_t)ttl_ms : ROW_NO_COUNT);
        assert_true(strncmp(result.server, "redis ", 6) == 0 || strstr(result.server, "valkey"));
        assert_int_equal(keys_on_server(), 0);
    }
}

static void every_operation_of_cairn_on_a_server_leaves_nothing(void **state)
{
    (void)state;
    run_every_operation(tcp_url, &client_cairn, 0);
    run_every_operation(unix_url, &client_cairn, 60000);
}

static void every_operation_of_hiredis_on_a_server_leaves_nothing(void **state)
{
    (void)state;
    run_every_operation(unix_url, &client_hiredis, 0);
    run_every_operation(tcp_url, &client_hiredis, 60000);
}

static long keys_that_expire(void)
{
    char reply[64];
    if (server_ask(&server,
                   "EVAL \"local n = 0 for _, key in ipairs(redis.call('KEYS', '*')) do "
                   "if redis.call('PTTL', key) > 0 then n = n + 1 end end return n\" 0",
                   reply, sizeof reply) < 0)
        fail_msg("%s", server.error);
    return strtol(reply, NULL, 10);
}

static void what_is_kept_has_the_ttl_it_was_given(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        saver_config_t config = short_run(tcp_url, clients[i], SAVER_AGENT);
        config.keep = true;
        config.ttl_ms = 600000;
        config.most_bytes = 100000;
        run(&config);
        long keys = keys_on_server();
        assert_true(keys > 0);
        assert_int_equal(keys_that_expire(), keys);
        flush_server();
    }
}

static void an_open_loop_holds_its_rate(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        saver_config_t config = short_run(tcp_url, clients[i], SAVER_AGENT);
        config.rate = 500;
        config.duration_s = 0.4;
        const row_t *row = run(&config);
        assert_sound(row);
        assert_int_equal(row->inflight, ROW_NO_COUNT);
        assert_int_equal(row->threads, 1000);
        assert_true(fabs(row->rate_wanted - 500) < 1e-9);
        assert_true(row->msgs_per_s > 250 && row->msgs_per_s < 1000);
        assert_true(row->lag_p99_us >= 0);
    }
}

static void fewer_threads_are_at_work_than_there_are(void **state)
{
    (void)state;
    saver_config_t config = short_run("memory:", &client_cairn, SAVER_AGENT);
    config.threads = 50;
    config.window = 3;
    const row_t *row = run(&config);
    assert_sound(row);
    assert_int_equal(row->threads, 50);
    assert_int_equal(row->inflight, 3);
}

static void a_thousand_threads_at_once(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        saver_config_t config = short_run(tcp_url, clients[i], SAVER_AGENT);
        config.window = 1000;
        config.duration_s = 0.5;
        const row_t *row = run(&config);
        assert_sound(row);
        assert_int_equal(row->inflight, 1000);
        assert_int_equal(keys_on_server(), 0);
    }
}

static void the_servers_own_time_is_told(void **state)
{
    (void)state;
    saver_config_t config = short_run(tcp_url, &client_hiredis, SAVER_PUT);
    assert_true(isnan(run(&config)->server_cpu_us_per_msg));
    config.server_pid = (int)server.pid;
    double us = run(&config)->server_cpu_us_per_msg;
    assert_true(us > 1 && us < 10000);
}

static void it_ends_early_once_enough_was_put(void **state)
{
    (void)state;
    saver_config_t config = short_run("memory:", &client_cairn, SAVER_PUT);
    config.most_bytes = 1 << 20;
    config.warmup_s = 30;
    config.duration_s = 30;
    uint64_t begin_ns = uv_hrtime();
    assert_sound(run(&config));
    assert_true(uv_hrtime() - begin_ns < UINT64_C(20000000000));
}

static void what_takes_long_is_measured_until_each_thread_had_its_turn(void **state)
{
    (void)state;
    saver_config_t config = short_run("memory:", &client_cairn, SAVER_AGENT);
    config.window = 500;
    config.warmup_s = 0;
    config.duration_s = 0.01;
    assert_sound(run(&config));
    assert_true(result.latency.total >= 500);
}

static void hiredis_uses_no_scripts(void **state)
{
    (void)state;
    char reply[8192];
    assert_int_equal(server_ask(&server, "CONFIG RESETSTAT", reply, sizeof reply), 0);
    saver_config_t config = short_run(tcp_url, &client_hiredis, SAVER_AGENT);
    assert_sound(run(&config));
    assert_int_equal(server_ask(&server, "INFO commandstats", reply, sizeof reply), 0);
    assert_non_null(strstr(reply, "cmdstat_zadd"));
    assert_null(strstr(reply, "eval"));
    assert_null(strstr(reply, "multi"));
}

/* ---- failures ---- */

static void hiredis_has_no_memory(void **state)
{
    (void)state;
    saver_config_t config = short_run("memory:", &client_hiredis, SAVER_PUT);
    assert_int_equal(saver_bench_check(&config, error), -1);
    assert_refused(&config, "server");
}

static void a_wrong_url_is_refused(void **state)
{
    (void)state;
    saver_config_t config = short_run("rediss:", &client_cairn, SAVER_PUT);
    assert_refused(&config, "URL");
}

static void a_server_that_is_not_there_is_told(void **state)
{
    (void)state;
    char url[64];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server_free_port());
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        saver_config_t config = short_run(url, clients[i], SAVER_PUT);
        assert_refused(&config, "onnection refused");
    }
}

static void lose_values(const saver_config_t *config, double elapsed_s, double ops_per_s)
{
    (void)config, (void)elapsed_s, (void)ops_per_s;
    flush_server();
}

static void a_wrong_answer_ends_the_run(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        saver_config_t config = short_run(tcp_url, clients[i], SAVER_GET);
        config.duration_s = 20;
        config.on_progress = lose_values;
        assert_refused(&config, "a wrong answer");
        flush_server();
    }
}

/* ---- steps ---- */

static void ids_and_versions_grow_with_the_steps(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {1, 2, 9, 10, 99, 255, 256, 65535, 65536, 1000000};
    steps_t steps;
    char id[STEPS_ID_LEN + 1] = "", version[STEPS_VERSION_LEN + 1] = "";
    assert_int_equal(steps_init(&steps, 2, 10), 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        steps_set(&steps, numbers[i]);
        assert_true(strcmp(steps.id_text, id) > 0);
        assert_true(strcmp(steps.version_text, version) > 0);
        assert_int_equal(strlen(steps.id_text), STEPS_ID_LEN);
        assert_int_equal(strlen(steps.version_text), STEPS_VERSION_LEN);
        memcpy(id, steps.id_text, sizeof id);
        memcpy(version, steps.version_text, sizeof version);

        char same[STEPS_ID_LEN + 1];
        steps_id(numbers[i], same);
        assert_string_equal(same, id);
        json_t *metadata = json_loadb(steps.metadata.ptr, steps.metadata.len, 0, NULL);
        assert_non_null(metadata);
        assert_true(json_is_integer(json_object_get(metadata, "step")));
        json_decref(metadata);
    }
    steps_free(&steps);
}

static void the_first_step_has_no_parent(void **state)
{
    (void)state;
    steps_t steps;
    char first[STEPS_ID_LEN + 1];
    assert_int_equal(steps_init(&steps, 1, 1), 0);
    steps_set(&steps, 1);
    assert_null(steps.parent_id.ptr);
    memcpy(first, steps.id_text, sizeof first);
    steps_set(&steps, 2);
    assert_true(cairn_slice_eq(steps.parent_id, cairn_str(first)));
    steps_free(&steps);
}

static void a_step_has_what_was_asked_for(void **state)
{
    (void)state;
    steps_t steps;
    assert_int_equal(steps_init(&steps, 7, 1000), 0);
    steps_set(&steps, 1);
    const cairn_checkpoint_t *checkpoint = &steps.checkpoint;
    assert_int_equal(checkpoint->channel_version_count, 7);
    assert_int_equal(checkpoint->channel_value_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(checkpoint->channel_values[i].value.bytes.len, 1000);
        for (size_t j = 0; j < i; j++)
            assert_false(cairn_slice_eq(checkpoint->channel_values[i].channel,
                                        checkpoint->channel_values[j].channel));
    }
    cairn_task_writes_t a = steps_writes(&steps, 0, 3), b = steps_writes(&steps, 2, 7);
    assert_int_equal(a.count, 3);
    assert_int_equal(b.count, 7);
    assert_false(cairn_slice_eq(a.task_id, b.task_id));
    steps_free(&steps);
}

/* ---- commands ---- */

static void assert_argument(const saver_command_t *command, int index, const char *text)
{
    assert_int_equal(command->lens[index], strlen(text));
    assert_memory_equal(command->argv[index], text, strlen(text));
}

static void a_command_is_put_together(void **state)
{
    (void)state;
    saver_command_t command = {0};
    assert_int_equal(saver_command_begin(&command, 4, 64), 0);
    saver_command_word(&command, "SET");
    saver_command_open(&command);
    saver_command_add(&command, "a", 1);
    saver_command_add_number(&command, 0);
    saver_command_add_number(&command, UINT64_MAX);
    saver_command_close(&command);
    saver_command_slice(&command, cairn_str(""));
    assert_int_equal(command.argc, 3);
    assert_argument(&command, 0, "SET");
    assert_argument(&command, 1, "a018446744073709551615");
    assert_argument(&command, 2, "");
    assert_int_equal(saver_command_begin(&command, 1, 1), 0);
    assert_int_equal(command.argc, 0);
    saver_command_free(&command);
}

static void sized_texts_are_taken_as_they_were_added(void **state)
{
    (void)state;
    saver_command_t command = {0};
    assert_int_equal(saver_command_begin(&command, 1, 64), 0);
    saver_command_open(&command);
    saver_command_add_sized(&command, cairn_str("one"));
    saver_command_add_sized(&command, cairn_str(""));
    saver_command_add(&command, "\5\0\0\0rest", 8);
    saver_command_close(&command);

    cairn_slice_t from = cairn_slice(command.argv[0], command.lens[0]), taken;
    assert_true(saver_command_take_sized(&from, &taken));
    assert_true(cairn_slice_eq(taken, cairn_str("one")));
    assert_true(saver_command_take_sized(&from, &taken));
    assert_int_equal(taken.len, 0);
    assert_false(saver_command_take_sized(&from, &taken)); /* it says 5, and there are 4 */
    from.len = 3;
    assert_false(saver_command_take_sized(&from, &taken));
    saver_command_free(&command);
}

/* ---- the command line ---- */

enum {
    WORDS_MAX = 40
};

static saver_args_t args;

static int parse(const char *text)
{
    char copy[512], *words[WORDS_MAX];
    int count = 0;
    assert_true(strlen(text) < sizeof copy);
    memcpy(copy, text, strlen(text) + 1);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    words[count] = NULL;
    error[0] = '\0';
    int status = args_saver(count, words, &args, error);
    args.config.url = args.json = NULL; /* they lie in `copy` */
    return status;
}

static void assert_not_parsed(const char *text, const char *why)
{
    assert_int_equal(parse(text), -1);
    if (!strstr(error, why)) fail_msg("'%s' was refused with: %s", text, error);
}

static void the_command_line_has_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse("saver"), 0);
    assert_ptr_equal(args.config.client, &client_cairn);
    assert_int_equal(args.config.op, SAVER_AGENT);
    assert_int_equal(args.config.channels, 5);
    assert_int_equal(args.config.value, 1024);
    assert_int_equal(args.config.window, 64);
    assert_int_equal(args.config.threads, 0);
    assert_int_equal(args.config.ttl_ms, 0);
    assert_false(args.config.keep);
    assert_true(args.config.rate <= 0);
    assert_int_equal(args.cpu, -1);
}

static void the_command_line_takes_all_options(void **state)
{
    (void)state;
    assert_int_equal(parse("saver --url redis://h --client hiredis --op put_writes --channels 20 "
                           "--value 7 --threads 9 --window 3 --ttl 500 --most-mib 2 "
                           "--duration 0.5 --warmup 0 --json - --pin 1 --keep"),
                     0);
    assert_ptr_equal(args.config.client, &client_hiredis);
    assert_int_equal(args.config.op, SAVER_PUT_WRITES);
    assert_int_equal(args.config.channels, 20);
    assert_int_equal(args.config.value, 7);
    assert_int_equal(args.config.threads, 9);
    assert_int_equal(args.config.window, 3);
    assert_int_equal(args.config.ttl_ms, 500);
    assert_int_equal(args.config.most_bytes, 2 << 20);
    assert_true(fabs(args.config.duration_s - 0.5) < 1e-9);
    assert_true(fabs(args.config.warmup_s) < 1e-9);
    assert_int_equal(args.cpu, 1);
    assert_true(args.config.keep);
    for (int op = 0; op < SAVER_OPS; op++) {
        char text[64];
        snprintf(text, sizeof text, "saver --op %s", saver_bench_op_name((saver_op_t)op));
        assert_int_equal(parse(text), 0);
        assert_int_equal(args.config.op, op);
    }
}

static void the_command_line_is_strict(void **state)
{
    (void)state;
    assert_not_parsed("saver --op puts", "--op takes");
    assert_not_parsed("saver --channels 0", "--channels");
    assert_not_parsed("saver --ttl 0", "--ttl");
    assert_not_parsed("saver --value -1", "--value");
    assert_not_parsed("saver --rate 5 --window 5", "exclude");
    assert_not_parsed("saver --threads 4 --window 5", "exceed");
    assert_not_parsed("saver --op put --op get", "twice");
    assert_not_parsed("saver put", "means nothing");
    assert_not_parsed("saver --payload 64", "no such option");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_in_memory),
        cmocka_unit_test(every_operation_of_cairn_on_a_server_leaves_nothing),
        cmocka_unit_test(every_operation_of_hiredis_on_a_server_leaves_nothing),
        cmocka_unit_test(what_is_kept_has_the_ttl_it_was_given),
        cmocka_unit_test(an_open_loop_holds_its_rate),
        cmocka_unit_test(fewer_threads_are_at_work_than_there_are),
        cmocka_unit_test(a_thousand_threads_at_once),
        cmocka_unit_test(the_servers_own_time_is_told),
        cmocka_unit_test(it_ends_early_once_enough_was_put),
        cmocka_unit_test(what_takes_long_is_measured_until_each_thread_had_its_turn),
        cmocka_unit_test(hiredis_uses_no_scripts),
        cmocka_unit_test(hiredis_has_no_memory),
        cmocka_unit_test(a_wrong_url_is_refused),
        cmocka_unit_test(a_server_that_is_not_there_is_told),
        cmocka_unit_test(a_wrong_answer_ends_the_run),
        cmocka_unit_test(ids_and_versions_grow_with_the_steps),
        cmocka_unit_test(the_first_step_has_no_parent),
        cmocka_unit_test(a_step_has_what_was_asked_for),
        cmocka_unit_test(a_command_is_put_together),
        cmocka_unit_test(sized_texts_are_taken_as_they_were_added),
        cmocka_unit_test(the_command_line_has_defaults),
        cmocka_unit_test(the_command_line_takes_all_options),
        cmocka_unit_test(the_command_line_is_strict),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
