/* Certificates for tests, made anew in a folder of their own.
 *
 *     ca.pem                      signed the rest, but for the stranger
 *     server.pem, server.key      for localhost and 127.0.0.1
 *     other.pem, other.key        for elsewhere.example
 *     expired.pem, expired.key    for localhost, until yesterday
 *     stranger.pem, stranger.key  for localhost and 127.0.0.1, signed by stranger-ca.pem
 *     client.pem, client.key      for nobody
 *     stranger-client.pem, .key   the same, signed by stranger-ca.pem
 *     locked.key                  server.key with a passphrase
 */
#ifndef TESTS_SUPPORT_CERTS_H
#define TESTS_SUPPORT_CERTS_H

#include <stddef.h>

typedef struct certs {
    char folder[64];
    char paths[32][96];
} certs_t;

/* Or ends the program with a message. */
void certs_make(certs_t *certs);
void certs_remove(certs_t *certs);

/* Good until certs_remove. */
const char *certs_path(certs_t *certs, const char *file);

/* Puts a copy of one in place of another, as who renews them does. */
void certs_replace(certs_t *certs, const char *file, const char *by);

/* The same with two, one behind the other. */
void certs_replace_by_both(certs_t *certs, const char *file, const char *one, const char *two);

#endif
