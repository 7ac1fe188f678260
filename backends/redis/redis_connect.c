/* One attempt to connect: the places in turn, a name looked up, then its addresses in turn, until
 * one takes it. */
#include "redis_conn.h"
#include "redis_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void connect_next(redis_conn_t *conn);
static void next_place(redis_conn_t *conn);

/* hiredis leaves in errno what it has put in words. */
static int why(const redisAsyncContext *ac)
{
    bool says_errno = ac->err == REDIS_ERR_IO && errno != 0;
    return says_errno ? uv_translate_sys_error(errno) : UV_ECONNREFUSED;
}

static void on_connect(redisAsyncContext *ac, int status)
{
    redis_conn_t *conn = ac->data;
    if (conn->ac != ac) return; /* given up meanwhile */
    if (status != REDIS_OK) {
        conn->failure_status = why(ac);
        conn->ac = NULL; /* hiredis frees it when we return */
        snprintf(conn->failure, sizeof conn->failure, "connect %s: %s", conn->where, ac->errstr);
        connect_next(conn);
        return;
    }
    if (conn->options->tls) {
        redis_secure_begin(conn);
    } else {
        redis_connect_greet(conn);
    }
}

void redis_connect_greet(redis_conn_t *conn)
{
    redis_wire_attach(conn);
    conn->state = REDIS_CONN_GREETING; /* the time to connect goes on */
    conn->hello = (redis_hello_t){0};
    conn->ac->ev.addRead(conn->ac->ev.data);
    redis_credentials_greet(conn);
}

const char *redis_connect_awaited(const redis_conn_t *conn)
{
    if (conn->state == REDIS_CONN_CONNECTING && conn->tls)
        return "no TLS handshake in time; it may be that the server does not speak TLS";
    if (conn->state == REDIS_CONN_GREETING && !conn->hello.begun) return "no credentials in time";
    return "no answer in time";
}

/* Starts hiredis on `options`; 0 if on_connect follows. */
static int start_link(redis_conn_t *conn, redisOptions *options)
{
    redis_log(conn->host, CAIRN_LOG_DEBUG, "connecting to %s", conn->where);
    options->options |= REDIS_OPT_NONBLOCK | REDIS_OPT_NOAUTOFREEREPLIES;
    errno = 0;
    redisAsyncContext *ac = redisAsyncConnectWithOptions(options);
    if (!ac) return UV_ENOMEM;
    int rc = ac->err ? why(ac) : cairn_hiredis_uv_attach(conn->group, ac);
    if (rc < 0) {
        snprintf(conn->failure, sizeof conn->failure, "connect %s: %s", conn->where,
                 ac->err ? ac->errstr : uv_strerror(rc));
        redisAsyncFree(ac);
        return rc;
    }
    ac->data = conn;
    conn->ac = ac;
    redisAsyncSetConnectCallbackNC(ac, on_connect);
    return 0;
}

static int start_unix(redis_conn_t *conn)
{
    redisOptions options = {0};
    REDIS_OPTIONS_SET_UNIX(&options, conn->options->path);
    snprintf(conn->where, sizeof conn->where, "%s", conn->options->path);
    return start_link(conn, &options);
}

static int start_tcp(redis_conn_t *conn, const char *ip)
{
    redisOptions options = {0};
    const redis_address_t *place = conn->place;
    REDIS_OPTIONS_SET_TCP(&options, ip, place->port);
    if (strcmp(place->host, ip) != 0)
        snprintf(conn->where, sizeof conn->where, "%.64s:%d (%s)", place->host, place->port, ip);
    conn->state = REDIS_CONN_CONNECTING;
    return start_link(conn, &options);
}

/* The addresses of the lookup in turn, until one takes the attempt or none is left. */
static void connect_next(redis_conn_t *conn)
{
    while (conn->address) {
        char ip[64];
        int rc = uv_ip_name(conn->address->ai_addr, ip, sizeof ip);
        conn->address = conn->address->ai_next;
        conn->tried++;
        if (rc == 0) rc = start_tcp(conn, ip);
        if (rc == 0) return;
        conn->failure_status = rc;
    }
    next_place(conn);
}

void redis_connect_free(redis_conn_t *conn)
{
    if (conn->addresses) uv_freeaddrinfo(conn->addresses);
    conn->addresses = conn->address = NULL;
}

/* An attempt has one time for all addresses: so one that is silent would keep the rest from ever
 * being tried. */
static void leave_out_first(redis_conn_t *conn)
{
    conn->address = conn->addresses;
    for (conn->tried = 0; conn->address && conn->tried < conn->first; conn->tried++)
        conn->address = conn->address->ai_next;
    if (!conn->address) {
        conn->address = conn->addresses;
        conn->tried = 0;
    }
    conn->first = 0;
}

static void on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *addresses)
{
    redis_conn_t *conn = lookup->data;
    conn->looking_up = false;
    if (conn->state != REDIS_CONN_RESOLVING) {
        if (addresses) uv_freeaddrinfo(addresses);
        redis_conn_finish_closing(conn);
        return;
    }
    if (status < 0) {
        conn->failure_status = status;
        snprintf(conn->failure, sizeof conn->failure, "lookup of %.192s: %s", conn->place->host,
                 uv_strerror(status));
        next_place(conn);
        return;
    }
    conn->addresses = addresses;
    leave_out_first(conn);
    connect_next(conn);
}

static int look_up(redis_conn_t *conn)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    conn->lookup.data = conn;
    int rc =
        uv_getaddrinfo(conn->host->loop, &conn->lookup, on_lookup, conn->place->host, NULL, &hints);
    conn->looking_up = rc == 0;
    conn->state = REDIS_CONN_RESOLVING;
    return rc;
}

static bool is_numeric(const char *host)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    return uv_ip4_addr(host, 0, &v4) == 0 || uv_ip6_addr(host, 0, &v6) == 0;
}

/* ---- places ---- */

static int try_place(redis_conn_t *conn)
{
    redis_address_text_t text;
    redis_connect_free(conn);
    conn->tried = 0;
    snprintf(conn->where, sizeof conn->where, "%s", redis_address_text(text, conn->place));
    snprintf(conn->failure, sizeof conn->failure, "connect %s: failed", conn->where);
    if (is_numeric(conn->place->host)) {
        conn->first = 0;
        return start_tcp(conn, conn->place->host);
    }
    /* The last attempt's lookup, which cannot be stopped. */
    return conn->looking_up ? UV_ETIMEDOUT : look_up(conn);
}

static size_t place_count(const redis_conn_t *conn)
{
    const size_t count = conn->options->places.count;
    return count > 0 ? count : 1;
}

static const redis_address_t *place_number(const redis_conn_t *conn, size_t number)
{
    const redis_addresses_t *places = &conn->options->places;
    return places->count > 0 ? &places->list[number] : &conn->located;
}

static void next_place(redis_conn_t *conn)
{
    while (conn->places_left > 0) {
        conn->places_left--;
        if (conn->place) {
            conn->place_at = (conn->place_at + 1) % place_count(conn);
            conn->first = 0;
        }
        conn->place = place_number(conn, conn->place_at);
        int rc = try_place(conn);
        if (rc == 0) return;
        conn->failure_status = rc;
    }
    redis_conn_lose(conn, conn->failure_status, conn->failure);
}

void redis_connect_gave_up(redis_conn_t *conn)
{
    if (!conn->place) return;
    conn->first = conn->address ? conn->tried : 0;
    if (!conn->address) conn->place_at = (conn->place_at + 1) % place_count(conn);
    conn->place = NULL;
}

void redis_connect_arrived(redis_conn_t *conn)
{
    conn->first = conn->tried > 0 ? conn->tried - 1 : 0;
}

static void begin_places(redis_conn_t *conn)
{
    conn->places_left = place_count(conn);
    next_place(conn);
}

void redis_conn_go(redis_conn_t *conn, const redis_address_t *place)
{
    if (conn->state != REDIS_CONN_LOCATING) return;
    if (!redis_address_eq(place, &conn->located)) conn->first = 0;
    conn->located = *place;
    begin_places(conn);
}

void redis_connect_begin(redis_conn_t *conn)
{
    conn->arrived = false;
    conn->place = NULL;
    conn->tally.attempts++;
    redis_conn_set_state(conn, REDIS_CONN_CONNECTING, conn->options->connect_timeout_ms);
    if (conn->options->path) {
        int rc = start_unix(conn);
        if (rc < 0) redis_conn_lose(conn, rc, conn->failure);
    } else if (conn->options->places.count > 0) {
        begin_places(conn);
    } else {
        conn->state = REDIS_CONN_LOCATING;
        conn->owner->locate(conn);
    }
}
