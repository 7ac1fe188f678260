#include "redis_benchmark.h"
#include "server.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-3);
}

#define TITLES                                                                                     \
    "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\"" \
    ",\"p99_latency_ms\",\"max_latency_ms\"\n"

static void reads_its_csv(void **state)
{
    (void)state;
    row_t row;
    row_init(&row);
    assert_int_equal(redis_benchmark_parse(TITLES "\"PUBLISH ch x\",\"1219512.25\",\"1.5\",\"0.5\","
                                                  "\"1.407\",\"2\",\"3.25\",\"4.5\"\n",
                                           &row),
                     0);
    assert_near(row.msgs_per_s, 1219512.25);
    assert_near(row.p50_us, 1407);
    assert_near(row.p99_us, 3250);
    assert_near(row.max_us, 4500);
    assert_true(isnan(row.p90_us));
    assert_true(isnan(row.p999_us));
}

static void refuses_what_it_does_not_know(void **state)
{
    (void)state;
    const char *const texts[] = {
        "",
        "ERROR: failed to connect",
        TITLES,
        TITLES "\"PUBLISH\",\"many\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"\n",
        TITLES "\"PUBLISH\",\"5\"\n",
        "\"test\",\"rps\"\n\"PUBLISH\",\"5\"\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        row_t row;
        row_init(&row);
        assert_int_equal(redis_benchmark_parse(texts[i], &row), -1);
    }
}

static void runs(void **state)
{
    (void)state;
    server_t server;
    row_t row;
    char error[256];
    if (server_start(&server, NULL) < 0) fail_msg("%s", server.error);
    redis_benchmark_t work = {.port = server.port,
                              .connections = 2,
                              .pipeline = 4,
                              .messages = 1000,
                              .payload = 64,
                              .cpu = -1,
                              .most_s = 30};
    if (redis_benchmark_run(&work, &row, error, sizeof error) < 0) fail_msg("%s", error);
    assert_string_equal(row.client, "redis-benchmark");
    assert_true(row.msgs_per_s > 0);
    assert_true(row.client_cpu_us_per_msg > 0);
    assert_int_equal(row.lost, ROW_NO_COUNT);

    server_stop(&server);
    work.most_s = 1; /* it would try for ever */
    assert_int_equal(redis_benchmark_run(&work, &row, error, sizeof error), -1);
    assert_string_equal(error, "redis-benchmark failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_its_csv),
        cmocka_unit_test(refuses_what_it_does_not_know),
        cmocka_unit_test(runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
