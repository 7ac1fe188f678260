/* The saver's examples, as their user runs them: the same output in memory and over Redis. */
#include "check.h"
#include "keyspace.h"
#include "program.h"
#include "redis.h"

#include <stdlib.h>
#include <string.h>

static redis_t redis;

static void check_output(const char *path, const char *url, const char *expected)
{
    char *found = program_output(path, url);
    assert_string_equal(found, expected);
    free(found);
}

static void check_example(const char *path, const char *part)
{
    char *in_memory = program_output(path, NULL);
    assert_contains(in_memory, part);
    check_output(path, "memory:", in_memory);
    check_output(path, redis_url(&redis, NULL, NULL), in_memory);
    check_output(path, redis_url(&redis, NULL, "?protocol=2"), in_memory);
    check_output(path, redis_unix_url(&redis, NULL), in_memory);
    keyspace_await_empty(&redis);
    free(in_memory);
}

static void a_run_goes_on_after_a_crash(void **state)
{
    (void)state;
    check_example("tests/examples/example_saver_resume", "worker 1 crashes in step 4\n"
                                                         "worker 2 goes on after step 3\n"
                                                         "step 4 was worked out before the crash\n"
                                                         "worker 2 is done: 15\n");
}

static void a_question_is_kept_until_it_is_answered(void **state)
{
    (void)state;
    check_example("tests/examples/example_saver_interrupt", "the question is kept for ever\n"
                                                            "__resume__: yes\n"
                                                            "__interrupt__: deploy to production?\n"
                                                            "it lives for 60 minutes again\n");
}

static void a_fork_leaves_what_it_came_from(void **state)
{
    (void)state;
    check_example("tests/examples/example_saver_fork", "back in Naples\n"
                                                       "checkpoint 4: Palermo, from 2\n"
                                                       "checkpoint 3: Bari, from 2\n"
                                                       "checkpoint 2: Naples, from 1\n"
                                                       "checkpoint 1: Rome, from 0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_on_after_a_crash),
        cmocka_unit_test(a_question_is_kept_until_it_is_answered),
        cmocka_unit_test(a_fork_leaves_what_it_came_from),
    };
    redis_start(&redis, NULL);
    int failures = cmocka_run_group_tests_name("redis: saver's examples", tests, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
