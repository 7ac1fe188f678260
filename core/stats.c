#include <cairn/stats.h>

#include "core.h"

#include <string.h>

/* ---- kinds of failure ---- */

static cairn_failure_t of_server(int status)
{
    switch (status) {
    case CAIRN_EFULL:
        return CAIRN_FAILURE_FULL;
    case CAIRN_ECLOSED:
        return CAIRN_FAILURE_CANCELED;
    case CAIRN_EMAYBE:
    case CAIRN_EHALFOPEN:
    case CAIRN_EDOWN:
    case CAIRN_ETLS:
        return CAIRN_FAILURE_CONNECTION;
    case CAIRN_EPROTOCOL:
        return CAIRN_FAILURE_PROTOCOL;
    case CAIRN_EAUTH:
    case CAIRN_EDENIED:
        return CAIRN_FAILURE_AUTH;
    case CAIRN_ETOOBIG:
    case CAIRN_EOPTION:
    case CAIRN_EURL:
    case CAIRN_ESCHEME:
    case CAIRN_EABI:
        return CAIRN_FAILURE_REQUEST;
    default:
        return CAIRN_FAILURE_SERVER;
    }
}

cairn_failure_t cairn_failure_of(int status)
{
    if (status <= CAIRN_EURL && status > CAIRN_ERRNO_END) return of_server(status);
    switch (status) {
    case UV_ETIMEDOUT:
        return CAIRN_FAILURE_TIMED_OUT;
    case UV_ECANCELED:
        return CAIRN_FAILURE_CANCELED;
    case UV_ENOMEM:
        return CAIRN_FAILURE_MEMORY;
    case UV_EINVAL:
    case UV_ENOTSUP:
    case UV_E2BIG:
    case UV_EEXIST:
    case UV_ENOENT:
    case UV_EAGAIN:
    case UV_EALREADY:
    case UV_EBUSY:
        return CAIRN_FAILURE_REQUEST;
    case UV_EOF:
    case UV_EPIPE:
    case UV_ECONNRESET:
    case UV_ECONNREFUSED:
    case UV_ECONNABORTED:
    case UV_ENOTCONN:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_ENETDOWN:
        return CAIRN_FAILURE_CONNECTION;
    default:
        return CAIRN_FAILURE_OTHER;
    }
}

const char *cairn_failure_name(cairn_failure_t failure)
{
    static const char *const names[] = {
#define NAME(name, label, help) label,
        CAIRN_FAILURE_MAP(NAME)
#undef NAME
    };
    return (unsigned)failure < CAIRN_FAILURES ? names[failure] : "";
}

/* ---- the handle ---- */

void core_each_connection(const cairn_core_t *core, cairn_connection_fn take, void *ctx)
{
    const cairn_backend_t *backend = core->backend;
    if (CORE_REACHES(backend, cairn_backend_t, connections) && backend->connections)
        backend->connections(core->self, take, ctx);
}

void core_each_node(const cairn_core_t *core, cairn_node_fn take, void *ctx)
{
    const cairn_backend_t *backend = core->backend;
    if (CORE_REACHES(backend, cairn_backend_t, nodes) && backend->nodes)
        backend->nodes(core->self, take, ctx);
}

/* Whether the backend knew of the member. */
#define TOLD(one, member) CORE_REACHES(one, cairn_connection_t, member)

static void add_queued(void *ctx, const cairn_connection_t *one)
{
    cairn_stats_t *stats = ctx;
    if (!TOLD(one, queued_bytes)) return;
    stats->queued_requests += one->queued;
    stats->queued_bytes += one->queued_bytes;
}

void cairn_stats(const cairn_t *cairn, cairn_stats_t *out)
{
    const cairn_core_t *core = cairn->core;
    memset(out, 0, sizeof *out);
    if (!core) return;
    *out = core->stats;
    out->timed_out = out->failures[CAIRN_FAILURE_TIMED_OUT];
    out->canceled = out->failures[CAIRN_FAILURE_CANCELED];
    for (size_t i = 0; i < CAIRN_FAILURES; i++) out->failed += out->failures[i];
    if (core_is_open(core)) core_each_connection(core, add_queued, out);
}

/* The members that are so now; all others of a cairn_stats_t count. */
#define KEEP(member) out->member = now.member

void cairn_stats_since(const cairn_stats_t *later, const cairn_stats_t *before, cairn_stats_t *out)
{
    const cairn_stats_t now = *later;
    uint64_t words[sizeof now / sizeof(uint64_t)], past[sizeof now / sizeof(uint64_t)];
    memcpy(words, &now, sizeof now);
    memcpy(past, before, sizeof now);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) words[i] -= past[i];
    memcpy(out, words, sizeof now);
    KEEP(inflight);
    KEEP(queued_requests);
    KEEP(queued_bytes);
}

_Static_assert(sizeof(cairn_stats_t) % sizeof(uint64_t) == 0, "it is counters and nothing else");

/* ---- connections and nodes ---- */

typedef struct gathering {
    void *out; /* an array */
    size_t room;
    size_t count;
} gathering_t;

/* What the backend does not know of is zero. `size` is the first member of both kinds. */
static void gather(gathering_t *all, const void *one, uint32_t told, uint32_t size)
{
    if (all->count++ >= all->room) return;
    char *to = (char *)all->out + (all->count - 1) * size;
    memset(to, 0, size);
    memcpy(to, one, told < size ? told : size);
    memcpy(to, &size, sizeof size);
}

static void gather_connection(void *ctx, const cairn_connection_t *one)
{
    _Static_assert(offsetof(cairn_connection_t, size) == 0, "it is the first");
    gather(ctx, one, one->size, sizeof *one);
}

size_t cairn_connections(const cairn_t *cairn, cairn_connection_t *out, size_t room)
{
    gathering_t all = {out, room, 0};
    if (cairn->core && core_is_open(cairn->core))
        core_each_connection(cairn->core, gather_connection, &all);
    return all.count;
}

static void gather_node(void *ctx, const cairn_node_t *one)
{
    _Static_assert(offsetof(cairn_node_t, size) == 0, "it is the first");
    gather(ctx, one, one->size, sizeof *one);
}

size_t cairn_nodes(const cairn_t *cairn, cairn_node_t *out, size_t room)
{
    gathering_t all = {out, room, 0};
    if (cairn->core && core_is_open(cairn->core)) core_each_node(cairn->core, gather_node, &all);
    return all.count;
}
