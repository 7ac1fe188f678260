/* For writers of backends: what a backend is, and what core offers it.
 *
 * A backend is one const descriptor. Core checks arguments, fills defaults, keeps deadlines, and
 * decides semantics; the backend moves bytes. It calls back through the host's table only, so it
 * needs to link nothing of ours.
 *
 * Compatibility: same major, any minor; both sides read only min(size, what they know) of a
 * struct. Members are only ever appended. */
#ifndef CAIRN_SYS_BACKEND_H
#define CAIRN_SYS_BACKEND_H

#include <cairn/cairn.h>
#include <cairn/sys/broker.h>
#include <cairn/sys/saver.h>
#include <cairn/sys/store.h>
#include <cairn/sys/stream.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The struct of `type` whose `member` `pointer` points to. */
#define CAIRN_CONTAINER_OF(pointer, type, member)                                                  \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define CAIRN_BACKEND_MAGIC 0x4341524eu /* "CARN" */
#define CAIRN_ABI_MAJOR 0
#define CAIRN_ABI_MINOR 2

/* What core is to a backend instance: valid from open until the backend's closed call returns. */
typedef struct cairn_host {
    const struct cairn_host_api *api;
    uv_loop_t *loop;
    struct cairn_core *core; /* private */
} cairn_host_t;

typedef struct cairn_host_api {
    uint32_t size;

    /* Milliseconds of the handle's clock; what deadlines and TTLs are counted in. */
    uint64_t (*now_ms)(const cairn_host_t *host);

    /* One line, without its newline. Never a password. */
    void (*log)(const cairn_host_t *host, cairn_log_level_t level, const char *text);

    /* Runs task->run later on the loop, in the order of these calls, never inside one. The task
     * is the caller's memory and may be deferred again from its run. Deferring what is already
     * deferred does nothing. Undefer takes it back; harmless if it is not deferred. */
    void (*defer)(const cairn_host_t *host, cairn_task_t *task);
    void (*undefer)(const cairn_host_t *host, cairn_task_t *task);

    /* Connection events, which become the handle's state and the application's events. `connected`
     * may narrow the capabilities to what this server has; `server` is copied ("redis 7.0.15"). */
    void (*connected)(const cairn_host_t *host, uint64_t capabilities, const char *server);
    void (*disconnected)(const cairn_host_t *host, int status, const char *detail);

    /* There is room again after a submit was refused with CAIRN_EFULL. */
    void (*credit)(const cairn_host_t *host);

    void (*count_bytes)(const cairn_host_t *host, uint64_t in, uint64_t out);

    /* Ends any request with an error. `detail` is borrowed for the call. The request is no longer
     * the backend's when these are called; its callback may do anything, close included. None may
     * be called inside the operation's submit: defer instead. */
    void (*fail)(cairn_req_t *req, int status, cairn_slice_t detail);
    void (*publish_done)(cairn_broker_publish_t *req, int64_t receivers);

    /* ---- topics ---- */
    cairn_topic_t *(*topic_find)(const cairn_host_t *host, bool pattern, cairn_slice_t name);
    /* All of them, in the order they were opened: NULL begins, NULL ends. Stable against opens and
     * closes. */
    cairn_topic_t *(*topic_next)(const cairn_host_t *host, const cairn_topic_t *previous);
    /* Receiving begins (or is back: subscriptions that were live before get GAP and RESUBSCRIBED).
     */
    void (*topic_up)(const cairn_host_t *host, cairn_topic_t *topic);
    /* The server refuses it: its subscriptions end with CAIRN_SUB_FAILED. */
    void (*topic_failed)(const cairn_host_t *host, cairn_topic_t *topic, int status,
                         cairn_slice_t detail);
    /* The link that topics come over is lost; all that were up are down until topic_up. */
    void (*topics_down)(const cairn_host_t *host, int status, cairn_slice_t detail);
    /* Answers topic_close: nothing refers to it any more. Frees it. */
    void (*topic_closed)(const cairn_host_t *host, cairn_topic_t *topic);
    /* Hands a message to the topic's subscriptions and returns how many took it. `now` may call
     * the application and thus may not be used inside a submit; `later` copies and delivers from
     * the loop. */
    uint32_t (*deliver_now)(const cairn_host_t *host, cairn_topic_t *topic,
                            const cairn_broker_message_t *message);
    uint32_t (*deliver_later)(const cairn_host_t *host, cairn_topic_t *topic,
                              const cairn_broker_message_t *message);

    /* ---- what ends the requests of the other interfaces ---- */
    const cairn_saver_done_t *saver;
    const cairn_store_done_t *store;
    const cairn_stream_done_t *stream;
    const cairn_feed_done_t *feeds;

    /* Calls deadline->expire once, from the loop, when `timeout_ms` have passed by now_ms. The
     * deadline is the caller's memory, zeroed at first; stop is harmless if it is not running. */
    void (*deadline_start)(const cairn_host_t *host, cairn_deadline_t *deadline,
                           uint64_t timeout_ms);
    void (*deadline_stop)(const cairn_host_t *host, cairn_deadline_t *deadline);

    /* Whether anybody reads the log: else a line need not be made. */
    bool (*logs)(const cairn_host_t *host);
    /* A live connection has new credentials (status 0), or keeps those it has. */
    void (*reauthenticated)(const cairn_host_t *host, int status, const char *detail);

    /* The link that topics are to come over, where it is one of its own, could not be had; attempts
     * go on. Subscriptions that were never there, and have not heard so before, are told. */
    void (*topics_kept_out)(const cairn_host_t *host, int status, cairn_slice_t detail);
    /* topics_down of this one alone. */
    void (*topic_down)(const cairn_host_t *host, cairn_topic_t *topic, int status,
                       cairn_slice_t detail);
} cairn_host_api_t;

/* Takes one connection; `one` is borrowed for the call. */
typedef void (*cairn_connection_fn)(void *ctx, const cairn_connection_t *one);

/* The same with one server or node. */
typedef void (*cairn_node_fn)(void *ctx, const cairn_node_t *one);

typedef struct cairn_backend {
    uint32_t magic; /* CAIRN_BACKEND_MAGIC */
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size; /* sizeof(cairn_backend_t) of the headers the backend was built with */

    const char *name;
    const char *version;
    const char *const *schemes; /* NULL-terminated */
    uint64_t capabilities;      /* of the best server it can meet: CAIRN_CAP_* */

    /* Must. Checks what core cannot know, copies what it needs of `options`, starts connecting in
     * the background. On <0 nothing is left to close, no libuv handle either, and `error` (never
     * NULL) says why. `host` stays valid until closed; during open only its `loop` and `defer` may
     * be used. */
    int (*open)(const cairn_host_t *host, const cairn_options_t *options, void **self,
                cairn_error_t *error);

    /* Must. Every request has been taken back (forget) and every topic closed before this. Let go
     * of everything, then call `closed` once, at once or later; `self` is gone when it is called.
     */
    void (*close)(void *self, void (*closed)(const cairn_host_t *host));

    /* Must. The request is taken away (cancel, deadline, close): do not touch its memory after this
     * returns. A reply that comes later is swallowed, in order. */
    void (*forget)(void *self, cairn_req_t *req);

    /* May; an interface whose table is NULL answers UV_ENOTSUP. */
    const cairn_broker_ops_t *broker;
    const cairn_stream_ops_t *stream;
    const cairn_saver_ops_t *saver;
    const cairn_store_ops_t *store;

    /* May. Calls `take` with each of its connections, always in the same order; for statistics. */
    void (*connections)(void *self, cairn_connection_fn take, void *ctx);

    /* May. Where the request goes or went, or where requests go (NULL): "name:port", "[::1]:port"
     * or a path, whatever follows behind a space; "" where it is not known. For traces and the log.
     */
    const char *(*where)(void *self, const cairn_req_t *req);
    /* May. Asks options->credentials anew and tells the server on each live connection, without
     * dropping it; calls nobody before it returns. Refused with UV_ENOTSUP where nobody is to be
     * asked. How it went: host->api->reauthenticated. */
    int (*reauth)(void *self);
    /* May. What a request waits for, in words, of at most `size` bytes with their NUL; nothing is
     * written where that is not known. Asked when its deadline has passed, before it is forgotten.
     */
    void (*waits_for)(void *self, const cairn_req_t *req, char *out, size_t size);
    /* May. Calls `take` with each server that it talks to; for statistics. */
    void (*nodes)(void *self, cairn_node_fn take, void *ctx);
} cairn_backend_t;

/* The backends built into the library, NULL-terminated. */
extern const cairn_backend_t *const cairn_builtin_backends[];

#ifdef __cplusplus
}
#endif
#endif
