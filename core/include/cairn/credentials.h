/* User and password from a provider of yours, for servers whose passwords change.
 *
 *     static void ask(void *ctx, cairn_credentials_ask_t *ask)
 *     {
 *         begin_to_fetch_a_token(ctx, ask);         // and when it has come:
 *     }                                             // cairn_credentials_give(ask, "app", token);
 *
 *     options.credentials = (cairn_credentials_t){.ask = ask, .ctx = tokens};
 *
 * It is asked with each connection that is made, and by cairn_reauth. */
#ifndef CAIRN_CREDENTIALS_H
#define CAIRN_CREDENTIALS_H

#include <cairn/compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cairn_credentials_ask cairn_credentials_ask_t;

typedef struct cairn_credentials {
    /* Asked on the loop's thread, never inside a call into the library. Answer each ask exactly
     * once, in here or whenever you know, also when nobody waits for it any more because the
     * connection is lost or the handle closed: it is yours until then. What takes longer than
     * connect_timeout_ms comes too late for a connection that is being made. */
    void (*ask)(void *ctx, cairn_credentials_ask_t *ask);
    void *ctx;
} cairn_credentials_t;

/* Answers an ask, on the loop's thread. `username` NULL: the server's default user. Copies, and
 * wipes the copies when they have been sent. Calls nobody. */
void cairn_credentials_give(cairn_credentials_ask_t *ask, const char *username,
                            const char *password);

/* Answers that there are none. With CAIRN_EAUTH the requests that wait fail as well; with any other
 * status they wait for the next attempt. `why`, which may be NULL, goes into events and the log. */
void cairn_credentials_fail(cairn_credentials_ask_t *ask, int status, const char *why);

#ifdef __cplusplus
}
#endif
#endif
