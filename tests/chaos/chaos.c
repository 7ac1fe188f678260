#include "chaos.h"

#include "loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 5,
    IDLE_MOST_MS = 30,
    AWAIT_MS = 60000,
    PEACE_TIMEOUT_MS = 20000,
    FLAWS_PRINTED = 30,
    RECONNECT_MOST_MS = 250
};

static const char *const kind_names[CHAOS_KINDS] = {
    "saver put", "saver put_writes", "saver get",  "saver list",  "saver delete",
    "store put", "store delete",     "store get",  "store batch", "store search",
    "append",    "stream length",    "group read", "group claim", "group ack and nak",
    "publish",
};

/* ---- small things ---- */

uint64_t chaos_roll(chaos_t *chaos, uint64_t below)
{
    chaos->random ^= chaos->random << 13;
    chaos->random ^= chaos->random >> 7;
    chaos->random ^= chaos->random << 17;
    return (chaos->random >> 11) % below;
}

uint64_t chaos_now_ms(void)
{
    return uv_hrtime() / 1000000;
}

void chaos_flaw(chaos_t *chaos, const char *format, ...)
{
    if (chaos->flaws++ >= FLAWS_PRINTED || chaos->expects_flaws) return;
    va_list args;
    va_start(args, format);
    fprintf(stderr, "flaw (round %u): ", chaos->round);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
}

/* ---- the journal ---- */

/* How late the loop was since `since_ms`: what it may be excused for. */
static uint64_t lag_since(const chaos_t *chaos, uint64_t since_ms, uint64_t now_ms)
{
    const uint64_t gap = now_ms - chaos->ticked_ms;
    uint64_t lag = gap > TICK_MS ? gap - TICK_MS : 0;
    const size_t known =
        chaos->probe_count < CHAOS_PROBES ? chaos->probe_count : (size_t)CHAOS_PROBES;
    for (size_t i = 0; i < known; i++) {
        if (chaos->probes[i].at_ms + TICK_MS >= since_ms) lag += chaos->probes[i].late_ms;
    }
    return lag;
}

static void check_deadline(chaos_actor_t *actor)
{
    chaos_t *chaos = actor->chaos;
    const uint64_t now = chaos_now_ms(), due = actor->submitted_ms + actor->timeout_ms;
    const uint64_t excuse = lag_since(chaos, due, now);
    if (now <= due + excuse) return;
    const uint64_t late = now - due - excuse;
    if (late > chaos->late_most_ms) chaos->late_most_ms = late;
    if (late > CHAOS_LATE_MS)
        chaos_flaw(chaos, "%s on %s ended %llu ms after its deadline of %u ms (lag %llu ms)",
                   kind_names[actor->kind], actor->link->name, (unsigned long long)late,
                   actor->timeout_ms, (unsigned long long)excuse);
}

static void count_status(chaos_t *chaos, int status)
{
    for (size_t i = 0; i < CHAOS_STATUSES; i++) {
        if (chaos->statuses[i].count > 0 && chaos->statuses[i].status != status) continue;
        chaos->statuses[i].status = status;
        chaos->statuses[i].count++;
        return;
    }
}

static void note_success(chaos_link_t *link)
{
    uint64_t away_ms;
    chaos_t *chaos = link->chaos;
    const uint64_t back = chaos_world_back_ns(chaos->world, &away_ms);
    const uint64_t now = uv_hrtime();
    link->successes++;
    if (back == 0 || back == link->recovered_ns || now < back) return;
    link->recovered_ns = back;
    chaos->recoveries[chaos->recovery_count++ % CHAOS_RECOVERIES] =
        (uint32_t)((now - back) / 1000000);
}

/* Of a request that may be sent again an error says what became of it the last time. */
static chaos_outcome_t outcome_of(chaos_actor_t *actor, const cairn_req_t *req, int status)
{
    if (status == 0) return CHAOS_DONE;
    if (actor->chaos->at_peace)
        chaos_flaw(actor->chaos, "%s on %s in peace: %s %.*s", kind_names[actor->kind],
                   actor->link->name, cairn_err_name(status), (int)req->detail.len,
                   req->detail.ptr);
    if (status == CAIRN_EMAYBE || status == UV_ETIMEDOUT || status == UV_ECANCELED)
        return CHAOS_IN_DOUBT;
    if (cairn_err_retryable(status))
        return req->flags & CAIRN_REQ_IDEMPOTENT ? CHAOS_IN_DOUBT : CHAOS_NOT_DONE;
    chaos_flaw(actor->chaos, "%s on %s: %s %.*s", kind_names[actor->kind], actor->link->name,
               cairn_err_name(status), (int)req->detail.len, req->detail.ptr);
    return CHAOS_IN_DOUBT;
}

static void be_free(chaos_actor_t *actor)
{
    actor->busy = false;
    actor->next_at_ms =
        chaos_now_ms() + chaos_roll(actor->chaos, IDLE_MOST_MS) * actor->chaos->pace;
}

/* ---- actors ---- */

void chaos_add(chaos_t *chaos, chaos_actor_t *actor, chaos_link_t *link,
               void (*act)(chaos_actor_t *actor))
{
    actor->chaos = chaos;
    actor->link = link;
    actor->act = act;
    actor->next = chaos->actors;
    chaos->actors = actor;
}

static uint32_t some_timeout(chaos_t *chaos)
{
    static const uint32_t timeouts[] = {60, 250, 800, 1500, 3000};
    return timeouts[chaos_roll(chaos, sizeof timeouts / sizeof *timeouts)] * chaos->pace;
}

void chaos_ask(chaos_actor_t *actor, chaos_kind_t kind, cairn_req_t *req, uint32_t least_ms)
{
    chaos_t *chaos = actor->chaos;
    actor->kind = kind;
    actor->busy = true;
    actor->epoch = chaos_world_epoch(chaos->world);
    actor->timeout_ms = chaos->at_peace ? PEACE_TIMEOUT_MS : some_timeout(chaos);
    if (actor->timeout_ms < least_ms) actor->timeout_ms = least_ms;
    actor->submitted_ms = chaos_now_ms();
    req->timeout_ms = actor->timeout_ms;
    req->data = actor;
}

bool chaos_asked(chaos_actor_t *actor, const cairn_req_t *req, int rc)
{
    chaos_t *chaos = actor->chaos;
    chaos->counts[actor->kind].asked++;
    if (rc == 0) return true;
    chaos->counts[actor->kind].refused++;
    count_status(chaos, rc);
    if (rc != CAIRN_EFULL || chaos->at_peace)
        chaos_flaw(chaos, "%s on %s refused: %s %.*s", kind_names[actor->kind], actor->link->name,
                   cairn_err_name(rc), (int)req->detail.len, req->detail.ptr);
    be_free(actor);
    return false;
}

chaos_outcome_t chaos_answered(chaos_actor_t *actor, const cairn_req_t *req, int status)
{
    chaos_count_t *count = &actor->chaos->counts[actor->kind];
    if (!actor->busy) chaos_flaw(actor->chaos, "%s was answered twice", kind_names[actor->kind]);
    check_deadline(actor);
    count_status(actor->chaos, status);
    if (status == 0) note_success(actor->link);
    const chaos_outcome_t outcome = outcome_of(actor, req, status);
    *(outcome == CHAOS_DONE       ? &count->done
      : outcome == CHAOS_NOT_DONE ? &count->not_done
                                  : &count->in_doubt) += 1;
    be_free(actor);
    return outcome;
}

/* ---- waiting ---- */

bool chaos_await(chaos_t *chaos, const char *what, bool (*done)(void *ctx), void *ctx)
{
    if (loop_try_for(chaos->loop, AWAIT_MS, done, ctx)) return true;
    chaos_flaw(chaos, "waited in vain for %s", what);
    return false;
}

static bool is_free(void *ctx)
{
    const chaos_actor_t *actor = ctx;
    return !actor->busy;
}

void chaos_wait(chaos_actor_t *actor)
{
    if (chaos_await(actor->chaos, kind_names[actor->kind], is_free, actor)) return;
    fprintf(stderr, "a request is stuck\n");
    abort(); /* its memory is not ours */
}

/* ---- the tick: acts, and measures how late the loop is ---- */

static void on_tick(uv_timer_t *timer)
{
    chaos_t *chaos = timer->data;
    const uint64_t now = chaos_now_ms(), gap = now - chaos->ticked_ms;
    const uint64_t late = gap > TICK_MS + 1 ? gap - TICK_MS : 0;
    if (late > chaos->lag_most_ms && !chaos->over) chaos->lag_most_ms = late;
    if (late > 0) {
        chaos->probes[chaos->probe_count % CHAOS_PROBES].at_ms = now;
        chaos->probes[chaos->probe_count++ % CHAOS_PROBES].late_ms = late;
    }
    chaos->ticked_ms = now;
    if (chaos->over) return;
    for (chaos_actor_t *actor = chaos->actors; actor; actor = actor->next) {
        if (!actor->busy && now >= actor->next_at_ms) {
            actor->next_at_ms = now + chaos_roll(chaos, IDLE_MOST_MS) * chaos->pace;
            actor->act(actor);
        }
    }
}

/* ---- links ---- */

static void must(int rc, const char *what)
{
    if (rc == 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_err_name(rc));
    exit(1);
}

static void open_link(chaos_link_t *link, const char *name, const char *url)
{
    cairn_error_t error;
    const cairn_store_options_t no_refresh = {.refresh_on_read = CAIRN_REFRESH_NO};
    const cairn_streams_options_t long_lived = {.ttl = cairn_ttl_ms(3600000)};
    link->name = name;
    if (cairn_open_url(&link->cairn, link->chaos->loop, url, &error) != 0) {
        fprintf(stderr, "%s: %s\n", url, error.text);
        exit(1);
    }
    must(cairn_saver_init(&link->saver, &link->cairn, NULL), "saver");
    must(cairn_store_init(&link->store, &link->cairn, &no_refresh), "store");
    must(cairn_streams_init(&link->streams, &link->cairn, &long_lived), "streams");
    cairn_broker_init(&link->broker, &link->cairn);
}

void chaos_open(chaos_t *chaos, uv_loop_t *loop, chaos_world_t *world, uint64_t seed, unsigned pace)
{
    static const struct {
        const char *name, *query;
        chaos_way_t way;
    } kinds[CHAOS_LINKS] = {
        {"RESP3", "keepalive_ms=500&protocol=3", CHAOS_PROXIED},
        {"RESP2", "keepalive_ms=500&protocol=2", CHAOS_PROXIED},
        {"few", "keepalive_ms=500&max_inflight=16&max_queue_bytes=65536&clock_ms=1000",
         CHAOS_PROXIED},
        {"TLS", "keepalive_ms=500", CHAOS_SECURE},
        {"far", "keepalive_ms=500", CHAOS_FAR},
        {"straight", "keepalive_ms=0", CHAOS_STRAIGHT},
    };
    char where[384], url[512];
    *chaos = (chaos_t){.loop = loop, .world = world, .random = seed | 1, .pace = pace};
    for (int i = 0; i < CHAOS_LINKS; i++) {
        chaos_world_where(world, kinds[i].way, where, sizeof where);
        snprintf(url, sizeof url,
                 "%sreconnect_min_ms=10&reconnect_max_ms=%d&connect_timeout_ms=%u&%s", where,
                 RECONNECT_MOST_MS, 1000 * pace, kinds[i].query);
        chaos->links[i].chaos = chaos;
        open_link(&chaos->links[i], kinds[i].name, url);
    }
    chaos_world_where(world, CHAOS_CLEAN, where, sizeof where);
    snprintf(url, sizeof url, "%sreconnect_min_ms=5&reconnect_max_ms=20", where);
    chaos->clean.chaos = chaos;
    open_link(&chaos->clean, "clean", url);

    must(uv_timer_init(loop, &chaos->tick), "timer");
    chaos->tick.data = chaos;
    chaos->ticked_ms = chaos_now_ms();
    must(uv_timer_start(&chaos->tick, on_tick, TICK_MS, TICK_MS), "timer");
}

static void on_closed(cairn_t *cairn)
{
    chaos_link_t *link = cairn->data;
    link->closed = true;
}

static void close_link(chaos_link_t *link)
{
    cairn_stats_t stats;
    cairn_stats(&link->cairn, &stats);
    if (stats.inflight != 0 || stats.requests != stats.completed + stats.failed)
        chaos_flaw(link->chaos, "%s: the counters do not add up", link->name);
    if (stats.requests > 0)
        printf("  %-9s %8llu requests, %6llu connects, %6llu disconnects\n", link->name,
               (unsigned long long)stats.requests, (unsigned long long)stats.connects,
               (unsigned long long)stats.disconnects);
    link->cairn.data = link;
    cairn_close(&link->cairn, on_closed);
}

static bool are_closed(void *ctx)
{
    const chaos_t *chaos = ctx;
    for (int i = 0; i < CHAOS_LINKS; i++) {
        if (!chaos->links[i].closed) return false;
    }
    return chaos->clean.closed;
}

void chaos_close(chaos_t *chaos)
{
    for (int i = 0; i < CHAOS_LINKS; i++) close_link(&chaos->links[i]);
    close_link(&chaos->clean);
    chaos_await(chaos, "handles to close", are_closed, chaos);
    uv_close((uv_handle_t *)&chaos->tick, NULL);
}

/* ---- the whole ---- */

void chaos_run_for(chaos_t *chaos, uint64_t ms)
{
    loop_run_for(chaos->loop, (unsigned)ms);
}

static bool is_world_calm(void *ctx)
{
    return chaos_world_is_calm(ctx);
}

static bool is_nobody_busy(void *ctx)
{
    const chaos_t *chaos = ctx;
    for (const chaos_actor_t *actor = chaos->actors; actor; actor = actor->next) {
        if (actor->busy) return false;
    }
    return true;
}

/* Only what is over before the server is killed for the last time cannot take effect after it. */
void chaos_come_to_rest(chaos_t *chaos)
{
    chaos->over = true;
    if (!chaos_await(chaos, "requests to end", is_nobody_busy, chaos)) abort();
    chaos_world_calm(chaos->world);
    chaos_await(chaos, "the server", is_world_calm, chaos->world);
    chaos->at_peace = true;
}

void chaos_forget_actors(chaos_t *chaos)
{
    chaos->actors = NULL;
    chaos->over = chaos->at_peace = false;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t one = *(const uint32_t *)a, two = *(const uint32_t *)b;
    return (one > two) - (one < two);
}

void chaos_print(chaos_t *chaos)
{
    printf("  %-18s %9s %9s %9s %9s %9s\n", "", "asked", "done", "not done", "in doubt", "refused");
    for (int i = 0; i < CHAOS_KINDS; i++) {
        const chaos_count_t *count = &chaos->counts[i];
        printf("  %-18s %9llu %9llu %9llu %9llu %9llu\n", kind_names[i],
               (unsigned long long)count->asked, (unsigned long long)count->done,
               (unsigned long long)count->not_done, (unsigned long long)count->in_doubt,
               (unsigned long long)count->refused);
    }
    printf(" ");
    for (int i = 0; i < CHAOS_STATUSES && chaos->statuses[i].count > 0; i++)
        printf(" %s %llu", cairn_err_name(chaos->statuses[i].status),
               (unsigned long long)chaos->statuses[i].count);
    printf("\n  events, messages and deliveries %llu; late at most %llu ms beyond the loop's lag, "
           "which was at most %llu ms\n",
           (unsigned long long)chaos->told, (unsigned long long)chaos->late_most_ms,
           (unsigned long long)chaos->lag_most_ms);
    const size_t count =
        chaos->recovery_count < CHAOS_RECOVERIES ? chaos->recovery_count : (size_t)CHAOS_RECOVERIES;
    if (count == 0) return;
    qsort(chaos->recoveries, count, sizeof *chaos->recoveries, by_size);
    printf("  %zu recoveries: from the server's return to a link's first success %u ms in the "
           "middle, %u ms for nine in ten, %u ms at most (backoff up to %d ms); %llu connections\n",
           chaos->recovery_count, chaos->recoveries[count / 2], chaos->recoveries[count * 9 / 10],
           chaos->recoveries[count - 1], RECONNECT_MOST_MS,
           (unsigned long long)chaos_world_accepted(chaos->world));
}
