/* Ways to a server: names, IPv6, a unix socket; and what the server is told of the client. */
#include "redis.h"
#include "world.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10"

static redis_t redis;

static void works(client_t *c)
{
    client_await(c, "connected");
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await(probe, "subscribed", "message hello");
}

static const char *url_of_host(const char *host, const char *rest)
{
    static char url[256];
    snprintf(url, sizeof url, "redis://%s:%d%s", host, redis.server.port, rest);
    return url;
}

static void a_name_is_looked_up(world_t *w)
{
    w->url = url_of_host("localhost", "");
    works(world_open(w, NULL));
}

static void an_ipv4_address_works(world_t *w)
{
    w->url = url_of_host("127.0.0.1", "");
    works(world_open(w, NULL));
}

static bool has_ipv6(void)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0) return false;
    int status = bind(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return status == 0;
}

static void an_ipv6_address_works(world_t *w)
{
    if (!has_ipv6()) {
        print_message("no IPv6 on this machine: not tried\n");
        return;
    }
    w->url = url_of_host("[::1]", "");
    works(world_open(w, NULL));
}

static void a_unix_socket_works(world_t *w)
{
    w->url = redis_unix_url(&redis, NULL);
    works(world_open(w, NULL));
}

static void a_unix_socket_that_is_not_there_is_told_by_its_path(world_t *w)
{
    w->url = "unix:///nowhere/redis.sock?" QUICK;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected UV_ENOENT", 1);
    assert_contains(c->detail, "/nowhere/redis.sock");
}

/* Longer than a label may be, so that no name server needs to be asked. */
#define NO_NAME "this-name-is-longer-than-a-label-of-a-name-may-be-which-is-63-bytes.invalid"

static void a_name_that_is_none_is_told(world_t *w)
{
    w->url = url_of_host(NO_NAME, "?" QUICK);
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected", 2);
    assert_contains(c->detail, "this-name-is-longer-than-a-label");
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

static void close_during_the_lookup_works(world_t *w)
{
    w->url = url_of_host("localhost", "");
    client_t *c = world_open(w, NULL);
    pub_t *pub = client_publish(c, "news", "x");
    client_close(c);
    client_await(c, "closed");
    assert_status(pub->status, UV_ECANCELED);
    client_t *other = world_open(w, NULL);
    loop_turns(&w->loop, 1);
    client_close(other);
    client_await(other, "closed");
}

static void the_client_is_named(world_t *w)
{
    w->url = url_of_host("127.0.0.1", "?client_name=planner-7");
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_contains(redis_ask(&redis, "CLIENT LIST"), " name=planner-7 ");
}

static void the_client_is_named_cairn_unless_told_otherwise(world_t *w)
{
    w->url = url_of_host("127.0.0.1", "");
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_contains(redis_ask(&redis, "CLIENT LIST"), " name=cairn ");
}

static void the_clients_library_is_named_where_servers_take_it(world_t *w)
{
    if (!redis_is_at_least(&redis, 7, 2)) {
        print_message("this server knows no CLIENT SETINFO: not tried\n");
        return;
    }
    w->url = url_of_host("127.0.0.1", "?client_name=library");
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    const char *line = strstr(redis_ask(&redis, "CLIENT LIST"), "name=library");
    assert_non_null(line);
    assert_contains(line, "lib-name=cairn lib-ver=" CAIRN_VERSION_STRING);
}

static size_t connections_of(const char *name)
{
    size_t count = 0;
    const char *at = redis_ask(&redis, "CLIENT LIST");
    while ((at = strstr(at, name))) {
        count++;
        at++;
    }
    return count;
}

static void resp3_needs_one_connection_and_resp2_a_second_for_subscriptions(world_t *w)
{
    w->url = url_of_host("127.0.0.1", "?client_name=three");
    works(world_open(w, "protocol=3"));
    assert_int_equal(connections_of(" name=three "), 1);
    w->url = url_of_host("127.0.0.1", "?client_name=two");
    works(world_open(w, "protocol=2"));
    assert_int_equal(connections_of(" name=two "), 2);
}

static void a_closed_handle_leaves_no_connection(world_t *w)
{
    w->url = url_of_host("127.0.0.1", "?client_name=leaver");
    client_t *c = world_open(w, "protocol=2");
    works(c);
    client_close(c);
    client_await_closed(c);
    uint64_t deadline = uv_hrtime() + LOOP_DEADLINE_MS * 1000000ull;
    while (connections_of(" name=leaver ") > 0 && uv_hrtime() < deadline) loop_turns(&w->loop, 1);
    assert_int_equal(connections_of(" name=leaver "), 0);
}

static const scenario_t scenarios[] = {
    SCENARIO(a_name_is_looked_up),
    SCENARIO(an_ipv4_address_works),
    SCENARIO(an_ipv6_address_works),
    SCENARIO(a_unix_socket_works),
    SCENARIO(a_unix_socket_that_is_not_there_is_told_by_its_path),
    SCENARIO(a_name_that_is_none_is_told),
    SCENARIO(close_during_the_lookup_works),
    SCENARIO(the_client_is_named),
    SCENARIO(the_client_is_named_cairn_unless_told_otherwise),
    SCENARIO(the_clients_library_is_named_where_servers_take_it),
    SCENARIO(resp3_needs_one_connection_and_resp2_a_second_for_subscriptions),
    SCENARIO(a_closed_handle_leaves_no_connection),
};

int main(void)
{
    static char bind[] = "--bind";
    static char ipv4[] = "127.0.0.1";
    static char ipv6[] = "-::1"; /* where there is one */
    static char *const args[] = {bind, ipv4, ipv6, NULL};
    static const server_options_t options = {.args = args};
    redis_start(&redis, &options);
    int failures = SCENARIOS_RUN("redis: connect", scenarios, NULL);
    redis_stop(&redis);
    return failures;
}
