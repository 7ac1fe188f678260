/* Items at the places of a search, where these are in different slots: those of a namespace are
 * read together, several namespaces at the same time. */
#include "redis_store.h"

#include <stdlib.h>
#include <uv.h>

#define CALLS_MOST ((size_t)64)

/* Places of one namespace; they are told in their own order. */
typedef struct pile {
    const size_t *places; /* numbers */
    size_t count;
} pile_t;

typedef struct place_number {
    cairn_slice_t path;
    size_t number;
} place_number_t;

static bool has_come(const redis_place_t *place)
{
    return place->item || place->is_gone;
}

static int by_path(const void *one, const void *other)
{
    const place_number_t *a = one, *b = other;
    int order = a->path.ptr == b->path.ptr ? 0 : cairn_slice_cmp(a->path, b->path);
    if (order != 0) return order;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Numbers of what is to be read next, no more than `most`, by namespace. */
static int sort_out(redis_query_t *query, size_t most, place_number_t **out, size_t *count)
{
    const redis_place_t *places = query->places.at;
    const size_t rest = query->taken - query->read;
    place_number_t *numbers =
        cairn_arena_alloc(&query->round, rest < most ? rest : most, sizeof *numbers);
    if (!numbers) return UV_ENOMEM;
    *count = 0;
    for (size_t i = query->read; i < query->taken && *count < most; i++)
        if (!has_come(&places[i])) numbers[(*count)++] = (place_number_t){places[i].path, i};
    if (*count > 1) qsort(numbers, *count, sizeof *numbers, by_path);
    *out = numbers;
    return 0;
}

static int pile_up(redis_query_t *query, size_t most, size_t most_in_a_pile)
{
    place_number_t *numbers;
    size_t count;
    int rc = sort_out(query, most, &numbers, &count);
    size_t *order = rc == 0 ? cairn_arena_alloc(&query->round, count, sizeof *order) : NULL;
    if (!order) return UV_ENOMEM;
    query->piles = (cairn_rows_t){0};
    pile_t *pile = NULL;
    for (size_t i = 0; i < count; i++) {
        order[i] = numbers[i].number;
        const bool goes_on = pile && pile->count < most_in_a_pile &&
                             cairn_slice_eq(numbers[i].path, numbers[i - 1].path);
        if (!goes_on) {
            pile = cairn_rows_add(&query->round, &query->piles, sizeof *pile);
            if (!pile) return UV_ENOMEM;
            *pile = (pile_t){&order[i], 0};
        }
        pile->count++;
    }
    query->asked = count;
    return 0;
}

static const pile_t *pile_of(const redis_query_t *query, const redis_part_t *part)
{
    return (const pile_t *)query->piles.at + part->index;
}

static redis_place_t *place_of(const redis_query_t *query, const pile_t *pile, size_t at)
{
    return (redis_place_t *)query->places.at + pile->places[at];
}

static int shelf_of(cairn_req_t *req, const pile_t *pile, redis_shelf_t *shelf)
{
    redis_query_t *query = redis_query_of(req);
    cairn_namespace_t ns;
    int rc = cairn_namespace_decode(&query->round, place_of(query, pile, 0)->path, &ns);
    if (rc < 0) return rc == UV_EINVAL ? CAIRN_EPROTOCOL : rc;
    *shelf = redis_shelf(redis_job_of(req)->redis, ns);
    return 0;
}

/* ---- the items themselves ---- */

static int send_items(cairn_req_t *req, redis_part_t *part)
{
    const redis_query_t *query = redis_query_of(req);
    const pile_t *pile = pile_of(query, part);
    redis_shelf_t shelf;
    char *out;
    int rc = shelf_of(req, pile, &shelf);
    size_t size = redis_cmd_bound(1, 16);
    for (size_t i = 0; i < pile->count && rc == 0; i++)
        size += redis_store_item_bound(&shelf, place_of(query, pile, i)->key);
    if (rc == 0) rc = redis_part_reserve(redis_job_of(req), shelf.slot, size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_begin(out, 1 + pile->count);
    out = redis_cmd_literal(out, LITERAL("$4\r\nMGET\r\n"));
    for (size_t i = 0; i < pile->count; i++)
        out = redis_store_item(out, &shelf, place_of(query, pile, i)->key);
    redis_part_commit(req, part, out, 0, true);
    return 0;
}

static int take_items(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_query_t *query = redis_query_of(req);
    const pile_t *pile = pile_of(query, part);
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != pile->count) rc = CAIRN_EPROTOCOL;
    for (size_t i = 0; i < pile->count && rc == 0; i++)
        rc = redis_place_take_item(query, place_of(query, pile, i), reply);
    return rc;
}

int redis_spread_items(cairn_req_t *req)
{
    static const redis_fan_plan_t plan = {
        .most = CALLS_MOST, .send = send_items, .take = take_items, .done = redis_search_ask_items};
    redis_query_t *query = redis_query_of(req);
    int rc = pile_up(query, REDIS_STORE_PIECE, REDIS_STORE_PIECE);
    return rc < 0 ? rc : redis_fan_begin(req, &plan, query->piles.count);
}

/* ---- their ranks ---- */

static int send_ranks(cairn_req_t *req, redis_part_t *part)
{
    const redis_query_t *query = redis_query_of(req);
    const pile_t *pile = pile_of(query, part);
    redis_shelf_t shelf;
    char *out;
    int rc = shelf_of(req, pile, &shelf);
    size_t size = sizeof REDIS_MULTI + sizeof REDIS_EXEC;
    for (size_t i = 0; i < pile->count && rc == 0; i++)
        size += redis_near_ask_bound(query, &shelf, place_of(query, pile, i)->key);
    if (rc == 0) rc = redis_part_reserve(redis_job_of(req), shelf.slot, size, &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    for (size_t i = 0; i < pile->count; i++)
        out = redis_near_ask(out, query, &shelf, place_of(query, pile, i)->key);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    redis_part_commit(req, part, out, pile->count * redis_near_asks(query), true);
    return 0;
}

static int take_ranks(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply)
{
    redis_query_t *query = redis_query_of(req);
    const pile_t *pile = pile_of(query, part);
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count != pile->count * redis_near_asks(query)) rc = CAIRN_EPROTOCOL;
    for (size_t i = 0; i < pile->count && rc == 0; i++)
        rc = redis_near_rank(redis_job_of(req), query, place_of(query, pile, i), reply);
    return rc;
}

static int ranked(cairn_req_t *req)
{
    redis_query_t *query = redis_query_of(req);
    query->read += query->asked; /* none of them had come */
    return redis_search_ask_items(req);
}

int redis_spread_ranks(cairn_req_t *req)
{
    enum {
        PIECES = 4 /* at a time */
    };
    static const redis_fan_plan_t plan = {
        .most = CALLS_MOST, .send = send_ranks, .take = take_ranks, .done = ranked};
    redis_query_t *query = redis_query_of(req);
    const size_t piece = redis_near_piece(query);
    int rc = pile_up(query, PIECES * piece, piece);
    return rc < 0 ? rc : redis_fan_begin(req, &plan, query->piles.count);
}
