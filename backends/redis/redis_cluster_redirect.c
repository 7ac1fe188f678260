/* Requests that a node refuses, because it has not, or not yet, or not any more, what they are
 * about. None was carried out, and its bytes are still there: they go elsewhere as they are. */
#include "redis_route.h"

#include "redis_cmd.h"
#include "redis_error.h"
#include "redis_stats.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    HOPS_AT_ONCE = 4, /* one behind the other; then it waits, until nobody has it */
    WAIT_MS = 5,      /* for a slot that is on its way */
    WAIT_LONG_MS = 500,
    WAIT_DOWN_MS = 50
};

static const char asking[] = "*1\r\n$6\r\nASKING\r\n";

/* ---- its slot ---- */

static bool is_word(cairn_slice_t word, const char *name)
{
    return word.len == strlen(name) && strncasecmp(word.ptr, name, word.len) == 0;
}

/* Which word of a command is its first key. 0: none is. */
static size_t key_place(cairn_slice_t name)
{
    static const char *const third[] = {"EVALSHA", "EVAL"};
    static const char *const second[] = {"XINFO", "XGROUP", "OBJECT"};
    static const char *const none[] = {"PUBLISH", "PING", "SCRIPT", "TIME", "CLUSTER", "INFO"};
    for (size_t i = 0; i < sizeof third / sizeof *third; i++)
        if (is_word(name, third[i])) return 3;
    for (size_t i = 0; i < sizeof second / sizeof *second; i++)
        if (is_word(name, second[i])) return 2;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (is_word(name, none[i])) return 0;
    return 1;
}

int redis_cluster_slot_of(cairn_slice_t bytes)
{
    redis_reply_t at;
    cairn_slice_t name, word;
    size_t words;
    redis_reply_init(&at, bytes.ptr, bytes.len);
    if (redis_reply_array(&at, &words) < 0 || redis_reply_string(&at, &name) < 0) return -1;
    if (is_word(name, "MULTI") &&
        (redis_reply_array(&at, &words) < 0 || redis_reply_string(&at, &name) < 0))
        return -1;
    const size_t place = key_place(name);
    if (place == 0 || place >= words) return -1;
    for (size_t i = 1; i <= place; i++) {
        if (redis_reply_string(&at, &word) < 0) return -1;
        if (place == 3 && i == 2 && is_word(word, "0")) return -1;
    }
    return (int)redis_slot(word);
}

/* ---- elsewhere ---- */

static void on_asking(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail; /* the command behind it says it all */
}

bool redis_cluster_put_in(redis_standalone_t *node, int slot, const redis_entry_t *entry,
                          cairn_slice_t bytes, bool ask)
{
    char *at;
    if (slot >= 0 && redis_pool_has_choice(&node->pool))
        redis_pool_choose(&node->pool, (unsigned)slot);
    else
        (void)redis_standalone_choose_any(node);
    redis_conn_t *conn = node->pool.current;
    if (ask) {
        if (redis_conn_reserve_unbounded(conn, sizeof asking - 1, &at) < 0) return false;
        at = redis_cmd_literal(at, asking, sizeof asking - 1);
        redis_conn_commit(conn, at, on_asking, conn, REDIS_CMD_TRANSIENT);
    }
    if (redis_conn_reserve_unbounded(conn, bytes.len, &at) < 0) return false;
    memcpy(at, bytes.ptr, bytes.len);
    redis_conn_commit_moved(conn, at + bytes.len, entry);
    return true;
}

/* ---- later ---- */

/* Of a request that waits REDIS_CONN_PARKED stands where the connection does otherwise, and this
 * where its number does. */
struct redis_parked {
    redis_parked_t *next, **at;
    redis_cluster_t *cluster;
    redis_entry_t entry;
    uint64_t due_ms;
    const char *refusal; /* it is not put in, but told this; NULL: it is */
    bool held;           /* it waits for the map, as SPUBLISH */
    char said[80];       /* what a node said of it */
    size_t len;
    char bytes[];
};

static size_t size_held(size_t bytes)
{
    return sizeof(redis_parked_t) + bytes;
}

static void unlink_parked(redis_parked_t *parked)
{
    if (parked->held) parked->cluster->held_bytes -= size_held(parked->len);
    *parked->at = parked->next;
    if (parked->next) {
        parked->next->at = parked->at;
    } else {
        parked->cluster->parked_end = parked->at;
    }
}

static void start_timer(redis_cluster_t *cluster)
{
    const uint64_t now_ms = uv_now(cluster->host->loop);
    uint64_t due_ms = UINT64_MAX;
    for (const redis_parked_t *at = cluster->parked; at; at = at->next)
        if (at->due_ms < due_ms && (!at->held || cluster->has_map)) due_ms = at->due_ms;
    if (due_ms == UINT64_MAX) return;
    uv_timer_start(&cluster->park_timer, redis_cluster_unpark,
                   due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

bool redis_cluster_park(redis_cluster_t *cluster, const redis_entry_t *entry, cairn_slice_t bytes,
                        uint64_t delay_ms, const char *refusal)
{
    redis_parked_t *parked = cairn_malloc(sizeof *parked + bytes.len);
    if (!parked) return false;
    *parked = (redis_parked_t){
        .at = cluster->parked_end,
        .cluster = cluster,
        .entry = *entry,
        .due_ms = uv_now(cluster->host->loop) + delay_ms,
        .refusal = refusal,
        .len = bytes.len,
    };
    memcpy(parked->bytes, bytes.ptr, bytes.len);
    *cluster->parked_end = parked;
    cluster->parked_end = &parked->next;
    if (entry->flags & REDIS_CMD_REQUEST) {
        cairn_req_t *req = entry->ctx;
        req->scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_PARKED | redis_conn_mark(req);
        req->scratch[REDIS_SCRATCH_SEQ] = (uintptr_t)parked;
    }
    start_timer(cluster);
    return true;
}

static bool park(redis_cluster_t *cluster, const redis_entry_t *entry, cairn_slice_t bytes,
                 uint64_t delay_ms, cairn_slice_t said)
{
    if (!redis_cluster_park(cluster, entry, bytes, delay_ms, NULL)) return false;
    redis_parked_t *parked = CAIRN_CONTAINER_OF(cluster->parked_end, redis_parked_t, next);
    snprintf(parked->said, sizeof parked->said, "%.*s", (int)said.len, said.ptr);
    return true;
}

bool redis_cluster_holds_too_much(redis_cluster_t *cluster, size_t bytes)
{
    const size_t most = cluster->route->one.options.max_queue_bytes;
    if (bytes > most || cluster->held_bytes == 0) return false; /* its queue says so itself */
    if (cluster->held_bytes + size_held(bytes) <= most) return false;
    cluster->refused_room = true;
    return true;
}

bool redis_cluster_hold(redis_cluster_t *cluster, const redis_entry_t *entry, cairn_slice_t bytes)
{
    if (!redis_cluster_park(cluster, entry, bytes, 0, NULL)) return false;
    redis_parked_t *parked = CAIRN_CONTAINER_OF(cluster->parked_end, redis_parked_t, next);
    parked->held = true;
    cluster->held_bytes += size_held(parked->len);
    return true;
}

void redis_cluster_waits_for(const cairn_req_t *req, char *out, size_t size)
{
    const redis_parked_t *parked =
        (const redis_parked_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_SEQ];
    if (parked->held) redis_conn_waits_for(&parked->cluster->route->one.commands, out, size);
    if (parked->said[0]) snprintf(out, size, "no node takes it yet: %s", parked->said);
}

void redis_cluster_forget(cairn_req_t *req)
{
    redis_parked_t *parked = (redis_parked_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_SEQ];
    unlink_parked(parked);
    cairn_free(parked);
}

void redis_cluster_drop_parked(redis_cluster_t *cluster)
{
    while (cluster->parked) {
        redis_parked_t *parked = cluster->parked;
        unlink_parked(parked);
        cairn_free(parked);
    }
}

/* Of an old cluster, which has no sharded channels. */
static cairn_slice_t as_classic(redis_parked_t *parked)
{
    const size_t less = REDIS_SPUBLISH_SIZE - REDIS_PUBLISH_SIZE;
    memcpy(parked->bytes + less, REDIS_PUBLISH, REDIS_PUBLISH_SIZE);
    return cairn_slice(parked->bytes + less, parked->len - less);
}

static bool put_back(redis_cluster_t *cluster, redis_parked_t *parked)
{
    const cairn_slice_t bytes = parked->held && cluster->by_slots
                                    ? as_classic(parked)
                                    : cairn_slice(parked->bytes, parked->len);
    const int slot = redis_cluster_slot_of(bytes);
    redis_standalone_t *node =
        slot < 0 ? redis_cluster_any(cluster) : redis_cluster_node(cluster, (unsigned)slot);
    return redis_cluster_put_in(node, slot, &parked->entry, bytes, false);
}

/* Those that are due go where the map says now. Without memory they wait on. */
static void unpark_all(redis_cluster_t *cluster)
{
    const uint64_t now_ms = uv_now(cluster->host->loop);
    redis_parked_t *next;
    for (redis_parked_t *parked = cluster->parked; parked; parked = next) {
        next = parked->next;
        if (parked->due_ms > now_ms || parked->refusal) continue;
        if (parked->held && !cluster->has_map) continue;
        if (!put_back(cluster, parked)) {
            parked->due_ms = now_ms + WAIT_DOWN_MS;
            continue;
        }
        unlink_parked(parked);
        cairn_free(parked);
    }
}

static void tell_refused_one(redis_cluster_t *cluster, redis_parked_t *parked)
{
    redis_conn_t *conn = &cluster->route->one.commands;
    const redis_entry_t *entry = &parked->entry;
    if (entry->flags & REDIS_CMD_REQUEST) {
        cairn_req_t *req = entry->ctx;
        req->scratch[REDIS_SCRATCH_CONN] = (uintptr_t)conn | redis_conn_mark(req);
    }
    conn->answered = cairn_slice(parked->bytes, parked->len);
    conn->answered_skip = entry->skip;
    redis_conn_answering(conn, entry);
    entry->answer(entry->ctx, CAIRN_ECLUSTER, NULL, cairn_str(parked->refusal));
}

static redis_parked_t *first_refused(const redis_cluster_t *cluster)
{
    redis_parked_t *at = cluster->parked;
    while (at && !at->refusal) at = at->next;
    return at;
}

/* Who is told may take others away, or close. */
static void tell_refused(redis_cluster_t *cluster)
{
    for (redis_parked_t *parked; !cluster->closing && (parked = first_refused(cluster));) {
        unlink_parked(parked);
        tell_refused_one(cluster, parked);
        cairn_free(parked);
    }
}

void redis_cluster_put_back(redis_cluster_t *cluster)
{
    unpark_all(cluster);
    start_timer(cluster);
}

void redis_cluster_release(redis_cluster_t *cluster)
{
    if (cluster->held_bytes > 0) redis_cluster_put_back(cluster);
}

void redis_cluster_tell_room(redis_cluster_t *cluster)
{
    if (!cluster->refused_room || cluster->held_bytes > 0) return;
    cluster->refused_room = false;
    cluster->host->api->credit(cluster->host);
}

void redis_cluster_unpark(uv_timer_t *timer)
{
    redis_cluster_t *cluster = timer->data;
    unpark_all(cluster);
    tell_refused(cluster);
    if (!cluster->closing) start_timer(cluster);
}

/* ---- what a node said ---- */

/* 5, 10, 20, ... ms behind those that were made at once: some three seconds in all. */
static uint64_t wait_ms(const redis_entry_t *entry)
{
    const unsigned hops = redis_hops_of(entry);
    const uint64_t ms = hops > HOPS_AT_ONCE ? (uint64_t)WAIT_MS << (hops - HOPS_AT_ONCE) : WAIT_MS;
    return ms < WAIT_LONG_MS ? ms : WAIT_LONG_MS;
}

/* The other node has sent it here, or will send it back. False: as redis_cluster_redirect's. */
static bool give_up(redis_cluster_t *cluster, const redis_conn_t *conn, cairn_slice_t *text)
{
    const int len = text->len < 200 ? (int)text->len : 200;
    snprintf(cluster->refusal, sizeof cluster->refusal, "%.*s, says %s, as others did before it",
             len, text->ptr, conn->where);
    *text = cairn_str(cluster->refusal);
    return false;
}

static bool follow(redis_cluster_t *cluster, redis_conn_t *conn, const redis_entry_t *entry,
                   cairn_slice_t bytes, const redis_redirect_t *redirect, cairn_slice_t text)
{
    redis_standalone_t *node = redis_cluster_at(cluster, &redirect->place);
    if (!node) return false;
    if (!redirect->ask) {
        if (!redirect->guessed) cluster->of_slot[redirect->slot] = node;
        redis_cluster_want_map(cluster);
    }
    redis_entry_t hopped = *entry;
    hopped.flags += REDIS_CMD_HOP;
    const bool tired = redis_hops_of(entry) >= HOPS_AT_ONCE;
    if (tired || redirect->guessed || node == conn->data)
        return park(cluster, &hopped, bytes, wait_ms(entry), text);
    return redis_cluster_put_in(node, redirect->slot, &hopped, bytes, redirect->ask);
}

/* The slot is nobody's, it says, and not only for now. */
static bool is_unserved(cairn_slice_t text)
{
    static const char begin[] = "CLUSTERDOWN Hash slot not served";
    return text.len >= sizeof begin - 1 && memcmp(text.ptr, begin, sizeof begin - 1) == 0;
}

static bool wait_for_owner(redis_cluster_t *cluster, const redis_entry_t *entry,
                           cairn_slice_t bytes, cairn_slice_t *text)
{
    redis_entry_t hopped = *entry;
    hopped.flags += REDIS_CMD_HOP;
    if (redis_hops_of(entry) < REDIS_HOPS_MOST)
        return park(cluster, &hopped, bytes, wait_ms(entry), *text);
    snprintf(cluster->refusal, sizeof cluster->refusal, "CLUSTERDOWN Hash slot not served: %d",
             redis_cluster_slot_of(bytes));
    *text = cairn_str(cluster->refusal);
    return false;
}

bool redis_cluster_redirect(redis_conn_t *conn, const redis_entry_t *entry, cairn_slice_t bytes,
                            cairn_slice_t *text)
{
    redis_standalone_t *from = conn->data;
    redis_cluster_t *cluster = from->route->cluster;
    if (!redis_error_is_of_cluster(*text) || (entry->flags & REDIS_CMD_TRANSIENT)) return false;
    if (cluster->closing) return false;
    const redis_asked_t asked = {
        .host = conn->place ? cairn_str(conn->place->host) : cairn_slice("", 0),
        .port = conn->place ? conn->place->port : 0,
        .tls = conn->options->tls != NULL,
    };
    redis_redirect_t redirect;
    const int rc = redis_redirect_read(*text, &asked, &redirect);
    if (rc < 0) return false;
    from->redirected += rc == 1;
    from->put_off += rc == 0;
    if (rc == 1 && redis_hops_of(entry) == REDIS_HOPS_MOST) return give_up(cluster, conn, text);
    if (rc == 1) return follow(cluster, conn, entry, bytes, &redirect, *text);
    const bool down = text->ptr[0] == 'C';
    if (down) redis_cluster_want_map(cluster);
    if (down && is_unserved(*text)) return wait_for_owner(cluster, entry, bytes, text);
    redis_entry_t stays = *entry; /* it was sent round to somebody who knows of it */
    stays.flags &= ~(uint32_t)REDIS_CMD_HOPS;
    return park(cluster, &stays, bytes, down ? WAIT_DOWN_MS : WAIT_MS, *text);
}

/* ---- a node that is lost ---- */

typedef struct leaving {
    redis_cluster_t *cluster;
    redis_standalone_t *node;
} leaving_t;

static bool take(void *ctx, const redis_entry_t *entry, cairn_slice_t bytes)
{
    const leaving_t *leaving = ctx;
    const int slot = redis_cluster_slot_of(bytes);
    redis_standalone_t *owner = slot < 0 ? redis_cluster_any(leaving->cluster)
                                         : redis_cluster_node(leaving->cluster, (unsigned)slot);
    return owner != leaving->node && redis_cluster_put_in(owner, slot, entry, bytes, false);
}

void redis_cluster_offer(redis_standalone_t *node, redis_take_fn *take_one, void *ctx)
{
    for (size_t i = 1; i < node->pool.count; i++)
        if (node->pool.conns[i]->state == REDIS_CONN_WAITING)
            redis_conn_give_away(node->pool.conns[i], take_one, ctx);
    if (node->commands.state != REDIS_CONN_READY && node->commands.state != REDIS_CONN_CLOSED)
        redis_conn_give_away(&node->commands, take_one, ctx);
}

void redis_cluster_give_away(redis_cluster_t *cluster, redis_standalone_t *node)
{
    leaving_t leaving = {cluster, node};
    redis_cluster_offer(node, take, &leaving);
}
