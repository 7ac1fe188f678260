/* What a server's error means: its sentence, as a code of ours, and what is done about it.
 *
 * This table is the documentation too: backends/README.md shows it, and a test compares. */
#ifndef CAIRN_REDIS_ERROR_H
#define CAIRN_REDIS_ERROR_H

#include <cairn/bytes.h>
#include <stdbool.h>

typedef enum redis_remedy {
    REDIS_ANSWER, /* whoever asked is told */
    REDIS_WAIT,   /* sent again after a pause, on the same link */
    REDIS_LEAVE,  /* sent again on another link: this one is given up, and looked for anew */
    REDIS_RELOAD  /* sent again at once, behind the scripts */
} redis_remedy_t;

/* Whether a command so answered was carried out: never, or perhaps in part. */
typedef enum redis_effect {
    REDIS_NEVER,
    REDIS_MAYBE
} redis_effect_t;

/* X(begins, code, effect, remedy). The sentence begins so, and the word ends there. ERR is for all
 * that has no word of its own; what older servers say of passwords, and any of clients too many, is
 * known by its sentence. */
#define REDIS_ERRORS(X)                                                                            \
    X("LOADING", CAIRN_ELOADING, REDIS_NEVER, REDIS_WAIT)                                          \
    X("BUSY", CAIRN_EBUSY, REDIS_NEVER, REDIS_WAIT)                                                \
    X("TRYAGAIN", CAIRN_EBUSY, REDIS_NEVER, REDIS_WAIT)                                            \
    X("CLUSTERDOWN", CAIRN_ECLUSTER, REDIS_NEVER, REDIS_WAIT)                                      \
    X("MASTERDOWN", CAIRN_ECLUSTER, REDIS_NEVER, REDIS_LEAVE)                                      \
    X("READONLY", CAIRN_EREADONLY, REDIS_NEVER, REDIS_LEAVE)                                       \
    X("NOAUTH", CAIRN_EAUTH, REDIS_NEVER, REDIS_LEAVE)                                             \
    X("ERR max number of clients", CAIRN_EBUSY, REDIS_NEVER, REDIS_LEAVE)                          \
    X("NOSCRIPT", CAIRN_ESERVER, REDIS_NEVER, REDIS_RELOAD)                                        \
    X("OOM", CAIRN_EOOM, REDIS_NEVER, REDIS_ANSWER)                                                \
    X("MISCONF", CAIRN_EUNSAFE, REDIS_NEVER, REDIS_ANSWER)                                         \
    X("NOREPLICAS", CAIRN_EUNSAFE, REDIS_NEVER, REDIS_ANSWER)                                      \
    X("MOVED", CAIRN_ECLUSTER, REDIS_NEVER, REDIS_ANSWER)                                          \
    X("ASK", CAIRN_ECLUSTER, REDIS_NEVER, REDIS_ANSWER)                                            \
    X("NOPERM", CAIRN_EDENIED, REDIS_NEVER, REDIS_ANSWER)                                          \
    X("DENIED", CAIRN_EDENIED, REDIS_NEVER, REDIS_ANSWER)                                          \
    X("WRONGPASS", CAIRN_EAUTH, REDIS_NEVER, REDIS_ANSWER)                                         \
    X("ERR invalid password", CAIRN_EAUTH, REDIS_NEVER, REDIS_ANSWER)                              \
    X("ERR AUTH <password> called without any password configured", CAIRN_EAUTH, REDIS_NEVER,      \
      REDIS_ANSWER)                                                                                \
    X("ERR Client sent AUTH, but no password is set", CAIRN_EAUTH, REDIS_NEVER, REDIS_ANSWER)      \
    X("EXECABORT", CAIRN_ESERVER, REDIS_NEVER, REDIS_ANSWER)                                       \
    X("UNKILLABLE", CAIRN_ESERVER, REDIS_NEVER, REDIS_ANSWER)

typedef struct redis_meaning {
    cairn_slice_t begins;
    int code;
    redis_effect_t effect;
    redis_remedy_t remedy;
} redis_meaning_t;

extern const redis_meaning_t redis_meanings[];
extern const size_t redis_meanings_count;

/* `text` without its '-'. What is not known is CAIRN_ESERVER, told, and may have been carried out.
 * An error inside a script that has begun is never sent again, as what came before it may have
 * written; but on a read-only server nothing has. */
redis_meaning_t redis_error_meaning(cairn_slice_t text);

/* Its code. Never 0. */
int redis_error_code(cairn_slice_t text);

/* Whether it is what a node of a cluster says in place of carrying out a command: MOVED, ASK,
 * TRYAGAIN, CLUSTERDOWN. */
bool redis_error_is_of_cluster(cairn_slice_t text);

/* Whether the server will do it if it is asked again a little later. */
bool redis_error_passes(cairn_slice_t text);

#endif
