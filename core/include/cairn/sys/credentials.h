/* For backends: asking the application for user and password. */
#ifndef CAIRN_SYS_CREDENTIALS_H
#define CAIRN_SYS_CREDENTIALS_H

#include <cairn/credentials.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called inside the application's answer: copy, and defer what follows from it. `status` <0: there
 * are none, `password` is why. Otherwise `password` is not empty. */
typedef void (*cairn_credentials_answered_fn)(void *owner, int status, const char *username,
                                              const char *password);

/* What to hand to the provider's `ask`, whose it is from then on. NULL: out of memory. */
cairn_credentials_ask_t *cairn_credentials_ask_new(void *owner,
                                                   cairn_credentials_answered_fn answered);

/* The owner waits no more, and is not called any more. Before the answer only. */
void cairn_credentials_ask_abandon(cairn_credentials_ask_t *ask);

#ifdef __cplusplus
}
#endif
#endif
