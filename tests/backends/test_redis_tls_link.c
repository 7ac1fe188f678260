/* A TLS link over a socket whose other end the test holds: it decides how many bytes go at a time.
 */
#include "certs.h"
#include "check.h"
#include "redis_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <cmocka.h>

#define ROOM (256u << 10)

static certs_t certs;
static redis_tls_t *tls;
static SSL_CTX *server_ctx;

typedef struct ends {
    int fds[2]; /* the link's and ours */
    redis_tls_link_t *link;
    SSL *server;
    BIO *to_server;
    BIO *from_server;
    size_t piece; /* of what the server says, that goes at a time */
    char *got;
    size_t got_len;
} ends_t;

/* ---- the other end ---- */

static void server_context_make(void)
{
    server_ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(server_ctx);
    assert_int_equal(
        SSL_CTX_use_certificate_chain_file(server_ctx, certs_path(&certs, "server.pem")), 1);
    assert_int_equal(
        SSL_CTX_use_PrivateKey_file(server_ctx, certs_path(&certs, "server.key"), SSL_FILETYPE_PEM),
        1);
    SSL_CTX_set_session_id_context(server_ctx, (const unsigned char *)"cairn", 5);
}

static void begin(ends_t *ends, const char *host, size_t piece)
{
    *ends = (ends_t){.piece = piece};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends->fds), 0);
    ends->link = redis_tls_link_new(tls, ends->fds[0], host);
    assert_non_null(ends->link);
    ends->server = SSL_new(server_ctx);
    ends->to_server = BIO_new(BIO_s_mem());
    ends->from_server = BIO_new(BIO_s_mem());
    SSL_set_bio(ends->server, ends->to_server, ends->from_server);
    SSL_set_accept_state(ends->server);
    ends->got = malloc(ROOM);
    assert_non_null(ends->got);
}

static void end(ends_t *ends)
{
    redis_tls_link_free(ends->link);
    SSL_free(ends->server);
    close(ends->fds[0]);
    if (ends->fds[1] >= 0) close(ends->fds[1]);
    free(ends->got);
    ERR_clear_error();
}

/* What the link has sent goes to the server. */
static size_t carry_to_server(ends_t *ends)
{
    char bytes[16384];
    size_t all = 0;
    ssize_t got;
    while ((got = recv(ends->fds[1], bytes, sizeof bytes, 0)) > 0) {
        assert_int_equal(BIO_write(ends->to_server, bytes, (int)got), got);
        all += (size_t)got;
    }
    return all;
}

/* A piece of what the server says goes to the link. */
static size_t carry_to_link(ends_t *ends)
{
    char bytes[65536];
    size_t len = ends->piece < sizeof bytes ? ends->piece : sizeof bytes;
    int got = BIO_read(ends->from_server, bytes, (int)len);
    if (got <= 0) return 0;
    assert_int_equal(send(ends->fds[1], bytes, (size_t)got, MSG_NOSIGNAL), got);
    return (size_t)got;
}

static void server_works(ends_t *ends)
{
    carry_to_server(ends);
    ERR_clear_error();
    if (!SSL_is_init_finished(ends->server)) SSL_do_handshake(ends->server);
    ERR_clear_error();
}

static int shake(ends_t *ends)
{
    for (int i = 0; i < 100000; i++) {
        int rc = redis_tls_shake_hands(ends->link);
        if (rc != 0) {
            server_works(ends);
            return rc;
        }
        server_works(ends);
        carry_to_link(ends);
    }
    fail_msg("the handshake does not end");
    return 0;
}

static void server_says(ends_t *ends, const char *bytes, size_t len)
{
    assert_int_equal(SSL_write(ends->server, bytes, (int)len), len);
}

/* One read; what it gives is added to what there is. */
static ssize_t read_some(ends_t *ends)
{
    ssize_t got = redis_tls_read(ends->link, ends->got + ends->got_len, ROOM - ends->got_len);
    if (got > 0) ends->got_len += (size_t)got;
    return got;
}

/* Reads all that the server has said, a piece at a time. */
static ssize_t read_all(ends_t *ends)
{
    ssize_t rc = 0;
    do {
        size_t carried = carry_to_link(ends);
        rc = read_some(ends);
        if (rc < 0 && rc != UV_EAGAIN) return rc;
        if (carried == 0 && rc == UV_EAGAIN) return 0;
    } while (true);
}

static void fill(char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) bytes[i] = (char)(i * 7 + i / 251);
}

/* ---- tests ---- */

static void a_handshake_may_come_byte_by_byte(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", 1);
    assert_int_equal(shake(&ends), 1);
    assert_string_equal(SSL_get_servername(ends.server, TLSEXT_NAMETYPE_host_name), "localhost");
    end(&ends);
}

/* Unless the system's configuration says what it prefers. */
static void the_lightest_of_the_usual_ciphers_is_taken(void **state)
{
    (void)state;
    ends_t ends;
    const SSL_CIPHER *first = sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(server_ctx), 0);
    const char *wanted = SSL_CIPHER_get_name(first);
    if (strcmp(wanted, "TLS_AES_256_GCM_SHA384") == 0) wanted = "TLS_AES_128_GCM_SHA256";
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_string_equal(SSL_get_cipher(ends.server), wanted);
    end(&ends);
}

static void an_address_is_verified_and_not_named(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "127.0.0.1", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_null(SSL_get_servername(ends.server, TLSEXT_NAMETYPE_host_name));
    end(&ends);
    begin(&ends, "127.0.0.2", SIZE_MAX);
    assert_int_equal(shake(&ends), CAIRN_ETLS);
    assert_contains(redis_tls_reason(ends.link), "another name than \"127.0.0.2\"");
    end(&ends);
}

static void replies_in_any_pieces_are_the_same(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 1000, 16384, 40000};
    const size_t len = 100000;
    char *said = malloc(len);
    assert_non_null(said);
    fill(said, len);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        ends_t ends;
        begin(&ends, "localhost", pieces[i]);
        assert_int_equal(shake(&ends), 1);
        server_says(&ends, said, len);
        assert_int_equal(read_all(&ends), 0);
        assert_int_equal(ends.got_len, len);
        assert_memory_equal(ends.got, said, len);
        end(&ends);
    }
    free(said);
}

static void a_read_leaves_nothing_behind(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0); /* tickets */
    for (int i = 0; i < 1000; i++) server_says(&ends, "0123456789", 10);
    assert_true(carry_to_link(&ends) > 0);
    assert_int_equal(read_some(&ends), 10000);
    assert_int_equal(read_some(&ends), UV_EAGAIN);
    end(&ends);
}

static void half_a_record_is_a_sign_of_life_and_no_reply(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0);
    ends.piece = 20;
    server_says(&ends, "0123456789", 10);
    carry_to_link(&ends);
    assert_int_equal(read_some(&ends), 0);
    assert_int_equal(read_some(&ends), UV_EAGAIN);
    carry_to_link(&ends);
    assert_int_equal(read_some(&ends), 10);
    end(&ends);
}

static void what_does_not_fit_the_socket_is_written_later(void **state)
{
    (void)state;
    ends_t ends;
    const size_t len = 4u << 20;
    char *say = malloc(len), *heard = malloc(len);
    size_t sent = 0, got = 0, carried = 0;
    bool blocked = false;
    assert_true(say && heard);
    fill(say, len);
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    carried = carry_to_server(&ends);
    const uint64_t before = redis_tls_sent(ends.link) - carried;
    while (got < len) {
        ssize_t took = 1;
        while (sent < len && took > 0) {
            took = redis_tls_write(ends.link, say + sent, len - sent);
            assert_true(took >= 0);
            sent += (size_t)took;
        }
        blocked |= took == 0;
        carried += carry_to_server(&ends);
        int n;
        while (got < len && (n = SSL_read(ends.server, heard + got, (int)(len - got))) > 0)
            got += (size_t)n;
    }
    assert_true(blocked);
    carried += carry_to_server(&ends);
    assert_int_equal(redis_tls_sent(ends.link) - before, carried); /* records */
    assert_true(carried > len);
    assert_memory_equal(heard, say, len);
    free(say);
    free(heard);
    end(&ends);
}

static void a_goodbye_is_the_end(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    server_says(&ends, "last", 4);
    SSL_shutdown(ends.server);
    assert_int_equal(read_all(&ends), UV_EOF);
    assert_int_equal(ends.got_len, 4);
    assert_memory_equal(ends.got, "last", 4);
    end(&ends);
}

static void an_end_within_a_record_is_the_end(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0);
    ends.piece = 20;
    server_says(&ends, "0123456789", 10);
    carry_to_link(&ends);
    close(ends.fds[1]);
    ends.fds[1] = -1;
    ssize_t rc = read_some(&ends);
    if (rc == 0) rc = read_some(&ends);
    assert_int_equal(rc, UV_EOF);
    assert_int_equal(ends.got_len, 0);
    assert_int_equal(redis_tls_write(ends.link, "x", 1), UV_EOF);
    end(&ends);
}

static void what_came_before_a_forged_record_is_told_first(void **state)
{
    (void)state;
    ends_t ends;
    char bytes[256];
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0);
    server_says(&ends, "good", 4);
    server_says(&ends, "evil", 4);
    int len = BIO_read(ends.from_server, bytes, sizeof bytes);
    assert_true(len > 8);
    bytes[len - 1] ^= 1;
    assert_int_equal(send(ends.fds[1], bytes, (size_t)len, 0), len);
    assert_int_equal(read_some(&ends), 4);
    assert_memory_equal(ends.got, "good", 4);
    assert_int_equal(redis_tls_status(ends.link), CAIRN_ETLS);
    assert_int_equal(read_some(&ends), CAIRN_ETLS);
    assert_contains(redis_tls_reason(ends.link), "TLS failed: ");
    end(&ends);
}

/* The answer to it has to be written before reading goes on. */
static void new_keys_are_taken_though_the_socket_is_full(void **state)
{
    (void)state;
    ends_t ends;
    char block[16384] = {0};
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0);
    while (send(ends.fds[0], block, sizeof block, MSG_NOSIGNAL) > 0) continue;
    assert_int_equal(SSL_key_update(ends.server, SSL_KEY_UPDATE_REQUESTED), 1);
    server_says(&ends, "after", 5);
    carry_to_link(&ends);
    ssize_t rc = read_some(&ends);
    assert_true(rc >= 0);
    if (rc == 0) {
        assert_true(redis_tls_wants_write(ends.link));
        while (recv(ends.fds[1], block, sizeof block, 0) > 0) continue;
        assert_int_equal(read_some(&ends), 5);
        assert_false(redis_tls_wants_write(ends.link));
    }
    assert_memory_equal(ends.got, "after", 5);
    end(&ends);
}

/* Returns whether the server took up an earlier session. */
static bool resumes(const char *host)
{
    ends_t ends;
    begin(&ends, host, SIZE_MAX);
    assert_int_equal(shake(&ends), 1);
    assert_int_equal(read_all(&ends), 0);
    bool resumed = SSL_session_reused(ends.server) == 1;
    end(&ends);
    return resumed;
}

static void a_session_goes_on_with_whom_it_was_made(void **state)
{
    (void)state;
    resumes("localhost");
    assert_true(resumes("localhost"));
    assert_true(resumes("localhost"));
    assert_false(resumes("127.0.0.1"));
    assert_true(resumes("127.0.0.1"));
}

static void plain_text_is_told_from_tls(void **state)
{
    (void)state;
    ends_t ends;
    begin(&ends, "localhost", SIZE_MAX);
    assert_int_equal(redis_tls_shake_hands(ends.link), 0);
    assert_int_equal(send(ends.fds[1], "-ERR what\r\n", 11, 0), 11);
    assert_int_equal(redis_tls_shake_hands(ends.link), CAIRN_ETLS);
    assert_string_equal(redis_tls_reason(ends.link), "the server does not speak TLS on this port");
    end(&ends);
}

static int make_all(void **state)
{
    (void)state;
    cairn_options_t options;
    cairn_error_t error;
    certs_make(&certs);
    server_context_make();
    cairn_options_init(&options);
    options.scheme = "rediss";
    options.tls_ca_file = certs_path(&certs, "ca.pem");
    assert_int_equal(redis_tls_open(&tls, &options, &error), 0);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    redis_tls_free(tls);
    SSL_CTX_free(server_ctx);
    certs_remove(&certs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_may_come_byte_by_byte),
        cmocka_unit_test(the_lightest_of_the_usual_ciphers_is_taken),
        cmocka_unit_test(an_address_is_verified_and_not_named),
        cmocka_unit_test(replies_in_any_pieces_are_the_same),
        cmocka_unit_test(a_read_leaves_nothing_behind),
        cmocka_unit_test(half_a_record_is_a_sign_of_life_and_no_reply),
        cmocka_unit_test(what_does_not_fit_the_socket_is_written_later),
        cmocka_unit_test(a_goodbye_is_the_end),
        cmocka_unit_test(an_end_within_a_record_is_the_end),
        cmocka_unit_test(what_came_before_a_forged_record_is_told_first),
        cmocka_unit_test(new_keys_are_taken_though_the_socket_is_full),
        cmocka_unit_test(a_session_goes_on_with_whom_it_was_made),
        cmocka_unit_test(plain_text_is_told_from_tls),
    };
    return cmocka_run_group_tests_name("redis: a TLS link", tests, make_all, free_all);
}
