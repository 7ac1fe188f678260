/* TLS by OpenSSL, over bytes that are received and sent here: one context a handle, one link a
 * connection. */
#ifndef CAIRN_REDIS_TLS_H
#define CAIRN_REDIS_TLS_H

#include <cairn/options.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct redis_tls redis_tls_t;
typedef struct redis_tls_link redis_tls_link_t;

/* ---- the handle's (redis_tls_context.c) ---- */

/* Checks the tls_ options and loads the files they name; *out stays NULL where the scheme is not
 * one with TLS. CAIRN_EOPTION or UV_ENOMEM. */
CAIRN_MUST_USE int redis_tls_open(redis_tls_t **out, const cairn_options_t *options,
                                  cairn_error_t *error);

/* After its links. NULL is fine. */
void redis_tls_free(redis_tls_t *tls);

/* ---- a connection's (redis_tls.c) ---- */

/* Of a connected, non-blocking socket, which stays the caller's. `host` is whom the certificate
 * must be for, where tls_server_name does not say. NULL: out of memory. */
redis_tls_link_t *redis_tls_link_new(redis_tls_t *tls, int fd, const char *host);

/* Says goodbye, if the link is whole. */
void redis_tls_link_free(redis_tls_link_t *link);

/* One step of the handshake, of one recv. 1: done; 0: to be continued when there is something to
 * read, or when there is room to write, as redis_tls_wants_write says; <0: failed. */
CAIRN_MUST_USE int redis_tls_shake_hands(redis_tls_link_t *link);

/* What `room` must be at least. */
#define REDIS_TLS_LEAST_ROOM (49u << 10)

/* How many bytes there are now. 0: some came, but not yet a whole record; UV_EAGAIN: none came; any
 * other <0: the link is broken. Leaves nothing behind that would not make the socket readable
 * again, unless it wants to write. */
ssize_t redis_tls_read(redis_tls_link_t *link, char *to, size_t room);

/* How many bytes were taken, of `len` > 0; 0: no room. What was refused must be given again, with
 * as many bytes or more. <0: the link is broken. */
ssize_t redis_tls_write(redis_tls_link_t *link, const char *from, size_t len);

/* So many of the bytes refused last are on their way all the same. */
size_t redis_tls_refused(const redis_tls_link_t *link);

/* Bytes that the socket has taken: records, not what they hold. */
uint64_t redis_tls_sent(const redis_tls_link_t *link);

/* The handshake or a read waits for room to write. */
bool redis_tls_wants_write(const redis_tls_link_t *link);

/* 0, or how the link broke, once that has been told or bytes that came before it. */
int redis_tls_status(const redis_tls_link_t *link);

/* That in words. */
const char *redis_tls_reason(const redis_tls_link_t *link);

#endif
