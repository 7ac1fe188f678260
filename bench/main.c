#include <cairn/options.h>
#include "args.h"
#include "cluster_compare.h"
#include "env.h"
#include "pin.h"
#include "progress.h"
#include "report.h"
#include "saver_compare.h"
#include "store.h"
#include "tls.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SUCCESS = 0,
    FAILURE = 1,
    USAGE = 2
};

static const char usage[] =
    "cairn-bench compare [pubsub|saver|store] [--quick] [--payload BYTES] [--json FILE]\n"
    "    cairn beside plain hiredis, in memory and on a redis-server started for it\n"
    "\n"
    "cairn-bench pubsub [--url URL] [--client cairn|hiredis] [--payload BYTES]\n"
    "        [--publishers N] [--subscribers N] [--channels N] [--shared]\n"
    "        [--window MESSAGES | --rate PER_SECOND] [--duration S] [--warmup S]\n"
    "        [--pin CORE] [--loop-lag] [--json FILE]\n"
    "    one piece of work, on a server that is running (default: memory:)\n"
    "    --window  closed loop: so many messages of each publisher are underway; 1 is one at a "
    "time\n"
    "    --rate    open loop: messages are sent by the clock, and latency counts from when they\n"
    "              were due\n"
    "    --shared  publishers and subscribers use one handle\n"
    "    --loop-lag  tells the longest turn of the loop, connecting and closing included\n"
    "\n"
    "cairn-bench saver [--url URL] [--client cairn|hiredis]\n"
    "        [--op put|put_writes|get|get_id|list|agent] [--channels N] [--value BYTES]\n"
    "        [--threads N] [--window THREADS | --rate PER_SECOND] [--ttl MS]\n"
    "        [--most-mib N] [--keep] [--duration S] [--warmup S] [--pin CORE] [--loop-lag]\n"
    "        [--json FILE]\n"
    "    checkpoints, all of whose channels change with each step\n"
    "    --window    closed loop: so many threads have something underway\n"
    "    --rate      open loop: operations are begun by the clock, by any thread that is idle\n"
    "    --most-mib  ends the measurement early once so much was put (default 1024; 0: never)\n"
    "    --keep      leaves on the server what was put, which else is deleted in the end\n"
    "\n"
    "cairn-bench stream [--quick] [--payload BYTES] [--rate PER_SECOND] [--json FILE]\n"
    "    run streams on a redis-server started for it, cairn beside plain hiredis, pub/sub and "
    "what "
    "Pure\n"
    "    Graph's queue does: append, delivery to 1 ... 10,000 tails at a rate, replay, and storms "
    "of\n"
    "    reconnects\n"
    "\n"
    "cairn-bench store [--quick] [--json FILE]\n"
    "    items got, put and searched: the same as compare store\n"
    "\n"
    "cairn-bench cluster [--quick] [--json FILE]\n"
    "    the same work on one server and on clusters of one, two and three masters, beside plain\n"
    "    hiredis that knows beforehand who has which slot\n"
    "\n"
    "cairn-bench tls [--quick]\n"
    "    the same work on a redis-server started for it, with TLS and without, and storms\n"
    "    of handshakes\n"
    "\n"
    "cairn-bench count receive|publish|roundtrip|memory [--messages N] [--client cairn|hiredis]\n"
    "        [--url URL]\n"
    "cairn-bench count store.get|store.put|saver.get|saver.put|append [--messages N]\n"
    "        [--masters N | --url URL]\n"
    "    for the scripts bench/count-*.sh: counts allocations; tools count the rest\n"
    "\n"
    "cairn-bench check --url URL [--ttl]\n"
    "    what a saver has left behind on a server, which may be in use: keys that nothing refers\n"
    "    to, entries of what is not there. Changes nothing; fails if there is any\n"
    "    --ttl  fails if there is a key without a TTL, too: where every checkpoint has one\n"
    "\n"
    "cairn-bench top --url URL [--once | --count N] [--interval MS] [--json]\n"
    "    how a server is, each second, and a handle on it: what the server tells of itself, how\n"
    "    long a message takes that is published to nobody, the handle's statistics and its\n"
    "    connections. The handle is this program's own: statistics live in their process, and one\n"
    "    that is to be seen itself serves cairn_stats_text (cairn/stats.h)\n"
    "    --json  an object a line\n"
    "\n"
    "cairn-bench options    what a URL may say\n"
    "cairn-bench help       this\n"
    "\n"
    "FILE may be - for standard output, in place of the table. Exit status: 0, 1 if something\n"
    "failed, 2 if the command line is not right.\n";

static int complain(int status, const char *text)
{
    progress_clear();
    fprintf(stderr, "cairn-bench: %s\n", text);
    return status;
}

/* ---- reporting ---- */

/* Said before the work rather than after it. */
static int check_writable(const char *path)
{
    if (!path || strcmp(path, "-") == 0) return SUCCESS;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd >= 0) {
        close(fd);
        return SUCCESS;
    }
    fprintf(stderr, "cairn-bench: cannot write %s: %s\n", path, strerror(errno));
    return FAILURE;
}

/* One for what counts operations, one for messages. */
static void report_tables(const row_t *rows, int count, FILE *out)
{
    for (int from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && rows[to].unit == rows[from].unit;) to++;
        if (from > 0) fputs("\n", out);
        report_table(rows + from, to - from, out);
    }
}

static int report(const env_t *env, const row_t *rows, int count, const char *json)
{
    progress_clear();
    if (!json || strcmp(json, "-") != 0) {
        report_env(env, stdout);
        report_tables(rows, count, stdout);
    }
    if (!json || report_json(env, rows, count, json) == 0) return SUCCESS;
    fprintf(stderr, "cairn-bench: cannot write %s: %s\n", json, strerror(errno));
    return FAILURE;
}

/* ---- commands ---- */

static void show_pubsub_progress(const pubsub_config_t *config, double elapsed_s, double msgs_per_s)
{
    progress_show("%s, %.1f of %.1f s: %.0f messages/s", config->client->name, elapsed_s,
                  config->warmup_s + config->duration_s, msgs_per_s);
}

static int run_pubsub(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    pubsub_args_t args;
    if (args_pubsub(argc, argv, &args, error) < 0 || pubsub_check(&args.config, error) < 0)
        return complain(USAGE, error);
    if (check_writable(args.json) != SUCCESS) return FAILURE;
    env_t env;
    env_read(&env);
    if (args.cpu >= 0 && pin_to(args.cpu) < 0) {
        snprintf(error, sizeof error, "cannot keep to core %d: %s", args.cpu, strerror(errno));
        return complain(FAILURE, error);
    }
    args.config.on_progress = show_pubsub_progress;
    pubsub_result_t *result = malloc(sizeof *result);
    if (!result) return complain(FAILURE, "out of memory");
    int status = FAILURE;
    if (pubsub_run(&args.config, result, error) < 0) {
        complain(FAILURE, error);
    } else {
        snprintf(env.server, sizeof env.server, "%s", result->server);
        status = report(&env, &result->row, 1, args.json);
    }
    free(result);
    return status;
}

static void show_saver_progress(const saver_config_t *config, double elapsed_s, double ops_per_s)
{
    progress_show("%s, %s, %.1f of %.1f s: %.0f operations/s", config->client->name,
                  saver_bench_op_name(config->op), elapsed_s, config->warmup_s + config->duration_s,
                  ops_per_s);
}

static int run_saver(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    saver_args_t args;
    if (args_saver(argc, argv, &args, error) < 0 || saver_bench_check(&args.config, error) < 0)
        return complain(USAGE, error);
    if (check_writable(args.json) != SUCCESS) return FAILURE;
    env_t env;
    env_read(&env);
    if (args.cpu >= 0 && pin_to(args.cpu) < 0) {
        snprintf(error, sizeof error, "cannot keep to core %d: %s", args.cpu, strerror(errno));
        return complain(FAILURE, error);
    }
    args.config.on_progress = show_saver_progress;
    saver_result_t *result = malloc(sizeof *result);
    if (!result) return complain(FAILURE, "out of memory");
    int status = FAILURE;
    if (saver_bench_run(&args.config, result, error) < 0) {
        complain(FAILURE, error);
    } else {
        snprintf(env.server, sizeof env.server, "%s", result->server);
        status = report(&env, &result->row, 1, args.json);
    }
    free(result);
    return status;
}

static int run_comparison(const compare_args_t *args)
{
    char error[CLIENT_ERROR_MAX];
    if (check_writable(args->json) != SUCCESS) return FAILURE;
    env_t env;
    env_read(&env);
    compare_result_t *result = malloc(sizeof *result);
    if (!result) return complain(FAILURE, "out of memory");
    int status = FAILURE;
    int (*run)(const compare_config_t *, compare_result_t *, char *) =
        args->cluster ? cluster_compare_run
        : args->saver ? saver_compare_run
        : args->store ? store_compare_run
                      : compare_run;
    if (run(&args->config, result, error) < 0) {
        complain(FAILURE, error);
    } else {
        snprintf(env.server, sizeof env.server, "%s", result->server);
        status = report(&env, result->rows, result->count, args->json);
    }
    free(result);
    return status;
}

static int run_stream(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    stream_args_t args;
    if (args_stream(argc, argv, &args, error) < 0) return complain(USAGE, error);
    if (check_writable(args.json) != SUCCESS) return FAILURE;
    env_t env;
    env_read(&env);
    stream_result_t *result = malloc(sizeof *result);
    if (!result) return complain(FAILURE, "out of memory");
    int status = FAILURE;
    if (stream_bench_run(&args.config, result, error) < 0) {
        complain(FAILURE, error);
    } else {
        snprintf(env.server, sizeof env.server, "%s", result->server);
        status = report(&env, result->rows, result->count, args.json);
        if (!args.json || strcmp(args.json, "-") != 0)
            stream_ratios(result->rows, result->count, stdout);
    }
    free(result);
    return status;
}

static int run_compare(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    compare_args_t args;
    if (args_compare(argc, argv, &args, error) < 0) return complain(USAGE, error);
    return run_comparison(&args);
}

static int run_store(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    compare_args_t args;
    if (args_compare(argc, argv, &args, error) < 0) return complain(USAGE, error);
    args.saver = false;
    args.store = true;
    return run_comparison(&args);
}

static int run_cluster(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    compare_args_t args;
    if (args_compare(argc, argv, &args, error) < 0) return complain(USAGE, error);
    args.cluster = true;
    return run_comparison(&args);
}

static void report_storm(const char *name, const tls_bench_storm_t *storm)
{
    printf("%d handles at once, %-6s opened in %.0f ms, connected after %.0f ms; the loop stalled "
           "for %.1f ms at most, %.1f ms of that its own work\n",
           storm->handles, name, storm->open_ms, storm->connected_ms, storm->stall_ms,
           storm->stall_cpu_ms);
}

static int run_tls(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    tls_bench_result_t result;
    bool quick = argc == 2 && strcmp(argv[1], "--quick") == 0;
    if (argc > 1 && !quick) return complain(USAGE, "tls takes --quick, and nothing else");
    if (tls_bench_run(quick, &result, error) < 0) return complain(FAILURE, error);
    printf("1 KiB each, pipelined  %10s %10s %9s  client us, plain and TLS  server us\n", "plain",
           "TLS", "TLS costs");
    for (int i = 0; i < TLS_BENCH_WORKS; i++) {
        const tls_bench_work_t *work = &result.works[i];
        printf("%-22s %8.0f/s %8.0f/s %7.0f %%  %11.2f %12.2f  %5.2f %5.2f\n", work->name,
               work->plain.per_s, work->tls.per_s, (1 - work->ratio) * 100, work->plain.client_us,
               work->tls.client_us, work->plain.server_us, work->tls.server_us);
    }
    report_storm("plain:", &result.plain);
    report_storm("TLS:", &result.tls);
    return SUCCESS;
}

static int run_count(int argc, char **argv)
{
    char error[CLIENT_ERROR_MAX];
    count_config_t config;
    count_result_t result;
    if (args_count(argc, argv, &config, error) < 0) return complain(USAGE, error);
    if (count_run(&config, &result, error) < 0) return complain(FAILURE, error);
    printf("what %s\nclient %s\nmessages %" PRIu64 "\nallocations %" PRIu64 "\n", config.name,
           config.client->name, result.messages, result.allocations);
    return SUCCESS;
}

static int run_check(int argc, char **argv)
{
    char error[ARGS_ERROR_MAX];
    check_config_t config;
    static saver_check_t found;
    if (args_check(argc, argv, &config, error) < 0) return complain(USAGE, error);
    if (check_run(&config, &found, error) < 0) return complain(FAILURE, error);
    check_report(&config, &found, stdout);
    return check_is_good(&config, &found) ? SUCCESS : FAILURE;
}

static int run_top(int argc, char **argv)
{
    char error[ARGS_ERROR_MAX];
    top_config_t config;
    if (args_top(argc, argv, &config, error) < 0) return complain(USAGE, error);
    return top_run(&config, stdout, error) < 0 ? complain(FAILURE, error) : SUCCESS;
}

static int run_options(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return complain(USAGE, "options takes nothing");
    printf("memory:\n"
           "redis://[user[:password]@]host[:port][/db][?name=value[&name=value]...]\n"
           "rediss://...  the same over TLS\n"
           "unix://[user[:password]@]/path/to/socket[?name=value...]\n"
           "redis+sentinel://[user[:password]@]s1[:26379],s2,s3/service[/db][?name=value...]\n"
           "redis+cluster://[user[:password]@]n1[:6379],n2[?name=value...]\n"
           "rediss+sentinel://..., rediss+cluster://...  the same over TLS\n\n");
#define PRINT_NUMBER(name, fallback, least, most, help)                                            \
    printf("%-20s %s\n%20s %" PRIu64 " to %" PRIu64 ", default %" PRIu64 "\n", #name, help, "",    \
           (uint64_t)(least), (uint64_t)(most), (uint64_t)(fallback));
#define PRINT_TEXT(name, help) printf("%-20s %s\n", #name, help);
    CAIRN_OPTION_NUMBERS(PRINT_NUMBER)
    CAIRN_OPTION_TEXTS(PRINT_TEXT)
    return SUCCESS;
}

static int run_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    fputs(usage, stdout);
    return SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {
        {"pubsub", run_pubsub}, {"saver", run_saver},     {"store", run_store},
        {"stream", run_stream}, {"compare", run_compare}, {"count", run_count},
        {"check", run_check},   {"top", run_top},         {"options", run_options},
        {"help", run_help},     {"--help", run_help},     {"-h", run_help},
        {"tls", run_tls},       {"cluster", run_cluster},
    };
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        fputs(usage, stderr);
        return USAGE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "cairn-bench: there is no command '%s'. The commands are:\n\n%s", argv[1],
            usage);
    return USAGE;
}
