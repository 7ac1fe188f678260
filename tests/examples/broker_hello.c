/* The smallest real program: open, subscribe, publish, close.
 *
 *     broker_hello                            in memory
 *     broker_hello redis://localhost:6379     over Redis: nothing but the URL changes
 */
#include <cairn/broker.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_t cairn;
static cairn_broker_t broker;
static cairn_broker_sub_t sub;
static cairn_broker_publish_t greeting;
static bool received;

static void must(int status, const char *why)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", cairn_err_name(status), why);
    exit(1);
}

/* Why nothing happens, if there is no server. It goes on trying. */
static void on_link(cairn_t *handle, const cairn_event_t *event)
{
    (void)handle;
    if (event->type != CAIRN_EVENT_DISCONNECTED) return;
    fprintf(stderr, "%.*s\n", (int)event->detail.len, event->detail.ptr);
}

static void on_published(cairn_broker_publish_t *req, int status, int64_t receivers)
{
    (void)receivers;
    if (status == UV_ECANCELED) return; /* the message was faster, and closed the handle */
    must(status, req->req.detail.len > 0 ? req->req.detail.ptr : cairn_strerror(status));
}

/* [taste] */
static void on_message(cairn_broker_sub_t *s, const cairn_broker_message_t *message)
{
    (void)s;
    received = true;
    printf("received %.*s\n", (int)message->payload.len, message->payload.ptr);
    cairn_close(&cairn, NULL);
}

static void on_event(cairn_broker_sub_t *s, const cairn_broker_event_t *event)
{
    (void)s;
    if (event->type != CAIRN_SUB_SUBSCRIBED) return;
    must(cairn_broker_publish(&broker, &greeting, cairn_str("greetings"), cairn_str("hello"),
                              on_published),
         "publish");
}

int main(int argc, char **argv)
{
    cairn_error_t error;
    cairn.on_event = on_link;
    must(cairn_open_url(&cairn, uv_default_loop(), argc > 1 ? argv[1] : "memory:", &error),
         error.text);
    cairn_broker_init(&broker, &cairn);
    sub.on_event = on_event;
    must(cairn_broker_subscribe(&broker, &sub, cairn_str("greetings"), NULL, on_message),
         "subscribe");
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    uv_loop_close(uv_default_loop());
    return received ? 0 : 1;
}
/* [taste] end */
