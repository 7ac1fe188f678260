/* What the files of TLS share. */
#ifndef CAIRN_REDIS_TLS_CONTEXT_H
#define CAIRN_REDIS_TLS_CONTEXT_H

#include "redis_tls.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

typedef enum redis_tls_verify {
    REDIS_TLS_VERIFY_FULL,
    REDIS_TLS_VERIFY_CA,
    REDIS_TLS_VERIFY_NONE
} redis_tls_verify_t;

enum {
    REDIS_TLS_CA,
    REDIS_TLS_CERT,
    REDIS_TLS_KEY,
    REDIS_TLS_FILES
};

#define REDIS_TLS_NAME_MOST 255

struct redis_tls {
    SSL_CTX *ctx;
    BIO_METHOD *wire; /* of its links */
    redis_tls_verify_t verify;
    char *texts; /* our copies of what follows; each may be NULL */
    const char *files[REDIS_TLS_FILES];
    const char *ca_dir;
    const char *server_name;
    struct timespec loaded[REDIS_TLS_FILES]; /* when the files that are in use were changed */

    /* With which the next link need not begin from nothing, and with whom it was made. */
    SSL_SESSION *session;
    char session_with[REDIS_TLS_NAME_MOST + 1];
};

/* Loads the files anew, if they have changed and all is well with them. */
void redis_tls_refresh(redis_tls_t *tls);

void redis_tls_forget_session(redis_tls_t *tls);

/* redis_tls.c */
BIO_METHOD *redis_tls_wire_new(void);
int redis_tls_keep_session(SSL *ssl, SSL_SESSION *session);

/* redis_tls_error.c: puts into words what OpenSSL's queue has of a call that failed. */
void redis_tls_explain(const SSL *ssl, const redis_tls_t *tls, const char *name, char *out,
                       size_t size);

#endif
