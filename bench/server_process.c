#include "server_process.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ARGS_MAX = 96,
    POLL_US = 1000,
    DESCRIPTORS_MAX = 65536
};

const char *server_process_program(void)
{
    const char *program = getenv("CAIRN_REDIS_SERVER");
    return program && *program ? program : "redis-server";
}

/* ---- starting ---- */

typedef struct command_line {
    char port[16];
    char config[128];
    char tls_port[16];
    char *words[ARGS_MAX];
    size_t count;
} command_line_t;

static void add(command_line_t *line, const char *name, const char *value)
{
    line->words[line->count++] = (char *)name;
    if (value) line->words[line->count++] = (char *)value;
}

/* A sentinel writes what it learns into its configuration, its own id too, and goes on from there
 * when it is started again: one that began anew would be one more of them to the others. */
static int add_sentinel(command_line_t *line, const server_t *server)
{
    snprintf(line->config, sizeof line->config, "%s/sentinel.conf", server->folder);
    add(line, line->config, "--sentinel");
    FILE *file = fopen(line->config, "wxe");
    if (!file) return errno == EEXIST ? 0 : errno;
    int written = fputs(server->options.sentinel, file);
    return fclose(file) != 0 || written < 0 ? EIO : 0;
}

static void add_tls(command_line_t *line, const server_t *server)
{
    const server_options_t *options = &server->options;
    snprintf(line->tls_port, sizeof line->tls_port, "%d", server->tls_port);
    add(line, "--tls-port", line->tls_port);
    add(line, "--tls-cert-file", options->tls_cert);
    add(line, "--tls-key-file", options->tls_key);
    add(line, "--tls-ca-cert-file", options->tls_ca);
    add(line, "--tls-auth-clients", "optional");
}

static int make_command_line(command_line_t *line, const server_t *server)
{
    snprintf(line->port, sizeof line->port, "%d", server->port);
    add(line, server_process_program(), NULL);
    if (server->options.sentinel) {
        int status = add_sentinel(line, server);
        if (status != 0) return status;
    }
    add(line, "--bind", "127.0.0.1");
    add(line, "--port", line->port);
    if (server->options.tls_cert) add_tls(line, server);
    add(line, "--unixsocket", server->unix_path);
    add(line, "--dir", server->folder);
    add(line, "--save", "");
    add(line, "--appendonly", "no");
    add(line, "--daemonize", "no");
    if (server->options.password) add(line, "--requirepass", server->options.password);
    for (char *const *arg = server->options.args; arg && *arg; arg++) {
        if (line->count + 1 >= ARGS_MAX) return E2BIG;
        add(line, *arg, NULL);
    }
    line->words[line->count] = NULL;
    return 0;
}

/* A descriptor that the server inherited would keep a connection open that its owner closed. */
static void close_on_exec_from(int first)
{
    if (close_range((unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX);
    if (limit < 0 || limit > DESCRIPTORS_MAX) limit = DESCRIPTORS_MAX;
    for (int fd = first; fd < limit; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* In the child: becomes the server, or tells `report` why not. */
static void run_child(const server_t *server, command_line_t *line, pid_t parent, int output,
                      int report)
{
    bool alive = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
    if (alive && server->options.pin) {
        cpu_set_t cpus;
        CPU_ZERO(&cpus);
        CPU_SET((size_t)server->options.cpu, &cpus);
        alive = sched_setaffinity(0, sizeof cpus, &cpus) == 0;
    }
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (alive && nothing >= 0 && dup2(nothing, 0) == 0 && dup2(output, 1) == 1 &&
        dup2(output, 2) == 2) {
        close_on_exec_from(3);
        execvp(line->words[0], line->words);
    }
    int why = errno;
    ssize_t told = write(report, &why, sizeof why);
    _exit(told == (ssize_t)sizeof why ? 127 : 126);
}

static int open_output(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/output", folder);
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

int server_process_start(server_t *server)
{
    command_line_t line = {.count = 0};
    int status = make_command_line(&line, server);
    if (status != 0) return status;

    int report[2];
    if (pipe2(report, O_CLOEXEC) < 0) return errno;
    int output = open_output(server->folder);
    pid_t parent = getpid();
    pid_t child = output < 0 ? -1 : fork();
    if (child < 0) status = errno;
    if (child == 0) run_child(server, &line, parent, output, report[1]);
    close(report[1]);
    if (output >= 0) close(output);

    /* Nothing to read means that exec closed the child's end. */
    if (child > 0 && read(report[0], &status, sizeof status) == (ssize_t)sizeof status)
        waitpid(child, NULL, 0);
    else if (child > 0)
        server->pid = child;
    close(report[0]);
    return status;
}

double server_process_cpu_us(pid_t pid)
{
    char path[64];
    unsigned long long ns = 0;
    if (pid == 0) return NAN;
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file) return NAN;
    int found = fscanf(file, "%llu", &ns);
    fclose(file);
    return found == 1 && ns > 0 ? (double)ns / 1e3 : NAN;
}

/* ---- ending ---- */

bool server_process_ended(pid_t *pid)
{
    if (*pid > 0) {
        pid_t ended = waitpid(*pid, NULL, WNOHANG);
        if (ended == *pid || (ended < 0 && errno == ECHILD)) *pid = 0;
    }
    return *pid <= 0;
}

void server_process_kill(pid_t *pid)
{
    if (*pid <= 0) return;
    kill(*pid, SIGKILL);
    while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR) continue;
    *pid = 0;
}

/* ---- its folder ---- */

void server_process_output(const char *folder, char *line, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "%s/output", folder);
    snprintf(line, size, "it said nothing");
    FILE *file = fopen(path, "re");
    if (!file) return;
    char read_line[512];
    while (fgets(read_line, sizeof read_line, file)) {
        read_line[strcspn(read_line, "\r\n")] = '\0';
        if (read_line[0]) snprintf(line, size, "%s", read_line);
    }
    fclose(file);
}

int server_process_make_folder(char *folder, size_t size)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent) parent = "/tmp";
    int len = snprintf(folder, size, "%s/cairn-server-XXXXXX", parent);
    if (len >= (int)size) snprintf(folder, size, "/tmp/cairn-server-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

void server_process_remove_folder(const char *folder)
{
    if (*folder) nftw(folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}
