/* A user whom the server does not let in any more, on a handle with several connections: whoever
 * waits for one of them is told. */
#include "redis.h"
#include "world.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10&client_name=worker"

static redis_t redis;

/* ---- subscriptions on a connection of their own ---- */

static client_t *open_worker(world_t *w, const char *query)
{
    char rest[128];
    redis_ask(&redis, "ACL SETUSER worker reset on >pw ~* &* +@all");
    snprintf(rest, sizeof rest, "?%s&%s", QUICK, query);
    w->url = redis_url(&redis, "worker:pw", rest);
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    return c;
}

static void a_subscription_is_told_why_its_connection_does_not_come_up(world_t *w,
                                                                       const char *query)
{
    client_t *c = open_worker(w, query);
    redis_ask(&redis, "ACL SETUSER worker off");
    probe_t *first = client_subscribe(c, "news", NULL);
    probe_await(first, "disconnected CAIRN_EAUTH");
    assert_contains(first->detail, "WRONGPASS");
    probe_t *second = client_subscribe(c, "news", NULL);
    probe_t *pattern = client_psubscribe(c, "n*", NULL);
    probe_await(second, "disconnected CAIRN_EAUTH");
    probe_await(pattern, "disconnected CAIRN_EAUTH");
    pub_await(client_publish(c, "news", "unheard"), 0);
    redis_ask(&redis, "ACL SETUSER worker on");
    probe_await(first, "disconnected CAIRN_EAUTH", "subscribed");
    probe_await(second, "disconnected CAIRN_EAUTH", "subscribed");
    probe_await(pattern, "disconnected CAIRN_EAUTH", "subscribed");
    pub_await(client_publish(c, "news", "heard"), 0);
    probe_await(first, "disconnected CAIRN_EAUTH", "subscribed", "message heard");
    client_await(c, "connected"); /* and was so all the time */
}

static void a_subscription_over_resp2_is_told(world_t *w)
{
    a_subscription_is_told_why_its_connection_does_not_come_up(w, "protocol=2");
}

static void a_subscription_beside_a_pool_is_told(world_t *w)
{
    a_subscription_is_told_why_its_connection_does_not_come_up(w, "max_connections=4");
}

static void one_that_was_there_is_told_once(world_t *w)
{
    client_t *c = open_worker(w, "protocol=2");
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_ask(&redis, "ACL SETUSER worker off");
    redis_ask(&redis, "CLIENT KILL TYPE pubsub");
    probe_await_count(probe, "disconnected", 1);
    probe_t *late = client_subscribe(c, "news", NULL);
    probe_await(late, "disconnected CAIRN_EAUTH");
    redis_ask(&redis, "ACL SETUSER worker on");
    probe_await_count(probe, "resubscribed", 1);
    assert_int_equal(journal_count(&probe->journal, "disconnected"), 1);
    probe_await(late, "disconnected CAIRN_EAUTH", "subscribed");
    client_await(c, "connected");
}

/* ---- requests on several connections ---- */

static size_t connections(void)
{
    size_t count = 0;
    const char *at = redis_ask(&redis, "CLIENT LIST");
    while ((at = strstr(at, " name=worker "))) {
        count++;
        at++;
    }
    return count;
}

enum {
    WIDE = 24,
    MOST = 3
};

static void begin_widely(client_t *c, pub_t *pubs[WIDE])
{
    char topic[24];
    for (int i = 0; i < WIDE; i++) {
        snprintf(topic, sizeof topic, "topic %d", i);
        pubs[i] = client_request(c);
        pubs[i]->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
        pub_again(pubs[i], topic, "x");
    }
}

static void fill(client_t *c)
{
    const uint64_t since = uv_hrtime();
    pub_t *pubs[WIDE];
    while (connections() < MOST) {
        begin_widely(c, pubs);
        for (int i = 0; i < WIDE; i++) pub_await(pubs[i], 0);
        if (uv_hrtime() - since > LOOP_DEADLINE_MS * UINT64_C(1000000))
            check_fail("%zu connections, expected %d", connections(), MOST);
    }
}

/* A link that the server knows already: it is read first. */
static int open_link(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reply[16];
    memcpy(address.sun_path, redis.server.unix_path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(fd, "PING\r\n", 6, MSG_NOSIGNAL), 6);
    assert_true(recv(fd, reply, sizeof reply, 0) > 0);
    return fd;
}

static void all_that_wait_are_told(world_t *w)
{
    static const char out[] = "ACL SETUSER worker off\r\nCLIENT KILL USER worker\r\n";
    pub_t *pubs[WIDE];
    client_t *c = open_worker(w, "max_connections=4&spread_after=1&timeout_ms=20000");
    fill(c);
    const int fd = open_link();
    redis_pause(&redis);
    assert_int_equal(send(fd, out, sizeof out - 1, MSG_NOSIGNAL), sizeof out - 1);
    begin_widely(c, pubs);
    redis_resume(&redis);
    for (int i = 0; i < WIDE; i++) {
        pub_await(pubs[i], CAIRN_EAUTH);
        assert_contains(pubs[i]->detail, "WRONGPASS");
    }
    redis_ask(&redis, "ACL SETUSER worker on");
    client_await_count(c, "connected", 2);
    begin_widely(c, pubs);
    for (int i = 0; i < WIDE; i++) pub_await(pubs[i], 0);
    close(fd);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_subscription_over_resp2_is_told),
    SCENARIO(a_subscription_beside_a_pool_is_told),
    SCENARIO(one_that_was_there_is_told_once),
    SCENARIO(all_that_wait_are_told),
};

int main(void)
{
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: kept out", scenarios, NULL);
    redis_stop(&redis);
    return failures;
}
