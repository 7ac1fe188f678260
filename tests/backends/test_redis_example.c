/* The smallest program, as its user runs it: the same output in memory and over Redis. */
#include "check.h"
#include "redis.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static redis_t redis;

static const char *program(void)
{
    static char path[4096];
    const char *folder = getenv("CAIRN_BINARY_DIR");
    snprintf(path, sizeof path, "%s/tests/examples/example_broker_hello", folder ? folder : ".");
    return path;
}

/* Reads to the end; the caller frees. */
static char *read_all(int fd)
{
    size_t used = 0;
    char *text = malloc(4097);
    assert_non_null(text);
    for (ssize_t n; used < 4096 && (n = read(fd, text + used, 4096 - used)) > 0;) used += (size_t)n;
    text[used] = '\0';
    return text;
}

/* What the program writes when called with `url` (NULL: with nothing); it must end with 0. */
static char *output_of(const char *url)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    char name[] = "broker_hello";
    char argument[256];
    snprintf(argument, sizeof argument, "%s", url ? url : "");
    char *const argv[] = {name, url ? argument : NULL, NULL};
    pid_t pid = 0;
    int status = posix_spawn(&pid, program(), &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (status != 0) check_fail("cannot run %s: %s", program(), strerror(status));
    char *text = read_all(ends[0]);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return text;
}

static void assert_output(const char *url, const char *expected)
{
    char *text = output_of(url);
    assert_string_equal(text, expected);
    free(text);
}

static void the_program_says_the_same_in_memory_and_over_redis(void **state)
{
    (void)state;
    char *in_memory = output_of(NULL);
    assert_string_equal(in_memory, "received hello\n");
    assert_output("memory:", in_memory);
    assert_output(redis_url(&redis, NULL, NULL), in_memory);
    assert_output(redis_url(&redis, NULL, "?protocol=2"), in_memory);
    assert_output(redis_unix_url(&redis, NULL), in_memory);
    free(in_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_says_the_same_in_memory_and_over_redis),
    };
    redis_start(&redis, NULL);
    int failures = cmocka_run_group_tests_name("redis: example", tests, NULL, NULL);
    redis_stop(&redis);
    return failures;
}
