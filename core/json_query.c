/* The store's filters. A query is the parsed filter itself, once it has been looked through. */
#include "error_set.h"
#include "json_value.h"

#include <cairn/sys/json.h>
#include <string.h>
#include <uv.h>

/* ---- operators ---- */

static bool holds_ne(const json_t *value, const json_t *operand)
{
    return !value || !json_values_equal(value, operand);
}

static bool holds_eq(const json_t *value, const json_t *operand)
{
    return value && json_values_equal(value, operand);
}

static cairn_slice_t string_of(const json_t *string)
{
    return cairn_slice(json_string_value(string), json_string_length(string));
}

/* Whether there is an order between the two. */
static bool compare(const json_t *value, const json_t *operand, int *order)
{
    if (json_is_number(value) && json_is_number(operand))
        *order = json_numbers_order(value, operand);
    else if (json_is_string(value) && json_is_string(operand))
        *order = cairn_slice_cmp(string_of(value), string_of(operand));
    else
        return false;
    return true;
}

static bool holds_gt(const json_t *value, const json_t *operand)
{
    int order;
    return compare(value, operand, &order) && order > 0;
}

static bool holds_gte(const json_t *value, const json_t *operand)
{
    int order;
    return compare(value, operand, &order) && order >= 0;
}

static bool holds_lt(const json_t *value, const json_t *operand)
{
    int order;
    return compare(value, operand, &order) && order < 0;
}

static bool holds_lte(const json_t *value, const json_t *operand)
{
    int order;
    return compare(value, operand, &order) && order <= 0;
}

typedef struct query_operator {
    const char *name;
    bool (*holds)(const json_t *value, const json_t *operand); /* value: NULL if missing */
} query_operator_t;

static const query_operator_t query_operators[] = {
    {"$eq", holds_eq},   {"$ne", holds_ne}, {"$gt", holds_gt},
    {"$gte", holds_gte}, {"$lt", holds_lt}, {"$lte", holds_lte},
};

static const query_operator_t *find_operator(const char *name)
{
    for (size_t i = 0; i < sizeof query_operators / sizeof *query_operators; i++)
        if (strcmp(query_operators[i].name, name) == 0) return &query_operators[i];
    return NULL;
}

/* Whether the condition of a field consists of operators: if one of its keys looks like one. */
static bool has_operators(json_t *condition)
{
    const char *key;
    json_t *operand;
    json_object_foreach(condition, key, operand)
    {
        if (key[0] == '$') return true;
    }
    return false;
}

/* ---- reading ---- */

static int check_operators(json_t *condition, const char *field, cairn_error_t *error)
{
    const char *key;
    json_t *operand;
    json_object_foreach(condition, key, operand)
    {
        if (key[0] != '$')
            return cairn_error_set(error, UV_EINVAL,
                                   "has the field \"%.60s\" beside operators in \"%.60s\"", key,
                                   field);
        if (!find_operator(key))
            return cairn_error_set(error, UV_EINVAL,
                                   "has the unknown operator \"%.60s\" in \"%.60s\"", key, field);
    }
    return 0;
}

static int check_fields(json_t *fields, cairn_error_t *error)
{
    const char *key;
    json_t *condition;
    json_object_foreach(fields, key, condition)
    {
        if (key[0] == '$')
            return cairn_error_set(error, UV_EINVAL,
                                   "has the operator \"%.60s\" where a field should be", key);
        if (!json_is_object(condition)) continue;
        int rc = has_operators(condition) ? check_operators(condition, key, error)
                                          : check_fields(condition, error);
        if (rc < 0) return rc;
    }
    return 0;
}

int cairn_json_query_read(cairn_slice_t filter, cairn_json_query_t **out, cairn_error_t *error)
{
    json_t *object;
    int rc = json_value_read_object(filter, &object);
    if (rc == UV_EINVAL) return cairn_error_set(error, rc, "is no JSON object");
    if (rc < 0) return cairn_error_set(error, rc, "cannot be read: %s", cairn_strerror(rc));
    rc = check_fields(object, error);
    if (rc < 0) {
        json_decref(object);
        return rc;
    }
    *out = (cairn_json_query_t *)object;
    return 0;
}

void cairn_json_query_free(cairn_json_query_t *query)
{
    json_decref((json_t *)query);
}

/* ---- matching ---- */

/* The member of that very name, else the one that the path between the dots leads to. */
static json_t *find_field(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (value) return value;
    const char *dot = strchr(name, '.');
    if (!dot) return NULL;
    value = object;
    for (; dot; name = dot + 1, dot = strchr(name, '.'))
        value = json_object_getn(value, name, (size_t)(dot - name));
    return json_object_get(value, name);
}

static bool fields_hold(json_t *object, json_t *fields);

static bool condition_holds(json_t *value, json_t *condition)
{
    if (!json_is_object(condition)) return holds_eq(value, condition);
    if (!has_operators(condition)) return json_is_object(value) && fields_hold(value, condition);
    const char *key;
    json_t *operand;
    json_object_foreach(condition, key, operand)
    {
        if (!find_operator(key)->holds(value, operand)) return false;
    }
    return true;
}

static bool fields_hold(json_t *object, json_t *fields)
{
    const char *key;
    json_t *condition;
    json_object_foreach(fields, key, condition)
    {
        if (!condition_holds(find_field(object, key), condition)) return false;
    }
    return true;
}

int cairn_json_query_matches(const cairn_json_query_t *query, cairn_slice_t document)
{
    json_t *fields = (json_t *)query;
    if (json_object_size(fields) == 0) return 1;
    json_t *object;
    int rc = json_value_read_object(document, &object);
    if (rc == UV_EINVAL) return 0;
    if (rc < 0) return rc;
    rc = fields_hold(object, fields);
    json_decref(object);
    return rc;
}
