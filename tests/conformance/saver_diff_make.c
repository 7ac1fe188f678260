#include "saver_diff.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t diff_random(diff_t *diff, uint64_t below)
{
    uint64_t z = (diff->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static bool chance(diff_t *diff, unsigned percent)
{
    return diff_random(diff, 100) < percent;
}

#define PICK(diff, array) ((array)[diff_random((diff), sizeof(array) / sizeof *(array))])

/* ---- ids ---- */

static cairn_slice_t keep(pool_t *pool, const char *bytes, size_t len)
{
    if (pool->used == sizeof pool->room / sizeof *pool->room) abort();
    char *room = pool->room[pool->used++];
    memcpy(room, bytes, len);
    return cairn_slice(room, len);
}

/* Plain ones, and ones made of what means something in keys, patterns and scripts. */
static cairn_slice_t make_id(diff_t *diff, const char *plain, size_t number)
{
    static const char awkward[] = {'{', '}', ':', '%', '*', '|', '\0', '\xff', 'a', ' ', '\n', '_'};
    char bytes[DIFF_BYTES];
    if (chance(diff, 50)) {
        int len = snprintf(bytes, sizeof bytes, "%s%u", plain, (unsigned)number % 100);
        return keep(&diff->pool, bytes, (size_t)len);
    }
    size_t len = diff_random(diff, 5);
    for (size_t i = 0; i < len; i++) bytes[i] = PICK(diff, awkward);
    return keep(&diff->pool, bytes, len);
}

static void make_ids(diff_t *diff, cairn_slice_t *out, size_t count, const char *plain)
{
    for (size_t i = 0; i < count; i++) out[i] = make_id(diff, plain, i);
}

#define MAKE_IDS(diff, array, plain)                                                               \
    make_ids((diff), (array), sizeof(array) / sizeof *(array), (plain))

void diff_make_pool(diff_t *diff)
{
    pool_t *pool = &diff->pool;
    pool->used = 0;
    MAKE_IDS(diff, pool->threads, "thread");
    MAKE_IDS(diff, pool->spaces, "ns");
    pool->spaces[0] = cairn_str("");
    MAKE_IDS(diff, pool->ids, "id");
    MAKE_IDS(diff, pool->channels, "ch");
    pool->channels[0] = cairn_str("d");
    MAKE_IDS(diff, pool->versions, "v");
    MAKE_IDS(diff, pool->tasks, "task");
    MAKE_IDS(diff, pool->runs, "run");
}

void diff_make_options(diff_t *diff)
{
    diff->only_ttls = chance(diff, 30);
    cairn_saver_options_t *options = &diff->options;
    *options = (cairn_saver_options_t){0};
    if (diff->only_ttls || chance(diff, 50)) options->default_ttl = cairn_ttl_ms(1000000);
    if (chance(diff, 30)) options->ttl_scope = CAIRN_SCOPE_THREAD;
    options->refresh_on_read = chance(diff, 50);
    options->shallow = chance(diff, 10);
}

/* ---- parts ---- */

static cairn_checkpoint_ref_t make_ref(diff_t *diff, unsigned absent_percent)
{
    cairn_checkpoint_ref_t at = {PICK(diff, diff->pool.threads), PICK(diff, diff->pool.spaces),
                                 PICK(diff, diff->pool.ids)};
    if (chance(diff, absent_percent)) at.checkpoint_id = cairn_str(NULL);
    if (at.checkpoint_ns.len == 0 && chance(diff, 50)) at.checkpoint_ns = cairn_str(NULL);
    return at;
}

/* Far enough from each other to be told apart, and from a sequence's end. */
static int64_t make_long_ttl(diff_t *diff)
{
    static const int64_t ttls[] = {1000000, 2000000, 4000000, CAIRN_TTL_MAX_MS};
    return PICK(diff, ttls);
}

static cairn_ttl_t make_ttl(diff_t *diff)
{
    cairn_ttl_t nothing_said = {0};
    if (chance(diff, 70)) return nothing_said;
    if (!diff->only_ttls && chance(diff, 25)) return cairn_ttl_ms(CAIRN_TTL_PERSIST);
    return cairn_ttl_ms(make_long_ttl(diff));
}

static cairn_value_t make_value(diff_t *diff, op_t *op, size_t which)
{
    if (chance(diff, 10)) return cairn_value(cairn_str(""), cairn_str(""));
    int len = snprintf(op->bytes[which], DIFF_BYTES, "%u%c%u", diff->steps % 100000,
                       chance(diff, 10) ? '\0' : '.', (unsigned)which % 10);
    cairn_slice_t type = chance(diff, 80) ? cairn_str(TEXT_TYPE) : PICK(diff, diff->pool.channels);
    return cairn_value(type, cairn_slice(op->bytes[which], (size_t)len));
}

/* Each channel at most once, with or without a value put along. */
static void make_channels(diff_t *diff, op_t *op)
{
    cairn_checkpoint_t *checkpoint = &op->checkpoint;
    size_t first = diff_random(diff, DIFF_CHANNELS);
    for (size_t i = 0; i < DIFF_CHANNELS; i++) {
        cairn_slice_t channel = diff->pool.channels[(first + i) % DIFF_CHANNELS];
        bool twice = false;
        for (size_t k = 0; k < checkpoint->channel_version_count; k++)
            twice = twice || cairn_slice_eq(op->versions[k].channel, channel);
        if (twice || chance(diff, 40)) continue;
        cairn_slice_t version = PICK(diff, diff->pool.versions);
        op->versions[checkpoint->channel_version_count++] =
            (cairn_channel_version_t){channel, version};
        if (chance(diff, 40)) continue;
        size_t at = checkpoint->channel_value_count++;
        op->values[at] = (cairn_channel_value_t){channel, version, CAIRN_CHANNEL_VALUE, {{0}, {0}}};
        if (chance(diff, 15))
            op->values[at].kind = CAIRN_CHANNEL_EMPTY;
        else if (chance(diff, 20))
            op->values[at].kind = CAIRN_CHANNEL_DELTA;
        else
            op->values[at].value = make_value(diff, op, at);
    }
    checkpoint->channel_versions = op->versions;
    checkpoint->channel_values = op->values;
}

static void make_metadata(diff_t *diff, op_t *op)
{
    static const char *const more[] = {
        "",
        ",\"nested\":{\"a\":1,\"b\":null}",
        ",\"run_id\":\"run1\"",
        ",\"counters_since_delta_snapshot\":{\"d\":[1,2]}",
        ",\"list\":[1,2.0,\"three\"]",
    };
    snprintf(op->metadata, sizeof op->metadata, "{\"step\":%u%s}", (unsigned)diff_random(diff, 3),
             PICK(diff, more));
    if (chance(diff, 20)) op->metadata[0] = '\0';
}

static void make_filter(diff_t *diff, op_t *op)
{
    static const char *const filters[] = {
        "{\"step\":1}",
        "{\"step\":2.0}",
        "{\"nested\":{\"b\":null}}",
        "{\"nested\":{}}",
        "{\"list\":[1,2,\"three\"]}",
        "{\"run_id\":\"run1\",\"step\":0}",
        "{\"missing\":null}",
        "{}",
    };
    snprintf(op->filter, sizeof op->filter, "%s", PICK(diff, filters));
    op->query.filter = cairn_str(op->filter);
}

/* ---- values that come late ---- */

static size_t place_of(const cairn_slice_t *pool, cairn_slice_t id)
{
    size_t at = 0;
    while (!cairn_slice_eq(pool[at], id)) at++;
    return at;
}

static bool *bare_of(diff_t *diff, const op_t *op, const cairn_channel_version_t *version)
{
    return &diff->bare[place_of(diff->pool.threads, op->at.thread_id)]
                      [place_of(diff->pool.spaces, op->at.checkpoint_ns)]
                      [place_of(diff->pool.channels, version->channel)]
                      [place_of(diff->pool.versions, version->version)];
}

static void drop_value(op_t *op, size_t at)
{
    op->checkpoint.channel_value_count--;
    for (; at < op->checkpoint.channel_value_count; at++) op->values[at] = op->values[at + 1];
}

/* A version is stored by the first checkpoint that names it, says checkpoint.h. What was named before
 * is stored only to stay, or not at all: then it makes no difference who was first. */
static void mind_who_is_first(diff_t *diff, op_t *op, bool may_stay)
{
    for (size_t i = 0; i < op->checkpoint.channel_version_count; i++) {
        bool *bare = bare_of(diff, op, &op->versions[i]);
        size_t at = 0;
        while (at < op->checkpoint.channel_value_count &&
               !cairn_slice_eq(op->values[at].channel, op->versions[i].channel))
            at++;
        bool stored = at < op->checkpoint.channel_value_count;
        if (stored && *bare && !may_stay) drop_value(op, at);
        if (stored && *bare && may_stay)
            op->put_options.ttl =
                cairn_ttl_ms(diff->only_ttls ? CAIRN_TTL_MAX_MS : CAIRN_TTL_PERSIST);
        *bare = *bare || !stored;
    }
}

static void mind_a_copy(diff_t *diff, const op_t *op)
{
    const bool *from = &diff->bare[place_of(diff->pool.threads, op->names[0])][0][0][0];
    bool *to = &diff->bare[place_of(diff->pool.threads, op->names[1])][0][0][0];
    for (size_t i = 0; i < sizeof diff->bare[0]; i++) to[i] = to[i] || from[i];
}

/* ---- operations ---- */

static void make_put(diff_t *diff, op_t *op)
{
    op->at = make_ref(diff, 30);
    op->ttl = make_ttl(diff);
    op->checkpoint = (cairn_checkpoint_t){.id = PICK(diff, diff->pool.ids)};
    op->checkpoint.v = (int64_t)diff_random(diff, 3);
    if (chance(diff, 30)) op->checkpoint.ts = PICK(diff, diff->pool.ids);
    make_channels(diff, op);
    for (size_t i = diff_random(diff, 3); i > 0; i--)
        op->seen[op->checkpoint.version_seen_count++] =
            (cairn_version_seen_t){PICK(diff, diff->pool.tasks),
                                   chance(diff, 20) ? cairn_str(NULL) : op->versions[0].channel,
                                   PICK(diff, diff->pool.versions)};
    op->checkpoint.versions_seen = op->seen;
    for (size_t i = diff_random(diff, 3); i > 0; i--)
        op->updated[op->checkpoint.updated_channel_count++] = PICK(diff, diff->pool.channels);
    if (op->checkpoint.updated_channel_count > 0 || chance(diff, 50))
        op->checkpoint.updated_channels = op->updated;
    if (chance(diff, 20)) op->checkpoint.extra = make_value(diff, op, DIFF_CHANNELS - 1);
    make_metadata(diff, op);
    op->put_options.ttl = op->ttl;
    if (chance(diff, 50)) op->put_options.run_id = PICK(diff, diff->pool.runs);
}

static void make_write(diff_t *diff, op_t *op)
{
    static const char *const special[] = {CAIRN_CHANNEL_ERROR, CAIRN_CHANNEL_SCHEDULED,
                                          CAIRN_CHANNEL_INTERRUPT, CAIRN_CHANNEL_RESUME};
    op->at = make_ref(diff, 0);
    op->ttl = make_ttl(diff);
    op->task = (cairn_task_writes_t){.task_id = PICK(diff, diff->pool.tasks),
                                     .writes = op->writes,
                                     .count = diff_random(diff, DIFF_CHANNELS + 1)};
    if (chance(diff, 30)) op->task.task_path = PICK(diff, diff->pool.tasks);
    for (size_t i = 0; i < op->task.count; i++) {
        op->writes[i].channel =
            chance(diff, 20) ? cairn_str(PICK(diff, special)) : PICK(diff, diff->pool.channels);
        op->writes[i].value = make_value(diff, op, i);
    }
}

static void make_list(diff_t *diff, op_t *op)
{
    cairn_saver_query_t *query = &op->query;
    if (chance(diff, 60)) query->thread_id = PICK(diff, diff->pool.threads);
    if (chance(diff, 40)) query->checkpoint_ns = PICK(diff, diff->pool.spaces);
    if (chance(diff, 10)) query->checkpoint_id = PICK(diff, diff->pool.ids);
    if (chance(diff, 25)) {
        op->before = make_ref(diff, 0);
        query->before = &op->before;
    }
    if (chance(diff, 30)) make_filter(diff, op);
    if (chance(diff, 30)) query->paging.limit = cairn_limit(diff_random(diff, 10));
    if (chance(diff, 60)) query->paging.page_size = 1 + (uint32_t)diff_random(diff, 8);
    query->headers_only = chance(diff, 20);
}

static void make_names(diff_t *diff, op_t *op, const cairn_slice_t *from, size_t count)
{
    op->name_count = diff_random(diff, 4);
    for (size_t i = 0; i < op->name_count; i++) op->names[i] = from[diff_random(diff, count)];
}

static void make_prune(diff_t *diff, op_t *op)
{
    make_names(diff, op, diff->pool.threads, DIFF_THREADS);
    op->prune = (cairn_saver_prune_options_t){
        .thread_ids = op->names,
        .thread_count = op->name_count,
        .strategy = chance(diff, 85) ? CAIRN_PRUNE_KEEP_LATEST : CAIRN_PRUNE_DELETE,
        .keep = (uint32_t)diff_random(diff, 5),
    };
}

static void make_rest(diff_t *diff, op_t *op)
{
    static const cairn_refresh_t refreshes[] = {CAIRN_REFRESH_DEFAULT, CAIRN_REFRESH_NO,
                                                CAIRN_REFRESH_YES};
    op->at = make_ref(diff, 40);
    op->scope = chance(diff, 70) ? CAIRN_SCOPE_CHECKPOINT : CAIRN_SCOPE_THREAD;
    op->get_options.refresh = PICK(diff, refreshes);
    op->get_options.headers_only = chance(diff, 15);
    op->ttl = cairn_ttl_ms(make_long_ttl(diff));
    if (op->kind == OP_HISTORY) make_names(diff, op, diff->pool.channels, DIFF_CHANNELS);
    if (op->kind == OP_DELETE_FOR_RUNS) make_names(diff, op, diff->pool.runs, 3);
    if (op->kind == OP_COPY) op->names[0] = PICK(diff, diff->pool.threads);
    if (op->kind == OP_COPY) op->names[1] = PICK(diff, diff->pool.threads);
    if (op->kind == OP_COPY) mind_a_copy(diff, op);
}

static op_kind_t make_kind(diff_t *diff, bool in_batch)
{
    static const op_kind_t often[] = {OP_PUT,   OP_PUT, OP_PUT,   OP_PUT,     OP_PUT, OP_PUT,
                                      OP_WRITE, OP_GET, OP_WRITE, OP_HISTORY, OP_TTL, OP_SET_TTL,
                                      OP_GET,   OP_GET, OP_PIN,   OP_UNPIN};
    static const op_kind_t seldom[] = {OP_LIST,  OP_LIST,         OP_LIST,  OP_LIST,
                                       OP_COPY,  OP_COPY,         OP_PRUNE, OP_DELETE_FOR_RUNS,
                                       OP_PRUNE, OP_DELETE_THREAD};
    op_kind_t kind = in_batch ? PICK(diff, often) : PICK(diff, seldom);
    return kind == OP_PIN && diff->only_ttls ? OP_GET : kind;
}

void diff_make_op(diff_t *diff, op_t *op, bool in_batch)
{
    *op = (op_t){.kind = make_kind(diff, in_batch)};
    diff->steps++;
    if (op->kind == OP_PUT) {
        make_put(diff, op);
        mind_who_is_first(diff, op, true);
    } else if (op->kind == OP_WRITE)
        make_write(diff, op);
    else if (op->kind == OP_LIST)
        make_list(diff, op);
    else if (op->kind == OP_PRUNE)
        make_prune(diff, op);
    else
        make_rest(diff, op);
}

int64_t diff_make_brief_op(diff_t *diff, op_t *op)
{
    static const op_kind_t kinds[] = {OP_PUT, OP_WRITE, OP_SET_TTL, OP_SET_TTL, OP_SET_TTL};
    int64_t ttl_ms = 1 + (int64_t)diff_random(diff, 3);
    *op = (op_t){.kind = PICK(diff, kinds)};
    diff->steps++;
    if (op->kind == OP_PUT) {
        make_put(diff, op);
        mind_who_is_first(diff, op, false);
    } else if (op->kind == OP_WRITE)
        make_write(diff, op);
    else
        make_rest(diff, op);
    op->ttl = op->put_options.ttl = cairn_ttl_ms(ttl_ms);
    return ttl_ms;
}

/* ---- in words, for who has to find out ---- */

static void add(text_t *out, const char *label, cairn_slice_t id)
{
    text_add(out, " %s=", label);
    text_add_id(out, id);
}

static void describe_checkpoint(text_t *out, const op_t *op)
{
    const cairn_checkpoint_t *checkpoint = &op->checkpoint;
    add(out, "id", checkpoint->id);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        text_add(out, " ");
        text_add_id(out, op->versions[i].channel);
        text_add(out, "@");
        text_add_id(out, op->versions[i].version);
        for (size_t k = 0; k < checkpoint->channel_value_count; k++) {
            if (!cairn_slice_eq(op->values[k].channel, op->versions[i].channel)) continue;
            static const char *const kinds[] = {"=", "!", "~"};
            text_add(out, "%s", kinds[op->values[k].kind]);
        }
    }
    add(out, "run", op->put_options.run_id);
    text_add(out, " %s", op->metadata);
}

void diff_describe(text_t *out, const op_t *op)
{
    static const char *const names[] = {"put",  "write", "get",   "history", "ttl",
                                        "set",  "pin",   "unpin", "list",    "delete",
                                        "runs", "prune", "copy"};
    text_add(out, "%s", names[op->kind]);
    if (op->kind < OP_LIST || op->kind == OP_DELETE_THREAD) {
        add(out, "thread", op->at.thread_id);
        add(out, "ns", op->at.checkpoint_ns);
        add(out, op->kind == OP_PUT ? "parent" : "at", op->at.checkpoint_id);
    }
    if (op->kind == OP_PUT) describe_checkpoint(out, op);
    if (op->kind == OP_WRITE) {
        add(out, "task", op->task.task_id);
        for (size_t i = 0; i < op->task.count; i++) add(out, "to", op->writes[i].channel);
    }
    if (op->kind == OP_GET)
        text_add(out, " refresh=%d headers=%d", op->get_options.refresh,
                 op->get_options.headers_only);
    if (op->kind >= OP_TTL && op->kind <= OP_UNPIN)
        text_add(out, " scope=%s", op->scope == CAIRN_SCOPE_THREAD ? "thread" : "checkpoint");
    if (op->ttl.given && op->kind != OP_TTL) text_add(out, " ttl=%lld", (long long)op->ttl.ms);
    if (op->kind == OP_LIST) {
        add(out, "thread", op->query.thread_id);
        add(out, "ns", op->query.checkpoint_ns);
        add(out, "id", op->query.checkpoint_id);
        add(out, "before", op->before.checkpoint_id);
        text_add(out, " filter=%s limit=%d:%u page=%u headers=%d", op->filter,
                 op->query.paging.limit.given, (unsigned)op->query.paging.limit.count,
                 (unsigned)op->query.paging.page_size, op->query.headers_only);
    }
    for (size_t i = 0; i < op->name_count; i++) add(out, "name", op->names[i]);
    if (op->kind == OP_COPY) add(out, "from", op->names[0]);
    if (op->kind == OP_COPY) add(out, "to", op->names[1]);
    if (op->kind == OP_PRUNE)
        text_add(out, " %s keep=%u", op->prune.strategy ? "delete" : "latest",
                 (unsigned)op->prune.keep);
}
