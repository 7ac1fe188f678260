/* `cairn-bench top` and `check` over TLS and by sentinels. */
#include "check.h"
#include "check_command.h"
#include "redis.h"
#include "sentinel.h"
#include "top.h"

#include <stdlib.h>
#include <string.h>

static sentinel_trio_t trio;
static certs_t certs;

static char *top(const char *url)
{
    char *text = NULL, error[LINK_ERROR_MAX] = "";
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    const top_config_t config = {.url = url, .count = 1, .interval_ms = 300, .json = true};
    if (top_run(&config, out, error) < 0) check_fail("%s", error);
    fclose(out);
    return text;
}

static void shows_the_master(const char *url)
{
    redis_ask(sentinel_master(&trio), "SET langgraph:odd x");
    char *text = top(url);
    assert_contains(text, "\"role\":\"master\"");
    free(text);
    saver_check_t found;
    char error[SAVER_CHECK_TEXT] = "";
    const check_config_t config = {.url = url};
    if (check_run(&config, &found, error) < 0) check_fail("%s", error);
    assert_int_equal(found.keys + found.others, 1);
}

static void over_tls(void **state)
{
    (void)state;
    shows_the_master(redis_tls_url(sentinel_master(&trio), "localhost", NULL, NULL));
}

static void by_sentinels_over_tls(void **state)
{
    (void)state;
    shows_the_master(sentinel_url(&trio, NULL));
}

static void of_several_the_first_that_answers(void **state)
{
    (void)state;
    char url[128];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d,localhost:%d", server_free_port(),
             sentinel_master(&trio)->server.port);
    shows_the_master(url);
}

static void who_is_not_trusted_is_told(void **state)
{
    (void)state;
    char url[256], error[LINK_ERROR_MAX] = "";
    redisContext *link;
    snprintf(url, sizeof url, "rediss://localhost:%d?tls_ca_file=%s",
             sentinel_master(&trio)->server.tls_port, certs_path(&certs, "stranger-ca.pem"));
    assert_int_equal(link_connect(url, &link, error), -1);
    assert_null(link);
    assert_contains(error, "TLS: ");
    assert_contains(error, "certificate");
}

static void a_service_that_is_unknown_is_told(void **state)
{
    (void)state;
    char url[256], error[LINK_ERROR_MAX] = "";
    redisContext *link;
    snprintf(url, sizeof url, "rediss+sentinel://localhost:%d/nosuch?tls_ca_file=%s",
             trio.sentinels[0].server.tls_port, certs_path(&certs, "ca.pem"));
    assert_int_equal(link_connect(url, &link, error), -1);
    assert_null(link);
    assert_contains(error, "nosuch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_tls),
        cmocka_unit_test(by_sentinels_over_tls),
        cmocka_unit_test(of_several_the_first_that_answers),
        cmocka_unit_test(who_is_not_trusted_is_told),
        cmocka_unit_test(a_service_that_is_unknown_is_told),
    };
    certs_make(&certs);
    const sentinel_options_t options = {.certs = &certs};
    sentinel_start(&trio, &options);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    sentinel_stop(&trio);
    certs_remove(&certs);
    return failures;
}
