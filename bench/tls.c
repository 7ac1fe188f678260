#include "tls.h"
#include <cairn/cairn.h>
#include "pin.h"
#include "progress.h"
#include "pubsub.h"
#include "saver.h"
#include "server.h"
#include "server_process.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum {
    PAYLOAD = 1024,
    PATH_SIZE = 128,
    MOST_STORM_S = 60
};

typedef struct bench {
    bool quick;
    int repeats;
    char *error;
    char folder[96];
    char cert[PATH_SIZE], key[PATH_SIZE];
    server_t server;
    char plain_url[64], tls_url[256];
} bench_t;

/* ---- the server ---- */

static int make_certificate(bench_t *bench)
{
    char command[640];
    if (server_process_make_folder(bench->folder, sizeof bench->folder) < 0) {
        bench->folder[0] = '\0';
        snprintf(bench->error, CLIENT_ERROR_MAX, "cannot make a temporary folder");
        return -1;
    }
    snprintf(bench->cert, sizeof bench->cert, "%s/cert.pem", bench->folder);
    snprintf(bench->key, sizeof bench->key, "%s/key.pem", bench->folder);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
             "-subj /CN=cairn-bench -addext subjectAltName=IP:127.0.0.1 "
             "-out '%s' -keyout '%s' 2>'%s/output'",
             bench->cert, bench->key, bench->folder);
    if (system(command) == 0) return 0;
    snprintf(bench->error, CLIENT_ERROR_MAX,
             "the openssl command is needed to make a certificate, and did not do it");
    return -1;
}

static int start(bench_t *bench)
{
    if (make_certificate(bench) < 0) return -1;
    const server_options_t options = {.pin = pin_server_cpu() >= 0,
                                      .cpu = pin_server_cpu(),
                                      .tls_cert = bench->cert,
                                      .tls_key = bench->key,
                                      .tls_ca = bench->cert};
    if (server_start(&bench->server, &options) < 0) {
        snprintf(bench->error, CLIENT_ERROR_MAX, "%s", bench->server.error);
        return -1;
    }
    snprintf(bench->plain_url, sizeof bench->plain_url, "redis://127.0.0.1:%d", bench->server.port);
    snprintf(bench->tls_url, sizeof bench->tls_url, "rediss://127.0.0.1:%d?tls_ca_file=%s",
             bench->server.tls_port, bench->cert);
    if (pin_client_cpu() >= 0 && pin_to(pin_client_cpu()) < 0)
        fprintf(stderr, "cairn-bench: cannot keep to one core; the figures will vary more\n");
    return 0;
}

/* ---- throughput ---- */

static tls_bench_side_t side_of(const row_t *row)
{
    return (tls_bench_side_t){row->msgs_per_s, row->client_cpu_us_per_msg,
                              row->server_cpu_us_per_msg};
}

static int run_pubsub(const bench_t *bench, const char *url, tls_bench_side_t *side)
{
    static pubsub_result_t result;
    pubsub_config_t config;
    pubsub_config_init(&config);
    config.url = url;
    config.client = &client_cairn;
    config.payload = PAYLOAD;
    config.window = 512;
    config.warmup_s = bench->quick ? 0.1 : 0.5;
    config.duration_s = bench->quick ? 0.4 : 2;
    config.server_pid = bench->server.pid;
    int status = pubsub_run(&config, &result, bench->error);
    *side = side_of(&result.row);
    return status;
}

static int run_saver(const bench_t *bench, const char *url, saver_op_t op, tls_bench_side_t *side)
{
    static saver_result_t result;
    saver_config_t config;
    saver_bench_init(&config);
    config.url = url;
    config.client = &client_cairn;
    config.op = op;
    config.channels = 1;
    config.value = PAYLOAD;
    config.window = 64;
    config.warmup_s = bench->quick ? 0.1 : 0.5;
    config.duration_s = bench->quick ? 0.4 : 2;
    config.most_bytes = 256u << 20;
    config.server_pid = bench->server.pid;
    int status = saver_bench_run(&config, &result, bench->error);
    *side = side_of(&result.row);
    return status;
}

static int run_work(const bench_t *bench, int work, const char *url, tls_bench_side_t *side)
{
    if (work == 0) return run_pubsub(bench, url, side);
    return run_saver(bench, url, work == 1 ? SAVER_PUT : SAVER_GET, side);
}

static tls_bench_side_t median(const tls_bench_side_t *sides, int count)
{
    double rates[ROW_PAIRS_MAX], clients[ROW_PAIRS_MAX], servers[ROW_PAIRS_MAX];
    for (int i = 0; i < count; i++) {
        rates[i] = sides[i].per_s;
        clients[i] = sides[i].client_us;
        servers[i] = sides[i].server_us;
    }
    return (tls_bench_side_t){row_median(rates, count), row_median(clients, count),
                              row_median(servers, count)};
}

/* In turns; who begins changes each time. */
static int compare(const bench_t *bench, int work, tls_bench_work_t *result)
{
    static const char *const names[TLS_BENCH_WORKS] = {"publish and receive", "saver.put",
                                                       "saver.get"};
    tls_bench_side_t plain[ROW_PAIRS_MAX], tls[ROW_PAIRS_MAX];
    double plain_rates[ROW_PAIRS_MAX], tls_rates[ROW_PAIRS_MAX];
    *result = (tls_bench_work_t){.name = names[work]};
    for (int i = 0; i < bench->repeats; i++) {
        progress_show("%s, repeat %d of %d", names[work], i + 1, bench->repeats);
        for (int turn = 0; turn < 2; turn++) {
            bool with = (i + turn) % 2 == 1;
            const char *url = with ? bench->tls_url : bench->plain_url;
            if (run_work(bench, work, url, with ? &tls[i] : &plain[i]) < 0) return -1;
        }
        plain_rates[i] = plain[i].per_s;
        tls_rates[i] = tls[i].per_s;
    }
    result->ratio = row_median_ratio(tls_rates, plain_rates, bench->repeats);
    result->plain = median(plain, bench->repeats);
    result->tls = median(tls, bench->repeats);
    return 0;
}

/* ---- a storm of handshakes ---- */

typedef struct storm {
    uv_loop_t loop;
    uv_timer_t probe;
    uint64_t began, last, longest; /* ns */
    uint64_t last_cpu, longest_cpu;
    int connected, failed;
    cairn_t *handles;
    int count;
    tls_bench_storm_t *result;
} storm_t;

static double ms_since(uint64_t ns)
{
    return (double)(uv_hrtime() - ns) / 1e6;
}

static uint64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_probe(uv_timer_t *probe)
{
    storm_t *storm = probe->data;
    uint64_t now = uv_hrtime();
    if (now - storm->last > storm->longest) storm->longest = now - storm->last;
    storm->last = now;
    uint64_t cpu = cpu_ns();
    if (cpu - storm->last_cpu > storm->longest_cpu) storm->longest_cpu = cpu - storm->last_cpu;
    storm->last_cpu = cpu;
    bool over = storm->connected == storm->count || ms_since(storm->began) > MOST_STORM_S * 1e3;
    if (!over) return;
    uv_close((uv_handle_t *)probe, NULL);
    for (int i = 0; i < storm->count; i++) cairn_close(&storm->handles[i], NULL);
}

static void on_event(cairn_t *cairn, const cairn_event_t *event)
{
    storm_t *storm = cairn->data;
    if (event->type == CAIRN_EVENT_DISCONNECTED) storm->failed++;
    if (event->type != CAIRN_EVENT_CONNECTED) return;
    if (++storm->connected == storm->count) storm->result->connected_ms = ms_since(storm->began);
}

static int open_all(storm_t *storm, const char *url, char *error)
{
    cairn_error_t why;
    for (int i = 0; i < storm->count; i++) {
        cairn_t *handle = &storm->handles[i];
        *handle = (cairn_t){.data = storm, .on_event = on_event};
        if (cairn_open_url(handle, &storm->loop, url, &why) == 0) continue;
        snprintf(error, CLIENT_ERROR_MAX, "%s", why.text);
        storm->count = i;
        return -1;
    }
    return 0;
}

static int run_storm(const bench_t *bench, const char *url, tls_bench_storm_t *result)
{
    storm_t storm = {.count = TLS_BENCH_HANDLES, .result = result};
    progress_show("%d handles at once", storm.count);
    storm.handles = calloc((size_t)storm.count, sizeof *storm.handles);
    if (!storm.handles || uv_loop_init(&storm.loop) < 0) {
        snprintf(bench->error, CLIENT_ERROR_MAX, "out of memory");
        free(storm.handles);
        return -1;
    }
    storm.began = uv_hrtime();
    int status = open_all(&storm, url, bench->error);
    result->handles = storm.count;
    result->open_ms = ms_since(storm.began);
    uv_timer_init(&storm.loop, &storm.probe);
    storm.probe.data = &storm;
    storm.began = storm.last = uv_hrtime();
    storm.last_cpu = cpu_ns();
    uv_timer_start(&storm.probe, on_probe, 1, 1);
    uv_run(&storm.loop, UV_RUN_DEFAULT);
    uv_loop_close(&storm.loop);
    free(storm.handles);
    result->stall_ms = (double)storm.longest / 1e6;
    result->stall_cpu_ms = (double)storm.longest_cpu / 1e6;
    if (status == 0 && storm.connected < storm.count) {
        snprintf(bench->error, CLIENT_ERROR_MAX,
                 "only %d of %d handles connected; %d attempts "
                 "failed",
                 storm.connected, storm.count, storm.failed);
        status = -1;
    }
    return status;
}

/* ---- all of it ---- */

int tls_bench_run(bool quick, tls_bench_result_t *result, char *error)
{
    bench_t bench = {.quick = quick, .repeats = quick ? 3 : 7, .error = error};
    *result = (tls_bench_result_t){0};
    int status = start(&bench);
    for (int i = 0; i < TLS_BENCH_WORKS && status == 0; i++)
        status = compare(&bench, i, &result->works[i]);
    if (status == 0) status = run_storm(&bench, bench.plain_url, &result->plain);
    if (status == 0) status = run_storm(&bench, bench.tls_url, &result->tls);
    progress_clear();
    server_stop(&bench.server);
    server_process_remove_folder(bench.folder);
    return status;
}
