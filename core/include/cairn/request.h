/* Requests: one-shot, typed, in your memory.
 *
 * Zero a request once before its first use: `cairn_broker_publish_t req = {0}`. It may be used
 * again as soon as its callback has been called, also from inside that callback; the fields you
 * set stay. It must stay where it is from submit to callback.
 *
 * Error means silence: a submit that returns <0 never calls back. A submit that returns 0 calls
 * back exactly once, on the loop's thread, never inside the submit call. When it does, the library
 * has already let go of the request: submit, cancel, close, free - anything is legal there. */
#ifndef CAIRN_REQUEST_H
#define CAIRN_REQUEST_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <cairn/error.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* timeout_ms of a request without a deadline. */
#define CAIRN_NO_TIMEOUT UINT32_MAX

/* Doing it twice is harmless: if the connection is lost after sending, send it again within the
 * deadline instead of failing with CAIRN_EMAYBE. Reads are always so; you say it of writes. An
 * error then is the last attempt's: an earlier one may have been carried out, whatever it says. */
#define CAIRN_REQ_IDEMPOTENT 1u

/* Tell the first refusal at once. Without it, what a server says it has not carried out and will
 * later (it is loading, or busy; it is no master any more) is sent again within the deadline. */
#define CAIRN_REQ_NO_RETRY 2u

/* Words a backend may keep per request; each backend asserts at compile time that it fits. */
#define CAIRN_REQ_SCRATCH 4

/* An intrusive doubly-linked list's link; private. */
typedef struct cairn_link {
    struct cairn_link *next, *prev;
} cairn_link_t;

/* Work put off to the loop; for backends, see cairn/sys/backend.h. */
typedef struct cairn_task {
    cairn_link_t link;
    void (*run)(struct cairn_task *task);
} cairn_task_t;

/* A deadline's place in the wheel; private. */
typedef struct cairn_deadline {
    cairn_link_t link;
    uint64_t due_ms;
    void (*expire)(struct cairn_deadline *deadline);
} cairn_deadline_t;

typedef struct cairn_req {
    /* Yours. */
    void *data;
    uint32_t timeout_ms; /* 0: the handle's default; counted from the loop's time at submit */
    uint32_t flags;      /* CAIRN_REQ_IDEMPOTENT, CAIRN_REQ_NO_RETRY */

    /* What the server or the library says of a failure, in words; empty if nothing. After a submit
     * that failed: until the next submit on the handle. In a callback: until it returns. */
    cairn_slice_t detail;

    /* Private. */
    struct cairn_core *core;
    uint8_t type;   /* which typed request this is in */
    uint8_t state;  /* IDLE -> STARTED -> IDLE */
    uint16_t stage; /* while STARTED: with the backend, or still with core */
    int status;
    uint64_t started_us;
    cairn_link_t inflight;
    cairn_deadline_t deadline;
    cairn_task_t task;
    uint64_t scratch[CAIRN_REQ_SCRATCH];
} cairn_req_t;

/* Stops waiting: the callback runs with UV_ECANCELED, later on the loop, not inside this call. It
 * is not an undo: what was sent may be carried out, and its reply is swallowed. UV_EALREADY if the
 * request is not in flight. */
CAIRN_MUST_USE int cairn_cancel(cairn_req_t *req);

/* Whether the request is in flight, so that its memory must stay. */
bool cairn_is_active(const cairn_req_t *req);

#ifdef __cplusplus
}
#endif
#endif
