/* Items that go by themselves: every read puts the item's own time to live back, unless it says
 * otherwise.
 *
 *     store_ttl                            in memory
 *     store_ttl redis://localhost:6379     over Redis */
#include <cairn/store.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_t cairn;
static cairn_store_t store;
static cairn_store_put_t put;
static cairn_store_get_t get;
static cairn_store_ttl_t ttl;
static uv_timer_t later;
static int reads;
static bool gone;

static cairn_slice_t labels[2];
static const cairn_namespace_t sessions = {labels, 2};

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item);

static void read_again(uv_timer_t *timer)
{
    (void)timer;
    /* [peek] */
    must(cairn_store_get(&store, &get, sessions, cairn_str("cart"), CAIRN_REFRESH_NO, on_got),
         "get");
    /* [peek] end */
}

/* Looks without a refresh until the item is gone. */
static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    (void)req;
    must(status, "get");
    reads++;
    if (item) {
        must(uv_timer_start(&later, read_again, 10, 0), "timer");
        return;
    }
    gone = true;
    printf("gone after %d reads\n", reads);
    uv_close((uv_handle_t *)&later, NULL);
    cairn_close(&cairn, NULL);
}

static void on_ttl(cairn_store_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    must(status, "ttl");
    printf("%" PRId64 " ms to live\n", ttl_ms);
    read_again(&later);
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    (void)req;
    (void)existed;
    must(status, "put");
    must(cairn_store_ttl(&store, &ttl, sessions, cairn_str("cart"), on_ttl), "ttl");
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    labels[0] = cairn_str("sessions");
    labels[1] = cairn_str("s-1");
    must(uv_timer_init(loop, &later), "timer");
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");

    /* [ttl] */
    cairn_store_options_t options = {.refresh_on_read = CAIRN_REFRESH_YES};
    options.default_ttl.given = true;
    must(cairn_ttl_ms_from_minutes(30, &options.default_ttl.ms), "minutes");
    must(cairn_store_init(&store, &cairn, &options), "store");

    cairn_store_put_options_t brief = {.ttl = cairn_ttl_ms(50)}; /* instead of half an hour */
    must(cairn_store_put(&store, &put, sessions, cairn_str("cart"), cairn_str("{\"items\":3}"),
                         &brief, on_put),
         "put");
    /* [ttl] end */
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return gone ? 0 : 1;
}
