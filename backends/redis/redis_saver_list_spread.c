/* list of all threads, in a cluster: the list of all checkpoints is one a slot. First it is asked
 * of all slots which are the greatest members; then, of those slots that have the greatest of all,
 * the rows down to the last of them; these are put in order. So a page begins where the one before
 * it ended, wherever slots have gone meanwhile. */
#include "redis_saver_list.h"

#include "redis_saver_gather.h"

#include <cairn/sys/json.h>
#include <stdlib.h>
#include <uv.h>

enum {
    MOST_ROWS = 100,   /* as a page has at the most */
    MOST_MEMBERS = 500 /* that a page looks at, where it looks for a namespace */
};

typedef struct row {
    cairn_slice_t member;
    cairn_checkpoint_tuple_t tuple;
} row_t;

typedef struct spread {
    redis_gather_t gather;
    cairn_slice_t filter;           /* may be absent */
    cairn_slice_t ns, least, below; /* arguments, encoded */
    bool headers_only;
    size_t most;          /* rows of the page */
    size_t looked;        /* members of the page */
    cairn_rows_t members; /* cairn_slice_t */
    cairn_rows_t moved;   /* uint16_t: slots that have to be asked by themselves */
    cairn_rows_t chosen;  /* uint16_t: those that have rows of the page */
    cairn_slice_t last;   /* what the page ends with, if there is more; empty: nothing */
    redis_reply_t *answers;
} spread_t;

static uint16_t slot_at(const cairn_rows_t *slots, size_t index)
{
    return ((const uint16_t *)slots->at)[index];
}

/* ---- members ---- */

static int add_members(spread_t *spread, redis_reply_t *reply)
{
    redis_reply_t kept;
    size_t count = 0;
    int rc = redis_gather_keep(&spread->gather, reply, &kept);
    if (rc == 0) rc = redis_reply_array(&kept, &count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        cairn_slice_t *member =
            cairn_rows_add(&spread->gather.arena, &spread->members, sizeof *member);
        rc = member ? redis_reply_string(&kept, member) : UV_ENOMEM;
    }
    return rc;
}

static int send_members(spread_t *spread, redis_gather_part_t *part, const redis_piece_t *piece,
                        bool alone)
{
    enum {
        ARGS = 5
    };
    char *out;
    const size_t payload = 2 * (sizeof REDIS_KEY_SHARD + REDIS_CMD_NUMBER) + REDIS_CMD_NUMBER;
    int rc = redis_gather_reserve(&spread->gather, piece->first, !alone,
                                  REDIS_SCRIPT_BEGIN + redis_cmd_bound(1 + ARGS, payload) +
                                      redis_piece_bound() + spread->least.len + spread->below.len,
                                  &out);
    if (rc < 0) return rc;
    out =
        redis_script_begin(out, &redis_script_list_slots, REDIS_GUARD_OMITTED, alone ? 1 : 0, ARGS);
    if (alone) out = redis_slot_key(out, LITERAL(REDIS_KEY_SHARD), piece->first);
    out = redis_cmd_arg(out, cairn_slice(LITERAL(REDIS_KEY_SHARD)));
    out = redis_piece_tags(out, piece);
    out = redis_bytes(out, spread->least);
    out = redis_bytes(out, spread->below);
    out = redis_cmd_u64(out, spread->looked + 1);
    redis_gather_commit(&spread->gather, part, out, true);
    return 0;
}

static int send_piece(redis_gather_t *gather, redis_gather_part_t *part)
{
    return send_members((spread_t *)gather, part, &gather->pieces[part->index], false);
}

static int send_moved(redis_gather_t *gather, redis_gather_part_t *part)
{
    spread_t *spread = (spread_t *)gather;
    const redis_piece_t piece = {slot_at(&spread->moved, part->index), 1};
    return send_members(spread, part, &piece, true);
}

static int take_piece(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    spread_t *spread = (spread_t *)gather;
    size_t parts;
    int rc = redis_reply_array(reply, &parts);
    if (rc == 0 && parts != 2) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_piece_read(gather, &gather->pieces[part->index], reply, &spread->moved);
    return rc == 0 ? add_members(spread, reply) : rc;
}

static int take_moved(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    size_t parts;
    (void)part;
    if (redis_reply_array(reply, &parts) < 0 || parts != 2 || redis_reply_skip(reply) < 0)
        return CAIRN_EPROTOCOL;
    return add_members((spread_t *)gather, reply);
}

/* ---- which slots ---- */

static int compare_members(const void *a, const void *b)
{
    return cairn_slice_cmp(*(const cairn_slice_t *)b, *(const cairn_slice_t *)a);
}

static int slot_of_member(spread_t *spread, cairn_slice_t member, uint16_t *slot)
{
    cairn_slice_t encoded;
    char *inverted = cairn_arena_alloc(&spread->gather.arena, member.len, 1);
    if (!inverted) return UV_ENOMEM;
    if (!redis_take_encoded(&member, false, &encoded)) return CAIRN_EPROTOCOL;
    for (size_t i = 0; i < member.len; i++) inverted[i] = (char)~member.ptr[i];
    member = cairn_slice(inverted, member.len);
    if (!redis_take_encoded(&member, false, &encoded)) return CAIRN_EPROTOCOL;
    char *end = redis_decode(inverted, encoded);
    *slot = redis_slot_of_id(cairn_slice(inverted, (size_t)(end - inverted)));
    return 0;
}

static int choose_slots(spread_t *spread)
{
    cairn_arena_t *arena = &spread->gather.arena;
    cairn_slice_t *members = spread->members.at;
    size_t count = spread->members.count;
    bool *seen = cairn_arena_alloc(arena, REDIS_SLOTS, sizeof *seen);
    if (!seen) return UV_ENOMEM;
    memset(seen, 0, REDIS_SLOTS * sizeof *seen);
    if (count > 0) qsort(members, count, sizeof *members, compare_members);
    if (count > spread->looked) {
        count = spread->looked;
        if (count > 0) spread->last = members[count - 1];
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t slot;
        int rc = slot_of_member(spread, members[i], &slot);
        if (rc < 0) return rc;
        if (seen[slot]) continue;
        seen[slot] = true;
        uint16_t *chosen = cairn_rows_add(arena, &spread->chosen, sizeof *chosen);
        if (!chosen) return UV_ENOMEM;
        *chosen = slot;
    }
    return 0;
}

/* ---- rows ---- */

static int send_rows(redis_gather_t *gather, redis_gather_part_t *part)
{
    enum {
        KEYS = 2,
        ARGS = 6
    };
    spread_t *spread = (spread_t *)gather;
    const unsigned slot = slot_at(&spread->chosen, part->index);
    const size_t payload = 2 * (sizeof REDIS_KEY_SHARD_EXPIRY + REDIS_CMD_NUMBER) +
                           sizeof REDIS_KEY_NAMES + REDIS_CMD_NUMBER + 1 + 1 + spread->last.len;
    char *out;
    int rc = redis_gather_reserve(gather, slot, false,
                                  REDIS_SCRIPT_BEGIN + redis_cmd_bound(KEYS + ARGS, payload) +
                                      spread->ns.len + spread->least.len + spread->below.len,
                                  &out);
    if (rc < 0) return rc;
    out = redis_script_begin(out, &redis_script_list_all, (redis_guard_t)slot, KEYS, ARGS);
    out = redis_slot_key(out, LITERAL(REDIS_KEY_SHARD), slot);
    out = redis_slot_key(out, LITERAL(REDIS_KEY_SHARD_EXPIRY), slot);
    out = redis_cmd_literal(out, LITERAL(REDIS_NAMES_ARG));
    out = redis_bytes(out, spread->ns);
    if (spread->last.len > 0) {
        out = redis_cmd_arg_begin(out, 1 + spread->last.len);
        *out++ = '[';
        out = redis_cmd_end(redis_cmd_literal(out, spread->last.ptr, spread->last.len));
    } else {
        out = redis_bytes(out, spread->least);
    }
    out = redis_bytes(out, spread->below);
    out = redis_cmd_u64(out, spread->most);
    out = spread->headers_only ? redis_cmd_literal(out, LITERAL("$1\r\nh\r\n"))
                               : redis_cmd_literal(out, LITERAL("$0\r\n\r\n"));
    redis_gather_commit(gather, part, out, true);
    return 0;
}

static int take_rows(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    return redis_gather_keep(gather, reply, &((spread_t *)gather)->answers[part->index]);
}

/* ---- the page ---- */

static int member_of(spread_t *spread, const cairn_checkpoint_ref_t *ref, cairn_slice_t *member)
{
    const size_t size = redis_encoded_size(ref->checkpoint_id) +
                        redis_encoded_size(ref->thread_id) + redis_encoded_size(ref->checkpoint_ns);
    char *begin = cairn_arena_alloc(&spread->gather.arena, size, 1);
    if (!begin) return UV_ENOMEM;
    char *end = redis_encode(begin, ref->checkpoint_id);
    end = redis_encode_inverted(end, ref->thread_id);
    *member = cairn_slice(begin, (size_t)(redis_encode_inverted(end, ref->checkpoint_ns) - begin));
    return 0;
}

/* The beginning of a slot's answer; where it ended early the page does too. */
static int open_answer(spread_t *spread, redis_reply_t *answer, size_t *count)
{
    size_t parts;
    cairn_slice_t cursor;
    if (redis_reply_array(answer, &parts) < 0 || parts != 2 ||
        redis_reply_string(answer, &cursor) < 0 || redis_reply_array(answer, count) < 0)
        return CAIRN_EPROTOCOL;
    if (cursor.len > 0 && (spread->last.len == 0 || cairn_slice_cmp(cursor, spread->last) > 0))
        spread->last = cursor;
    return 0;
}

static int read_answers(spread_t *spread, row_t **rows, size_t *count)
{
    size_t *counts = cairn_arena_alloc(&spread->gather.arena, spread->chosen.count, sizeof *counts);
    size_t all = 0;
    int rc = counts ? 0 : UV_ENOMEM;
    for (size_t i = 0; i < spread->chosen.count && rc == 0; i++) {
        rc = open_answer(spread, &spread->answers[i], &counts[i]);
        if (rc == 0) all += counts[i];
    }
    *rows = rc == 0 ? cairn_arena_alloc(&spread->gather.arena, all, sizeof **rows) : NULL;
    if (rc == 0 && !*rows) rc = UV_ENOMEM;
    *count = 0;
    for (size_t i = 0; i < spread->chosen.count && rc == 0; i++) {
        for (size_t j = 0; j < counts[i] && rc == 0; j++) {
            row_t *row = &(*rows)[*count];
            rc = redis_listed_row_read(&spread->answers[i], &spread->gather.arena, &row->tuple);
            if (rc == 0) rc = member_of(spread, &row->tuple.ref, &row->member);
            if (rc == 0 && spread->last.len > 0 && cairn_slice_cmp(row->member, spread->last) < 0)
                continue;
            (*count)++;
        }
    }
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    return cairn_slice_cmp(((const row_t *)b)->member, ((const row_t *)a)->member);
}

static int make_page(spread_t *spread, cairn_saver_page_t *page)
{
    row_t *rows;
    size_t count;
    int rc = read_answers(spread, &rows, &count);
    if (rc < 0) return rc;
    if (count > 0) qsort(rows, count, sizeof *rows, compare_rows);
    if (count > spread->most) {
        count = spread->most;
        spread->last = rows[count - 1].member;
    }
    cairn_checkpoint_tuple_t *tuples =
        cairn_arena_alloc(&spread->gather.arena, count, sizeof *tuples);
    if (!tuples) return UV_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int matches =
            spread->filter.len ? cairn_json_contains(rows[i].tuple.metadata, spread->filter) : 1;
        if (matches < 0) return matches;
        if (matches) tuples[page->count++] = rows[i].tuple;
    }
    page->tuples = tuples;
    page->cursor = spread->last;
    return 0;
}

static int tell(redis_gather_t *gather)
{
    const cairn_host_t *host = gather->redis->host;
    cairn_saver_list_t *req = CAIRN_CONTAINER_OF(gather->req, cairn_saver_list_t, req);
    cairn_saver_page_t page = {0};
    int rc = make_page((spread_t *)gather, &page);
    if (rc < 0) return rc;
    redis_gather_end(gather);
    host->api->saver->list_done(req, &page);
    redis_gather_free(gather);
    return 0;
}

/* ---- the rounds ---- */

static const redis_gather_plan_t rows_plan = {send_rows, take_rows, tell};

static int ask_for_rows(redis_gather_t *gather)
{
    spread_t *spread = (spread_t *)gather;
    int rc = choose_slots(spread);
    if (rc < 0) return rc;
    const size_t count = spread->chosen.count;
    spread->answers = cairn_arena_alloc(&gather->arena, count, sizeof *spread->answers);
    return spread->answers ? redis_gather_round(gather, &rows_plan, count) : UV_ENOMEM;
}

static const redis_gather_plan_t moved_plan = {send_moved, take_moved, ask_for_rows};

static int ask_the_moved(redis_gather_t *gather)
{
    return redis_gather_round(gather, &moved_plan, ((spread_t *)gather)->moved.count);
}

static const redis_gather_plan_t pieces_plan = {send_piece, take_piece, ask_the_moved};

int redis_list_spread(redis_backend_t *redis, cairn_saver_list_t *req,
                      const cairn_saver_list_args_t *args, const redis_bound_t *bound)
{
    const size_t bytes = args->filter.len +
                         redis_cmd_bound(3, 4 + redis_encoded_size(args->checkpoint_ns) +
                                                redis_encoded_size(args->checkpoint_id) +
                                                redis_encoded_size(bound->id) + bound->cursor.len);
    spread_t *spread = (spread_t *)redis_gather_new(redis, &req->req, sizeof *spread);
    char *out = spread ? cairn_arena_alloc(&spread->gather.arena, bytes, 1) : NULL;
    if (!out || redis_gather_cut(&spread->gather) < 0) {
        if (spread) redis_gather_free(&spread->gather);
        return UV_ENOMEM;
    }
    spread->filter = cairn_slice(out, args->filter.len);
    spread->ns.ptr = out = redis_bytes(out, args->filter);
    spread->least.ptr = out = redis_list_namespace(out, args);
    spread->ns.len = (size_t)(out - spread->ns.ptr);
    spread->below.ptr = out = redis_list_least(out, args);
    spread->least.len = (size_t)(out - spread->least.ptr);
    spread->below.len = (size_t)(redis_list_greatest(out, bound) - spread->below.ptr);
    spread->headers_only = args->headers_only;
    spread->most = args->most < MOST_ROWS ? args->most : MOST_ROWS;
    spread->looked = args->checkpoint_ns.ptr && spread->most > 0 ? MOST_MEMBERS : spread->most;
    return redis_gather_start(&spread->gather, &pieces_plan, spread->gather.piece_count);
}
