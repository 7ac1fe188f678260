/* An ask for credentials is a thing of its own, so that it may outlive who asked. */
#include "core.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/credentials.h>

struct cairn_credentials_ask {
    void *owner;
    cairn_credentials_answered_fn answered; /* NULL: nobody waits */
};

cairn_credentials_ask_t *cairn_credentials_ask_new(void *owner,
                                                   cairn_credentials_answered_fn answered)
{
    cairn_credentials_ask_t *ask = cairn_malloc(sizeof *ask);
    if (ask) *ask = (cairn_credentials_ask_t){owner, answered};
    return ask;
}

void cairn_credentials_ask_abandon(cairn_credentials_ask_t *ask)
{
    ask->answered = NULL;
}

static void answer(cairn_credentials_ask_t *ask, int status, const char *username,
                   const char *password)
{
    if (ask->answered) ask->answered(ask->owner, status, username, password);
    cairn_free(ask);
}

void cairn_credentials_give(cairn_credentials_ask_t *ask, const char *username,
                            const char *password)
{
    if (password && *password) {
        answer(ask, 0, username, password);
    } else {
        answer(ask, UV_EINVAL, NULL, "the password is empty");
    }
}

void cairn_credentials_fail(cairn_credentials_ask_t *ask, int status, const char *why)
{
    if (status >= 0) status = CAIRN_EAUTH;
    answer(ask, status, NULL, why ? why : cairn_strerror(status));
}

int cairn_reauth(cairn_t *cairn)
{
    cairn_core_t *core = cairn->core;
    if (!core || !core_is_open(core)) return CAIRN_ECLOSED;
    core_check_thread(core);
    const cairn_backend_t *backend = core->backend;
    bool reaches = backend->size >= offsetof(cairn_backend_t, reauth) + sizeof backend->reauth;
    return reaches && backend->reauth ? backend->reauth(core->self) : UV_ENOTSUP;
}
