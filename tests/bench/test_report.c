#include "report.h"
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-3);
}

static row_t make_row(const char *client)
{
    row_t row;
    row_init(&row);
    row.workload = "closed loop";
    row.client = client;
    row.backend = "redis";
    row.transport = "tcp";
    row.payload = 64;
    row.inflight = 512;
    row.msgs_per_s = 1234567.4;
    row.p50_us = 12.34;
    row.lost = 3;
    row.duplicated = 2;
    row.reordered = 1;
    return row;
}

static env_t make_env(void)
{
    return (env_t){
        .date = "2000-01-01T00:00:00Z",
        .cpu = "a \"cpu\"",
        .cores = 2,
        .kernel = "k",
        .compiler = "c",
        .flags = "-O2",
        .commit = "abc",
        .cairn = "1",
        .libuv = "2",
        .hiredis = "3",
        .server = "redis 7",
        .wakeup_us = 5.5,
    };
}

static json_t *written(const row_t *rows, int count)
{
    char path[] = "/tmp/cairn-report-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    env_t env = make_env();
    assert_int_equal(report_json(&env, rows, count, path), 0);
    json_t *report = json_load_file(path, 0, NULL);
    unlink(path);
    assert_non_null(report);
    return report;
}

static void json_has_what_programs_rely_on(void **state)
{
    (void)state;
    static const char *const members[] = {
        "workload",  "client",     "backend",    "transport",   "payload",
        "inflight",  "msgs_per_s", "mb_per_s",   "p50_us",      "p90_us",
        "p99_us",    "p999_us",    "max_us",     "lost",        "duplicated",
        "reordered", "vs_hiredis", "publishers", "subscribers", "client_cpu_us_per_msg",
    };
    row_t rows[2] = {make_row("hiredis"), make_row("cairn")};
    rows[1].rate_ratio = 2;
    json_t *report = written(rows, 2);
    assert_int_equal(json_object_size(report), 2);
    json_t *env = json_object_get(report, "env");
    assert_string_equal(json_string_value(json_object_get(env, "cpu")), "a \"cpu\"");
    assert_string_equal(json_string_value(json_object_get(env, "server")), "redis 7");

    json_t *array = json_object_get(report, "rows");
    assert_int_equal(json_array_size(array), 2);
    json_t *row = json_array_get(array, 0);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!json_object_get(row, members[i])) fail_msg("there is no %s", members[i]);
    assert_string_equal(json_string_value(json_object_get(row, "client")), "hiredis");
    assert_int_equal(json_integer_value(json_object_get(row, "inflight")), 512);
    assert_near(json_real_value(json_object_get(row, "msgs_per_s")), 1234567.4);
    assert_int_equal(json_integer_value(json_object_get(row, "lost")), 3);
    assert_true(json_is_null(json_object_get(row, "p99_us")));
    assert_true(json_is_null(json_object_get(row, "publishers")));
    assert_true(json_is_null(json_object_get(row, "vs_hiredis")));

    json_t *ratios = json_object_get(json_array_get(array, 1), "vs_hiredis");
    assert_near(json_real_value(json_object_get(ratios, "rate")), 2);
    assert_true(json_is_null(json_object_get(ratios, "cpu")));
    json_decref(report);
}

static void json_names_what_a_row_counts(void **state)
{
    (void)state;
    row_t row = make_row("cairn");
    row.unit = ROW_OPERATIONS;
    row.threads = 9;
    json_t *report = written(&row, 1);
    json_t *object = json_array_get(json_object_get(report, "rows"), 0);
    assert_near(json_real_value(json_object_get(object, "ops_per_s")), 1234567.4);
    assert_non_null(json_object_get(object, "client_cpu_us_per_op"));
    assert_null(json_object_get(object, "msgs_per_s"));
    assert_null(json_object_get(object, "client_cpu_us_per_msg"));
    assert_int_equal(json_integer_value(json_object_get(object, "threads")), 9);
    assert_true(json_is_null(json_object_get(object, "ttl_ms")));
    json_decref(report);
}

static void a_file_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    env_t env = make_env();
    row_t row = make_row("cairn");
    assert_int_equal(report_json(&env, &row, 1, "/no/such/folder/file"), -1);
}

static char *printed(const row_t *rows, int count)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    report_table(rows, count, out);
    fclose(out);
    return text;
}

static void the_table_is_aligned(void **state)
{
    (void)state;
    row_t rows[2] = {make_row("hiredis"), make_row("cairn")};
    rows[1].msgs_per_s = 7;
    char *text = printed(rows, 2);
    assert_non_null(strstr(text, "1,234,567"));
    assert_non_null(strstr(text, "3/2/1"));
    assert_non_null(strstr(text, "12.3"));

    size_t width = strcspn(text, "\n");
    int lines = 0;
    for (char *line = text; *line != '\n'; line += width + 1) {
        assert_int_equal(strcspn(line, "\n"), width);
        lines++;
    }
    assert_int_equal(lines, 3);
    free(text);
}

static void ratios_appear_when_there_are_some(void **state)
{
    (void)state;
    row_t rows[2] = {make_row("hiredis"), make_row("cairn")};
    char *without = printed(rows, 2);
    assert_null(strstr(without, "plain hiredis"));
    free(without);
    rows[1].rate_ratio = 1.891;
    char *with = printed(rows, 2);
    assert_non_null(strstr(with, "1.89x"));
    assert_non_null(strstr(with, "plain hiredis"));
    free(with);
}

static void medians(void **state)
{
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    assert_near(row_median(odd, 3), 2);
    assert_near(row_median(even, 4), 2.5);
    assert_true(isnan(row_median(odd, 0)));
}

static void the_table_names_what_its_rows_count(void **state)
{
    (void)state;
    row_t row = make_row("cairn");
    row.unit = ROW_OPERATIONS;
    row.workload = "saver.put";
    row.channels = 20;
    row.ttl_ms = 1000;
    row.rate_wanted = 500;
    char *text = printed(&row, 1);
    assert_non_null(strstr(text, "ops/s"));
    assert_null(strstr(text, "msgs/s"));
    assert_non_null(strstr(text, "saver.put 20x64, TTL 500/s"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_what_programs_rely_on),
        cmocka_unit_test(json_names_what_a_row_counts),
        cmocka_unit_test(the_table_names_what_its_rows_count),
        cmocka_unit_test(a_file_that_cannot_be_written_is_an_error),
        cmocka_unit_test(the_table_is_aligned),
        cmocka_unit_test(ratios_appear_when_there_are_some),
        cmocka_unit_test(medians),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
