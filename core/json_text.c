/* What of a value is embedded: LangGraph's paths into it, and the texts at their ends. */
#include "json_value.h"

#include <cairn/sys/alloc.h>
#include <cairn/sys/json.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* ---- paths ---- */

typedef enum step_kind {
    STEP_END,
    STEP_NAME,
    STEP_INDEX,    /* [n] */
    STEP_ELEMENTS, /* [*] */
    STEP_ALL,      /* *: of an array or an object */
    STEP_WRONG
} step_kind_t;

typedef struct path_step {
    step_kind_t kind;
    cairn_slice_t name;
    long index;
} path_step_t;

#define INDEX_DIGITS 9

static path_step_t read_index(cairn_slice_t inside)
{
    path_step_t step = {.kind = STEP_WRONG};
    if (cairn_slice_eq(inside, cairn_str("*"))) {
        step.kind = STEP_ELEMENTS;
        return step;
    }
    size_t at = inside.len > 0 && inside.ptr[0] == '-';
    if (inside.len == at || inside.len - at > INDEX_DIGITS) return step;
    for (size_t i = at; i < inside.len; i++) {
        if (inside.ptr[i] < '0' || inside.ptr[i] > '9') return step;
        step.index = 10 * step.index + (inside.ptr[i] - '0');
    }
    if (at) step.index = -step.index;
    step.kind = STEP_INDEX;
    return step;
}

static cairn_slice_t rest_of(cairn_slice_t path, size_t from)
{
    return cairn_slice(path.ptr + from, path.len - from);
}

/* Takes the first step off the path. A dot stands before every name but the first. */
static path_step_t take_step(cairn_slice_t *path, bool first)
{
    path_step_t step = {.kind = STEP_END};
    if (path->len == 0) return step;
    step.kind = STEP_WRONG;
    if (path->ptr[0] == '[') {
        const char *end = memchr(path->ptr, ']', path->len);
        if (!end) return step;
        size_t len = (size_t)(end - path->ptr);
        step = read_index(cairn_slice(path->ptr + 1, len - 1));
        *path = rest_of(*path, len + 1);
        return step;
    }
    if (!first) {
        if (path->ptr[0] != '.') return step;
        *path = rest_of(*path, 1);
    }
    size_t len = 0;
    while (len < path->len && path->ptr[len] != '.' && path->ptr[len] != '[') len++;
    if (len == 0) return step;
    step.name = cairn_slice(path->ptr, len);
    step.kind = cairn_slice_eq(step.name, cairn_str("*")) ? STEP_ALL : STEP_NAME;
    *path = rest_of(*path, len);
    return step;
}

static bool is_root(cairn_slice_t path)
{
    return cairn_slice_eq(path, cairn_str("$"));
}

int cairn_json_check_path(cairn_slice_t path)
{
    if (path.len == 0) return UV_EINVAL;
    if (is_root(path)) return 0;
    for (bool first = true;; first = false) {
        path_step_t step = take_step(&path, first);
        if (step.kind == STEP_WRONG) return UV_EINVAL;
        if (step.kind == STEP_END) return 0;
    }
}

/* ---- texts ---- */

typedef struct teller {
    int (*each)(void *context, cairn_slice_t text);
    void *context;
} teller_t;

static int tell_text(const teller_t *teller, const json_t *value)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_SORT_KEYS;
    if (json_is_null(value)) return 0;
    if (json_is_string(value))
        return teller->each(teller->context,
                            cairn_slice(json_string_value(value), json_string_length(value)));
    size_t size = json_dumpb(value, NULL, 0, flags);
    char *text = size > 0 ? cairn_malloc(size) : NULL;
    if (!text || json_dumpb(value, text, size, flags) != size) {
        cairn_free(text);
        return UV_ENOMEM;
    }
    int rc = teller->each(teller->context, cairn_slice(text, size));
    cairn_free(text);
    return rc;
}

static int tell_at(const teller_t *teller, const json_t *value, cairn_slice_t path, bool first);

static int tell_elements(const teller_t *teller, const json_t *array, cairn_slice_t path)
{
    int rc = 0;
    for (size_t i = 0; i < json_array_size(array) && rc == 0; i++)
        rc = tell_at(teller, json_array_get(array, i), path, false);
    return rc;
}

static int tell_members(const teller_t *teller, json_t *object, cairn_slice_t path)
{
    const char *key;
    json_t *member;
    json_object_foreach(object, key, member)
    {
        int rc = tell_at(teller, member, path, false);
        if (rc != 0) return rc;
    }
    return 0;
}

static const json_t *element_at(const json_t *array, long index)
{
    long size = (long)json_array_size(array);
    if (index < 0) index += size;
    return index < 0 ? NULL : json_array_get(array, (size_t)index);
}

static int tell_at(const teller_t *teller, const json_t *value, cairn_slice_t path, bool first)
{
    path_step_t step = take_step(&path, first);
    const json_t *next = NULL;
    switch (step.kind) {
    case STEP_END:
        return tell_text(teller, value);
    case STEP_NAME:
        next = json_object_getn(value, step.name.ptr, step.name.len);
        break;
    case STEP_INDEX:
        next = element_at(value, step.index);
        break;
    case STEP_ALL:
        if (json_is_object(value)) return tell_members(teller, (json_t *)value, path);
        return tell_elements(teller, value, path);
    case STEP_ELEMENTS:
        return tell_elements(teller, value, path);
    case STEP_WRONG:
        return UV_EINVAL;
    }
    return next ? tell_at(teller, next, path, false) : 0;
}

int cairn_json_each_text(cairn_slice_t document, cairn_slice_t path,
                         int (*each)(void *context, cairn_slice_t text), void *context)
{
    const teller_t teller = {each, context};
    json_t *object;
    int rc = json_value_read_object(document, &object);
    if (rc == UV_EINVAL) return is_root(path) && document.len > 0 ? each(context, document) : 0;
    if (rc < 0) return rc;
    rc = is_root(path) ? tell_text(&teller, object) : tell_at(&teller, object, path, true);
    json_decref(object);
    return rc;
}
