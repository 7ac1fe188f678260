/* Whom a handle trusts, what it shows, and what it says when that does not do. */
#include "certs.h"
#include "redis.h"
#include "scripted.h"
#include "world.h"

#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUICK "timeout_ms=20000&reconnect_min_ms=1&reconnect_max_ms=10"

static redis_t redis;
static certs_t certs;

/* From now on the server shows this certificate. */
static void serve(const char *who)
{
    char command[512], cert[32], key[32];
    snprintf(cert, sizeof cert, "%s.pem", who);
    snprintf(key, sizeof key, "%s.key", who);
    snprintf(command, sizeof command, "CONFIG SET tls-cert-file %s tls-key-file %s",
             certs_path(&certs, cert), certs_path(&certs, key));
    redis_ask(&redis, command);
}

static void serve_as_usual(world_t *w)
{
    (void)w;
    serve("server");
    redis_ask(&redis, "CONFIG SET tls-auth-clients optional");
}

/* `more` is a format for one path. */
static client_t *open_with(world_t *w, const char *host, const char *more, const char *file)
{
    char rest[256];
    int len = snprintf(rest, sizeof rest, QUICK "%s", more ? "&" : "");
    if (more) {
        snprintf(rest + len, sizeof rest - (size_t)len, "%s%s", more,
                 file ? certs_path(&certs, file) : "");
    }
    w->at_end = serve_as_usual;
    w->url = redis_tls_url(&redis, host, NULL, rest);
    return world_open(w, NULL);
}

static void works(client_t *c)
{
    client_await_count(c, "connected", 1);
    probe_t *probe = client_subscribed(c, "news", NULL);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await(probe, "subscribed", "message hello");
}

/* What waits hears of it as well. */
static void fails(client_t *c, const char *why)
{
    pub_t *pub = client_publish(c, "news", "x");
    client_await_count(c, "disconnected CAIRN_ETLS", 1);
    assert_contains(c->detail, why);
    pub_await(pub, CAIRN_ETLS);
    assert_contains(pub->detail, why);
    assert_int_equal(journal_count(&c->journal, "connected"), 0);
}

/* ---- the server's certificate ---- */

static void a_name_and_an_address_are_verified(world_t *w)
{
    works(open_with(w, "localhost", NULL, NULL));
    works(open_with(w, "127.0.0.1", NULL, NULL));
}

static void another_name_is_refused(world_t *w)
{
    serve("other");
    fails(open_with(w, "localhost", NULL, NULL), "for another name than \"localhost\"");
    fails(open_with(w, "127.0.0.1", NULL, NULL), "for another name than \"127.0.0.1\"");
}

static void the_name_may_be_said(world_t *w)
{
    serve("other");
    works(open_with(w, "localhost", "tls_server_name=elsewhere.example", NULL));
}

static void the_name_may_be_let_pass(world_t *w)
{
    serve("other");
    works(open_with(w, "localhost", "tls_verify=ca", NULL));
    serve("stranger");
    fails(open_with(w, "localhost", "tls_verify=ca", NULL), "is not trusted");
}

static void anybody_may_be_let_pass(world_t *w)
{
    serve("stranger");
    works(open_with(w, "localhost", "tls_verify=none", NULL));
}

static void what_has_expired_is_refused(world_t *w)
{
    serve("expired");
    fails(open_with(w, "localhost", NULL, NULL), "certificate has expired");
}

static void a_stranger_is_refused(world_t *w)
{
    serve("stranger");
    fails(open_with(w, "localhost", NULL, NULL), "is not trusted");
}

static void without_a_file_the_system_is_asked(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "rediss://localhost:%d?" QUICK, redis.server.tls_port);
    w->url = url;
    fails(world_open(w, NULL), "is not trusted");
}

static void a_directory_may_say_whom_to_trust(world_t *w)
{
    char url[256], name[32];
    FILE *in = fopen(certs_path(&certs, "ca.pem"), "re");
    assert_non_null(in);
    X509 *ca = PEM_read_X509(in, NULL, NULL, NULL);
    fclose(in);
    assert_non_null(ca);
    snprintf(name, sizeof name, "%08lx.0", X509_subject_name_hash(ca));
    X509_free(ca);
    assert_int_equal(symlink("ca.pem", certs_path(&certs, name)), 0);
    snprintf(url, sizeof url, "rediss://localhost:%d?" QUICK "&tls_ca_dir=%s",
             redis.server.tls_port, certs.folder);
    w->url = url;
    works(world_open(w, NULL));
    unlink(certs_path(&certs, name));
}

static void a_certificate_may_be_mended(world_t *w)
{
    serve("expired");
    client_t *c = open_with(w, "localhost", NULL, NULL);
    fails(c, "certificate has expired");
    serve("server");
    works(c);
}

/* ---- the client's ---- */

static void a_client_may_have_to_show_one(world_t *w)
{
    char rest[256];
    redis_ask(&redis, "CONFIG SET tls-auth-clients yes");
    fails(open_with(w, "localhost", NULL, NULL), "wants a client certificate");
    snprintf(rest, sizeof rest, "tls_key_file=%s&tls_cert_file=", certs_path(&certs, "client.key"));
    works(open_with(w, "localhost", rest, "client.pem"));
    snprintf(rest, sizeof rest,
             "tls_key_file=%s&tls_cert_file=", certs_path(&certs, "stranger.key"));
    fails(open_with(w, "localhost", rest, "stranger.pem"), "refuses the client certificate");
}

static void a_clients_certificate_may_be_renewed(world_t *w)
{
    char rest[256];
    redis_ask(&redis, "CONFIG SET tls-auth-clients yes");
    certs_replace(&certs, "mine.pem", "stranger.pem");
    certs_replace(&certs, "mine.key", "stranger.key");
    snprintf(rest, sizeof rest, "tls_key_file=%s&tls_cert_file=", certs_path(&certs, "mine.key"));
    client_t *c = open_with(w, "localhost", rest, "mine.pem");
    fails(c, "refuses the client certificate");
    certs_replace(&certs, "mine.pem", "client.pem");
    certs_replace(&certs, "mine.key", "client.key");
    works(c);
}

/* Nothing has failed yet that could be the reason to look at them again. */
static void files_that_change_are_read_before_they_are_missed(world_t *w)
{
    char url[256];
    certs_replace(&certs, "trusted.pem", "ca.pem");
    snprintf(url, sizeof url, "rediss://localhost:%d?tls_ca_file=%s&" QUICK, redis.server.tls_port,
             certs_path(&certs, "trusted.pem"));
    w->at_end = serve_as_usual;
    w->url = url;
    client_t *c = world_open(w, NULL);
    works(c);
    certs_replace(&certs, "trusted.pem", "stranger-ca.pem");
    serve("stranger");
    pub_await(client_publish(c, "news", "on a connection that lives on"), 0);
    assert_int_equal(client_stats(c).disconnects, 0);
    redis_ask(&redis, "CLIENT KILL TYPE normal");
    redis_ask(&redis, "CLIENT KILL TYPE pubsub");
    client_await_count(c, "connected", 2);
    pub_await(client_publish(c, "news", "on one that is new"), 0);
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_ETLS"), 0);
}

/* ---- the other end is something else ---- */

static void a_server_without_tls_is_told(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?connect_timeout_ms=200&" QUICK,
             redis.server.port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected UV_ETIMEDOUT", 1); /* Redis waits for a whole line */
    assert_contains(c->detail, "no TLS handshake in time");
    assert_contains(c->detail, "does not speak TLS");
}

static void a_server_with_tls_is_told(world_t *w)
{
    char url[128];
    snprintf(url, sizeof url, "redis://127.0.0.1:%d?" QUICK, redis.server.tls_port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected", 1);
    assert_contains(c->detail, "it may want TLS");
}

static void a_silent_server_costs_the_time_to_connect(world_t *w)
{
    scripted_t *server = scripted_of(w);
    char url[128];
    server->deaf = true;
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?connect_timeout_ms=50&" QUICK, server->port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    client_await_count(c, "disconnected UV_ETIMEDOUT", 2);
    assert_contains(c->detail, "no TLS handshake in time");
}

static void a_server_that_answers_in_plain_text_is_told(world_t *w)
{
    scripted_t *server = scripted_of(w);
    char url[128];
    server->deaf = true;
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?" QUICK, server->port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    scripted_await_count(server, "accept", 1);
    scripted_push(server, "-ERR what\r\n", 11);
    fails(c, "the server does not speak TLS on this port");
}

static void a_server_may_hang_up_within_the_handshake(world_t *w)
{
    scripted_t *server = scripted_of(w);
    char url[128];
    server->deaf = true;
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?" QUICK, server->port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    scripted_await_count(server, "accept", 1);
    scripted_hangup(server);
    client_await_count(c, "disconnected", 1);
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_ETLS"), 0);
}

static void a_handle_may_be_closed_within_the_handshake(world_t *w)
{
    scripted_t *server = scripted_of(w);
    char url[128];
    server->deaf = true;
    snprintf(url, sizeof url, "rediss://127.0.0.1:%d?" QUICK, server->port);
    w->url = url;
    client_t *c = world_open(w, NULL);
    scripted_await_count(server, "accept", 1);
    client_close(c);
    client_await_closed(c);
}

/* ---- what goes over it ---- */

static void much_goes_over_it_both_ways(world_t *w)
{
    client_t *c = open_with(w, "localhost", NULL, NULL);
    const size_t len = 2u << 20;
    char *payload = malloc(len + 1);
    assert_non_null(payload);
    for (size_t i = 0; i < len; i++) payload[i] = (char)('a' + i % 26);
    payload[len] = '\0';
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->quiet = true;
    pub_await(client_publish(c, "news", payload), 0);
    probe_await_messages(probe, 1);
    assert_int_equal(probe->last_len, len);
    assert_memory_equal(probe->last, payload, len);
    free(payload);
}

static void a_lost_link_is_made_again(world_t *w)
{
    client_t *c = open_with(w, "localhost", NULL, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    redis_ask(&redis, "CLIENT KILL TYPE pubsub");
    probe_await_count(probe, "resubscribed", 1);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await_messages(probe, 1);
}

/* ---- many on one loop ---- */

static uv_poll_t hog;
static int hog_fd;

static void take_long(uv_poll_t *poll, int status, int events)
{
    (void)poll, (void)status, (void)events;
    uint64_t until = uv_hrtime() + 6000000;
    while (uv_hrtime() < until) continue;
}

static void stop_hog(world_t *w)
{
    uv_close((uv_handle_t *)&hog, NULL);
    loop_turns(&w->loop, 1);
    close(hog_fd);
}

/* Something that is always to be read, and takes its time each time. */
static void make_turns_long(world_t *w)
{
    hog_fd = eventfd(1, EFD_CLOEXEC);
    assert_true(hog_fd >= 0);
    assert_int_equal(uv_poll_init(&w->loop, &hog, hog_fd), 0);
    assert_int_equal(uv_poll_start(&hog, UV_READABLE, take_long), 0);
}

static void handles_connect_though_every_turn_is_long(world_t *w)
{
    client_t *clients[20];
    const size_t count = sizeof clients / sizeof *clients;
    make_turns_long(w);
    for (size_t i = 0; i < count; i++) clients[i] = open_with(w, "localhost", NULL, NULL);
    w->at_end = stop_hog;
    for (size_t i = 0; i < count; i++) client_await_count(clients[i], "connected", 1);
}

/* ---- what is wrong at once ---- */

static void refused(world_t *w, const char *more, const char *file, const char *why)
{
    char rest[256];
    snprintf(rest, sizeof rest, "%s%s", more, file ? certs_path(&certs, file) : "");
    client_t *c = world_client(w);
    assert_status(client_try_open(c, rest), CAIRN_EOPTION);
    assert_contains(c->error.text, why);
    if (file) assert_contains(c->error.text, file);
}

static void a_file_that_is_of_no_use_is_told_at_once(world_t *w)
{
    char rest[256];
    w->url = "rediss://localhost";
    refused(w, "tls_ca_file=", "nothing.pem", "No such file");
    refused(w, "tls_ca_file=", "server.key", "tls_ca_file ");
    refused(w, "tls_ca_dir=", "nothing", "No such file");
    refused(w, "tls_ca_dir=", "ca.pem", "Not a directory");
    refused(w, "tls_cert_file=", "nothing.pem", "tls_cert_file ");
    refused(w, "tls_cert_file=", "client.pem", "tls_key_file ");
    snprintf(rest, sizeof rest, "tls_cert_file=%s&tls_key_file=", certs_path(&certs, "server.pem"));
    refused(w, rest, "client.key", "mismatch");
    refused(w, rest, "locked.key", "tls_key_file ");
    refused(w, "tls_key_file=x", NULL, "tls_key_file is set without tls_cert_file");
    refused(w, "tls_verify=maybe", NULL, "tls_verify is neither");
}

static void options_of_tls_need_a_scheme_with_it(world_t *w)
{
    w->url = "redis://localhost";
    refused(w, "tls_verify=full", NULL, "the scheme redis is without TLS");
    w->url = "unix:///socket";
    refused(w, "tls_server_name=x", NULL, "the scheme unix is without TLS");
}

static const scenario_t scenarios[] = {
    SCENARIO(a_name_and_an_address_are_verified),
    SCENARIO(another_name_is_refused),
    SCENARIO(the_name_may_be_said),
    SCENARIO(the_name_may_be_let_pass),
    SCENARIO(anybody_may_be_let_pass),
    SCENARIO(what_has_expired_is_refused),
    SCENARIO(a_stranger_is_refused),
    SCENARIO(without_a_file_the_system_is_asked),
    SCENARIO(a_directory_may_say_whom_to_trust),
    SCENARIO(a_certificate_may_be_mended),
    SCENARIO(a_client_may_have_to_show_one),
    SCENARIO(a_clients_certificate_may_be_renewed),
    SCENARIO(files_that_change_are_read_before_they_are_missed),
    SCENARIO(a_server_without_tls_is_told),
    SCENARIO(a_server_with_tls_is_told),
    SCENARIO(a_silent_server_costs_the_time_to_connect),
    SCENARIO(a_server_that_answers_in_plain_text_is_told),
    SCENARIO(a_server_may_hang_up_within_the_handshake),
    SCENARIO(a_handle_may_be_closed_within_the_handshake),
    SCENARIO(much_goes_over_it_both_ways),
    SCENARIO(a_lost_link_is_made_again),
    SCENARIO(handles_connect_though_every_turn_is_long),
    SCENARIO(a_file_that_is_of_no_use_is_told_at_once),
    SCENARIO(options_of_tls_need_a_scheme_with_it),
};

int main(void)
{
    unsetenv("SSL_CERT_FILE"); /* the system's store is where it is */
    unsetenv("SSL_CERT_DIR");
    certs_make(&certs);
    const server_options_t options = {.tls_cert = certs_path(&certs, "server.pem"),
                                      .tls_key = certs_path(&certs, "server.key"),
                                      .tls_ca = certs_path(&certs, "ca.pem")};
    redis_start(&redis, &options);
    int failures = SCENARIOS_RUN("redis: TLS", scenarios, NULL);
    redis_stop(&redis);
    certs_remove(&certs);
    return failures;
}
