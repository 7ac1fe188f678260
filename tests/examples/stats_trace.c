/* Requests as spans: what OpenTelemetry's conventions for databases want to know, printed.
 *
 *     stats_trace [redis://localhost:6379]
 */
#include <cairn/store.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_t cairn;
static cairn_store_t store;
static unsigned spans;

static void must(int status, const char *why)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", cairn_err_name(status), why);
    exit(1);
}

/* [trace] */
static void on_trace(cairn_t *handle, const cairn_trace_t *trace)
{
    (void)handle;
    if (trace->type != CAIRN_TRACE_END) return; /* a span that lasts begins at CAIRN_TRACE_BEGIN */
    printf("%s %" PRIu64 " us", trace->operation, trace->duration_us);
    printf(" db.system.name=%s db.operation.name=%s", trace->system, trace->operation);
    if (trace->address.len > 0)
        printf(" server.address=%.*s server.port=%u", (int)trace->address.len, trace->address.ptr,
               (unsigned)trace->port);
    if (trace->status < 0)
        printf(" error.type=%s \"%.*s\"", trace->error, (int)trace->detail.len,
               trace->detail.len > 0 ? trace->detail.ptr : "");
    const char *about = trace->req->data; /* ours, set before the request was submitted */
    printf("%s%s\n", about ? " user=" : "", about ? about : "");
    spans++;
}
/* [trace] end */

static void on_got(cairn_store_get_t *get, int status, const cairn_item_t *item)
{
    (void)get;
    must(status, "get");
    if (item) printf("%.*s\n", (int)item->value.len, item->value.ptr);
    cairn_close(&cairn, NULL);
}

static void on_put(cairn_store_put_t *put, int status, bool existed)
{
    static cairn_store_get_t get;
    const cairn_slice_t labels[] = {cairn_str("users"), cairn_str("ada")};
    (void)put, (void)existed;
    must(status, "put");
    get.req.data = "ada";
    must(cairn_store_get(&store, &get, (cairn_namespace_t){labels, 2}, cairn_str("tea"),
                         CAIRN_REFRESH_NO, on_got),
         "get");
}

int main(int argc, char **argv)
{
    static cairn_store_put_t put;
    const cairn_slice_t labels[] = {cairn_str("users"), cairn_str("ada")};
    cairn_error_t error;
    cairn.on_trace = on_trace;
    must(cairn_open_url(&cairn, uv_default_loop(), argc > 1 ? argv[1] : "memory:", &error),
         error.text);
    must(cairn_store_init(&store, &cairn, NULL), "store");
    must(cairn_store_put(&store, &put, (cairn_namespace_t){labels, 2}, cairn_str("tea"),
                         cairn_str("{\"kind\":\"like\"}"), NULL, on_put),
         "put");
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    return spans == 2 ? 0 : 1;
}
