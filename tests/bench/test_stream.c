#include "stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static server_t server;
static char url[64], error[CLIENT_ERROR_MAX], reply[256];

static int start_server(void **state)
{
    (void)state;
    if (server_start(&server, NULL) < 0) fail_msg("%s", server.error);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static const char *ask(const char *command)
{
    if (server_ask(&server, command, reply, sizeof reply) < 0) fail_msg("%s", server.error);
    return reply;
}

/* Every event comes once, and the latency of each is known. */
static void assert_delivers(int (*deliver)(stream_work_t *work), uint32_t tails, double rate)
{
    stream_work_t work = {.server = &server,
                          .url = url,
                          .payload = 64,
                          .tails = tails,
                          .rate = rate,
                          .events = 12,
                          .error = error};
    work.latency = calloc(1, sizeof *work.latency);
    assert_non_null(work.latency);
    ask("FLUSHALL");
    if (deliver(&work) < 0) fail_msg("%s", error);
    assert_int_equal(work.lost, 0);
    assert_int_equal(work.duplicated, 0);
    assert_true(work.elapsed_s > 0);
    row_t row;
    row_init(&row);
    row_set_latency(&row, work.latency);
    free(work.latency);
    assert_true(row.p50_us > 0 && row.max_us >= row.p50_us && row.max_us < 20e6);
}

static void every_client_delivers_all_events(void **state)
{
    (void)state;
    assert_delivers(stream_cairn_deliver, 1, 200);
    assert_delivers(stream_cairn_deliver, 3, 200);
    assert_delivers(stream_hiredis_deliver, 1, 200);
    assert_delivers(stream_hiredis_deliver, 3, 200);
    assert_delivers(stream_cairn_pubsub, 1, 200);
    assert_delivers(stream_cairn_pubsub, 3, 200);
    assert_delivers(stream_hiredis_pubsub, 1, 200);
    assert_delivers(stream_hiredis_pubsub, 3, 200);
}

static void the_stand_in_leaves_the_keys_of_pure_graph(void **state)
{
    (void)state;
    assert_delivers(stream_pure_graph_deliver, 2, 200);
    assert_string_equal(ask("XLEN stream:run-0"), "6");
    assert_string_equal(ask("LLEN queue:run-1"), "6");
    assert_in_range(strtol(ask("TTL stream:run-1"), NULL, 10), 200, 300);
    assert_in_range(strtol(ask("TTL queue:run-0"), NULL, 10), 200, 300);
    ask("LINDEX queue:run-0 0");
    assert_int_equal(strncmp(reply, "{\"event\":\"messages\",\"data\":\"0", 29), 0);
}

static void cairn_delivers_in_the_layout_of_pure_graph_too(void **state)
{
    (void)state;
    snprintf(url, sizeof url, "redis://127.0.0.1:%d?stream_layout=pure_graph", server.port);
    assert_delivers(stream_cairn_deliver, 2, 200);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
    assert_string_equal(ask("XLEN stream:run-0"), "6");
    assert_string_equal(ask("LLEN queue:run-0"), "6");
}

static void a_server_that_is_gone_is_told(void **state)
{
    (void)state;
    server_t gone = {.port = server_free_port()};
    stream_work_t work = {.server = &gone, .payload = 64, .tails = 1, .rate = 100, .events = 1};
    work.error = error;
    work.latency = calloc(1, sizeof *work.latency);
    assert_non_null(work.latency);
    error[0] = '\0';
    assert_int_equal(stream_pure_graph_deliver(&work), -1);
    assert_non_null(strstr(error, "hiredis: "));
    free(work.latency);
}

/* ---- ratios ---- */

static row_t row_of(const char *workload, const char *client, int64_t tails, double rate,
                    double p50_us)
{
    row_t row;
    row_init(&row);
    row.workload = workload;
    row.client = client;
    row.subscribers = tails;
    row.rate_wanted = rate;
    row.p50_us = p50_us;
    return row;
}

static void ratios_are_of_the_same_work(void **state)
{
    (void)state;
    const row_t rows[] = {
        row_of(STREAM_DELIVER, "cairn", 1, 1000, 120),
        row_of(STREAM_PUBSUB, "cairn", 1, 1000, 100),
        row_of(STREAM_PUBSUB, "hiredis", 1, 1000, 80),
        row_of(STREAM_PUBSUB, "hiredis", 100, 1000, 1),
        row_of(STREAM_DELIVER, "cairn", 1, 50, 200),
        row_of(STREAM_DELIVER, STREAM_PURE_GRAPH, 1, 50, 50000),
        row_of(STREAM_DELIVER, "cairn", 10000, 1000, 7),
    };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    stream_ratios(rows, sizeof rows / sizeof *rows, out);
    fclose(out);
    const char *lines = strstr(text, "wanted:\n");
    assert_non_null(lines);
    assert_string_equal(lines + strlen("wanted:\n"),
                        "  1 tail at 1000/s: 120.0 us, 1.20 of pub/sub by cairn, 1.50 of pub/sub "
                        "by hiredis\n"
                        "  1 tail at 50/s: 200.0 us, 250 times below Pure Graph's\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_client_delivers_all_events),
        cmocka_unit_test(the_stand_in_leaves_the_keys_of_pure_graph),
        cmocka_unit_test(cairn_delivers_in_the_layout_of_pure_graph_too),
        cmocka_unit_test(a_server_that_is_gone_is_told),
        cmocka_unit_test(ratios_are_of_the_same_work),
    };
    return cmocka_run_group_tests_name("bench: run streams", tests, start_server, stop_server);
}
