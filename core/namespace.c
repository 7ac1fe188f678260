#include <cairn/sys/namespace.h>
#include <string.h>
#include <uv.h>

static size_t shorter(cairn_namespace_t a, cairn_namespace_t b)
{
    return a.count < b.count ? a.count : b.count;
}

int cairn_namespace_cmp(cairn_namespace_t a, cairn_namespace_t b)
{
    for (size_t i = 0; i < shorter(a, b); i++) {
        int order = cairn_slice_cmp(a.labels[i], b.labels[i]);
        if (order != 0) return order;
    }
    return (a.count > b.count) - (a.count < b.count);
}

bool cairn_namespace_begins(cairn_namespace_t ns, cairn_namespace_t prefix)
{
    if (prefix.count > ns.count) return false;
    for (size_t i = 0; i < prefix.count; i++)
        if (!cairn_slice_eq(ns.labels[i], prefix.labels[i])) return false;
    return true;
}

/* ---- conditions ---- */

static bool is_any(cairn_slice_t label)
{
    return cairn_slice_eq(label, cairn_str("*"));
}

static bool meets(cairn_namespace_t ns, const cairn_match_condition_t *condition)
{
    cairn_namespace_t path = condition->path;
    if (path.count > ns.count) return false;
    size_t from = condition->type == CAIRN_MATCH_SUFFIX ? ns.count - path.count : 0;
    for (size_t i = 0; i < path.count; i++)
        if (!is_any(path.labels[i]) && !cairn_slice_eq(path.labels[i], ns.labels[from + i]))
            return false;
    return true;
}

bool cairn_namespace_matches(cairn_namespace_t ns, const cairn_match_condition_t *conditions,
                             size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!meets(ns, &conditions[i])) return false;
    return true;
}

cairn_namespace_t cairn_namespace_common(const cairn_match_condition_t *conditions, size_t count)
{
    cairn_namespace_t longest = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].type != CAIRN_MATCH_PREFIX) continue;
        cairn_namespace_t path = conditions[i].path;
        size_t literal = 0;
        while (literal < path.count && !is_any(path.labels[literal])) literal++;
        if (literal > longest.count) longest = (cairn_namespace_t){path.labels, literal};
    }
    return longest;
}

cairn_namespace_t cairn_namespace_cut(cairn_namespace_t ns, size_t max_depth)
{
    if (max_depth > 0 && ns.count > max_depth) ns.count = max_depth;
    return ns;
}

/* ---- as a key ---- */

#define ZERO 0x00
#define CLOSE 0x01
#define ZERO_INSIDE 0xff

size_t cairn_namespace_encoded_size(cairn_namespace_t ns)
{
    size_t size = 2 * ns.count;
    for (size_t i = 0; i < ns.count; i++) {
        size += ns.labels[i].len;
        for (size_t k = 0; k < ns.labels[i].len; k++) size += ns.labels[i].ptr[k] == ZERO;
    }
    return size;
}

void cairn_namespace_encode(cairn_namespace_t ns, char *out)
{
    for (size_t i = 0; i < ns.count; i++) {
        for (size_t k = 0; k < ns.labels[i].len; k++) {
            *out++ = ns.labels[i].ptr[k];
            if (ns.labels[i].ptr[k] == ZERO) *out++ = (char)ZERO_INSIDE;
        }
        *out++ = ZERO;
        *out++ = CLOSE;
    }
}

/* Moves what is before the next closing mark to `out`. NULL if there is no such mark. */
static const char *decode_label(const char *at, const char *end, char *out, size_t *len)
{
    *len = 0;
    while (end - at >= 2) {
        if (*at != ZERO) {
            out[(*len)++] = *at++;
            continue;
        }
        unsigned char mark = (unsigned char)at[1];
        at += 2;
        if (mark == CLOSE) return *len > 0 ? at : NULL;
        if (mark != ZERO_INSIDE) return NULL;
        out[(*len)++] = ZERO;
    }
    return NULL;
}

int cairn_namespace_decode(cairn_arena_t *arena, cairn_slice_t encoded, cairn_namespace_t *out)
{
    cairn_rows_t labels = {0};
    char *bytes = cairn_arena_alloc(arena, encoded.len, 1);
    if (!bytes) return UV_ENOMEM;
    const char *end = encoded.ptr + encoded.len;
    for (const char *at = encoded.ptr; at < end;) {
        size_t len;
        at = decode_label(at, end, bytes, &len);
        if (!at) return UV_EINVAL;
        cairn_slice_t *label = cairn_rows_add(arena, &labels, sizeof *label);
        if (!label) return UV_ENOMEM;
        *label = cairn_slice(bytes, len);
        bytes += len;
    }
    *out = (cairn_namespace_t){labels.at, labels.count};
    return 0;
}
