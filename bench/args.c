#include "args.h"
#include "message.h"
#include "nodes.h"
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(char *error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error, ARGS_ERROR_MAX, format, args);
    va_end(args);
    return -1;
}

/* ---- values ---- */

static int read_number(const char *name, const char *text, uint64_t least, uint64_t most,
                       uint64_t *value, char *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || number < least || number > most)
        return fail(error, "--%s takes a number from %llu to %llu, not '%s'", name,
                    (unsigned long long)least, (unsigned long long)most, text);
    *value = number;
    return 0;
}

static int read_u32(const char *name, const char *text, uint32_t least, uint32_t most,
                    uint32_t *value, char *error)
{
    uint64_t number = 0;
    if (read_number(name, text, least, most, &number, error) < 0) return -1;
    *value = (uint32_t)number;
    return 0;
}

static int read_real(const char *name, const char *text, double least, double most, double *value,
                     char *error)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || isnan(number) || number < least || number > most)
        return fail(error, "--%s takes a number from %g to %g, not '%s'", name, least, most, text);
    *value = number;
    return 0;
}

static int read_client(const char *text, const client_ops_t **client, char *error)
{
    if (strcmp(text, client_cairn.name) == 0)
        *client = &client_cairn;
    else if (strcmp(text, client_hiredis.name) == 0)
        *client = &client_hiredis;
    else
        return fail(error, "--client takes cairn or hiredis, not '%s'", text);
    return 0;
}

/* A payload must have room for message.h's header. */
static int read_payload(const char *text, uint32_t *payload, char *error)
{
    if (read_u32("payload", text, 0, PUBSUB_PAYLOAD_MAX, payload, error) < 0) return -1;
    if (*payload >= MESSAGE_SIZE) return 0;
    return fail(error,
                "--payload must be at least %d: each message carries its number and time, which "
                "take that many bytes",
                MESSAGE_SIZE);
}

/* ---- walking over them ---- */

/* Getopt's next option, or -1 at the end, or '?' with the error set. */
static int next_option(int argc, char **argv, const struct option *options, int *index, char *error)
{
    opterr = 0;
    int option = getopt_long_only(argc, argv, ":", options, index);
    if (option == ':') {
        fail(error, "%s needs a value", argv[optind - 1]);
        return '?';
    }
    if (option == '?')
        fail(error, "%s: there is no such option, or it takes no value; see `cairn-bench help`",
             argv[optind - 1]);
    return option;
}

static int refuse_rest(int argc, char **argv, char *error)
{
    if (optind >= argc) return 0;
    return fail(error, "'%s' means nothing here; see `cairn-bench help`", argv[optind]);
}

/* ---- pubsub ---- */

typedef enum pubsub_option {
    URL,
    CLIENT,
    PAYLOAD,
    PUBLISHERS,
    SUBSCRIBERS,
    CHANNELS,
    RATE,
    WINDOW,
    DURATION,
    WARMUP,
    JSON,
    PIN,
    SHARED,
    LOOP_LAG
} pubsub_option_t;

static const struct option pubsub_options[] = {
    {"url", required_argument, NULL, URL},
    {"client", required_argument, NULL, CLIENT},
    {"payload", required_argument, NULL, PAYLOAD},
    {"publishers", required_argument, NULL, PUBLISHERS},
    {"subscribers", required_argument, NULL, SUBSCRIBERS},
    {"channels", required_argument, NULL, CHANNELS},
    {"rate", required_argument, NULL, RATE},
    {"window", required_argument, NULL, WINDOW},
    {"duration", required_argument, NULL, DURATION},
    {"warmup", required_argument, NULL, WARMUP},
    {"json", required_argument, NULL, JSON},
    {"pin", required_argument, NULL, PIN},
    {"shared", no_argument, NULL, SHARED},
    {"loop-lag", no_argument, NULL, LOOP_LAG},
    {NULL, 0, NULL, 0},
};

static int read_ends(const char *name, const char *text, uint32_t *ends, char *error)
{
    return read_u32(name, text, 1, PUBSUB_ENDS_MAX, ends, error);
}

static int read_cpu(const char *text, int *cpu, char *error)
{
    uint32_t number;
    if (read_u32("pin", text, 0, 1023, &number, error) < 0) return -1;
    *cpu = (int)number;
    return 0;
}

static int set_pubsub_option(pubsub_args_t *args, pubsub_option_t option, const char *value,
                             char *error)
{
    pubsub_config_t *config = &args->config;
    switch (option) {
    case URL:
        config->url = value;
        return 0;
    case CLIENT:
        return read_client(value, &config->client, error);
    case PAYLOAD:
        return read_payload(value, &config->payload, error);
    case PUBLISHERS:
        return read_ends("publishers", value, &config->publishers, error);
    case SUBSCRIBERS:
        return read_ends("subscribers", value, &config->subscribers, error);
    case CHANNELS:
        return read_ends("channels", value, &config->channels, error);
    case RATE:
        return read_real("rate", value, 1, 1e8, &config->rate, error);
    case WINDOW:
        return read_u32("window", value, 1, PUBSUB_WINDOW_MAX, &config->window, error);
    case DURATION:
        return read_real("duration", value, 0.01, 86400, &config->duration_s, error);
    case WARMUP:
        return read_real("warmup", value, 0, 3600, &config->warmup_s, error);
    case JSON:
        args->json = value;
        return 0;
    case PIN:
        return read_cpu(value, &args->cpu, error);
    case SHARED:
        config->shared = true;
        return 0;
    case LOOP_LAG:
        config->loop_lag = true;
        return 0;
    }
    return -1;
}

int args_pubsub(int argc, char **argv, pubsub_args_t *args, char *error)
{
    int option, index;
    bool seen[sizeof pubsub_options / sizeof pubsub_options[0]] = {false};
    *args = (pubsub_args_t){.cpu = -1};
    pubsub_config_init(&args->config);
    optind = 0; /* begin anew */
    while ((option = next_option(argc, argv, pubsub_options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (seen[option]) return fail(error, "--%s is given twice", pubsub_options[index].name);
        seen[option] = true;
        if (set_pubsub_option(args, (pubsub_option_t)option, optarg, error) < 0) return -1;
    }
    if (seen[RATE] && seen[WINDOW])
        return fail(error, "--rate (open loop) and --window (closed loop) exclude each other");
    return refuse_rest(argc, argv, error);
}

/* ---- saver ---- */

typedef enum saver_option {
    SAVER_URL,
    SAVER_CLIENT,
    SAVER_OP,
    SAVER_CHANNELS,
    SAVER_VALUE,
    SAVER_THREADS,
    SAVER_WINDOW,
    SAVER_RATE,
    SAVER_TTL,
    SAVER_MOST_MIB,
    SAVER_KEEP,
    SAVER_DURATION,
    SAVER_WARMUP,
    SAVER_JSON,
    SAVER_PIN,
    SAVER_LOOP_LAG
} saver_option_t;

static const struct option saver_options[] = {
    {"url", required_argument, NULL, SAVER_URL},
    {"client", required_argument, NULL, SAVER_CLIENT},
    {"op", required_argument, NULL, SAVER_OP},
    {"channels", required_argument, NULL, SAVER_CHANNELS},
    {"value", required_argument, NULL, SAVER_VALUE},
    {"threads", required_argument, NULL, SAVER_THREADS},
    {"window", required_argument, NULL, SAVER_WINDOW},
    {"rate", required_argument, NULL, SAVER_RATE},
    {"ttl", required_argument, NULL, SAVER_TTL},
    {"most-mib", required_argument, NULL, SAVER_MOST_MIB},
    {"keep", no_argument, NULL, SAVER_KEEP},
    {"duration", required_argument, NULL, SAVER_DURATION},
    {"warmup", required_argument, NULL, SAVER_WARMUP},
    {"json", required_argument, NULL, SAVER_JSON},
    {"pin", required_argument, NULL, SAVER_PIN},
    {"loop-lag", no_argument, NULL, SAVER_LOOP_LAG},
    {NULL, 0, NULL, 0},
};

static int read_op(const char *text, saver_op_t *op, char *error)
{
    for (int i = 0; i < SAVER_OPS; i++) {
        if (strcmp(text, saver_bench_op_name((saver_op_t)i)) != 0) continue;
        *op = (saver_op_t)i;
        return 0;
    }
    return fail(error, "--op takes put, put_writes, get, get_id, list or agent, not '%s'", text);
}

static int read_mib(const char *text, uint64_t *bytes, char *error)
{
    if (read_number("most-mib", text, 0, 1 << 24, bytes, error) < 0) return -1;
    *bytes <<= 20;
    return 0;
}

static int set_saver_option(saver_args_t *args, saver_option_t option, const char *value,
                            char *error)
{
    saver_config_t *config = &args->config;
    switch (option) {
    case SAVER_URL:
        config->url = value;
        return 0;
    case SAVER_CLIENT:
        return read_client(value, &config->client, error);
    case SAVER_OP:
        return read_op(value, &config->op, error);
    case SAVER_CHANNELS:
        return read_u32("channels", value, 1, SAVER_CHANNELS_MAX, &config->channels, error);
    case SAVER_VALUE:
        return read_u32("value", value, 0, SAVER_VALUE_MAX, &config->value, error);
    case SAVER_THREADS:
        return read_u32("threads", value, 1, SAVER_THREADS_MAX, &config->threads, error);
    case SAVER_WINDOW:
        return read_u32("window", value, 1, SAVER_THREADS_MAX, &config->window, error);
    case SAVER_RATE:
        return read_real("rate", value, 1, 1e8, &config->rate, error);
    case SAVER_TTL:
        return read_number("ttl", value, 1, UINT64_C(1) << 52, &config->ttl_ms, error);
    case SAVER_MOST_MIB:
        return read_mib(value, &config->most_bytes, error);
    case SAVER_KEEP:
        config->keep = true;
        return 0;
    case SAVER_DURATION:
        return read_real("duration", value, 0.01, 86400, &config->duration_s, error);
    case SAVER_WARMUP:
        return read_real("warmup", value, 0, 3600, &config->warmup_s, error);
    case SAVER_JSON:
        args->json = value;
        return 0;
    case SAVER_LOOP_LAG:
        config->loop_lag = true;
        return 0;
    case SAVER_PIN:
        return read_cpu(value, &args->cpu, error);
    }
    return -1;
}

int args_saver(int argc, char **argv, saver_args_t *args, char *error)
{
    int option, index;
    bool seen[sizeof saver_options / sizeof saver_options[0]] = {false};
    *args = (saver_args_t){.cpu = -1};
    saver_bench_init(&args->config);
    optind = 0;
    while ((option = next_option(argc, argv, saver_options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (seen[option]) return fail(error, "--%s is given twice", saver_options[index].name);
        seen[option] = true;
        if (set_saver_option(args, (saver_option_t)option, optarg, error) < 0) return -1;
    }
    if (seen[SAVER_RATE] && seen[SAVER_WINDOW])
        return fail(error, "--rate (open loop) and --window (closed loop) exclude each other");
    if (seen[SAVER_WINDOW] && seen[SAVER_THREADS] && args->config.window > args->config.threads)
        return fail(error, "--window cannot exceed --threads: a thread does one thing at a time");
    return refuse_rest(argc, argv, error);
}

/* ---- stream ---- */

int args_stream(int argc, char **argv, stream_args_t *args, char *error)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},
        {"payload", required_argument, NULL, 'p'},
        {"rate", required_argument, NULL, 'r'},
        {"json", required_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    *args = (stream_args_t){.json = NULL};
    stream_bench_init(&args->config);
    optind = 0;
    while ((option = next_option(argc, argv, options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (option == 'q') args->config.quick = true;
        if (option == 'j') args->json = optarg;
        if (option == 'p' && read_u32("payload", optarg, STREAM_PAYLOAD_MIN, STREAM_PAYLOAD_MAX,
                                      &args->config.payload, error) < 0)
            return -1;
        if (option == 'r' && read_real("rate", optarg, 1, 1e6, &args->config.rate, error) < 0)
            return -1;
    }
    return refuse_rest(argc, argv, error);
}

/* ---- compare ---- */

/* What to compare, if it is said. */
static int read_subject(int argc, char **argv, compare_args_t *args, char *error)
{
    if (optind >= argc) return 0;
    const char *subject = argv[optind];
    args->saver = strcmp(subject, "saver") == 0;
    args->store = strcmp(subject, "store") == 0;
    if (!args->saver && !args->store && strcmp(subject, "pubsub") != 0)
        return fail(error, "compare takes pubsub, saver or store, not '%s'", subject);
    optind++;
    return refuse_rest(argc, argv, error);
}

int args_compare(int argc, char **argv, compare_args_t *args, char *error)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},
        {"payload", required_argument, NULL, 'p'},
        {"json", required_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    *args = (compare_args_t){.config = {.payload = 64}};
    optind = 0;
    while ((option = next_option(argc, argv, options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (option == 'q') args->config.quick = true;
        if (option == 'j') args->json = optarg;
        if (option == 'p' && read_payload(optarg, &args->config.payload, error) < 0) return -1;
    }
    return read_subject(argc, argv, args, error);
}

/* ---- count ---- */

#define COUNT_WHATS                                                                                \
    "receive, publish, roundtrip, memory, store.get, store.put, saver.get, saver.put or append"

static int read_what(const char *text, count_config_t *config, char *error)
{
    static const char *const names[] = {
        [COUNT_RECEIVE] = "receive",
        [COUNT_PUBLISH] = "publish",
        [COUNT_ROUNDTRIP] = "roundtrip",
        [COUNT_MEMORY] = "memory",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) != 0) continue;
        config->what = (count_what_t)i;
        config->name = names[i];
        return 0;
    }
    for (int op = 0; op < COUNT_OPS; op++) {
        if (strcmp(text, count_op_name((count_op_t)op)) != 0) continue;
        config->what = COUNT_WORK;
        config->op = (count_op_t)op;
        config->name = count_op_name(config->op);
        return 0;
    }
    return fail(error, "count takes " COUNT_WHATS ", not '%s'", text);
}

int args_count(int argc, char **argv, count_config_t *config, char *error)
{
    static const struct option options[] = {
        {"messages", required_argument, NULL, 'm'},
        {"client", required_argument, NULL, 'c'},
        {"url", required_argument, NULL, 'u'},
        {"masters", required_argument, NULL, 'n'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    uint64_t masters = 0;
    *config = (count_config_t){.client = &client_cairn, .messages = 10000};
    optind = 0;
    while ((option = next_option(argc, argv, options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (option == 'u') config->url = optarg;
        if (option == 'c' && read_client(optarg, &config->client, error) < 0) return -1;
        if (option == 'm' &&
            read_number("messages", optarg, 1, 1000000000, &config->messages, error) < 0)
            return -1;
        if (option == 'n' && read_number("masters", optarg, 1, NODES_MAX, &masters, error) < 0)
            return -1;
    }
    config->masters = (unsigned)masters;
    if (optind >= argc) return fail(error, "count what? " COUNT_WHATS);
    if (read_what(argv[optind++], config, error) < 0) return -1;
    if (config->what == COUNT_MEMORY && config->client != &client_cairn)
        return fail(error, "hiredis has no memory backend");
    if (config->what == COUNT_WORK && config->client != &client_cairn)
        return fail(error, "%s is counted of cairn alone", config->name);
    if (config->masters > 0 && config->what != COUNT_WORK)
        return fail(error, "--masters is for operations, and %s is none", config->name);
    return refuse_rest(argc, argv, error);
}

/* ---- check ---- */

int args_check(int argc, char **argv, check_config_t *config, char *error)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},
        {"ttl", no_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option, index;
    *config = (check_config_t){0};
    optind = 0;
    while ((option = next_option(argc, argv, options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (option == 'u') config->url = optarg;
        if (option == 't') config->ttl = true;
    }
    if (!config->url) return fail(error, "check what? --url redis://host");
    return refuse_rest(argc, argv, error);
}

/* ---- top ---- */

int args_top(int argc, char **argv, top_config_t *config, char *error)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},   {"once", no_argument, NULL, 'o'},
        {"count", required_argument, NULL, 'c'}, {"interval", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},        {NULL, 0, NULL, 0},
    };
    int option, index;
    *config = (top_config_t){.interval_ms = 1000};
    optind = 0;
    while ((option = next_option(argc, argv, options, &index, error)) != -1) {
        if (option == '?') return -1;
        if (option == 'u') config->url = optarg;
        if (option == 'o') config->count = 1;
        if (option == 'j') config->json = true;
        if (option == 'c' && read_number("count", optarg, 1, 1000000000, &config->count, error) < 0)
            return -1;
        if (option == 'i' &&
            read_number("interval", optarg, 20, 3600000, &config->interval_ms, error) < 0)
            return -1;
    }
    if (!config->url) return fail(error, "top of what? --url redis://host");
    return refuse_rest(argc, argv, error);
}
