/* The model: a flat array, read from one end to the other. */
#include "store_diff.h"

#include <math.h>
#include <stdlib.h>

/* ---- items ---- */

static bool same_name(cairn_namespace_t a, cairn_namespace_t b)
{
    if (a.count != b.count) return false;
    for (size_t i = 0; i < a.count; i++)
        if (!cairn_slice_eq(a.labels[i], b.labels[i])) return false;
    return true;
}

static int compare_names(cairn_namespace_t a, cairn_namespace_t b)
{
    size_t i = 0;
    while (i < a.count && i < b.count && cairn_slice_eq(a.labels[i], b.labels[i])) i++;
    if (i == a.count || i == b.count) return (a.count > b.count) - (a.count < b.count);
    return cairn_slice_cmp(a.labels[i], b.labels[i]);
}

static model_item_t *find(model_t *model, const sdiff_op_t *op)
{
    for (size_t i = 0; i < SDIFF_ITEMS; i++) {
        model_item_t *item = &model->items[i];
        if (item->lives && same_name(item->ns, model->pool->names[op->name]) &&
            cairn_slice_eq(item->key, model->pool->keys[op->key]))
            return item;
    }
    return NULL;
}

static void expire(model_t *model)
{
    for (size_t i = 0; i < SDIFF_ITEMS; i++) {
        model_item_t *item = &model->items[i];
        if (item->ttl_ms > 0 && item->deadline_ms <= model->now_ms) item->lives = false;
    }
}

static void set_ttl(model_t *model, model_item_t *item, int64_t ttl_ms)
{
    item->ttl_ms = ttl_ms;
    if (ttl_ms > 0) item->deadline_ms = model->now_ms + (uint64_t)ttl_ms;
}

static void read_item(model_t *model, model_item_t *item, cairn_refresh_t refresh)
{
    if (refresh == CAIRN_REFRESH_DEFAULT) refresh = model->options.refresh_on_read;
    if (refresh != CAIRN_REFRESH_NO) set_ttl(model, item, item->ttl_ms);
}

static int64_t default_ttl(const model_t *model)
{
    return model->options.default_ttl.given ? model->options.default_ttl.ms : CAIRN_TTL_PERSIST;
}

static void put(model_t *model, const sdiff_op_t *op, uint64_t created)
{
    model_item_t *item = find(model, op);
    for (size_t i = 0; i < SDIFF_ITEMS && !item; i++)
        if (!model->items[i].lives) item = &model->items[i];
    if (!item) abort();
    *item = (model_item_t){.lives = true,
                           .ns = model->pool->names[op->name],
                           .key = model->pool->keys[op->key],
                           .value = op->value,
                           .created = created,
                           .updated = model->operations,
                           .vector_count = op->options.vector_count};
    memcpy(item->text, op->value_text, sizeof item->text);
    memcpy(item->floats, op->floats, sizeof item->floats);
    set_ttl(model, item, op->options.ttl.given ? op->options.ttl.ms : default_ttl(model));
}

/* ---- filters ---- */

/* Numbers in halves. Whether there is an order, and which. */
static bool order_of(const sdiff_condition_t *condition, const sdiff_value_t *value, int *order)
{
    if (condition->field == FIELD_MISSING) return false;
    if (condition->field == FIELD_S) {
        if (condition->operand != OPERAND_STRING || value->s < 0) return false;
        *order = value->s - condition->letter;
        return true;
    }
    int number = condition->field == FIELD_N ? value->n : value->d < 0 ? -1 : 2 * value->d;
    if (condition->operand != OPERAND_NUMBER || number < 0) return false;
    *order = number - condition->number;
    return true;
}

static bool condition_holds(const sdiff_condition_t *condition, const sdiff_value_t *value)
{
    int order = 0;
    bool ordered = order_of(condition, value, &order);
    /* Inside a plain object, which must be there. */
    if (condition->field == FIELD_D_NESTED && value->d < 0) return false;
    switch (condition->compare) {
    case COMPARE_PLAIN:
    case COMPARE_EQ:
        return ordered && order == 0;
    case COMPARE_NE:
        return !ordered || order != 0;
    case COMPARE_GT:
        return ordered && order > 0;
    case COMPARE_GTE:
        return ordered && order >= 0;
    case COMPARE_LT:
        return ordered && order < 0;
    case COMPARE_LTE:
        return ordered && order <= 0;
    default:
        abort();
    }
}

static bool filter_holds(const sdiff_op_t *op, const model_item_t *item)
{
    if (op->filter_count > 0 && !item->value.is_object) return false;
    for (size_t i = 0; i < op->filter_count; i++)
        if (!condition_holds(&op->filter[i], &item->value)) return false;
    return true;
}

/* ---- search ---- */

static bool begins(cairn_namespace_t name, cairn_namespace_t prefix)
{
    if (prefix.count > name.count) return false;
    name.count = prefix.count;
    return same_name(name, prefix);
}

static double score_of(const float *a, const float *b, cairn_metric_t metric)
{
    double dot = 0, apart = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < SDIFF_DIMENSIONS; i++) {
        double x = (double)a[i], y = (double)b[i];
        dot += x * y;
        aa += x * x;
        bb += y * y;
        apart += (x - y) * (x - y);
    }
    if (metric == CAIRN_METRIC_L2) return -sqrt(apart);
    if (metric == CAIRN_METRIC_INNER_PRODUCT) return dot;
    return aa > 0 && bb > 0 ? dot / (sqrt(aa) * sqrt(bb)) : 0;
}

static void score(model_item_t *item, const sdiff_op_t *op)
{
    for (size_t i = 0; i < item->vector_count; i++) {
        double one = score_of(op->near.values, item->floats[i], op->query.metric);
        if (i == 0 || one > item->score) item->score = one;
    }
}

static const sdiff_op_t *sorted_for;

static int in_order(const void *a, const void *b)
{
    const model_item_t *one = *(model_item_t *const *)a, *other = *(model_item_t *const *)b;
    int by_name = compare_names(one->ns, other->ns);
    int by_key = cairn_slice_cmp(one->key, other->key);
    int by_change = (one->updated > other->updated) - (one->updated < other->updated);
    int by_score = (one->score < other->score) - (one->score > other->score);
    int first = by_change;
    if (sorted_for->kind == SDIFF_NEAR)
        first = by_score;
    else if (sorted_for->query.order == CAIRN_ORDER_UPDATED_DESC)
        first = -by_change;
    else if (sorted_for->query.order == CAIRN_ORDER_KEY)
        return by_name != 0 ? by_name : by_key;
    if (first != 0) return first;
    return by_key != 0 ? by_key : by_name;
}

static size_t search(model_t *model, const sdiff_op_t *op, model_item_t **found)
{
    size_t count = 0;
    for (size_t i = 0; i < SDIFF_ITEMS; i++) {
        model_item_t *item = &model->items[i];
        if (!item->lives || !begins(item->ns, op->query.prefix) || !filter_holds(op, item))
            continue;
        if (op->kind == SDIFF_NEAR && item->vector_count == 0) continue;
        if (op->kind == SDIFF_NEAR) score(item, op);
        found[count++] = item;
    }
    sorted_for = op;
    qsort(found, count, sizeof(model_item_t *), in_order);
    size_t skipped = op->query.offset < count ? (size_t)op->query.offset : count;
    count -= skipped;
    memmove(found, found + skipped, count * sizeof(model_item_t *));
    const cairn_limit_t *limit = &op->query.paging.limit;
    return limit->given && limit->count < count ? (size_t)limit->count : count;
}

static void add_item(text_t *out, const model_item_t *item)
{
    const cairn_item_t shown = {.ns = item->ns, .key = item->key, .value = cairn_str(item->text)};
    text_add_item(out, &shown);
}

static void add_facts(text_t *out, const model_item_t *item, bool has_score)
{
    text_add(out, " ttl=%lld%s", (long long)item->ttl_ms,
             item->created == item->updated ? " new" : "");
    if (has_score) text_add(out, " score=%.4f", item->score);
}

static void search_and_add(model_t *model, const sdiff_op_t *op, bool in_batch, text_t *out)
{
    model_item_t *found[SDIFF_ITEMS];
    size_t count = search(model, op, found);
    if (in_batch) text_add(out, "search");
    if (in_batch && op->query.paging.page_size < count) count = op->query.paging.page_size;
    for (size_t i = 0; i < count; i++) {
        if (in_batch) {
            text_add(out, " ");
            text_add_place(out, found[i]->ns, found[i]->key);
        } else {
            text_add(out, "\n");
            add_item(out, found[i]);
            add_facts(out, found[i], op->kind == SDIFF_NEAR);
        }
        read_item(model, found[i], op->query.refresh);
    }
}

/* ---- list_namespaces ---- */

static bool meets(cairn_namespace_t name, const cairn_match_condition_t *condition)
{
    cairn_namespace_t path = condition->path;
    for (size_t i = 0; i < path.count; i++) {
        if (path.count > name.count) return false;
        size_t at = condition->type == CAIRN_MATCH_PREFIX ? i : name.count - path.count + i;
        bool any = path.labels[i].len == 1 && path.labels[i].ptr[0] == '*';
        if (!any && !cairn_slice_eq(path.labels[i], name.labels[at])) return false;
    }
    return true;
}

static int compare_name_rows(const void *a, const void *b)
{
    return compare_names(*(const cairn_namespace_t *)a, *(const cairn_namespace_t *)b);
}

static void list_and_add(const model_t *model, const sdiff_op_t *op, bool in_batch, text_t *out)
{
    cairn_namespace_t found[SDIFF_ITEMS];
    size_t count = 0;
    for (size_t i = 0; i < SDIFF_ITEMS; i++) {
        if (!model->items[i].lives) continue;
        cairn_namespace_t name = model->items[i].ns;
        bool wanted = true;
        for (size_t k = 0; k < op->list.condition_count; k++)
            wanted = wanted && meets(name, &op->list.conditions[k]);
        if (op->list.max_depth > 0 && name.count > op->list.max_depth)
            name.count = op->list.max_depth;
        for (size_t k = 0; k < count; k++) wanted = wanted && !same_name(found[k], name);
        if (wanted) found[count++] = name;
    }
    qsort(found, count, sizeof *found, compare_name_rows);
    const cairn_limit_t *limit = &op->list.paging.limit;
    uint64_t end = limit->given ? op->list.offset + limit->count : UINT64_MAX;
    if (in_batch) text_add(out, "namespaces");
    size_t told = 0;
    for (size_t i = (size_t)op->list.offset; i < count && i < end; i++) {
        if (in_batch && told++ == op->list.paging.page_size) break;
        text_add(out, " ");
        text_add_ns(out, found[i]);
    }
}

/* ---- operations ---- */

static void get_and_add(model_t *model, const sdiff_op_t *op, bool in_batch, text_t *out)
{
    model_item_t *item = find(model, op);
    if (in_batch) text_add(out, "get ");
    if (!item) {
        text_add(out, "none");
        return;
    }
    add_item(out, item);
    if (!in_batch) add_facts(out, item, false);
    read_item(model, item, op->refresh);
}

static bool writes(const sdiff_op_t *op)
{
    return op->kind == SDIFF_PUT || op->kind == SDIFF_DELETE;
}

static bool same_place(const model_t *model, const sdiff_op_t *a, const sdiff_op_t *b)
{
    return same_name(model->pool->names[a->name], model->pool->names[b->name]) &&
           cairn_slice_eq(model->pool->keys[a->key], model->pool->keys[b->key]);
}

static void write_last(model_t *model, const sdiff_op_t *op, size_t which)
{
    const sdiff_op_t *part = &op->parts[which];
    for (size_t i = which + 1; i < op->part_count; i++)
        if (writes(&op->parts[i]) && same_place(model, part, &op->parts[i])) return;
    model_item_t *before = find(model, part);
    if (part->kind == SDIFF_PUT)
        put(model, part, before ? before->created : model->operations);
    else if (before)
        before->lives = false;
}

static void carry_out_batch(model_t *model, const sdiff_op_t *op, text_t *out)
{
    for (size_t i = 0; i < op->part_count; i++) {
        const sdiff_op_t *part = &op->parts[i];
        if (i > 0) text_add(out, "\n");
        if (writes(part))
            text_add(out, "%s %d", part->kind == SDIFF_PUT ? "put" : "delete",
                     find(model, part) != NULL);
        else if (part->kind == SDIFF_GET)
            get_and_add(model, part, true, out);
        else if (part->kind == SDIFF_SEARCH)
            search_and_add(model, part, true, out);
        else
            list_and_add(model, part, true, out);
    }
    for (size_t i = 0; i < op->part_count; i++)
        if (writes(&op->parts[i])) write_last(model, op, i);
}

static void change_ttl(model_t *model, const sdiff_op_t *op, int64_t ttl_ms, text_t *out)
{
    model_item_t *item = find(model, op);
    if (item) set_ttl(model, item, ttl_ms);
    text_add(out, "%lld", (long long)(item ? ttl_ms : CAIRN_TTL_ABSENT));
}

int64_t model_ttl(model_t *model, const sdiff_op_t *op)
{
    expire(model);
    const model_item_t *item = find(model, op);
    if (!item) return CAIRN_TTL_ABSENT;
    return item->ttl_ms > 0 ? (int64_t)(item->deadline_ms - model->now_ms) : CAIRN_TTL_PERSIST;
}

void model_carry_out(model_t *model, const sdiff_op_t *op, text_t *out)
{
    model_item_t *item = NULL, *found[SDIFF_ITEMS];
    expire(model);
    model->operations++;
    switch (op->kind) {
    case SDIFF_PUT:
    case SDIFF_DELETE:
        item = find(model, op);
        text_add(out, "%d", item != NULL);
        if (op->kind == SDIFF_PUT)
            put(model, op, item ? item->created : model->operations);
        else if (item)
            item->lives = false;
        return;
    case SDIFF_GET:
        get_and_add(model, op, false, out);
        return;
    case SDIFF_SEARCH:
    case SDIFF_NEAR:
        search_and_add(model, op, false, out);
        return;
    case SDIFF_LIST:
        list_and_add(model, op, false, out);
        return;
    case SDIFF_COUNT:
        text_add(out, "%zu", search(model, op, found));
        return;
    case SDIFF_SET_TTL:
        change_ttl(model, op, op->ttl.ms, out);
        return;
    case SDIFF_PIN:
        change_ttl(model, op, CAIRN_TTL_PERSIST, out);
        return;
    case SDIFF_UNPIN:
        change_ttl(model, op, default_ttl(model), out);
        return;
    case SDIFF_BATCH_OF:
        carry_out_batch(model, op, out);
        return;
    default:
        return;
    }
}
