#include "server.h"
#include "server_process.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    START_ATTEMPTS = 8,
    START_MS = 10000,
    RESTART_MS = 20000, /* with much to load, on a busy machine */
    ANSWER_MS = 2000,
    POLL_US = 1000,
    PORT_FIRST = 20000, /* Linux gives outgoing connections 32768 and up */
    PORT_LAST = 32767
};

static int fail(server_t *server, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(server_t *server, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(server->error, sizeof server->error, format, args);
    va_end(args);
    return -1;
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* ---- asking ---- */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct timeval limit = {.tv_sec = ANSWER_MS / 1000};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Reads to the end of a line, without its CR LF. False if the connection ends or it is too long. */
static bool read_line(int fd, char *line, size_t size)
{
    for (size_t used = 0; used + 1 < size; used++) {
        if (recv(fd, line + used, 1, 0) != 1) return false;
        if (line[used] == '\n') {
            while (used > 0 && line[used - 1] == '\r') used--;
            line[used] = '\0';
            return true;
        }
    }
    return false;
}

/* Reads `len` bytes and the CR LF after them, and keeps what fits. */
static bool read_string(int fd, size_t len, char *reply, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len + 2; i++) {
        char byte;
        if (recv(fd, &byte, 1, 0) != 1) return false;
        if (i < len && used + 1 < size) reply[used++] = byte;
    }
    reply[used] = '\0';
    return true;
}

static int read_reply(server_t *server, int fd, char *reply, size_t size)
{
    char line[512];
    if (!read_line(fd, line, sizeof line)) return fail(server, "the server gave no answer");
    if (line[0] == '-') return fail(server, "the server answered %s", line + 1);
    if (line[0] == '$') {
        long len = strtol(line + 1, NULL, 10);
        if (!read_string(fd, len < 0 ? 0 : (size_t)len, reply, size))
            return fail(server, "the server broke off its answer");
        return 0;
    }
    snprintf(reply, size, "%s", line + 1);
    return 0;
}

static int ask_over(server_t *server, int fd, const char *command, char *reply, size_t size)
{
    char line[1024];
    int len = snprintf(line, sizeof line, "%s\r\n", command);
    if (len >= (int)sizeof line) return fail(server, "the command is too long");
    if (send(fd, line, (size_t)len, MSG_NOSIGNAL) != len)
        return fail(server, "cannot send to the server: %s", strerror(errno));
    return read_reply(server, fd, reply, size);
}

int server_ask(server_t *server, const char *command, char *reply, size_t size)
{
    int fd = connect_unix(server->unix_path);
    if (fd < 0) return fail(server, "cannot connect to %s: %s", server->unix_path, strerror(errno));
    int status = 0;
    if (server->options.password) {
        char auth[512];
        snprintf(auth, sizeof auth, "AUTH %s", server->options.password);
        status = ask_over(server, fd, auth, reply, size);
    }
    if (status == 0) status = ask_over(server, fd, command, reply, size);
    close(fd);
    return status;
}

/* ---- starting ---- */

int server_free_port(void)
{
    static unsigned salt;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned seed = (unsigned)now.tv_nsec ^ ((unsigned)getpid() << 8) ^ ++salt;
    for (int attempt = 0; attempt < 1000; attempt++) {
        int port = PORT_FIRST + rand_r(&seed) % (PORT_LAST - PORT_FIRST + 1);
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) return -1;
        int status = bind(fd, (struct sockaddr *)&address, sizeof address);
        close(fd);
        if (status == 0) return port;
    }
    return -1;
}

/* One that wants a password, or grants this user nothing, is up as well. */
static bool is_answering(server_t *server)
{
    char reply[64];
    int fd = connect_unix(server->unix_path);
    if (fd < 0) return false;
    int status = ask_over(server, fd, "PING", reply, sizeof reply);
    close(fd);
    return status == 0 || strstr(server->error, "NOAUTH") || strstr(server->error, "NOPERM");
}

/* The unix socket is asked, not the port: its path is private, so the answer is from no server
 * that took the port before ours could. Ours listens on the port before it makes the socket. */
static int wait_until_answering(server_t *server, long long deadline)
{
    for (;;) {
        if (is_answering(server)) {
            server->error[0] = '\0';
            return 0;
        }
        if (server_process_ended(&server->pid)) {
            char output[256];
            server_process_output(server->folder, output, sizeof output);
            return fail(server, "%s ended at once: %s", server_process_program(), output);
        }
        if (now_ms() >= deadline) break;
        usleep(POLL_US);
    }
    server_process_kill(&server->pid);
    return fail(server, "%s does not answer", server_process_program());
}

static int launch(server_t *server, long long deadline)
{
    unlink(server->unix_path);
    int status = server_process_start(server);
    if (status == ENOENT)
        return fail(server,
                    "there is no %s on PATH: install it (Debian: apt-get install redis-server) or "
                    "name another in CAIRN_REDIS_SERVER",
                    server_process_program());
    if (status != 0)
        return fail(server, "cannot run %s: %s", server_process_program(), strerror(status));
    return wait_until_answering(server, deadline);
}

static bool is_port_taken(const server_t *server)
{
    return strstr(server->error, "listening");
}

int server_start(server_t *server, const server_options_t *options)
{
    *server = (server_t){0};
    if (options) server->options = *options;
    if (server_process_make_folder(server->folder, sizeof server->folder) < 0) {
        server->folder[0] = '\0';
        return fail(server, "cannot make a temporary folder: %s", strerror(errno));
    }
    snprintf(server->unix_path, sizeof server->unix_path, "%s/sock", server->folder);

    int status = -1;
    for (int attempt = 0; attempt < START_ATTEMPTS && status < 0; attempt++) {
        server->port = server_free_port();
        server->tls_port = server->options.tls_cert ? server_free_port() : 0;
        if (server->port < 0 || server->tls_port < 0) {
            fail(server, "there is no free port on 127.0.0.1");
            break;
        }
        status = launch(server, now_ms() + START_MS);
        if (status < 0 && !is_port_taken(server)) break;
    }
    if (status < 0) server_stop(server);
    return status;
}

int server_restart(server_t *server)
{
    server_kill(server);
    long long deadline = now_ms() + RESTART_MS;
    int status;
    do {
        status = launch(server, deadline);
        if (status < 0) usleep(POLL_US);
    } while (status < 0 && is_port_taken(server) && now_ms() < deadline);
    return status;
}

/* ---- ending ---- */

void server_kill(server_t *server)
{
    server_process_kill(&server->pid);
}

/* There is nothing to save, so there is nothing to be gained from asking politely. */
void server_stop(server_t *server)
{
    server_kill(server);
    server_process_remove_folder(server->folder);
    server->folder[0] = '\0';
}

static int send_signal(server_t *server, int signal_number)
{
    if (server->pid <= 0) return fail(server, "the server is not running");
    if (kill(server->pid, signal_number) < 0)
        return fail(server, "cannot signal the server: %s", strerror(errno));
    return 0;
}

int server_pause(server_t *server)
{
    return send_signal(server, SIGSTOP);
}

int server_resume(server_t *server)
{
    return send_signal(server, SIGCONT);
}
