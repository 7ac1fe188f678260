/* A handle's life: OPENING -> READY <-> RECONNECTING -> CLOSING -> CLOSED.
 *
 * The backend reports the middle part (host.c: connected, disconnected). Closing is a chain:
 * cairn_close takes the requests back; run_closing, next turn, ends the subscriptions and closes
 * the backend; backend_closed closes core's own handles; the last of those frees and calls
 * close_cb. */
#include "circuit.h"
#include "error_set.h"
#include "list.h"
#include "sub.h"
#include "tail.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- open ---- */

static bool speaks(const cairn_backend_t *backend, const char *scheme)
{
    for (const char *const *at = backend->schemes; *at; at++)
        if (strcasecmp(*at, scheme) == 0) return true;
    return false;
}

static int check_abi(const cairn_backend_t *backend, cairn_error_t *error)
{
    if (backend->abi_major != CAIRN_ABI_MAJOR)
        return cairn_error_set(error, CAIRN_EABI,
                               "backend %s was built for ABI %d; this library has %d",
                               backend->name, backend->abi_major, CAIRN_ABI_MAJOR);
    if (!CORE_REACHES(backend, cairn_backend_t, forget))
        return cairn_error_set(error, CAIRN_EABI, "backend %s has a descriptor of %u bytes",
                               backend->name, (unsigned)backend->size);
    return 0;
}

/* 0 also if none is found: then *out is NULL. */
static int find_in(const cairn_backend_t *const *backends, const char *scheme,
                   const cairn_backend_t **out, cairn_error_t *error)
{
    *out = NULL;
    for (; backends && *backends; backends++) {
        if ((*backends)->magic != CAIRN_BACKEND_MAGIC)
            return cairn_error_set(error, CAIRN_EABI, "not a backend descriptor: magic %08x",
                                   (unsigned)(*backends)->magic);
        if (!speaks(*backends, scheme)) continue;
        *out = *backends;
        return check_abi(*out, error);
    }
    return 0;
}

static int find_backend(const cairn_options_t *options, const cairn_backend_t **out,
                        cairn_error_t *error)
{
    int rc = find_in(options->backends, options->scheme, out, error);
    if (rc == 0 && !*out) rc = find_in(cairn_builtin_backends, options->scheme, out, error);
    if (rc < 0 || *out) return rc;
    cairn_error_set(error, CAIRN_ESCHEME, "no backend for the scheme \"%s\"", options->scheme);
    return CAIRN_ESCHEME;
}

#define CAPS_BROKER (CAIRN_CAP_TOPICS | CAIRN_CAP_PATTERNS | CAIRN_CAP_RECEIVERS)
#define CAPS_STORE (CAIRN_CAP_STORE | CAIRN_CAP_STORE_VECTORS)
#define CAPS_STREAM (CAIRN_CAP_STREAMS | CAIRN_CAP_STREAM_GROUPS)

/* What it says it can do, without what it has no table for. */
static uint64_t offered_by(const cairn_backend_t *backend)
{
    uint64_t offered = backend->capabilities;
    const cairn_broker_ops_t *broker =
        CORE_REACHES(backend, cairn_backend_t, broker) ? backend->broker : NULL;
    if (!broker || !CORE_REACHES(broker, cairn_broker_ops_t, topic_close)) offered &= ~CAPS_BROKER;
    /* Of the others a slot is looked for when it is needed. */
    if (!CORE_REACHES(backend, cairn_backend_t, saver) || !backend->saver)
        offered &= ~CAIRN_CAP_SAVER;
    if (!CORE_REACHES(backend, cairn_backend_t, store) || !backend->store) offered &= ~CAPS_STORE;
    if (!CORE_REACHES(backend, cairn_backend_t, stream) || !backend->stream)
        offered &= ~CAPS_STREAM;
    return offered;
}

static void core_init(cairn_core_t *core, cairn_t *cairn, uv_loop_t *loop,
                      const cairn_options_t *options, const cairn_backend_t *backend)
{
    core->cairn = cairn;
    core->loop = loop;
    core->thread = uv_thread_self();
    core->host = (cairn_host_t){&core_host_api, loop, core};
    core->backend = backend;
    core->offered = offered_by(backend);
    core->capabilities = core->offered;
    core->state = CAIRN_OPENING;
    core->timeout_ms = options->timeout_ms;
    core->shallow = options->shallow != 0;
    core->keeps_latency = options->latency_stats != 0;
    core->circuit.fail_fast_ms = options->fail_fast_ms;
    list_init(&core->inflight);
    list_init(&core->subs);
    list_init(&core->tails);
    list_init(&core->watches);
    topics_init(&core->topics);
    feeds_init(&core->feeds);
    turn_init(&core->turn);
}

/* Only once nothing can fail any more: a libuv handle, once made, takes a loop turn to close. */
static void core_attach(cairn_core_t *core)
{
    deadlines_init(&core->deadlines, core->loop, core->cairn->clock);
    stamp_init(&core->stamp, core->loop, core->cairn->clock);
    core->turn.stamp = &core->stamp;
    turn_attach(&core->turn, core->loop);
    circuit_link_lost(core);
}

static void core_free(cairn_core_t *core)
{
    topics_free(&core->topics);
    feeds_free(&core->feeds);
    cairn_free(core);
}

/* ---- close ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    cairn_core_t *core = handle->data;
    if (--core->handles_open > 0) return;
    cairn_t *cairn = core->cairn;
    cairn_close_cb close_cb = core->close_cb;
    core_free(core);
    cairn->core = NULL;
    if (close_cb) close_cb(cairn);
}

static void close_handles(cairn_core_t *core)
{
    uv_handle_t *handles[CORE_HANDLES];
    deadlines_handles(&core->deadlines, handles);
    handles[DEADLINES_HANDLES] = (uv_handle_t *)&core->stamp.prepare;
    handles[DEADLINES_HANDLES + STAMP_HANDLES] = (uv_handle_t *)&core->turn.idle;
    core->handles_open = CORE_HANDLES;
    for (int i = 0; i < CORE_HANDLES; i++) {
        handles[i]->data = core;
        uv_close(handles[i], on_handle_closed);
    }
}

static void backend_closed(const cairn_host_t *host)
{
    close_handles(core_of(host));
}

static void run_closing(cairn_task_t *task)
{
    cairn_core_t *core = CONTAINER_OF(task, cairn_core_t, closing);
    while (!list_empty(&core->subs)) sub_end(CONTAINER_OF(core->subs.next, cairn_sub_t, in_core));
    while (!list_empty(&core->tails))
        tail_end(CONTAINER_OF(core->tails.next, cairn_tail_t, in_core));
    while (!list_empty(&core->watches))
        watch_end(CONTAINER_OF(core->watches.next, cairn_watch_t, in_core));
    core->backend->close(core->self, backend_closed);
}

void cairn_close(cairn_t *cairn, cairn_close_cb close_cb)
{
    cairn_core_t *core = cairn->core;
    if (!core || !core_is_open(core)) return;
    core_check_thread(core);
    core->state = CAIRN_CLOSING;
    core->close_cb = core->shutdown.begun ? core->shutdown.close_cb : close_cb;
    for (cairn_link_t *at = core->inflight.next; at != &core->inflight; at = at->next) {
        cairn_req_t *req = CONTAINER_OF(at, cairn_req_t, inflight);
        if (req->state == CORE_REQ_STARTED) core_end_later(req, UV_ECANCELED);
    }
    core->closing.run = run_closing;
    turn_defer(&core->turn, &core->closing);
}

int cairn_open(cairn_t *cairn, uv_loop_t *loop, const cairn_options_t *options,
               cairn_error_t *error)
{
    if (cairn->core) return cairn_error_set(error, UV_EBUSY, "the handle is open already");
    cairn_options_t defaults;
    if (!options) {
        cairn_options_init(&defaults);
        options = &defaults;
    }
    int rc = cairn_options_check(options, error);
    if (rc < 0) return rc;
    const cairn_backend_t *backend;
    rc = find_backend(options, &backend, error);
    if (rc < 0) return rc;

    cairn_core_t *core = cairn_calloc(1, sizeof *core);
    if (!core) return cairn_error_set(error, UV_ENOMEM, "out of memory");
    core_init(core, cairn, loop, options, backend);
    cairn_error_t ignored;
    rc = backend->open(&core->host, options, &core->self, error ? error : &ignored);
    if (rc < 0) {
        core_free(core);
        return rc;
    }
    core_attach(core);
    cairn->core = core;
    return 0;
}

int cairn_open_url(cairn_t *cairn, uv_loop_t *loop, const char *url, cairn_error_t *error)
{
    cairn_options_t options;
    cairn_options_init(&options);
    int rc = cairn_options_from_url(&options, url, error);
    return rc < 0 ? rc : cairn_open(cairn, loop, &options, error);
}

/* ---- asking ---- */

void core_emit(cairn_core_t *core, cairn_event_type_t type, int status, cairn_slice_t detail)
{
    cairn_event_t event = {type, status, detail};
    if (core_is_open(core) && core->cairn->on_event) core->cairn->on_event(core->cairn, &event);
}

void core_tick(cairn_t *cairn)
{
    deadlines_tick(&cairn->core->deadlines);
}

cairn_state_t cairn_state(const cairn_t *cairn)
{
    if (!cairn->core) return CAIRN_CLOSED;
    return core_takes_work(cairn->core) ? cairn->core->state : CAIRN_CLOSING;
}

uint64_t cairn_capabilities(const cairn_t *cairn)
{
    return cairn->core ? cairn->core->capabilities : 0;
}

const char *cairn_server(const cairn_t *cairn)
{
    return cairn->core ? cairn->core->server : "";
}
