/* hiredis's asynchronous API on a libuv loop.
 *
 * Attach a context here instead of with hiredis's own <hiredis/adapters/libuv.h>; everything else
 * stays plain hiredis. What differs: commands issued in one turn of the loop leave together at its
 * end, connections in the order in which they first had something to send, and they are sent
 * without asking epoll first. epoll hears of a connection when it connects, when the socket took
 * less than it was given, and when that is over.
 *
 * It serves any table of functions in `ac->c.funcs`: who has bytes to send calls
 * `ac->ev.addWrite(ac->ev.data)`; `async_write` is called once before the loop next sleeps, and
 * calls `addWrite` again if bytes are left, `delWrite` if none are. Both may be called at any time
 * until the context is freed; after hiredis has let go of the loop they do nothing.
 *
 * As with any loop, a context is freed by hiredis alone (`redisAsyncFree`, `redisAsyncDisconnect`
 * or a lost connection), from within callbacks too. hiredis does not keep a write to a broken
 * connection from raising SIGPIPE: ignore that signal.
 *
 * Include <hiredis/async.h> yourself: this header does without. Memory is hiredis's (`hi_malloc`),
 * once for each attached context. */
#ifndef CAIRN_ADAPTERS_HIREDIS_UV_H
#define CAIRN_ADAPTERS_HIREDIS_UV_H

#include <cairn/compiler.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#ifdef __cplusplus
extern "C" {
#endif

struct redisAsyncContext;

typedef struct cairn_hiredis_uv cairn_hiredis_uv_t;

typedef void (*cairn_hiredis_uv_closed_cb)(cairn_hiredis_uv_t *group);

typedef struct cairn_hiredis_uv_link {
    struct cairn_hiredis_uv_link *next;
    struct cairn_hiredis_uv_link *prev;
} cairn_hiredis_uv_link_t;

/* Connections that are flushed together; usually one group a loop. In your memory, which stays in
 * place from init until `closed` has been called. Keeps the loop alive only while something waits
 * to be sent; its connections do so by themselves. */
struct cairn_hiredis_uv {
    void *data; /* yours; init sets it to NULL */

    /* private */
    uv_idle_t flusher;             /* active while `dirty` is not empty */
    cairn_hiredis_uv_link_t dirty; /* connections with something to send, first come first */
    size_t connections;            /* attached, or let go with handles not yet closed */
    bool closing;
    cairn_hiredis_uv_closed_cb closed;
};

/* 0, or what libuv says. On <0 there is nothing to close. */
CAIRN_MUST_USE int cairn_hiredis_uv_init(cairn_hiredis_uv_t *group, uv_loop_t *loop);

/* Puts a context that is connecting or connected on the group's loop. Do it before
 * `redisAsyncSetConnectCallback`, which starts the wait for the connection. On <0 the context is
 * still yours to free: UV_EBUSY (it is on a loop already), UV_ECANCELED (the group is closing),
 * UV_EBADF (it has no socket: see its `errstr`), UV_ENOMEM, or what else libuv says of its socket.
 */
CAIRN_MUST_USE int cairn_hiredis_uv_attach(cairn_hiredis_uv_t *group, struct redisAsyncContext *ac);

/* Takes no more contexts. Those attached go on working; once the last of them has been freed and
 * every handle of theirs and of the group is closed, calls `closed` (may be NULL), after which the
 * group's memory is yours. Closing what is closing does nothing. */
void cairn_hiredis_uv_close(cairn_hiredis_uv_t *group, cairn_hiredis_uv_closed_cb closed);

#ifdef __cplusplus
}
#endif
#endif
