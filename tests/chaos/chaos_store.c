/* Owners of items, each the only one to write its own: single ones, some that expire, and threes
 * that are put in one batch. What a read may find is the value that was put last for sure, or one
 * whose put is in doubt and not known to be over. */
#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OWNERS = 24,
    DOUBTS = 24,
    THREE = 3,
    VALUE_MOST = 4096,
    PAST = 200,
    SLACK_MS = 250 /* between this clock and the server's, which it looks at now and then */
};

/* An item as it may be. Number 0: there is none. */
typedef struct claim {
    uint64_t number;
    uint32_t ttl_ms;
    uint64_t from_ms, until_ms; /* it was put in between */
    uint64_t epoch;             /* when it was over */
} claim_t;

typedef struct owner {
    chaos_actor_t actor;
    char name[CHAOS_NAME];
    size_t width; /* items that have the same number */
    bool expires;
    uint64_t last;
    claim_t certain, trying, doubts[DOUBTS];
    size_t doubt_count;
    uint64_t asked_ms;
    size_t found; /* of the items in a search: -1 said otherwise */
    cairn_store_put_t put;
    cairn_store_get_t get;
    cairn_store_batch_t batch;
    cairn_store_search_t search;
    uint64_t seen;   /* by the last read */
    char past[PAST]; /* what was tried last, and what came of it */
} owner_t;

static owner_t *owners;
static const char *const keys[THREE] = {"one", "two", "three"};

static size_t fill(char *out, const owner_t *owner, uint64_t number)
{
    const size_t len = (size_t)(number * 7919 % 10 == 0 ? 2500 : number * 37 % 400);
    int begun = snprintf(out, VALUE_MOST, "{\"n\":%llu,\"of\":\"%s\",\"pad\":\"",
                         (unsigned long long)number, owner->name);
    memset(out + begun, 'a' + (int)(number % 26), len);
    memcpy(out + begun + len, "\"}", 2);
    return (size_t)begun + len + 2;
}

/* 0: it is nothing that was put. */
static uint64_t number_in(const owner_t *owner, cairn_slice_t value)
{
    char expected[VALUE_MOST], head[64];
    unsigned long long number = 0;
    snprintf(head, sizeof head, "%.*s", (int)(value.len < 40 ? value.len : 40), value.ptr);
    if (sscanf(head, "{\"n\":%llu", &number) != 1) return 0;
    const size_t len = fill(expected, owner, number);
    return cairn_slice_eq(value, cairn_slice(expected, len)) ? number : 0;
}

/* ---- what may be ---- */

static bool may_be_gone(const claim_t *claim, uint64_t now_ms)
{
    return claim->number == 0 ||
           (claim->ttl_ms > 0 && now_ms + SLACK_MS >= claim->from_ms + claim->ttl_ms);
}

static bool may_find(const owner_t *owner, uint64_t number, uint64_t now_ms)
{
    const claim_t *certain = &owner->certain;
    if (number == 0) {
        if (may_be_gone(certain, now_ms)) return true;
        for (size_t i = 0; i < owner->doubt_count; i++) {
            if (may_be_gone(&owner->doubts[i], now_ms)) return true;
        }
        return false;
    }
    const bool must_be_gone =
        certain->ttl_ms > 0 && owner->asked_ms > certain->until_ms + certain->ttl_ms + SLACK_MS;
    if (number == certain->number && !must_be_gone) return true;
    for (size_t i = 0; i < owner->doubt_count; i++) {
        if (owner->doubts[i].number == number) return true;
    }
    return false;
}

static void check(owner_t *owner, uint64_t number, const char *how)
{
    owner->seen = number;
    const uint64_t now = chaos_now_ms();
    if (may_find(owner, number, now)) return;
    chaos_flaw(owner->actor.chaos,
               "%s of %s on %s: found %llu, but %llu was put last (ttl %u, %lld ms ago), and %zu "
               "are in doubt; it did%s",
               how, owner->name, owner->actor.link->name, (unsigned long long)number,
               (unsigned long long)owner->certain.number, owner->certain.ttl_ms,
               (long long)(now - owner->certain.until_ms), owner->doubt_count, owner->past);
}

static void remember(owner_t *owner, uint64_t number, chaos_outcome_t outcome)
{
    static const char *const outcomes[] = {"done", "not done", "in doubt"};
    char latest[64];
    const int len = snprintf(latest, sizeof latest, " %llu@%llu %s%s,", (unsigned long long)number,
                             (unsigned long long)owner->trying.from_ms % 100000,
                             owner->put.req.flags ? "again " : "", outcomes[outcome]);
    const size_t used = strlen(owner->past), most = PAST - 1 - (size_t)len;
    if (used > most) memmove(owner->past, owner->past + used - most, most + 1);
    strcat(owner->past, latest);
}

/* What was over in an earlier epoch than this was asked in came before it, if ever. */
static void settle_claim(owner_t *owner, chaos_outcome_t outcome)
{
    claim_t *trying = &owner->trying;
    remember(owner, trying->number, outcome);
    trying->until_ms = chaos_now_ms();
    trying->epoch = chaos_world_epoch(owner->actor.chaos->world);
    if (outcome == CHAOS_IN_DOUBT) owner->doubts[owner->doubt_count++] = *trying;
    if (outcome != CHAOS_DONE) return;
    owner->certain = *trying;
    size_t kept = 0;
    for (size_t i = 0; i < owner->doubt_count; i++) {
        if (owner->doubts[i].epoch >= owner->actor.epoch) owner->doubts[kept++] = owner->doubts[i];
    }
    owner->doubt_count = kept;
}

/* ---- one item ---- */

static cairn_namespace_t namespace_of(const owner_t *owner, cairn_slice_t labels[2])
{
    labels[0] = cairn_str("chaos");
    labels[1] = cairn_str(owner->name);
    return (cairn_namespace_t){labels, 2};
}

static void on_put(cairn_store_put_t *req, int status, bool existed)
{
    owner_t *owner = req->req.data;
    (void)existed;
    settle_claim(owner, chaos_answered(&owner->actor, &req->req, status));
}

static void try_claim(owner_t *owner, bool is_delete)
{
    owner->trying = (claim_t){.from_ms = chaos_now_ms()};
    if (is_delete) return;
    owner->trying.number = ++owner->last;
    if (owner->expires) owner->trying.ttl_ms = 400 + (uint32_t)chaos_roll(owner->actor.chaos, 2000);
}

static void put(owner_t *owner, bool is_delete)
{
    char value[VALUE_MOST];
    cairn_slice_t labels[2];
    const cairn_namespace_t ns = namespace_of(owner, labels);
    try_claim(owner, is_delete);
    chaos_ask(&owner->actor, is_delete ? CHAOS_STORE_DELETE : CHAOS_STORE_PUT, &owner->put.req, 0);
    owner->put.req.flags = chaos_roll(owner->actor.chaos, 3) == 0 ? CAIRN_REQ_IDEMPOTENT : 0;
    cairn_store_put_options_t options = {{0}, NULL, 0, 0, NULL, 0};
    if (owner->expires) options.ttl = cairn_ttl_ms(owner->trying.ttl_ms);
    cairn_store_t *store = &owner->actor.link->store;
    const cairn_slice_t key = cairn_str(keys[0]);
    int rc;
    if (is_delete)
        rc = cairn_store_delete(store, &owner->put, ns, key, on_put);
    else
        rc = cairn_store_put(store, &owner->put, ns, key,
                             cairn_slice(value, fill(value, owner, owner->trying.number)), &options,
                             on_put);
    chaos_asked(&owner->actor, &owner->put.req, rc);
}

static void on_got(cairn_store_get_t *req, int status, const cairn_item_t *item)
{
    owner_t *owner = req->req.data;
    if (chaos_answered(&owner->actor, &req->req, status) != CHAOS_DONE) return;
    const uint64_t number = item ? number_in(owner, item->value) : 0;
    if (item && number == 0)
        chaos_flaw(owner->actor.chaos, "%s holds what nobody put: %.*s", owner->name,
                   (int)(item->value.len < 60 ? item->value.len : 60), item->value.ptr);
    else
        check(owner, number, "get");
}

static void get(owner_t *owner)
{
    cairn_slice_t labels[2];
    const cairn_namespace_t ns = namespace_of(owner, labels);
    owner->asked_ms = chaos_now_ms();
    chaos_ask(&owner->actor, CHAOS_STORE_GET, &owner->get.req, 0);
    chaos_asked(&owner->actor, &owner->get.req,
                cairn_store_get(&owner->actor.link->store, &owner->get, ns, cairn_str(keys[0]),
                                CAIRN_REFRESH_DEFAULT, on_got));
}

/* ---- three at once ---- */

static void on_batch_put(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                         size_t count)
{
    owner_t *owner = req->req.data;
    int first = status;
    for (size_t i = 0; i < count && first == 0; i++) first = results[i].status;
    settle_claim(owner, chaos_answered(&owner->actor, &req->req, first));
}

static void on_batch_got(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                         size_t count)
{
    owner_t *owner = req->req.data;
    int first = status;
    for (size_t i = 0; i < count && first == 0; i++) first = results[i].status;
    if (chaos_answered(&owner->actor, &req->req, first) != CHAOS_DONE) return;
    uint64_t numbers[THREE] = {0};
    for (size_t i = 0; i < count; i++) {
        numbers[i] = results[i].item ? number_in(owner, results[i].item->value) : 0;
        if (results[i].item && numbers[i] == 0)
            chaos_flaw(owner->actor.chaos, "%s holds what nobody put", owner->name);
    }
    if (numbers[0] != numbers[1] || numbers[0] != numbers[2])
        chaos_flaw(owner->actor.chaos, "%s was put by halves: %llu %llu %llu", owner->name,
                   (unsigned long long)numbers[0], (unsigned long long)numbers[1],
                   (unsigned long long)numbers[2]);
    check(owner, numbers[0], "batch");
}

static void batch(owner_t *owner, cairn_store_op_type_t type, cairn_store_batch_cb cb)
{
    char value[VALUE_MOST];
    cairn_slice_t labels[2], text = {0};
    const cairn_namespace_t ns = namespace_of(owner, labels);
    if (type != CAIRN_STORE_GET) try_claim(owner, type == CAIRN_STORE_DELETE);
    if (type == CAIRN_STORE_PUT)
        text = cairn_slice(value, fill(value, owner, owner->trying.number));
    cairn_store_op_t ops[THREE];
    for (int i = 0; i < THREE; i++)
        ops[i] =
            (cairn_store_op_t){.type = type, .ns = ns, .key = cairn_str(keys[i]), .value = text};
    owner->asked_ms = chaos_now_ms();
    chaos_ask(&owner->actor, CHAOS_STORE_BATCH, &owner->batch.req, 0);
    chaos_asked(&owner->actor, &owner->batch.req,
                cairn_store_batch(&owner->actor.link->store, &owner->batch, ops, THREE, cb));
}

/* ---- a day's work ---- */

static void act(chaos_actor_t *actor)
{
    owner_t *owner = (owner_t *)actor;
    const uint64_t dice = chaos_roll(actor->chaos, 10);
    const bool may_write = owner->doubt_count < DOUBTS;
    if (owner->width == THREE) {
        const bool reads = dice < 4 || !may_write;
        batch(owner,
              reads      ? CAIRN_STORE_GET
              : dice < 9 ? CAIRN_STORE_PUT
                         : CAIRN_STORE_DELETE,
              reads ? on_batch_got : on_batch_put);
    } else if (dice < 4 || !may_write) {
        get(owner);
    } else {
        put(owner, dice == 9);
    }
}

/* ---- the round ---- */

static void begin(chaos_t *chaos)
{
    owners = calloc(OWNERS, sizeof *owners);
    if (!owners) abort();
    for (int i = 0; i < OWNERS; i++) {
        owner_t *owner = &owners[i];
        snprintf(owner->name, sizeof owner->name, "i%u-%d", chaos->round, i);
        owner->width = i % 6 >= 4 ? THREE : 1;
        owner->expires = i % 6 == 3;
        chaos_add(chaos, &owner->actor, &chaos->links[i / 6 % CHAOS_LINKS], act);
    }
}

static void settle(chaos_t *chaos)
{
    (void)chaos;
}

static void on_searched(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    owner_t *owner = req->req.data;
    if (chaos_answered(&owner->actor, &req->req, status) == CHAOS_DONE) owner->found = page->count;
}

/* The namespace lists what is there and nothing else. */
static void check_listed(owner_t *owner)
{
    cairn_slice_t labels[2];
    const cairn_store_query_t query = {.prefix = namespace_of(owner, labels)};
    chaos_ask(&owner->actor, CHAOS_STORE_SEARCH, &owner->search.req, 0);
    chaos_asked(&owner->actor, &owner->search.req,
                cairn_store_search(&owner->actor.link->store, &owner->search, &query, on_searched));
    chaos_wait(&owner->actor);
    const size_t there = owner->seen > 0 ? owner->width : 0;
    const bool may_be_unlisted = owner->expires;
    if (may_be_unlisted ? owner->found > there : owner->found != there)
        chaos_flaw(owner->actor.chaos, "%s: a search finds %zu items, and %zu are there; it did%s",
                   owner->name, owner->found, there, owner->past);
}

static void check_all(chaos_t *chaos)
{
    for (int i = 0; i < OWNERS; i++) {
        owner_t *owner = &owners[i];
        owner->actor.link = &chaos->clean;
        if (owner->width == THREE)
            batch(owner, CAIRN_STORE_GET, on_batch_got);
        else
            get(owner);
        chaos_wait(&owner->actor);
        check_listed(owner);
    }
}

static void end(chaos_t *chaos)
{
    (void)chaos;
    free(owners);
}

const chaos_load_t chaos_store_load = {"store", begin, settle, check_all, end};
