/* One connection's TLS. OpenSSL gets its bytes from a buffer that one recv fills, so that reading a
 * record is no system call or two; what it writes goes out as it comes. */
#include "redis_tls_context.h"

#include <cairn/sys/alloc.h>
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#define RECV_SIZE (32u << 10)
#define RECORD_MOST (16u << 10)
#define RECVS_MOST 4

_Static_assert(REDIS_TLS_LEAST_ROOM >= RECV_SIZE + RECORD_MOST + 1024,
               "what one recv completes, with what came before of a record, has room");

struct redis_tls_link {
    redis_tls_t *tls;
    SSL *ssl;
    int fd;
    bool may_recv;  /* once */
    bool received;  /* bytes, since it was last allowed */
    bool greedy;    /* they filled the buffer: there may be more */
    size_t refused; /* of the last write */
    uint64_t sent;  /* bytes that the socket took */
    bool wants_write;
    bool is_done;  /* the handshake */
    bool plain;    /* the server's first byte begins no record */
    bool heard;    /* it has said anything */
    int io_status; /* what the socket said */
    int status;    /* how the link broke */
    size_t head, tail;
    char name[REDIS_TLS_NAME_MOST + 1];
    char reason[256];
    char in[RECV_SIZE];
};

/* ---- between OpenSSL and the socket ---- */

static bool is_record(char first)
{
    return first >= 20 && first <= 23;
}

/* 0: nothing to be had now; <0: nothing any more. */
static int fill(redis_tls_link_t *link)
{
    if (!link->may_recv) return 0;
    link->may_recv = false;
    ssize_t got = recv(link->fd, link->in, sizeof link->in, 0);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
    if (got <= 0) {
        link->io_status = got == 0 ? UV_EOF : uv_translate_sys_error(errno);
        return -1;
    }
    if (!link->heard) link->plain = !is_record(link->in[0]);
    link->heard = true;
    link->received = true;
    link->greedy = got == (ssize_t)sizeof link->in;
    link->head = 0;
    link->tail = (size_t)got;
    return 1;
}

static int wire_read(BIO *bio, char *to, int room)
{
    redis_tls_link_t *link = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (link->head == link->tail) {
        int rc = fill(link);
        if (rc == 0) BIO_set_retry_read(bio);
        if (rc <= 0) return -1;
    }
    size_t len = link->tail - link->head;
    if (len > (size_t)room) len = (size_t)room;
    memcpy(to, link->in + link->head, len);
    link->head += len;
    return (int)len;
}

static int wire_write(BIO *bio, const char *from, int len)
{
    redis_tls_link_t *link = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t took = send(link->fd, from, (size_t)len, MSG_NOSIGNAL);
    if (took >= 0) {
        link->sent += (uint64_t)took;
        return (int)took;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        BIO_set_retry_write(bio);
    } else {
        link->io_status = uv_translate_sys_error(errno);
    }
    return -1;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* nothing is held back */
}

BIO_METHOD *redis_tls_wire_new(void)
{
    BIO_METHOD *wire = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "cairn");
    if (!wire) return NULL;
    BIO_meth_set_read(wire, wire_read);
    BIO_meth_set_write(wire, wire_write);
    BIO_meth_set_ctrl(wire, wire_control);
    return wire;
}

/* ---- sessions ---- */

/* 1: the reference is kept. */
int redis_tls_keep_session(SSL *ssl, SSL_SESSION *session)
{
    redis_tls_link_t *link = SSL_get_app_data(ssl);
    redis_tls_t *tls = link->tls;
    if (SSL_get_SSL_CTX(ssl) != tls->ctx) return 0; /* made with what is not in use any more */
    redis_tls_forget_session(tls);
    tls->session = session;
    memcpy(tls->session_with, link->name, sizeof link->name);
    return 1;
}

/* ---- life ---- */

static bool is_address(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];
    return uv_inet_pton(AF_INET, name, address) == 0 || uv_inet_pton(AF_INET6, name, address) == 0;
}

static bool set_name(SSL *ssl, const redis_tls_t *tls, const char *name)
{
    bool address = is_address(name);
    if (!address && SSL_set_tlsext_host_name(ssl, name) != 1) return false;
    if (tls->verify != REDIS_TLS_VERIFY_FULL) return true;
    if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1;
}

static bool begin(redis_tls_link_t *link)
{
    redis_tls_t *tls = link->tls;
    redis_tls_refresh(tls);
    link->ssl = SSL_new(tls->ctx);
    if (!link->ssl) return false;
    SSL_set_app_data(link->ssl, link);
    BIO *bio = BIO_new(tls->wire);
    if (!bio) return false;
    BIO_set_data(bio, link);
    BIO_set_init(bio, 1);
    SSL_set_bio(link->ssl, bio, bio); /* its owner from here on */
    if (!set_name(link->ssl, tls, link->name)) return false;
    if (tls->session && strcmp(tls->session_with, link->name) == 0)
        SSL_set_session(link->ssl, tls->session);
    SSL_set_connect_state(link->ssl);
    return true;
}

redis_tls_link_t *redis_tls_link_new(redis_tls_t *tls, int fd, const char *host)
{
    redis_tls_link_t *link = cairn_malloc(sizeof *link);
    if (!link) return NULL;
    memset(link, 0, offsetof(redis_tls_link_t, in));
    link->tls = tls;
    link->fd = fd;
    snprintf(link->name, sizeof link->name, "%s", tls->server_name ? tls->server_name : host);
    if (begin(link)) return link;
    SSL_free(link->ssl);
    cairn_free(link);
    ERR_clear_error();
    return NULL;
}

void redis_tls_link_free(redis_tls_link_t *link)
{
    if (!link) return;
    /* Without goodbye the session would not be good for the next link. */
    if (link->is_done && link->status == 0) {
        ERR_clear_error();
        SSL_shutdown(link->ssl);
        ERR_clear_error();
    }
    SSL_free(link->ssl);
    cairn_free(link);
}

/* ---- how calls end ---- */

static int fail(redis_tls_link_t *link, int status, const char *reason)
{
    link->status = status;
    if (reason) snprintf(link->reason, sizeof link->reason, "%s", reason);
    if (status == CAIRN_ETLS) redis_tls_forget_session(link->tls); /* the next begins anew */
    return status;
}

static int fail_for_socket(redis_tls_link_t *link)
{
    bool ended = link->io_status == UV_EOF;
    if (!link->is_done)
        return fail(link, link->io_status,
                    ended ? "server closed the connection in the TLS handshake"
                          : uv_strerror(link->io_status));
    return fail(link, link->io_status,
                ended ? "server closed the connection" : uv_strerror(link->io_status));
}

/* What a call of OpenSSL's that did not succeed comes down to: 0: later; <0: the link broke. */
static int judge(redis_tls_link_t *link, int result)
{
    switch (SSL_get_error(link->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_WANT_WRITE:
        link->wants_write = true;
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return fail(link, UV_EOF, "server closed the connection");
    default:
        if (link->plain)
            return fail(link, CAIRN_ETLS, "the server does not speak TLS on this port");
        if (link->io_status < 0 && ERR_peek_error() == 0) return fail_for_socket(link);
        redis_tls_explain(link->ssl, link->tls, link->name, link->reason, sizeof link->reason);
        return fail(link, CAIRN_ETLS, NULL);
    }
}

static void prepare(redis_tls_link_t *link)
{
    ERR_clear_error();
    link->wants_write = false;
}

int redis_tls_shake_hands(redis_tls_link_t *link)
{
    prepare(link);
    link->may_recv = true;
    int rc = SSL_do_handshake(link->ssl);
    link->may_recv = false;
    link->is_done = rc == 1;
    return link->is_done ? 1 : judge(link, rc);
}

/* ---- reading and writing ---- */

/* All that OpenSSL can make of one recv. */
static int read_once(redis_tls_link_t *link, char *to, size_t room, size_t *used)
{
    int got;
    link->may_recv = link->head == link->tail;
    do {
        prepare(link);
        got = SSL_read(link->ssl, to + *used, (int)(room - *used));
        if (got > 0) *used += (size_t)got;
    } while (got > 0 && *used < room);
    link->may_recv = false;
    return got > 0 ? 0 : judge(link, got);
}

ssize_t redis_tls_read(redis_tls_link_t *link, char *to, size_t room)
{
    if (link->status < 0) return link->status;
    if (room > INT32_MAX) room = INT32_MAX;
    size_t used = 0;
    int rc;
    int recvs = 0;
    bool received = false;
    do {
        link->received = link->greedy = false;
        rc = read_once(link, to, room, &used);
        received |= link->received;
        recvs++;
    } while (rc == 0 && link->greedy && recvs < RECVS_MOST && room - used >= REDIS_TLS_LEAST_ROOM);
    if (used > 0) return (ssize_t)used;
    if (rc < 0) return rc;
    return received ? 0 : UV_EAGAIN;
}

/* A server that turns its client away says why before it goes: the first that is noticed may be
 * that there is nobody to write to. */
static int look_for_reason(redis_tls_link_t *link)
{
    char byte;
    int gone = link->io_status;
    link->io_status = 0;
    link->may_recv = true;
    ERR_clear_error();
    int got = SSL_read(link->ssl, &byte, 1);
    link->may_recv = false;
    if (got <= 0 && judge(link, got) == CAIRN_ETLS) return CAIRN_ETLS;
    link->io_status = gone;
    return fail_for_socket(link);
}

ssize_t redis_tls_write(redis_tls_link_t *link, const char *from, size_t len)
{
    if (link->status < 0) return link->status;
    bool waits = link->wants_write; /* for a read that is not over */
    ERR_clear_error();
    if (len > RECORD_MOST) len = RECORD_MOST;
    int took = SSL_write(link->ssl, from, (int)len);
    link->refused = took > 0 ? 0 : len;
    if (took > 0) return took;
    int rc = judge(link, took);
    link->wants_write = waits;
    return rc < 0 && link->io_status < 0 ? look_for_reason(link) : rc;
}

size_t redis_tls_refused(const redis_tls_link_t *link)
{
    return link->refused;
}

uint64_t redis_tls_sent(const redis_tls_link_t *link)
{
    return link->sent;
}

bool redis_tls_wants_write(const redis_tls_link_t *link)
{
    return link->wants_write;
}

int redis_tls_status(const redis_tls_link_t *link)
{
    return link->status;
}

const char *redis_tls_reason(const redis_tls_link_t *link)
{
    return link->reason;
}
