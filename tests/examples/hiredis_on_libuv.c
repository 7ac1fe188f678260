/* Plain hiredis on a libuv loop.
 *
 *     hiredis_on_libuv 127.0.0.1 6379
 */
#include <cairn/adapters/hiredis_uv.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_hiredis_uv_t group;
static int failed;

static void complain(const char *why)
{
    fprintf(stderr, "%s\n", why);
    failed = 1;
}

static void on_connect(const redisAsyncContext *ac, int status)
{
    if (status != REDIS_OK) complain(ac->errstr);
}

/* [taste] */
static void on_value(redisAsyncContext *ac, void *reply, void *privdata)
{
    (void)privdata;
    redisReply *value = reply;
    if (value == NULL) return; /* the connection failed or broke */
    printf("%s\n", value->str);
    redisAsyncDisconnect(ac); /* nothing keeps the loop running then */
}

static int start(uv_loop_t *loop, const char *host, int port)
{
    int status = cairn_hiredis_uv_init(&group, loop);
    if (status < 0) return status;
    redisAsyncContext *ac = redisAsyncConnect(host, port);
    if (ac == NULL) return UV_ENOMEM;
    status = cairn_hiredis_uv_attach(&group, ac);
    if (status < 0) {
        redisAsyncFree(ac);
        return status;
    }
    redisAsyncSetConnectCallback(ac, on_connect);
    redisAsyncCommand(ac, NULL, NULL, "SET greeting hello");
    redisAsyncCommand(ac, on_value, NULL, "GET greeting"); /* both leave in one send */
    return 0;
}
/* [taste] end */

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s HOST PORT\n", argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    uv_loop_t *loop = uv_default_loop();
    int status = start(loop, argv[1], atoi(argv[2]));
    if (status < 0) complain(uv_strerror(status));
    uv_run(loop, UV_RUN_DEFAULT);
    cairn_hiredis_uv_close(&group, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return failed;
}
