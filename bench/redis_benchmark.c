#include "redis_benchmark.h"
#include "pin.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    OUTPUT_MAX = 8192,
    NO_PROGRAM = 127
};

/* ---- its output ---- */

/* The field after the comma that `at` points to, or that it begins with; NULL after the last. */
static const char *next_field(const char *at, char *field, size_t size)
{
    size_t len = strcspn(at, ",\n");
    size_t quoted = len >= 2 && at[0] == '"' ? 1 : 0;
    snprintf(field, size, "%.*s", (int)(len - 2 * quoted), at + quoted);
    return at[len] == ',' ? at + len + 1 : NULL;
}

static double *figure_of(row_t *row, const char *title)
{
    if (strcmp(title, "rps") == 0) return &row->msgs_per_s;
    if (strcmp(title, "p50_latency_ms") == 0) return &row->p50_us;
    if (strcmp(title, "p99_latency_ms") == 0) return &row->p99_us;
    if (strcmp(title, "max_latency_ms") == 0) return &row->max_us;
    return NULL;
}

int redis_benchmark_parse(const char *csv, row_t *row)
{
    const char *titles = strstr(csv, "\"test\"");
    const char *values = titles ? strchr(titles, '\n') : NULL;
    if (!values) return -1;
    values++;
    while (titles && values) {
        char title[64], value[64];
        titles = next_field(titles, title, sizeof title);
        values = next_field(values, value, sizeof value);
        double *figure = figure_of(row, title);
        if (!figure) continue;
        char *end;
        *figure = strtod(value, &end);
        if (end == value || *end) return -1;
        if (figure != &row->msgs_per_s) *figure *= 1e3;
    }
    return isnan(row->msgs_per_s) || isnan(row->p50_us) ? -1 : 0;
}

/* ---- running it ---- */

static void run_child(const redis_benchmark_t *work, int output, pid_t parent)
{
    char port[16], connections[16], pipeline[16], messages[24];
    snprintf(port, sizeof port, "%d", work->port);
    snprintf(connections, sizeof connections, "%d", work->connections);
    snprintf(pipeline, sizeof pipeline, "%d", work->pipeline);
    snprintf(messages, sizeof messages, "%ld", work->messages);
    char *payload = malloc((size_t)work->payload + 1);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!payload || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
        (work->cpu >= 0 && pin_to(work->cpu) < 0) || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(nowhere, STDERR_FILENO) < 0)
        _exit(1);
    alarm(work->most_s); /* it outlives exec, and ends whoever does not handle it */
    memset(payload, 'x', (size_t)work->payload);
    payload[work->payload] = '\0';
    execlp("redis-benchmark", "redis-benchmark", "-h", "127.0.0.1", "-p", port, "-c", connections,
           "-P", pipeline, "-n", messages, "--csv", "--precision", "3", "PUBLISH", "cairn-bench",
           payload, (char *)NULL);
    _exit(NO_PROGRAM);
}

static size_t read_all(int fd, char *text, size_t size)
{
    size_t used = 0;
    ssize_t len;
    while ((len = read(fd, text + used, size - 1 - used)) > 0 || (len < 0 && errno == EINTR))
        used += len > 0 ? (size_t)len : 0;
    text[used] = '\0';
    return used;
}

static double cpu_us(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

static void init_row(const redis_benchmark_t *work, row_t *row)
{
    row_init(row);
    row->workload = "publish only";
    row->client = "redis-benchmark";
    row->backend = "redis";
    row->transport = "tcp";
    row->payload = work->payload;
    row->publishers = work->connections;
    row->subscribers = 0;
    row->channels = 1;
    row->inflight = work->pipeline;
}

int redis_benchmark_run(const redis_benchmark_t *work, row_t *row, char *error, size_t size)
{
    int ends[2], status = 0;
    char csv[OUTPUT_MAX];
    struct rusage usage;
    pid_t parent = getpid();
    init_row(work, row);
    if (pipe2(ends, O_CLOEXEC) < 0) {
        snprintf(error, size, "cannot make a pipe: %s", strerror(errno));
        return -1;
    }
    pid_t child = fork();
    if (child == 0) run_child(work, ends[1], parent);
    close(ends[1]);
    if (child > 0) {
        read_all(ends[0], csv, sizeof csv);
        while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) continue;
    }
    close(ends[0]);
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bool missing = child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM;
        snprintf(error, size, "redis-benchmark %s",
                 missing ? "is not on PATH (Debian: apt-get install redis-tools)" : "failed");
        return -1;
    }
    if (redis_benchmark_parse(csv, row) < 0) {
        snprintf(error, size, "cannot read redis-benchmark's output");
        return -1;
    }
    row->mb_per_s = row->msgs_per_s * work->payload / 1e6;
    row->client_cpu_us_per_msg = cpu_us(&usage) / (double)work->messages;
    return 0;
}
