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
static cairn_broker_publish_t req;
static int awaited = 2; /* the message, and the answer to the publish */

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static void one_has_come(void)
{
    if (--awaited == 0) cairn_close(&cairn, NULL); /* nothing keeps the loop running then */
}

static void on_published(cairn_broker_publish_t *published, int status, int64_t receivers)
{
    (void)published;
    (void)receivers;
    must(status, "publish");
    one_has_come();
}

/* [taste] */
static void on_message(cairn_broker_sub_t *s, const cairn_broker_message_t *message)
{
    printf("received %.*s\n", (int)message->payload.len, message->payload.ptr);
    cairn_broker_unsubscribe(s, NULL);
    one_has_come();
}

static void on_event(cairn_broker_sub_t *s, const cairn_broker_event_t *event)
{
    (void)s;
    if (event->type != CAIRN_SUB_SUBSCRIBED) return;
    must(cairn_broker_publish(&broker, &req, cairn_str("greetings"), cairn_str("hello"),
                              on_published),
         "publish");
}

static void start(uv_loop_t *loop, const char *url)
{
    must(cairn_open_url(&cairn, loop, url, NULL), "open");
    cairn_broker_init(&broker, &cairn);
    sub.on_event = on_event;
    must(cairn_broker_subscribe(&broker, &sub, cairn_str("greetings"), NULL, on_message),
         "subscribe");
}
/* [taste] end */

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    start(loop, argc > 1 ? argv[1] : "memory:");
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return awaited == 0 ? 0 : 1;
}
