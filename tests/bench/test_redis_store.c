#include "store_work.h"
#include <stdlib.h>
#include <uv.h>

static char tcp_url[64], unix_url[160];
static server_t server;

static const client_ops_t *const clients[] = {&client_cairn, &client_hiredis};

enum {
    CLIENTS = sizeof clients / sizeof clients[0]
};

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

static void tell_server(const char *command)
{
    char reply[64];
    if (server_ask(&server, command, reply, sizeof reply) < 0) fail_msg("%s", server.error);
}

static long keys_on_server(void)
{
    char reply[64];
    if (server_ask(&server, "DBSIZE", reply, sizeof reply) < 0) fail_msg("%s", server.error);
    return strtol(reply, NULL, 10);
}

static int flush_server(void **state)
{
    (void)state;
    tell_server("FLUSHALL");
    return 0;
}

static void assert_sound(const row_t *row, const store_work_t *work, const char *transport)
{
    assert_row(row, work, "redis", transport);
    assert_true(strncmp(result.server, "redis ", 6) == 0 || strstr(result.server, "valkey"));
}

/* ---- runs ---- */

static void every_operation_of_cairn(void **state)
{
    (void)state;
    for (int op = 0; op < STORE_OPS; op++) {
        const store_work_t over_tcp = short_run(tcp_url, &client_cairn, (store_op_t)op);
        assert_sound(run(&over_tcp), &over_tcp, "tcp");
        assert_true(keys_on_server() > over_tcp.items);
        flush_server(NULL);
        const store_work_t over_unix = short_run(unix_url, &client_cairn, (store_op_t)op);
        assert_sound(run(&over_unix), &over_unix, "unix");
        flush_server(NULL);
    }
}

static void every_operation_of_hiredis(void **state)
{
    (void)state;
    for (int op = 0; op < STORE_SEARCH; op++) {
        const store_work_t over_tcp = short_run(tcp_url, &client_hiredis, (store_op_t)op);
        assert_sound(run(&over_tcp), &over_tcp, "tcp");
        assert_int_equal(keys_on_server(), ITEMS);
        const store_work_t over_unix = short_run(unix_url, &client_hiredis, (store_op_t)op);
        assert_sound(run(&over_unix), &over_unix, "unix");
        flush_server(NULL);
    }
}

static void batches_of_both(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i++) {
        store_work_t work = short_run(tcp_url, clients[i], STORE_MIX);
        work.batch = 16;
        work.zipf = true;
        assert_sound(run(&work), &work, "tcp");
        flush_server(NULL);
    }
}

static void the_servers_own_time_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i++) {
        store_work_t work = short_run(tcp_url, clients[i], STORE_GET);
        assert_true(isnan(run(&work)->server_cpu_us_per_msg));
        work.server_pid = (int)server.pid;
        const double us = run(&work)->server_cpu_us_per_msg;
        assert_true(us > 0.1 && us < 10000);
    }
}

/* ---- failures ---- */

/* As soon as all items are there. On the server there is nothing else by then. */
static void take_items_away(void *unused)
{
    (void)unused;
    char reply[64] = "0";
    while (strtol(reply, NULL, 10) < ITEMS) {
        if (server_ask(&server, "DBSIZE", reply, sizeof reply) < 0) return;
    }
    (void)server_ask(&server, "FLUSHALL", reply, sizeof reply);
}

static void an_item_that_is_not_there_is_a_wrong_answer(void **state)
{
    (void)state;
    static const uint32_t batches[] = {1, 16};
    for (size_t i = 0; i < 2 * CLIENTS; i++) {
        uv_thread_t thief;
        store_work_t work = short_run(tcp_url, clients[i % 2], STORE_GET);
        work.batch = batches[i / 2];
        work.duration_s = 20;
        assert_int_equal(uv_thread_create(&thief, take_items_away, NULL), 0);
        const int status = store_bench_run(&work, &result, error);
        assert_int_equal(uv_thread_join(&thief), 0);
        assert_int_equal(status, -1);
        assert_string_equal(error, "an answer was wrong");
        flush_server(NULL);
    }
}

static void an_error_of_the_server_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i++) {
        const store_work_t work = short_run(tcp_url, clients[i], STORE_PUT);
        tell_server("CONFIG SET maxmemory 1");
        assert_fails(&work, "maxmemory");
        tell_server("CONFIG SET maxmemory 0");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_operation_of_cairn, flush_server),
        cmocka_unit_test_teardown(every_operation_of_hiredis, flush_server),
        cmocka_unit_test_teardown(batches_of_both, flush_server),
        cmocka_unit_test_teardown(the_servers_own_time_is_told, flush_server),
        cmocka_unit_test_teardown(an_item_that_is_not_there_is_a_wrong_answer, flush_server),
        cmocka_unit_test_teardown(an_error_of_the_server_is_told, flush_server),
    };
    return cmocka_run_group_tests_name("bench: store on redis", tests, start_server, stop_server);
}
