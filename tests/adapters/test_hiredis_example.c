/* The example, as its user runs it, with a server and without one. */
#include "check.h"
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static server_t server;

/* Runs it to its end; gives its exit status, and the beginning of what it wrote. */
static int run_example(char *arguments[], char *output, size_t size)
{
    char path[4096];
    const char *folder = getenv("CAIRN_BINARY_DIR");
    snprintf(path, sizeof path, "%s/tests/examples/example_hiredis_on_libuv",
             folder ? folder : ".");

    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO), 0);
    pid_t pid = 0;
    int status = posix_spawn(&pid, path, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (status != 0) check_fail("cannot run %s: %s", path, strerror(status));

    size_t used = 0;
    for (ssize_t n = 1; n > 0 && used + 1 < size; used += (size_t)n) {
        n = read(ends[0], output + used, size - 1 - used);
        if (n < 0) check_fail("cannot read what it wrote: %s", strerror(errno));
    }
    output[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int run_with_port(int port, char *output, size_t size)
{
    char name[] = "hiredis_on_libuv", host[] = "127.0.0.1", text[16];
    char *arguments[] = {name, host, text, NULL};
    snprintf(text, sizeof text, "%d", port);
    return run_example(arguments, output, size);
}

static void it_prints_what_the_server_holds(void **state)
{
    (void)state;
    char output[256], reply[64];
    assert_int_equal(run_with_port(server.port, output, sizeof output), 0);
    assert_string_equal(output, "hello\n");
    assert_int_equal(server_ask(&server, "GET greeting", reply, sizeof reply), 0);
    assert_string_equal(reply, "hello");
}

static void it_says_that_there_is_no_server(void **state)
{
    (void)state;
    char output[256];
    assert_int_equal(run_with_port(server_free_port(), output, sizeof output), 1);
    assert_string_equal(output, "Connection refused\n");
}

static void it_says_how_it_is_called(void **state)
{
    (void)state;
    char output[256], name[] = "hiredis_on_libuv";
    char *arguments[] = {name, NULL};
    assert_int_equal(run_example(arguments, output, sizeof output), 2);
    assert_string_equal(output, "usage: hiredis_on_libuv HOST PORT\n");
}

static int start_server(void **state)
{
    (void)state;
    if (server_start(&server, NULL) == 0) return 0;
    print_error("%s\n", server.error);
    return -1;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_prints_what_the_server_holds),
        cmocka_unit_test(it_says_that_there_is_no_server),
        cmocka_unit_test(it_says_how_it_is_called),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
