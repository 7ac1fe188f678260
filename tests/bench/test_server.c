#include "server.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct sockaddr_in address_of(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static bool is_accepting(int port)
{
    struct sockaddr_in address = address_of(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    int status = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return status == 0;
}

static bool can_bind(int port)
{
    struct sockaddr_in address = address_of(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    int status = bind(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return status == 0;
}

static bool exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

/* Of /proc: R, S, T for stopped, Z; X if there is no such process. */
static char process_state(pid_t pid)
{
    char path[64];
    char state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file) return state;
    int fields = fscanf(file, "%*d (%*[^)]) %c", &state);
    fclose(file);
    return fields == 1 ? state : 'X';
}

static void start(server_t *server, const server_options_t *options)
{
    if (server_start(server, options) < 0) fail_msg("%s", server->error);
}

static void assert_answers(server_t *server)
{
    char reply[32];
    if (server_ask(server, "PING", reply, sizeof reply) < 0) fail_msg("%s", server->error);
    assert_string_equal(reply, "PONG");
}

static void starts_and_stops(void **state)
{
    (void)state;
    server_t server;
    start(&server, NULL);
    assert_answers(&server);
    assert_string_equal(server.error, "");
    assert_true(server.pid > 0);
    assert_true(is_accepting(server.port));
    assert_true(exists(server.unix_path));

    char folder[sizeof server.folder];
    memcpy(folder, server.folder, sizeof folder);
    server_stop(&server);
    assert_int_equal(server.pid, 0);
    assert_false(is_accepting(server.port));
    assert_true(can_bind(server.port));
    assert_false(exists(folder));
    server_stop(&server);
}

static void kill_and_restart_keep_the_port(void **state)
{
    (void)state;
    server_t server;
    char reply[32];
    start(&server, NULL);
    int port = server.port;
    pid_t first = server.pid;
    assert_int_equal(server_ask(&server, "SET key value", reply, sizeof reply), 0);

    server_kill(&server);
    assert_int_equal(server.pid, 0);
    assert_false(is_accepting(port));
    assert_int_equal(server_ask(&server, "PING", reply, sizeof reply), -1);
    assert_true(strlen(server.error) > 0);

    assert_int_equal(server_restart(&server), 0);
    assert_int_equal(server.port, port);
    assert_int_not_equal(server.pid, first);
    assert_answers(&server);
    assert_true(is_accepting(port));
    assert_int_equal(server_ask(&server, "DBSIZE", reply, sizeof reply), 0);
    assert_string_equal(reply, "0");
    server_stop(&server);
}

static void restart_replaces_one_that_runs(void **state)
{
    (void)state;
    server_t server;
    start(&server, NULL);
    pid_t first = server.pid;
    assert_int_equal(server_restart(&server), 0);
    assert_int_not_equal(server.pid, first);
    assert_int_equal(process_state(first), 'X');
    assert_answers(&server);
    server_stop(&server);
}

static void restart_waits_for_the_port(void **state)
{
    (void)state;
    server_t server;
    start(&server, NULL);
    server_kill(&server);

    pid_t squatter = fork();
    assert_true(squatter >= 0);
    if (squatter == 0) {
        struct sockaddr_in address = address_of(server.port);
        int on = 1;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        bind(fd, (struct sockaddr *)&address, sizeof address);
        listen(fd, 1);
        usleep(300000);
        _exit(0);
    }
    for (int i = 0; i < 1000 && !is_accepting(server.port); i++) usleep(1000);
    assert_true(is_accepting(server.port));
    assert_int_equal(server_restart(&server), 0);
    assert_int_equal(waitpid(squatter, NULL, 0), squatter);
    assert_answers(&server);
    server_stop(&server);
}

static void pauses_and_resumes(void **state)
{
    (void)state;
    server_t server;
    start(&server, NULL);
    assert_int_equal(server_pause(&server), 0);
    for (int i = 0; i < 2000 && process_state(server.pid) != 'T'; i++) usleep(1000);
    assert_int_equal(process_state(server.pid), 'T');
    assert_int_equal(server_resume(&server), 0);
    assert_answers(&server);

    assert_int_equal(server_pause(&server), 0);
    server_stop(&server);
    assert_false(is_accepting(server.port));
    assert_int_equal(server_pause(&server), -1);
    assert_string_equal(server.error, "the server is not running");
}

static void takes_arguments_a_password_and_a_core(void **state)
{
    (void)state;
    char *args[] = {"--maxclients", "77", "--appendonly", "no", NULL};
    server_options_t options = {.password = "p@ss:w%rd", .args = args, .pin = true, .cpu = 0};
    server_t server;
    char reply[4096];
    start(&server, &options);
    assert_answers(&server);
    assert_int_equal(server_ask(&server, "INFO clients", reply, sizeof reply), 0);
    assert_non_null(strstr(reply, "maxclients:77\r\n"));
    assert_int_equal(server_restart(&server), 0);
    assert_answers(&server);

    server.options.password = NULL;
    assert_int_equal(server_ask(&server, "PING", reply, sizeof reply), -1);
    assert_non_null(strstr(server.error, "NOAUTH"));
    server.options.password = "wrong";
    assert_int_equal(server_ask(&server, "PING", reply, sizeof reply), -1);
    assert_non_null(strstr(server.error, "WRONGPASS"));
    server_stop(&server);
}

static void two_run_side_by_side(void **state)
{
    (void)state;
    server_t one, two;
    start(&one, NULL);
    start(&two, NULL);
    assert_int_not_equal(one.port, two.port);
    server_stop(&one);
    assert_answers(&two);
    server_stop(&two);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    server_t server;
    char *args[] = {"--no-such-option", "1", NULL};
    server_options_t options = {.args = args};
    assert_int_equal(server_start(&server, &options), -1);
    assert_non_null(strstr(server.error, "ended at once"));
    assert_int_equal(server.pid, 0);
    assert_string_equal(server.folder, "");

    assert_int_equal(setenv("CAIRN_REDIS_SERVER", "no-such-redis-server", 1), 0);
    assert_int_equal(server_start(&server, NULL), -1);
    assert_non_null(strstr(server.error, "there is no no-such-redis-server on PATH"));
    assert_int_equal(unsetenv("CAIRN_REDIS_SERVER"), 0);
    server_stop(&server);
}

static void dies_with_its_owner(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t owner = fork();
    assert_true(owner >= 0);
    if (owner == 0) {
        server_t server;
        pid_t pid = server_start(&server, NULL) == 0 ? server.pid : 0;
        ssize_t written = write(ends[1], &pid, sizeof pid);
        unlink(server.unix_path);
        char output[128];
        snprintf(output, sizeof output, "%s/output", server.folder);
        unlink(output);
        rmdir(server.folder);
        _exit(written != (ssize_t)sizeof pid);
    }
    pid_t pid = 0;
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_true(pid > 0);
    char ended = 0;
    for (int i = 0; i < 2000 && ended != 'X' && ended != 'Z'; i++) {
        ended = process_state(pid);
        usleep(1000);
    }
    assert_true(ended == 'X' || ended == 'Z');
    close(ends[0]);
    close(ends[1]);
}

static void free_ports_are_free(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        int port = server_free_port();
        assert_in_range(port, 1024, 32767);
        assert_true(can_bind(port));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_and_stops),
        cmocka_unit_test(kill_and_restart_keep_the_port),
        cmocka_unit_test(restart_replaces_one_that_runs),
        cmocka_unit_test(restart_waits_for_the_port),
        cmocka_unit_test(pauses_and_resumes),
        cmocka_unit_test(takes_arguments_a_password_and_a_core),
        cmocka_unit_test(two_run_side_by_side),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(dies_with_its_owner),
        cmocka_unit_test(free_ports_are_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
