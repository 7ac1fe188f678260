/* Names with several addresses. The name service is this program's own: it replaces the C
 * library's, which the library calls from libuv's threads. */
#include "scripted.h"
#include "world.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const *addresses; /* of every name; NULL-terminated */

static struct addrinfo *address_of(const char *ip, const struct addrinfo *hints)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in));
    if (!info) abort();
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)(info + 1);
    in->sin_family = AF_INET;
    inet_pton(AF_INET, ip, &in->sin_addr);
    info->ai_family = AF_INET;
    info->ai_socktype = hints ? hints->ai_socktype : SOCK_STREAM;
    info->ai_addrlen = sizeof *in;
    info->ai_addr = (struct sockaddr *)in;
    return info;
}

/* Numeric addresses, which hiredis asks for, are themselves. */
static int find_addresses(const char *node, const char *service, const struct addrinfo *hints,
                          struct addrinfo **out)
{
    struct in_addr ignored;
    const char *const itself[] = {node, NULL};
    const char *const *at = inet_pton(AF_INET, node, &ignored) == 1 ? itself : addresses;
    struct addrinfo **last = out;
    for (; *at; at++) {
        *last = address_of(*at, hints);
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)(*last)->ai_addr;
        if (service) in->sin_port = htons((uint16_t)strtol(service, NULL, 10));
        last = &(*last)->ai_next;
    }
    return 0;
}

static void free_addresses(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

/* Under the C library's names. */
int getaddrinfo(const char *, const char *, const struct addrinfo *, struct addrinfo **)
    __attribute__((alias("find_addresses")));
void freeaddrinfo(struct addrinfo *) __attribute__((alias("free_addresses")));

/* Listens and never answers: connections are made, and nothing comes of them. */
static int listen_silently(const char *ip, int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, ip, &in.sin_addr);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static client_t *open_by_name(world_t *w, int port, const char *const *list, int timeout_ms)
{
    static char url[128];
    addresses = list;
    snprintf(url, sizeof url,
             "redis://several.example:%d?connect_timeout_ms=%d&reconnect_min_ms=1&"
             "reconnect_max_ms=2",
             port, timeout_ms);
    w->url = url;
    return world_open(w, NULL);
}

static void who_refuses_is_passed_by_at_once(world_t *w)
{
    static const char *const list[] = {"127.0.0.3", "127.0.0.2", "127.0.0.1", NULL};
    client_t *c = open_by_name(w, scripted_of(w)->port, list, 20000);
    client_await(c, "connected");
}

/* An attempt has one time for all; but the next one does not begin where nobody answered. */
static void who_does_not_answer_is_passed_by_in_the_next_attempt(world_t *w)
{
    static const char *const list[] = {"127.0.0.2", "127.0.0.1", NULL};
    scripted_t *server = scripted_of(w);
    int silent = listen_silently("127.0.0.2", server->port);
    client_t *c = open_by_name(w, server->port, list, 1500);
    client_await(c, "disconnected UV_ETIMEDOUT", "connected");
    scripted_hangup(server);
    client_await(c, "disconnected UV_ETIMEDOUT", "connected", "disconnected UV_EOF", "connected");
    close(silent);
}

static void those_in_front_get_another_chance(world_t *w)
{
    static const char *const list[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL};
    scripted_t *server = scripted_of(w);
    int silent[] = {listen_silently("127.0.0.2", server->port),
                    listen_silently("127.0.0.3", server->port)};
    scripted_refuse(server);
    client_t *c = open_by_name(w, server->port, list, 200);
    client_await_count(c, "disconnected UV_ETIMEDOUT", 2);
    scripted_accept(server);
    client_await_count(c, "connected", 1);
    close(silent[0]);
    close(silent[1]);
}

static void nobody_there_is_told_of_the_last_one(world_t *w)
{
    static const char *const list[] = {"127.0.0.3", "127.0.0.2", NULL};
    client_t *c = open_by_name(w, scripted_of(w)->port, list, 20000);
    client_await_count(c, "disconnected UV_ECONNREFUSED", 2);
    assert_contains(c->detail, "127.0.0.2");
    assert_contains(c->detail, "several.example");
}

static const scenario_t scenarios[] = {
    SCENARIO(who_refuses_is_passed_by_at_once),
    SCENARIO(who_does_not_answer_is_passed_by_in_the_next_attempt),
    SCENARIO(those_in_front_get_another_chance),
    SCENARIO(nobody_there_is_told_of_the_last_one),
};

int main(void)
{
    return SCENARIOS_RUN("redis: addresses", scenarios, NULL);
}
