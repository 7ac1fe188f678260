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
 * Include <uv.h> and <hiredis/async.h> yourself: this header does without. Memory is hiredis's
 * (`hi_malloc`): once for a group, once for each context. */
#ifndef CAIRN_ADAPTERS_HIREDIS_UV_H
#define CAIRN_ADAPTERS_HIREDIS_UV_H

#include <cairn/compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

/* libuv's and hiredis's */
typedef struct uv_loop_s uv_loop_t;
struct redisAsyncContext;

/* Connections that are flushed together; usually one group a loop. In your memory, which stays in
 * place from init until `closed` has been called. Keeps the loop alive only while something waits
 * to be sent; its connections do so by themselves. */
typedef struct cairn_hiredis_uv {
    void *data; /* yours; init sets it to NULL */

    struct cairn_hiredis_uv_core *core; /* private; NULL when closed */
} cairn_hiredis_uv_t;

/* The last call for a group; its memory is yours again, and good for another init. */
typedef void (*cairn_hiredis_uv_closed_cb)(cairn_hiredis_uv_t *group);

/* 0 or UV_ENOMEM. On <0 there is nothing to close. */
CAIRN_MUST_USE int cairn_hiredis_uv_init(cairn_hiredis_uv_t *group, uv_loop_t *loop);

/* Puts a context that is connecting or connected on the group's loop. Do it before
 * `redisAsyncSetConnectCallback`, which starts the wait for the connection. On <0 the context is
 * still yours to free: UV_EBUSY (it is on a loop already), UV_ECANCELED (the group is closing or
 * closed), UV_EBADF (it has no socket: see its `errstr`), UV_ENOMEM, or what libuv says of it. */
CAIRN_MUST_USE int cairn_hiredis_uv_attach(cairn_hiredis_uv_t *group, struct redisAsyncContext *ac);

/* Takes no more contexts. Those attached go on working; once the last of them has been freed and
 * every handle of theirs and of the group is closed, calls `closed` (may be NULL). Closing what is
 * closing or closed does nothing. */
void cairn_hiredis_uv_close(cairn_hiredis_uv_t *group, cairn_hiredis_uv_closed_cb closed);

#ifdef __cplusplus
}
#endif
#endif
