#include "pubsub.h"
#include "server.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-3);
}

static pubsub_result_t result;
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

static pubsub_config_t short_run(const char *url, const client_ops_t *client)
{
    pubsub_config_t config;
    pubsub_config_init(&config);
    config.url = url;
    config.client = client;
    config.warmup_s = 0.02;
    config.duration_s = 0.1;
    return config;
}

static const row_t *run(const pubsub_config_t *config)
{
    error[0] = '\0';
    if (pubsub_run(config, &result, error) < 0) fail_msg("%s", error);
    return &result.row;
}

static void assert_refused(const pubsub_config_t *config, const char *why)
{
    error[0] = '\0';
    assert_int_equal(pubsub_run(config, &result, error), -1);
    if (!strstr(error, why)) fail_msg("it was refused with: %s", error);
}

static void assert_sound(const row_t *row)
{
    assert_int_equal(row->lost, 0);
    assert_int_equal(row->duplicated, 0);
    assert_int_equal(row->reordered, 0);
    assert_true(row->msgs_per_s > 0);
    assert_true(row->p50_us > 0);
    assert_true(row->p50_us <= row->p90_us);
    assert_true(row->p90_us <= row->p99_us);
    assert_true(row->p99_us <= row->p999_us);
    assert_true(row->p999_us <= row->max_us);
    assert_true(row->client_cpu_us_per_msg > 0);
}

static void a_closed_loop_in_memory(void **state)
{
    (void)state;
    pubsub_config_t config = short_run("memory:", &client_cairn);
    const row_t *row = run(&config);
    assert_sound(row);
    assert_string_equal(row->workload, "closed loop");
    assert_string_equal(row->client, "cairn");
    assert_string_equal(row->backend, "memory");
    assert_string_equal(row->transport, "memory");
    assert_int_equal(row->inflight, 64);
    assert_int_equal(row->payload, 64);
    assert_true(isnan(row->rate_wanted));
    assert_true(isnan(row->lag_p99_us));
    assert_near(row->mb_per_s, row->msgs_per_s * 64 / 1e6);
}

static void many_ends_and_channels(void **state)
{
    (void)state;
    const char *const urls[] = {"memory:", tcp_url, unix_url};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        pubsub_config_t config = short_run(urls[i], &client_cairn);
        config.publishers = 3;
        config.subscribers = 2;
        config.channels = 5;
        config.window = 7;
        config.payload = 24;
        const row_t *row = run(&config);
        assert_sound(row);
        assert_int_equal(row->publishers, 3);
        assert_int_equal(row->subscribers, 2);
        assert_int_equal(row->channels, 5);
    }
}

static void both_clients_over_both_transports(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    const char *const urls[] = {tcp_url, unix_url};
    const char *const transports[] = {"tcp", "unix"};
    for (int i = 0; i < 4; i++) {
        pubsub_config_t config = short_run(urls[i / 2], clients[i % 2]);
        config.window = i < 2 ? 1 : 64;
        const row_t *row = run(&config);
        assert_sound(row);
        assert_string_equal(row->client, clients[i % 2]->name);
        assert_string_equal(row->backend, "redis");
        assert_string_equal(row->transport, transports[i / 2]);
        assert_non_null(strstr(result.server, "redis "));
    }
}

static void one_handle_for_all(void **state)
{
    (void)state;
    pubsub_config_t config = short_run(tcp_url, &client_cairn);
    config.shared = true;
    config.publishers = 2;
    config.subscribers = 2;
    const row_t *row = run(&config);
    assert_sound(row);
    assert_true(row->shared);
    config.client = &client_hiredis;
    assert_refused(&config, "hiredis cannot publish and subscribe on one connection");
}

static void an_open_loop_keeps_its_rate(void **state)
{
    (void)state;
    pubsub_config_t config = short_run(tcp_url, &client_cairn);
    config.rate = 1000;
    config.publishers = 2;
    config.duration_s = 0.5;
    const row_t *row = run(&config);
    assert_sound(row);
    assert_string_equal(row->workload, "open loop");
    assert_near(row->rate_wanted, 1000);
    assert_int_equal(row->inflight, ROW_NO_COUNT);
    assert_true(row->msgs_per_s > 300 && row->msgs_per_s < 2000);
    assert_true(row->lag_p99_us >= 0);
}

/* More than can be done: the schedule runs away, and the latency must tell. */
static void an_open_loop_tells_what_it_could_not_do(void **state)
{
    (void)state;
    pubsub_config_t config = short_run(tcp_url, &client_hiredis);
    config.rate = 1e8;
    config.warmup_s = 0;
    config.duration_s = 0.2;
    const row_t *row = run(&config);
    assert_int_equal(row->lost, 0);
    assert_true(row->msgs_per_s < 1e7);
    assert_true(row->lag_p99_us > 10000);
    assert_true(row->p99_us > 10000);
}

static void a_feeder_feeds_both(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    feeder_t feeder;
    char url[64];
    assert_int_equal(feeder_start(&feeder, 100, -1), 0);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", feeder.port);
    for (int i = 0; i < 2; i++) {
        pubsub_config_t config = short_run(url, clients[i]);
        config.payload = 100;
        config.feeder = &feeder;
        const row_t *row = run(&config);
        assert_string_equal(row->workload, "receive only");
        assert_string_equal(row->backend, "feeder");
        assert_true(row->msgs_per_s > 0);
        assert_true(isnan(row->p50_us));
        assert_int_equal(row->lost, 0);
        assert_int_equal(row->duplicated, 0);
        assert_int_equal(row->reordered, 0);
    }
    feeder_stop(&feeder);
}

static void wrong_urls_are_named(void **state)
{
    (void)state;
    pubsub_config_t config = short_run("nats://localhost", &client_cairn);
    assert_refused(&config, "the URL is not right");
    config.url = "redis://:secret@localhost?nonsense=1";
    assert_refused(&config, "nonsense");
    assert_null(strstr(error, "secret"));
    config = short_run("memory:", &client_hiredis);
    assert_refused(&config, "hiredis cannot do without a server");
}

static void a_server_that_is_not_there_is_named(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    char url[64], where[64];
    int port = server_free_port();
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", port);
    snprintf(where, sizeof where, "127.0.0.1:%d", port);
    for (int i = 0; i < 2; i++) {
        pubsub_config_t config = short_run(url, clients[i]);
        assert_refused(&config, where);
        assert_non_null(strstr(error, "onnection refused"));
        assert_non_null(strstr(error, "Is a redis-server running there?"));
        config.url = "unix:///no/such/socket";
        assert_refused(&config, "cannot use");
        assert_non_null(strstr(error, "o such file"));
    }
}

static void a_password_is_wanted_and_checked(void **state)
{
    (void)state;
    const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};
    server_t guarded;
    server_options_t options = {.password = "right"};
    char right[64], wrong[64], none[64];
    if (server_start(&guarded, &options) < 0) fail_msg("%s", guarded.error);
    snprintf(right, sizeof right, "redis://:right@127.0.0.1:%d", guarded.port);
    snprintf(wrong, sizeof wrong, "redis://:guess@127.0.0.1:%d", guarded.port);
    snprintf(none, sizeof none, "redis://127.0.0.1:%d", guarded.port);
    for (int i = 0; i < 2; i++) {
        pubsub_config_t config = short_run(right, clients[i]);
        assert_sound(run(&config));
        config.url = wrong;
        assert_refused(&config, "WRONGPASS");
        assert_null(strstr(error, "guess"));
        config.url = none;
        assert_refused(&config, "NOAUTH");
    }
    server_stop(&guarded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_loop_in_memory),
        cmocka_unit_test(many_ends_and_channels),
        cmocka_unit_test(both_clients_over_both_transports),
        cmocka_unit_test(one_handle_for_all),
        cmocka_unit_test(an_open_loop_keeps_its_rate),
        cmocka_unit_test(an_open_loop_tells_what_it_could_not_do),
        cmocka_unit_test(a_feeder_feeds_both),
        cmocka_unit_test(wrong_urls_are_named),
        cmocka_unit_test(a_server_that_is_not_there_is_named),
        cmocka_unit_test(a_password_is_wanted_and_checked),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
