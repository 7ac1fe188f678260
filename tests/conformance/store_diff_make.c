#include "store_diff.h"

#include <stdio.h>
#include <stdlib.h>

const cairn_vector_index_t sdiff_index = {
    .name = {"v\0:", 3}, .dimensions = SDIFF_DIMENSIONS, .metric = CAIRN_METRIC_COSINE};

/* splitmix64 */
uint64_t sdiff_random(sdiff_t *diff, uint64_t below)
{
    diff->random += 0x9e3779b97f4a7c15u;
    uint64_t z = diff->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define PICK(diff, array) ((array)[sdiff_random((diff), COUNT_OF(array))])

static bool chance(sdiff_t *diff, unsigned percent)
{
    return sdiff_random(diff, 100) < percent;
}

/* ---- names ---- */

static cairn_slice_t make_bytes(sdiff_t *diff, char *room, size_t least)
{
    static const char odd[] = "ab:{}*.%\0\x01\xff/|";
    size_t len = least + sdiff_random(diff, 3);
    for (size_t i = 0; i < len; i++) room[i] = odd[sdiff_random(diff, sizeof odd - 1)];
    return cairn_slice(room, len);
}

void sdiff_make_pool(sdiff_t *diff)
{
    sdiff_pool_t *pool = &diff->pool;
    pool->labels[0] = cairn_str("*");
    for (size_t i = 1; i < COUNT_OF(pool->labels); i++)
        pool->labels[i] = make_bytes(diff, pool->room[i], 1);
    for (size_t i = 0; i < SDIFF_KEYS; i++) pool->keys[i] = make_bytes(diff, pool->room[4 + i], 0);
    for (size_t i = 0; i < SDIFF_NAMES; i++) {
        pool->names[i] = (cairn_namespace_t){pool->name_labels[i], 1 + sdiff_random(diff, 3)};
        for (size_t k = 0; k < pool->names[i].count; k++)
            pool->name_labels[i][k] = PICK(diff, pool->labels);
    }
}

/* ---- TTLs ---- */

/* Far enough apart that a refresh shows even where clocks differ. */
static int64_t make_ttl_ms(sdiff_t *diff)
{
    if (diff->exact) return 1 + (int64_t)sdiff_random(diff, 60);
    return 1000000 * (1 + (int64_t)sdiff_random(diff, 8));
}

static cairn_ttl_t make_ttl(sdiff_t *diff)
{
    if (chance(diff, 50)) return (cairn_ttl_t){0};
    return cairn_ttl_ms(chance(diff, 20) ? CAIRN_TTL_PERSIST : make_ttl_ms(diff));
}

static cairn_refresh_t make_refresh(sdiff_t *diff)
{
    return (cairn_refresh_t)sdiff_random(diff, CAIRN_REFRESH_YES + 1);
}

void sdiff_make_options(sdiff_t *diff)
{
    diff->options = (cairn_store_options_t){.default_ttl = make_ttl(diff),
                                            .refresh_on_read = make_refresh(diff),
                                            .indexes = &sdiff_index,
                                            .index_count = 1};
}

/* ---- values and filters ---- */

static int number_text(char *out, size_t size, int halves)
{
    return snprintf(out, size, halves % 2 ? "%d.5" : "%d", halves / 2);
}

static void make_value(sdiff_t *diff, sdiff_op_t *op)
{
    sdiff_value_t *value = &op->value;
    *value = (sdiff_value_t){.is_object = !chance(diff, 5),
                             .n = (int)sdiff_random(diff, 7) - 1,
                             .s = (int)sdiff_random(diff, 4) - 1,
                             .d = (int)sdiff_random(diff, 4) - 1,
                             .i = ++diff->puts};
    char number[16], *at = op->value_text, *end = at + sizeof op->value_text;
    if (!value->is_object) {
        snprintf(at, sizeof op->value_text, "text %u", value->i);
        return;
    }
    number_text(number, sizeof number, value->n);
    at += snprintf(at, (size_t)(end - at), "{");
    if (value->n >= 0) at += snprintf(at, (size_t)(end - at), "\"n\":%s,", number);
    if (value->s >= 0) at += snprintf(at, (size_t)(end - at), "\"s\":\"%c\",", 'a' + value->s);
    if (value->d >= 0)
        at += snprintf(at, (size_t)(end - at), "\"o\":{\"d\":%d,\"e\":1},", value->d);
    snprintf(at, (size_t)(end - at), "\"i\":%u}", value->i);
}

static void add_condition(text_t *out, const sdiff_condition_t *condition)
{
    static const char *const fields[] = {"n", "s", "o.d", "o", "missing.field"};
    static const char *const compares[] = {"", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte"};
    char operand[16] = "null";
    if (condition->operand == OPERAND_NUMBER)
        number_text(operand, sizeof operand, condition->number);
    if (condition->operand == OPERAND_STRING)
        snprintf(operand, sizeof operand, "\"%c\"", 'a' + condition->letter);
    bool nested = condition->field == FIELD_D_NESTED;
    text_add(out, "\"%s\":%s", fields[condition->field], nested ? "{\"d\":" : "");
    if (condition->compare == COMPARE_PLAIN)
        text_add(out, "%s", operand);
    else
        text_add(out, "{\"%s\":%s}", compares[condition->compare], operand);
    if (nested) text_add(out, "}");
}

static void make_filter(sdiff_t *diff, sdiff_op_t *op)
{
    text_t text = {0};
    op->filter_count = 1 + sdiff_random(diff, 2);
    text_add(&text, "{");
    for (size_t i = 0; i < op->filter_count; i++) {
        op->filter[i] = (sdiff_condition_t){
            .field = (sdiff_field_t)((i * 2 + sdiff_random(diff, 3)) % FIELDS),
            .compare = (sdiff_compare_t)sdiff_random(diff, COMPARES),
            .operand = (sdiff_operand_t)sdiff_random(diff, OPERANDS),
            .number = (int)sdiff_random(diff, 6),
            .letter = (int)sdiff_random(diff, 3),
        };
        if (i > 0 && op->filter[i].field == op->filter[0].field)
            op->filter[i].field = FIELD_MISSING;
        if (i > 0) text_add(&text, ",");
        add_condition(&text, &op->filter[i]);
    }
    text_add(&text, "}");
    snprintf(op->filter_text, sizeof op->filter_text, "%s", text_chars(&text));
    text_free(&text);
    op->query.filter = cairn_str(op->filter_text);
}

/* ---- operations ---- */

static void make_floats(sdiff_t *diff, float *out)
{
    for (size_t i = 0; i < SDIFF_DIMENSIONS; i++) out[i] = (float)sdiff_random(diff, 7) - 3;
}

static void make_put(sdiff_t *diff, sdiff_op_t *op)
{
    make_value(diff, op);
    op->options.ttl = make_ttl(diff);
    op->options.vectors = op->vectors;
    op->options.vector_count = chance(diff, 50) ? 0 : sdiff_random(diff, SDIFF_VECTORS + 1);
    for (size_t i = 0; i < op->options.vector_count; i++) {
        make_floats(diff, op->floats[i]);
        op->vectors[i] = (cairn_vector_t){sdiff_index.name, op->floats[i], SDIFF_DIMENSIONS};
    }
}

static void make_paging(sdiff_t *diff, cairn_paging_t *paging, uint64_t *offset)
{
    if (chance(diff, 30)) paging->limit = cairn_limit(sdiff_random(diff, 12));
    paging->page_size = 1 + (uint32_t)sdiff_random(diff, 9);
    if (chance(diff, 30)) *offset = sdiff_random(diff, 8);
}

static void make_search(sdiff_t *diff, sdiff_op_t *op)
{
    cairn_store_query_t *query = &op->query;
    query->order = (cairn_order_t)sdiff_random(diff, CAIRN_ORDER_KEY + 1);
    query->refresh = make_refresh(diff);
    if (chance(diff, 60)) query->prefix = diff->pool.names[op->name];
    if (query->prefix.count > 0) query->prefix.count = 1 + sdiff_random(diff, query->prefix.count);
    if (chance(diff, 50)) make_filter(diff, op);
    make_paging(diff, &query->paging, &query->offset);
}

static void make_near(sdiff_t *diff, sdiff_op_t *op)
{
    make_search(diff, op);
    make_floats(diff, op->floats[0]);
    op->near = (cairn_vector_t){sdiff_index.name, op->floats[0], SDIFF_DIMENSIONS};
    op->query.near = &op->near;
    op->query.metric = (cairn_metric_t)sdiff_random(diff, CAIRN_METRIC_INNER_PRODUCT + 1);
    op->query.paging = (cairn_paging_t){.limit = cairn_limit(sdiff_random(diff, 20))};
}

static void make_list(sdiff_t *diff, sdiff_op_t *op)
{
    op->list.conditions = op->conditions;
    op->list.condition_count = chance(diff, 40) ? 0 : sdiff_random(diff, SDIFF_CONDITIONS);
    op->list.max_depth = sdiff_random(diff, 4);
    for (size_t i = 0; i < op->list.condition_count; i++) {
        size_t count = 1 + sdiff_random(diff, 3);
        for (size_t k = 0; k < count; k++)
            op->labels[i][k] = chance(diff, 40) ? cairn_str("*") : PICK(diff, diff->pool.labels);
        op->conditions[i] = (cairn_match_condition_t){
            chance(diff, 50) ? CAIRN_MATCH_PREFIX : CAIRN_MATCH_SUFFIX, {op->labels[i], count}};
    }
    make_paging(diff, &op->list.paging, &op->list.offset);
}

static void make_kind(sdiff_t *diff, sdiff_op_t *op, sdiff_kind_t kind)
{
    *op = (sdiff_op_t){.kind = kind,
                       .name = sdiff_random(diff, SDIFF_NAMES),
                       .key = sdiff_random(diff, SDIFF_KEYS)};
    op->refresh = make_refresh(diff);
    op->ttl = cairn_ttl_ms(make_ttl_ms(diff));
    if (kind == SDIFF_PUT) make_put(diff, op);
    if (kind == SDIFF_SEARCH) make_search(diff, op);
    if (kind == SDIFF_NEAR) make_near(diff, op);
    if (kind == SDIFF_LIST) make_list(diff, op);
    if (kind == SDIFF_COUNT) make_search(diff, op);
    if (kind == SDIFF_COUNT) op->query.offset = 0;
    if (kind == SDIFF_COUNT) op->query.paging = (cairn_paging_t){0};
    if (kind == SDIFF_PASS) op->pass_ms = 1 + (unsigned)sdiff_random(diff, 25);
}

static void make_batch(sdiff_t *diff)
{
    static const sdiff_kind_t kinds[] = {SDIFF_PUT, SDIFF_PUT,    SDIFF_PUT, SDIFF_DELETE,
                                         SDIFF_GET, SDIFF_SEARCH, SDIFF_LIST};
    diff->op.parts = diff->parts;
    diff->op.part_count = sdiff_random(diff, SDIFF_BATCH + 1);
    for (size_t i = 0; i < diff->op.part_count; i++) {
        make_kind(diff, &diff->parts[i], PICK(diff, kinds));
        if (!diff->together && diff->parts[i].kind <= SDIFF_DELETE)
            diff->parts[i].name = diff->op.name;
    }
}

void sdiff_make_op(sdiff_t *diff)
{
    static const sdiff_kind_t kinds[] = {
        SDIFF_PUT,    SDIFF_PUT,    SDIFF_PUT,      SDIFF_PUT,      SDIFF_PUT,      SDIFF_PUT,
        SDIFF_PUT,    SDIFF_PUT,    SDIFF_GET,      SDIFF_GET,      SDIFF_GET,      SDIFF_DELETE,
        SDIFF_SEARCH, SDIFF_SEARCH, SDIFF_LIST,     SDIFF_LIST,     SDIFF_NEAR,     SDIFF_NEAR,
        SDIFF_SEARCH, SDIFF_SEARCH, SDIFF_COUNT,    SDIFF_TTL,      SDIFF_TTL,      SDIFF_SET_TTL,
        SDIFF_PIN,    SDIFF_UNPIN,  SDIFF_BATCH_OF, SDIFF_BATCH_OF, SDIFF_BATCH_OF, SDIFF_PASS,
    };
    sdiff_kind_t kind = PICK(diff, kinds);
    if (kind == SDIFF_PASS && !diff->exact) kind = SDIFF_GET;
    make_kind(diff, &diff->op, kind);
    if (kind == SDIFF_BATCH_OF) make_batch(diff);
    diff->steps++;
}

void sdiff_make_brief_op(sdiff_t *diff)
{
    make_kind(diff, &diff->op, chance(diff, 50) ? SDIFF_PUT : SDIFF_SET_TTL);
    diff->op.ttl = diff->op.options.ttl = cairn_ttl_ms(1 + (int64_t)sdiff_random(diff, 3));
    diff->steps++;
}

/* ---- in words, for who has to find out ---- */

static void describe_list(text_t *out, const cairn_namespace_query_t *list)
{
    for (size_t i = 0; i < list->condition_count; i++) {
        text_add(out, list->conditions[i].type == CAIRN_MATCH_PREFIX ? " prefix=" : " suffix=");
        text_add_ns(out, list->conditions[i].path);
    }
    text_add(out, " depth=%zu offset=%u limit=%d:%u page=%u", list->max_depth,
             (unsigned)list->offset, list->paging.limit.given, (unsigned)list->paging.limit.count,
             list->paging.page_size);
}

static void describe_query(text_t *out, const cairn_store_query_t *query)
{
    text_add(out, " prefix=");
    text_add_ns(out, query->prefix);
    text_add(out, " filter=%s order=%d offset=%u limit=%d:%u page=%u refresh=%d metric=%d",
             query->filter.len ? query->filter.ptr : "", query->order, (unsigned)query->offset,
             query->paging.limit.given, (unsigned)query->paging.limit.count,
             query->paging.page_size, query->refresh, query->metric);
    if (query->near)
        text_add(out, " near=%g,%g,%g", (double)query->near->values[0],
                 (double)query->near->values[1], (double)query->near->values[2]);
}

void sdiff_describe(text_t *out, const sdiff_pool_t *pool, const sdiff_op_t *op)
{
    static const char *const names[] = {"put", "delete", "get", "search", "list",  "near", "count",
                                        "ttl", "set",    "pin", "unpin",  "batch", "pass"};
    text_add(out, "%s ", names[op->kind]);
    if (op->kind == SDIFF_PASS) {
        text_add(out, "%u ms", op->pass_ms);
    } else if (op->kind == SDIFF_LIST) {
        describe_list(out, &op->list);
    } else if (op->kind == SDIFF_SEARCH || op->kind == SDIFF_NEAR || op->kind == SDIFF_COUNT) {
        describe_query(out, &op->query);
    } else if (op->kind == SDIFF_BATCH_OF) {
        for (size_t i = 0; i < op->part_count; i++) {
            text_add(out, "\n    ");
            sdiff_describe(out, pool, &op->parts[i]);
        }
    } else {
        text_add_place(out, pool->names[op->name], pool->keys[op->key]);
        if (op->kind == SDIFF_PUT)
            text_add(out, " %s ttl=%d:%lld vectors=%zu", op->value_text, op->options.ttl.given,
                     (long long)op->options.ttl.ms, op->options.vector_count);
        if (op->kind == SDIFF_SET_TTL) text_add(out, " ttl=%lld", (long long)op->ttl.ms);
        if (op->kind == SDIFF_GET) text_add(out, " refresh=%d", op->refresh);
    }
}
