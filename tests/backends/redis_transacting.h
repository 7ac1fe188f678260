/* Transactions for tests: MULTI, SET, a script's call and EXEC, as one request.
 *
 * A backend of the test's own stands before that of Redis. A publish whose payload begins with a p
 * sets the key that the channel names and calls a script that gives the value's length, which comes
 * back as the number of receivers; every other publish is one. */
#ifndef TESTS_BACKENDS_REDIS_TRANSACTING_H
#define TESTS_BACKENDS_REDIS_TRANSACTING_H

#include "redis_backend.h"
#include "redis_cmd.h"
#include "scripted.h"

#include <cairn/sys/alloc.h>

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=5"
#define LITERAL(text) text, sizeof(text) - 1

extern const cairn_backend_t cairn_redis_backend;

/* ---- the backend ---- */

#define SOURCE "return redis.call('STRLEN', KEYS[1])"
#define HASH "bd073fcdc117441586925b65a5c9230a1ea9fe42"

enum {
    COMMANDS = 2,
    MEMORY = 24
};

static redis_backend_t *opened; /* the newest */
static bool idempotent;         /* of transactions */

static inline void on_put(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_broker_publish_t *put = ctx;
    const cairn_host_api_t *api = redis_conn_host(&put->req)->api;
    size_t results = 0;
    int64_t length = -1;
    cairn_free((void *)(uintptr_t)put->req.scratch[REDIS_SCRATCH_MEMORY]);
    if (status == 0) status = redis_reply_array(reply, &results);
    if (status == 0) status = redis_reply_skip(reply);
    if (status == 0) status = redis_reply_int(reply, &length);
    if (status == 0 && results != COMMANDS) status = CAIRN_EPROTOCOL;
    if (status < 0) {
        (api->fail)(&put->req, status, detail);
    } else {
        api->publish_done(put, length);
    }
}

static inline char *encode_put(char *at, cairn_slice_t key, cairn_slice_t value)
{
    at = redis_cmd_literal(at, LITERAL("*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n"));
    at = redis_cmd_arg(at, key);
    at = redis_cmd_arg(at, value);
    at = redis_cmd_literal(at, LITERAL("*4\r\n$7\r\nEVALSHA\r\n$40\r\n" HASH "\r\n$1\r\n1\r\n"));
    at = redis_cmd_arg(at, key);
    return redis_cmd_literal(at, LITERAL("*1\r\n$4\r\nEXEC\r\n"));
}

static inline int put_or_publish(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                                 cairn_slice_t payload)
{
    redis_backend_t *redis = self;
    redis_conn_t *conn = redis_route_commands(&redis->route);
    char *at;
    if (payload.len == 0 || payload.ptr[0] != 'p')
        return redis_broker_ops.publish(self, req, channel, payload);
    size_t bound = redis_cmd_bound(9, 160 + 2 * channel.len + payload.len);
    int rc = redis_conn_reserve(conn, bound, &at);
    if (rc < 0) return rc;
    void *memory = cairn_malloc(MEMORY);
    if (!memory) return UV_ENOMEM;
    req->req.scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)memory;
    at = encode_put(at, channel, payload);
    redis_conn_commit_transaction(conn, at, on_put, &req->req, COMMANDS, idempotent);
    return 0;
}

static inline void on_loaded(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

static inline int on_unscripted(redis_conn_t *conn)
{
    static const cairn_slice_t source = {LITERAL(SOURCE)};
    char *at;
    int rc = redis_conn_reserve_unbounded(conn, redis_cmd_bound(3, 16 + source.len), &at);
    if (rc < 0) return rc;
    at = redis_cmd_literal(at, LITERAL("*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n"));
    at = redis_cmd_arg(at, source);
    redis_conn_commit(conn, at, on_loaded, conn, REDIS_CMD_TRANSIENT);
    return 0;
}

static inline int open_redis(const cairn_host_t *host, const cairn_options_t *options, void **self,
                             cairn_error_t *error)
{
    static redis_conn_owner_t owner;
    int rc = cairn_redis_backend.open(host, options, self, error);
    if (rc < 0) return rc;
    opened = *self;
    owner = *opened->route.one.commands.owner;
    owner.unscripted = on_unscripted;
    opened->route.one.commands.owner = &owner;
    return 0;
}

/* Opens the world's URL with `query` on that backend. */
static inline int try_open(client_t *c, const char *query)
{
    static cairn_broker_ops_t broker;
    static cairn_backend_t backend;
    static const cairn_backend_t *const backends[] = {&backend, NULL};
    broker = redis_broker_ops;
    broker.publish = put_or_publish;
    backend = cairn_redis_backend;
    backend.open = open_redis;
    backend.broker = &broker;

    world_t *w = c->world;
    char url[512];
    cairn_options_t options;
    cairn_options_init(&options);
    snprintf(url, sizeof url, "%s?%s", w->url, query);
    assert_status(cairn_options_from_url(&options, url, &c->error), 0);
    options.backends = backends;
    idempotent = false;
    bool outer = world_call(w);
    int status = cairn_open(&c->cairn, &w->loop, &options, &c->error);
    world_return(w, outer);
    if (status == 0) c->open = true;
    return status;
}

static inline client_t *open_ready(world_t *w, const char *query)
{
    client_t *c = world_client(w);
    assert_status(try_open(c, query), 0);
    client_await(c, "connected");
    return c;
}

static inline pub_t *put_again(client_t *c)
{
    pub_t *put = client_request(c);
    put->publish.req.flags = CAIRN_REQ_IDEMPOTENT;
    pub_again(put, "key", "put x");
    return put;
}

static inline void assert_puts(client_t *c, int64_t length)
{
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, 0);
    assert_int_equal(put->receivers, length);
}

/* ---- the server's side ---- */

#define DONE "*2\r\n+OK\r\n:5\r\n"
#define ABORTED "-EXECABORT Transaction discarded because of previous errors.\r\n"
#define NOSCRIPT "-NOSCRIPT No matching script.\r\n"

static inline void speak(scripted_t *server)
{
    scripted_always(server, "MULTI", "+OK\r\n");
    scripted_always(server, "SET", "+QUEUED\r\n");
    scripted_always(server, "EVALSHA", "+QUEUED\r\n");
    scripted_always(server, "EXEC", DONE);
    scripted_always(server, "PUBLISH", ":1\r\n");
    scripted_always(server, "SCRIPT", "$40\r\n" HASH "\r\n");
}

static inline scripted_t *transacting(world_t *w)
{
    scripted_t *server = scripted_of(w);
    speak(server);
    return server;
}

static inline void answers_once(scripted_t *server, const char *multi, const char *set,
                                const char *evalsha, const char *exec)
{
    if (multi) scripted_once(server, "MULTI", multi);
    if (set) scripted_once(server, "SET", set);
    if (evalsha) scripted_once(server, "EVALSHA", evalsha);
    if (exec) scripted_once(server, "EXEC", exec);
}

/* Nothing is answered but what the test pushes. */
static inline void fall_silent(scripted_t *server)
{
    static const char *const names[] = {"MULTI", "SET", "EVALSHA", "EXEC", "PUBLISH", "SCRIPT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scripted_always(server, names[i], SCRIPTED_SILENCE);
}

static inline bool has_skipped(void *skipped)
{
    return opened->route.one.commands.transaction.skipped == *(const uint32_t *)skipped;
}

static inline void await_skipped(world_t *w, uint32_t skipped)
{
    loop_run_until(&w->loop, "a transaction's first replies", has_skipped, &skipped);
}

static inline void assert_order(const scripted_t *server, const char *const *names)
{
    size_t at = journal_find(&server->journal, 0, "MULTI");
    for (; *names; names++, at++) {
        assert_true(at < server->journal.count);
        assert_contains(server->journal.lines[at], *names);
    }
    assert_int_equal(at, server->journal.count);
}

#define ASSERT_ORDER(server, ...) assert_order((server), (const char *const[]){__VA_ARGS__, NULL})

#endif
