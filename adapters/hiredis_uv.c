/* hiredis on libuv: what `ac->ev` asks for, turned into as few system calls as it takes.
 *
 * A connection that connects is polled for writing, by which hiredis learns how it went. From then
 * on it is polled for reading, and one that has something to send waits in its group's queue until
 * the group's prepare handle runs, which libuv does right before it polls. What joins the queue
 * too late for that, from another's prepare callback, during a flush or outside uv_run, is not
 * left to wait for an unrelated event: while the queue is not empty an idle handle is active, and
 * libuv does not sleep. Only what a full socket refused is waited for by polling for writing.
 *
 * uv_poll_start on an active handle costs two calls of epoll_ctl. So what hiredis wants is noted,
 * and what is polled follows at the end of the handler, if it has to follow at all. */
#include <cairn/adapters/hiredis_uv.h>

#include <hiredis/alloc.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <uv.h>

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>

typedef struct link {
    struct link *next;
    struct link *prev;
} link_t;

typedef struct cairn_hiredis_uv_core {
    cairn_hiredis_uv_t *owner;
    uv_prepare_t flusher; /* both active while `dirty` is not empty */
    uv_idle_t waker;
    link_t dirty;       /* connections with something to send, first come first */
    size_t connections; /* attached, or let go with handles not yet closed */
    int open_handles;
    bool closing;
    cairn_hiredis_uv_closed_cb closed;
} group_t;

typedef enum handler {
    HANDLER_NONE,
    HANDLER_READ,
    HANDLER_WRITE
} handler_t;

typedef struct connection {
    link_t link; /* in its group's queue, or linked to itself */
    group_t *group;
    redisAsyncContext *ac; /* NULL once hiredis has let go */
    uv_poll_t poll;
    uv_timer_t timer;
    uint64_t timeout_at; /* the timer may be due earlier, and then waits on */
    int wanted;          /* UV_READABLE, UV_WRITABLE: what hiredis wants to hear of */
    int polled;          /* what epoll was told */
    handler_t running;   /* which of hiredis's handlers we are in */
    int open_handles;
} connection_t;

static void on_poll(uv_poll_t *poll, int status, int events);

/* ---------------------------------------------------------------- the queue */

static void link_init(link_t *link)
{
    link->next = link;
    link->prev = link;
}

static bool is_linked(const link_t *link)
{
    return link->next != link;
}

static void insert_before(link_t *place, link_t *link)
{
    link->next = place;
    link->prev = place->prev;
    link->prev->next = link;
    place->prev = link;
}

static void unlink_it(link_t *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link_init(link);
}

static connection_t *connection_of(link_t *link)
{
    return (connection_t *)((char *)link - offsetof(connection_t, link));
}

/* ---------------------------------------------------------------- polling */

static void poll_what_is_wanted(connection_t *conn)
{
    int rc = conn->wanted == 0 ? uv_poll_stop(&conn->poll)
                               : uv_poll_start(&conn->poll, conn->wanted, on_poll);
    assert(rc == 0); /* it fails only if the program polls this socket by other means as well */
    (void)rc;
    conn->polled = conn->wanted;
}

/* Readiness to write is reported over and over and must be turned off; readiness to read is turned
 * off when it is reported, which may be never: pausing and resuming in between costs nothing. */
static void settle(connection_t *conn)
{
    if (conn->ac == NULL || conn->running != HANDLER_NONE) return;
    bool lacks = (conn->wanted & ~conn->polled) != 0;
    bool must_stop = (conn->polled & ~conn->wanted & UV_WRITABLE) != 0;
    if (lacks || must_stop) poll_what_is_wanted(conn);
}

static void handle_read(connection_t *conn)
{
    conn->running = HANDLER_READ;
    redisAsyncHandleRead(conn->ac);
    conn->running = HANDLER_NONE;
}

static void handle_write(connection_t *conn)
{
    conn->running = HANDLER_WRITE;
    redisAsyncHandleWrite(conn->ac);
    conn->running = HANDLER_NONE;
}

/* hiredis asks the socket for its error by using it. An error that does not show in that way would
 * be reported for ever: so the connection is ended, which shows in reading. */
static void handle_error(connection_t *conn)
{
    int wanted = conn->wanted;
    conn->polled = 0; /* libuv stops a handle before it reports an error */
    if (wanted & UV_READABLE) handle_read(conn);
    if (conn->ac != NULL && (wanted & UV_WRITABLE)) handle_write(conn);
    if (conn->ac == NULL) return;
    if (wanted != 0) (void)shutdown(conn->ac->c.fd, SHUT_RDWR);
    settle(conn);
}

/* A handler may free the context, and with it end the connection; its memory lasts until libuv has
 * closed the handles. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    connection_t *conn = poll->data;
    if (status < 0) {
        handle_error(conn);
        return;
    }
    bool unwanted = (events & ~conn->wanted) != 0;
    events &= conn->wanted;
    if (events & UV_READABLE) handle_read(conn);
    if (conn->ac != NULL && (events & UV_WRITABLE)) handle_write(conn);
    if (conn->ac == NULL) return;
    if (unwanted && conn->polled != conn->wanted) {
        poll_what_is_wanted(conn);
    } else {
        settle(conn);
    }
}

/* ---------------------------------------------------------------- flushing */

/* Being active is all it is for. */
static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* Sends what waits now. What starts to wait meanwhile is sent in the next turn, which comes at
 * once: the idle handle stays active. */
static void on_prepare(uv_prepare_t *prepare)
{
    group_t *group = prepare->data;
    link_t now;
    insert_before(&group->dirty, &now);
    unlink_it(&group->dirty);
    while (is_linked(&now)) {
        connection_t *conn = connection_of(now.next);
        unlink_it(&conn->link);
        handle_write(conn);
        settle(conn);
    }
    if (is_linked(&group->dirty)) return;
    (void)uv_prepare_stop(&group->flusher);
    (void)uv_idle_stop(&group->waker);
}

static void enqueue(connection_t *conn)
{
    group_t *group = conn->group;
    if (!is_linked(&group->dirty)) {
        (void)uv_prepare_start(&group->flusher, on_prepare); /* fails only without a callback */
        (void)uv_idle_start(&group->waker, on_idle);
    }
    insert_before(&group->dirty, &conn->link);
}

/* ---------------------------------------------------------------- what hiredis asks for */

/* hiredis, and who else uses the context, may ask until it is freed, which may be long after
 * cleanup: `privdata` is NULL then. */

static void add_read(void *privdata)
{
    connection_t *conn = privdata;
    if (conn == NULL || (conn->wanted & UV_READABLE)) return;
    conn->wanted |= UV_READABLE;
    settle(conn);
}

static void del_read(void *privdata)
{
    connection_t *conn = privdata;
    if (conn == NULL) return;
    conn->wanted &= ~UV_READABLE;
}

static void add_write(void *privdata)
{
    connection_t *conn = privdata;
    if (conn == NULL || (conn->wanted & UV_WRITABLE) || is_linked(&conn->link)) return;
    bool connected = (conn->ac->c.flags & REDIS_CONNECTED) != 0;
    if (connected && conn->running != HANDLER_WRITE) {
        enqueue(conn);
        return;
    }
    conn->wanted |= UV_WRITABLE;
    settle(conn);
}

static void del_write(void *privdata)
{
    connection_t *conn = privdata;
    if (conn == NULL) return;
    if (is_linked(&conn->link)) unlink_it(&conn->link);
    conn->wanted &= ~UV_WRITABLE;
    settle(conn);
}

static void on_timer(uv_timer_t *timer)
{
    connection_t *conn = timer->data;
    uint64_t now = uv_now(timer->loop);
    if (now < conn->timeout_at) {
        (void)uv_timer_start(timer, on_timer, conn->timeout_at - now, 0);
        return;
    }
    redisAsyncHandleTimeout(conn->ac);
}

/* hiredis moves its timeout with every command and every read. A timer that is due earlier stays
 * where it is, and finds out when it fires. */
static void schedule_timer(void *privdata, struct timeval timeout)
{
    connection_t *conn = privdata;
    if (conn == NULL) return;
    uint64_t ms = (uint64_t)timeout.tv_sec * 1000 + ((uint64_t)timeout.tv_usec + 999) / 1000;
    conn->timeout_at = uv_now(conn->timer.loop) + ms;
    bool waits = uv_is_active((uv_handle_t *)&conn->timer) != 0;
    if (waits && uv_timer_get_due_in(&conn->timer) <= ms) return;
    (void)uv_timer_start(&conn->timer, on_timer, ms, 0);
}

/* ---------------------------------------------------------------- the end */

static void on_group_closed(uv_handle_t *handle)
{
    group_t *group = handle->data;
    if (--group->open_handles > 0) return;
    cairn_hiredis_uv_t *owner = group->owner;
    cairn_hiredis_uv_closed_cb closed = group->closed;
    hi_free(group);
    owner->core = NULL;
    if (closed != NULL) closed(owner);
}

static void close_if_empty(group_t *group)
{
    if (!group->closing || group->connections > 0) return;
    uv_close((uv_handle_t *)&group->flusher, on_group_closed);
    uv_close((uv_handle_t *)&group->waker, on_group_closed);
}

static void on_handle_closed(uv_handle_t *handle)
{
    connection_t *conn = handle->data;
    if (--conn->open_handles > 0) return;
    group_t *group = conn->group;
    hi_free(conn);
    group->connections--;
    close_if_empty(group);
}

/* hiredis closes the socket as soon as this returns. uv_close takes it out of epoll at once, so its
 * number may come back, in this turn, as another connection's. */
static void cleanup(void *privdata)
{
    connection_t *conn = privdata;
    conn->ac->ev.data = NULL;
    conn->ac = NULL;
    if (is_linked(&conn->link)) unlink_it(&conn->link);
    uv_close((uv_handle_t *)&conn->poll, on_handle_closed);
    uv_close((uv_handle_t *)&conn->timer, on_handle_closed);
}

/* ---------------------------------------------------------------- the public functions */

int cairn_hiredis_uv_init(cairn_hiredis_uv_t *group, uv_loop_t *loop)
{
    *group = (cairn_hiredis_uv_t){0};
    group_t *core = hi_calloc(1, sizeof(*core));
    if (core == NULL) return UV_ENOMEM;
    (void)uv_prepare_init(loop, &core->flusher); /* these cannot fail */
    (void)uv_idle_init(loop, &core->waker);
    core->flusher.data = core;
    core->waker.data = core;
    core->open_handles = 2;
    core->owner = group;
    link_init(&core->dirty);
    group->core = core;
    return 0;
}

static void set_hooks(redisAsyncContext *ac, connection_t *conn)
{
    ac->ev.data = conn; /* hiredis gives it back in cleanup */
    ac->ev.addRead = add_read;
    ac->ev.delRead = del_read;
    ac->ev.addWrite = add_write;
    ac->ev.delWrite = del_write;
    ac->ev.scheduleTimer = schedule_timer;
    ac->ev.cleanup = cleanup;
}

int cairn_hiredis_uv_attach(cairn_hiredis_uv_t *group, struct redisAsyncContext *ac)
{
    group_t *core = group->core;
    if (core == NULL || core->closing) return UV_ECANCELED;
    if (ac->ev.data != NULL) return UV_EBUSY;
    connection_t *conn = hi_calloc(1, sizeof(*conn));
    if (conn == NULL) return UV_ENOMEM;

    uv_loop_t *loop = core->flusher.loop;
    int rc = uv_poll_init_socket(loop, &conn->poll, ac->c.fd);
    if (rc < 0) {
        hi_free(conn);
        return rc;
    }
    (void)uv_timer_init(loop, &conn->timer); /* cannot fail */
    conn->poll.data = conn;
    conn->timer.data = conn;
    conn->open_handles = 2;
    conn->group = core;
    conn->ac = ac;
    link_init(&conn->link);
    core->connections++;
    set_hooks(ac, conn);
    return 0;
}

void cairn_hiredis_uv_close(cairn_hiredis_uv_t *group, cairn_hiredis_uv_closed_cb closed)
{
    group_t *core = group->core;
    if (core == NULL || core->closing) return;
    core->closing = true;
    core->closed = closed;
    close_if_empty(core);
}
