#include "link_tls.h"
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct secured {
    redisContextFuncs funcs;
    SSL *ssl;
} secured_t;

/* ---- hiredis's table ---- */

static ssize_t give_up(redisContext *link, int kind, const char *why)
{
    link->err = kind;
    snprintf(link->errstr, sizeof link->errstr, "%s", why);
    return -1;
}

static ssize_t end_of(redisContext *link, const secured_t *secured, int rc)
{
    switch (SSL_get_error(secured->ssl, rc)) {
    case SSL_ERROR_ZERO_RETURN:
        return give_up(link, REDIS_ERR_EOF, "Server closed the connection");
    case SSL_ERROR_WANT_READ: /* the socket blocks: its timeout is over */
    case SSL_ERROR_WANT_WRITE:
        return give_up(link, REDIS_ERR_TIMEOUT, "no answer in time");
    case SSL_ERROR_SYSCALL:
        return give_up(link, REDIS_ERR_IO, errno ? strerror(errno) : "the connection broke");
    default:
        return give_up(link, REDIS_ERR_PROTOCOL, ERR_reason_error_string(ERR_peek_error()));
    }
}

static ssize_t read_secured(redisContext *link, char *out, size_t size)
{
    secured_t *secured = link->privctx;
    ERR_clear_error();
    int got = SSL_read(secured->ssl, out, size < INT_MAX ? (int)size : INT_MAX);
    return got > 0 ? got : end_of(link, secured, got);
}

static ssize_t write_secured(redisContext *link)
{
    secured_t *secured = link->privctx;
    const size_t size = sdslen(link->obuf);
    ERR_clear_error();
    int sent = SSL_write(secured->ssl, link->obuf, size < INT_MAX ? (int)size : INT_MAX);
    return sent > 0 ? sent : end_of(link, secured, sent);
}

static void free_secured(void *ptr)
{
    secured_t *secured = ptr;
    SSL_free(secured->ssl);
    free(secured);
}

/* ---- beginning ---- */

static bool load(SSL_CTX *ctx, const cairn_options_t *options)
{
    const char *ca_file = options->tls_ca_file, *ca_dir = options->tls_ca_dir;
    const char *cert = options->tls_cert_file, *key = options->tls_key_file;
    if (!ca_file && !ca_dir && SSL_CTX_set_default_verify_paths(ctx) != 1) return false;
    if ((ca_file || ca_dir) && SSL_CTX_load_verify_locations(ctx, ca_file, ca_dir) != 1)
        return false;
    return !cert || (SSL_CTX_use_certificate_chain_file(ctx, cert) == 1 &&
                     SSL_CTX_use_PrivateKey_file(ctx, key ? key : cert, SSL_FILETYPE_PEM) == 1);
}

static bool verify(SSL *ssl, const cairn_options_t *options, const char *host)
{
    const char *name = options->tls_server_name ? options->tls_server_name : host;
    const char *how = options->tls_verify ? options->tls_verify : CAIRN_TLS_VERIFY_FULL;
    unsigned char bytes[sizeof(struct in6_addr)];
    const bool address =
        inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
    if (!address && SSL_set_tlsext_host_name(ssl, name) != 1) return false;
    const bool nobody = strcmp(how, CAIRN_TLS_VERIFY_NONE) == 0;
    SSL_set_verify(ssl, nobody ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (strcmp(how, CAIRN_TLS_VERIFY_FULL) != 0) return true;
    if (address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1;
}

static SSL *make(const cairn_options_t *options, const char *host, int fd)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = ctx && load(ctx, options) ? SSL_new(ctx) : NULL;
    SSL_CTX_free(ctx); /* the SSL holds it */
    if (ssl && verify(ssl, options, host) && SSL_set_fd(ssl, fd) == 1) return ssl;
    SSL_free(ssl);
    return NULL;
}

static int refuse(char *error, const char *why)
{
    snprintf(error, LINK_ERROR_MAX, "TLS: %.200s", why ? why : "it cannot be set up");
    return -1;
}

static const char *why_not(const SSL *ssl)
{
    const long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) return X509_verify_cert_error_string(verified);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : "no handshake in time, or the server does not speak TLS";
}

int link_tls_begin(redisContext *link, const cairn_options_t *options, const char *host,
                   char error[LINK_ERROR_MAX])
{
    ERR_clear_error();
    SSL *ssl = make(options, host, link->fd);
    if (!ssl) return refuse(error, ERR_reason_error_string(ERR_peek_error()));
    secured_t *secured = SSL_connect(ssl) == 1 ? malloc(sizeof *secured) : NULL;
    if (!secured) {
        refuse(error, why_not(ssl));
        SSL_free(ssl);
        return -1;
    }
    *secured = (secured_t){.funcs = *link->funcs, .ssl = ssl};
    secured->funcs.free_privctx = free_secured;
    secured->funcs.read = read_secured;
    secured->funcs.write = write_secured;
    link->privctx = secured;
    link->funcs = &secured->funcs;
    return 0;
}
