/* A server that shows its Cairn handle to Prometheus: GET /metrics.
 *
 *     stats_metrics                                 asks itself once, prints the answer, ends
 *     stats_metrics 9100 redis://localhost:6379     serves http://127.0.0.1:9100/metrics
 */
#include <cairn/broker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static cairn_t cairn;
static uv_tcp_t server;

static void must(int status, const char *why)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", cairn_err_name(status), why);
    exit(1);
}

/* ---- serving ---- */

typedef struct visit {
    uv_tcp_t tcp;
    uv_write_t write;
    char in[1024];
    char *out;
} visit_t;

static void on_visit_closed(uv_handle_t *tcp)
{
    visit_t *visit = tcp->data;
    free(visit->out);
    free(visit);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, on_visit_closed);
}

/* [metrics] */
static void answer(visit_t *visit)
{
    static const char head[] = "HTTP/1.0 200 OK\r\n"
                               "Content-Type: text/plain; version=0.0.4\r\n\r\n";
    const size_t head_size = sizeof head - 1, size = cairn_stats_text(&cairn, NULL, 0);
    visit->out = malloc(head_size + size + 1);
    if (!visit->out) exit(1);
    memcpy(visit->out, head, head_size);
    cairn_stats_text(&cairn, visit->out + head_size, size + 1);
    uv_buf_t all = uv_buf_init(visit->out, (unsigned)(head_size + size));
    must(uv_write(&visit->write, (uv_stream_t *)&visit->tcp, &all, 1, on_written), "write");
}
/* [metrics] end */

static void on_room(uv_handle_t *tcp, size_t wanted, uv_buf_t *room)
{
    visit_t *visit = tcp->data;
    (void)wanted;
    *room = uv_buf_init(visit->in, sizeof visit->in);
}

/* Whatever is asked, in however many pieces: the first is enough to answer. */
static void on_asked(uv_stream_t *tcp, ssize_t got, const uv_buf_t *bytes)
{
    (void)bytes;
    if (got == 0) return;
    uv_read_stop(tcp);
    if (got > 0) {
        answer(tcp->data);
    } else {
        uv_close((uv_handle_t *)tcp, on_visit_closed);
    }
}

static void on_visit(uv_stream_t *listening, int status)
{
    must(status, "accept");
    visit_t *visit = calloc(1, sizeof *visit);
    if (!visit) exit(1);
    must(uv_tcp_init(listening->loop, &visit->tcp), "tcp");
    visit->tcp.data = visit;
    must(uv_accept(listening, (uv_stream_t *)&visit->tcp), "accept");
    must(uv_read_start((uv_stream_t *)&visit->tcp, on_room, on_asked), "read");
}

static void serve(uv_loop_t *loop, int port)
{
    struct sockaddr_in here;
    must(uv_ip4_addr("127.0.0.1", port, &here), "address");
    must(uv_tcp_init(loop, &server), "tcp");
    must(uv_tcp_bind(&server, (const struct sockaddr *)&here, 0), "bind");
    must(uv_listen((uv_stream_t *)&server, 16, on_visit), "listen");
}

/* ---- asking once, as Prometheus would ---- */

static uv_tcp_t asking;
static uv_connect_t connecting;
static uv_write_t request;
static char answered[65536];
static size_t answered_size;

static void on_answer_room(uv_handle_t *tcp, size_t wanted, uv_buf_t *room)
{
    (void)tcp, (void)wanted;
    *room = uv_buf_init(answered + answered_size, (unsigned)(sizeof answered - 1 - answered_size));
}

static void on_answer(uv_stream_t *tcp, ssize_t got, const uv_buf_t *bytes)
{
    (void)bytes;
    if (got > 0) answered_size += (size_t)got;
    if (got >= 0) return;
    if (got != UV_EOF) must((int)got, "read");
    uv_close((uv_handle_t *)tcp, NULL);
    uv_close((uv_handle_t *)&server, NULL);
    cairn_close(&cairn, NULL);
}

static void on_connected(uv_connect_t *connected, int status)
{
    static char words[] = "GET /metrics HTTP/1.0\r\n\r\n";
    uv_buf_t all = uv_buf_init(words, sizeof words - 1);
    must(status, "connect");
    must(uv_read_start(connected->handle, on_answer_room, on_answer), "read");
    must(uv_write(&request, connected->handle, &all, 1, NULL), "write");
}

static void ask_once(cairn_broker_publish_t *published, int status, int64_t receivers)
{
    (void)published, (void)receivers;
    struct sockaddr_storage here;
    int size = sizeof here;
    must(status, "publish");
    must(uv_tcp_getsockname(&server, (struct sockaddr *)&here, &size), "name");
    must(uv_tcp_init(server.loop, &asking), "tcp");
    must(uv_tcp_connect(&connecting, &asking, (const struct sockaddr *)&here, on_connected),
         "connect");
}

int main(int argc, char **argv)
{
    static cairn_broker_t broker;
    static cairn_broker_publish_t hello;
    const bool once = argc < 2;
    uv_loop_t *loop = uv_default_loop();
    cairn_options_t options;
    cairn_error_t error;
    cairn_options_init(&options);
    must(cairn_options_from_url(&options, argc > 2 ? argv[2] : "memory:", &error), error.text);
    options.latency_stats = 1;
    must(cairn_open(&cairn, loop, &options, &error), error.text);
    serve(loop, once ? 0 : atoi(argv[1]));
    cairn_broker_init(&broker, &cairn);
    if (once)
        must(cairn_broker_publish(&broker, &hello, cairn_str("news"), cairn_str("hello"), ask_once),
             "publish");
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    printf("%s", answered);
    const char *expected = "\ncairn_requests_completed_total 1\n";
    return strstr(answered, expected) ? 0 : 1;
}
