#include "args.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double wanted)
{
    assert_true(fabs(value - wanted) < 1e-3);
}

enum {
    WORDS_MAX = 24
};

typedef struct words {
    int count;
    char *words[WORDS_MAX];
    char text[512];
} words_t;

/* Splits at blanks, into memory that getopt may reorder. */
static void split(words_t *words, const char *text)
{
    words->count = 0;
    assert_true(strlen(text) < sizeof words->text);
    memcpy(words->text, text, strlen(text) + 1);
    for (char *word = strtok(words->text, " "); word; word = strtok(NULL, " "))
        words->words[words->count++] = word;
    words->words[words->count] = NULL;
}

static words_t given;
static pubsub_args_t pubsub;
static char error[ARGS_ERROR_MAX];

static int parse_pubsub(const char *text)
{
    split(&given, text);
    error[0] = '\0';
    return args_pubsub(given.count, given.words, &pubsub, error);
}

static void assert_pubsub_refused(const char *text, const char *why)
{
    assert_int_equal(parse_pubsub(text), -1);
    if (!strstr(error, why)) fail_msg("'%s' was refused with: %s", text, error);
}

static void pubsub_has_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse_pubsub("pubsub"), 0);
    assert_string_equal(pubsub.config.url, "memory:");
    assert_ptr_equal(pubsub.config.client, &client_cairn);
    assert_int_equal(pubsub.config.payload, 64);
    assert_int_equal(pubsub.config.publishers, 1);
    assert_int_equal(pubsub.config.subscribers, 1);
    assert_int_equal(pubsub.config.channels, 1);
    assert_int_equal(pubsub.config.window, 64);
    assert_true(pubsub.config.rate <= 0);
    assert_false(pubsub.config.shared);
    assert_null(pubsub.json);
    assert_int_equal(pubsub.cpu, -1);
}

static void pubsub_takes_all_options(void **state)
{
    (void)state;
    assert_int_equal(
        parse_pubsub("pubsub --url redis://h:1/2 --client hiredis --payload 24 --publishers 2 "
                     "--subscribers=3 --channels 4 --window 5 --duration 0.5 --warmup 0 "
                     "--json - --pin 0 --shared"),
        0);
    assert_string_equal(pubsub.config.url, "redis://h:1/2");
    assert_ptr_equal(pubsub.config.client, &client_hiredis);
    assert_int_equal(pubsub.config.payload, 24);
    assert_int_equal(pubsub.config.publishers, 2);
    assert_int_equal(pubsub.config.subscribers, 3);
    assert_int_equal(pubsub.config.channels, 4);
    assert_int_equal(pubsub.config.window, 5);
    assert_near(pubsub.config.duration_s, 0.5);
    assert_near(pubsub.config.warmup_s, 0);
    assert_string_equal(pubsub.json, "-");
    assert_int_equal(pubsub.cpu, 0);
    assert_true(pubsub.config.shared);

    assert_int_equal(parse_pubsub("pubsub --rate 20000.5"), 0);
    assert_near(pubsub.config.rate, 20000.5);
    assert_false(pubsub.config.shared);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    assert_pubsub_refused("pubsub --rates 5", "--rates: there is no such option");
    assert_pubsub_refused("pubsub -x", "-x: there is no such option");
    assert_pubsub_refused("pubsub --window 4 --nonsense", "--nonsense: there is no such option");
    assert_pubsub_refused("pubsub --shared=1", "--shared=1: ");
    assert_pubsub_refused("pubsub --window", "--window needs a value");
    assert_pubsub_refused("pubsub more", "'more' means nothing here");
    assert_pubsub_refused("pubsub --window 1 --window 1", "--window is given twice");
    assert_pubsub_refused("pubsub --window 1 --rate 1", "exclude each other");
    assert_pubsub_refused("pubsub --client nats", "--client takes cairn or hiredis, not 'nats'");
}

static void values_are_checked(void **state)
{
    (void)state;
    assert_pubsub_refused("pubsub --window 0", "--window takes a number from 1 to 65536, not '0'");
    assert_pubsub_refused("pubsub --window 65537", "not '65537'");
    assert_pubsub_refused("pubsub --window -1", "not '-1'");
    assert_pubsub_refused("pubsub --window 1k", "not '1k'");
    assert_pubsub_refused("pubsub --channels 99999999999999999999999", "--channels takes");
    assert_pubsub_refused("pubsub --publishers 10001", "from 1 to 10000");
    assert_pubsub_refused("pubsub --rate nan", "--rate takes");
    assert_pubsub_refused("pubsub --rate 0", "--rate takes");
    assert_pubsub_refused("pubsub --duration 1s", "--duration takes");
    assert_pubsub_refused("pubsub --pin x", "--pin takes");
}

static void a_payload_must_hold_the_header(void **state)
{
    (void)state;
    assert_int_equal(parse_pubsub("pubsub --payload 24"), 0);
    assert_pubsub_refused("pubsub --payload 23", "--payload must be at least 24");
}

static void compare_takes_its_options(void **state)
{
    (void)state;
    compare_args_t args;
    split(&given, "compare");
    assert_int_equal(args_compare(given.count, given.words, &args, error), 0);
    assert_false(args.config.quick);
    assert_int_equal(args.config.payload, 64);
    assert_null(args.json);

    split(&given, "compare --quick --json out.json --payload 1024");
    assert_int_equal(args_compare(given.count, given.words, &args, error), 0);
    assert_true(args.config.quick);
    assert_int_equal(args.config.payload, 1024);
    assert_string_equal(args.json, "out.json");

    split(&given, "compare --fast");
    assert_int_equal(args_compare(given.count, given.words, &args, error), -1);
    assert_non_null(strstr(error, "--fast"));
    split(&given, "compare --payload 3");
    assert_int_equal(args_compare(given.count, given.words, &args, error), -1);
    split(&given, "compare saver --quick");
    assert_int_equal(args_compare(given.count, given.words, &args, error), 0);
    assert_true(args.saver);
    assert_true(args.config.quick);
    split(&given, "compare pubsub");
    assert_int_equal(args_compare(given.count, given.words, &args, error), 0);
    assert_false(args.saver);
    split(&given, "compare saver pubsub");
    assert_int_equal(args_compare(given.count, given.words, &args, error), -1);
    split(&given, "compare quick");
    assert_int_equal(args_compare(given.count, given.words, &args, error), -1);
}

static int parse_check(const char *text, check_config_t *config)
{
    split(&given, text);
    error[0] = '\0';
    return args_check(given.count, given.words, config, error);
}

static void check_takes_its_options(void **state)
{
    (void)state;
    check_config_t config;
    assert_int_equal(parse_check("check --url redis://h", &config), 0);
    assert_string_equal(config.url, "redis://h");
    assert_false(config.ttl);
    assert_int_equal(parse_check("check --ttl --url=unix:///s", &config), 0);
    assert_string_equal(config.url, "unix:///s");
    assert_true(config.ttl);
    assert_int_equal(parse_check("check", &config), -1);
    assert_non_null(strstr(error, "check what?"));
    assert_int_equal(parse_check("check --url redis://h more", &config), -1);
    assert_non_null(strstr(error, "'more' means nothing here"));
    assert_int_equal(parse_check("check --url", &config), -1);
    assert_non_null(strstr(error, "--url needs a value"));
}

static void count_takes_its_options(void **state)
{
    (void)state;
    count_config_t config;
    split(&given, "count receive --messages 77 --client hiredis");
    assert_int_equal(args_count(given.count, given.words, &config, error), 0);
    assert_int_equal(config.what, COUNT_RECEIVE);
    assert_string_equal(config.name, "receive");
    assert_int_equal(config.messages, 77);
    assert_ptr_equal(config.client, &client_hiredis);

    split(&given, "count --url unix:///s roundtrip");
    assert_int_equal(args_count(given.count, given.words, &config, error), 0);
    assert_int_equal(config.what, COUNT_ROUNDTRIP);
    assert_string_equal(config.url, "unix:///s");
    assert_ptr_equal(config.client, &client_cairn);

    split(&given, "count saver.put --masters 3");
    assert_int_equal(args_count(given.count, given.words, &config, error), 0);
    assert_int_equal(config.what, COUNT_WORK);
    assert_int_equal(config.op, COUNT_OP_SAVER_PUT);
    assert_string_equal(config.name, "saver.put");
    assert_int_equal(config.masters, 3);
    split(&given, "count saver.put --client hiredis");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    assert_non_null(strstr(error, "saver.put is counted of cairn alone"));
    split(&given, "count publish --masters 3");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    assert_non_null(strstr(error, "--masters is for operations, and publish is none"));

    split(&given, "count");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    assert_non_null(strstr(error, "count what?"));
    split(&given, "count beans");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    assert_non_null(strstr(error, "not 'beans'"));
    split(&given, "count memory --client hiredis");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    split(&given, "count memory --messages 0");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
    split(&given, "count memory receive");
    assert_int_equal(args_count(given.count, given.words, &config, error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pubsub_has_defaults),
        cmocka_unit_test(pubsub_takes_all_options),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(a_payload_must_hold_the_header),
        cmocka_unit_test(compare_takes_its_options),
        cmocka_unit_test(count_takes_its_options),
        cmocka_unit_test(check_takes_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
