/* Errors are negative ints: libuv's UV_E* where one fits, and the range below beside it.
 *
 * Absent is not an error: a lookup that finds nothing has status 0 and a NULL result. */
#ifndef CAIRN_ERROR_H
#define CAIRN_ERROR_H

#include <cairn/compiler.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(code, number, retryable, text). Numbers are stable for ever; append only.
 * Retryable: the same request, unchanged, may succeed later and cannot do harm by being sent
 * twice because it was not carried out. */
#define CAIRN_ERROR_MAP(X)                                                                         \
    X(CAIRN_EURL, -20001, 0, "malformed URL")                                                      \
    X(CAIRN_EOPTION, -20002, 0, "unknown, repeated or out-of-range option")                        \
    X(CAIRN_ESCHEME, -20003, 0, "no backend handles this URL scheme")                              \
    X(CAIRN_EABI, -20004, 0, "backend was built for another ABI")                                  \
    X(CAIRN_ECLOSED, -20005, 0, "handle is closed or closing")                                     \
    X(CAIRN_EFULL, -20006, 1, "request queue is full")                                             \
    X(CAIRN_EMAYBE, -20007, 0, "connection lost after sending; may have been applied")             \
    X(CAIRN_EPROTOCOL, -20008, 0, "malformed or unexpected reply from the server")                 \
    X(CAIRN_ESERVER, -20009, 0, "server answered with an error")                                   \
    X(CAIRN_EAUTH, -20010, 0, "authentication failed or is required")                              \
    X(CAIRN_EDENIED, -20011, 0, "server denies this user the command, key or channel")             \
    X(CAIRN_ELOADING, -20012, 1, "server is loading its data set")                                 \
    X(CAIRN_EREADONLY, -20013, 1, "server is a read-only replica")                                 \
    X(CAIRN_EOOM, -20014, 1, "server is out of memory")                                            \
    X(CAIRN_EBUSY, -20015, 1, "server is busy with a script or transaction")                       \
    X(CAIRN_ECLUSTER, -20016, 1, "cluster cannot serve this slot now")                             \
    X(CAIRN_ETOOBIG, -20017, 0, "larger than the limit set for it")                                \
    X(CAIRN_EHALFOPEN, -20018, 1, "server stopped answering; connection given up")                 \
    X(CAIRN_ESLOW, -20019, 0, "subscriber was too slow; closed by its policy")                     \
    X(CAIRN_ETLS, -20020, 0, "TLS failed: a certificate, or no TLS at the other end")              \
    X(CAIRN_EDOWN, -20021, 1, "no connection for longer than fail_fast_ms")                        \
    X(CAIRN_EUNSAFE, -20022, 1, "server refuses writes: it cannot save or replicate them")

enum cairn_errno {
#define CAIRN_ERROR_ENUM(code, number, retryable, text) code = number,
    CAIRN_ERROR_MAP(CAIRN_ERROR_ENUM)
#undef CAIRN_ERROR_ENUM
    CAIRN_ERRNO_END = -20999
};

/* What went wrong in a call that has no request to carry it (open, parsing). The text names the
 * offending part, never a password. Pass NULL where you do not want it. */
typedef struct cairn_error {
    int code;
    char text[256]; /* NUL-terminated */
} cairn_error_t;

/* Static text for a status of ours or of libuv; "ok" for 0, "unknown error" for any other. */
const char *cairn_strerror(int status);

/* "CAIRN_EFULL", "UV_ETIMEDOUT" ...; "OK" for 0, "UNKNOWN" for any other number. Static. */
const char *cairn_err_name(int status);

/* Whether trying the same request again makes sense and is safe. CAIRN_EMAYBE is not: only you
 * know if doing it twice is harmless. */
bool cairn_err_retryable(int status);

#ifdef __cplusplus
}
#endif
#endif
