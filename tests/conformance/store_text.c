#include "store_text.h"

#include <math.h>
#include <string.h>

#define LABELS_MOST 8
#define NAMES_MOST 64

cairn_namespace_t ns(const char *path)
{
    static cairn_slice_t room[NAMES_MOST][LABELS_MOST];
    static unsigned turn;
    cairn_slice_t *labels = room[turn++ % NAMES_MOST];
    size_t count = 0;
    for (const char *at = path; at && *at && count < LABELS_MOST;) {
        size_t len = strcspn(at, "/");
        labels[count++] = cairn_slice(at, len);
        at += len + (at[len] == '/');
    }
    return (cairn_namespace_t){labels, count};
}

void text_add_ns(text_t *text, cairn_namespace_t name)
{
    for (size_t i = 0; i < name.count; i++) {
        if (i > 0) text_add(text, "/");
        text_add_id(text, name.labels[i]);
    }
}

void text_add_place(text_t *text, cairn_namespace_t name, cairn_slice_t key)
{
    text_add_ns(text, name);
    text_add(text, ":");
    text_add_id(text, key);
}

static bool is_printable(cairn_slice_t bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.ptr[i] < ' ' || bytes.ptr[i] > '~') return false;
    return true;
}

void text_add_item(text_t *text, const cairn_item_t *item)
{
    text_add_place(text, item->ns, item->key);
    if (is_printable(item->value)) {
        text_add(text, "=%.*s", (int)item->value.len, item->value.ptr);
        return;
    }
    text_add(text, "=bytes ");
    text_add_id(text, item->value);
}

const char *item_flaw(const cairn_item_t *item, bool has_score)
{
    if (item->ns.count == 0 || !item->ns.labels) return "an item without a namespace";
    for (size_t i = 0; i < item->ns.count; i++)
        if (item->ns.labels[i].len == 0 || !item->ns.labels[i].ptr) return "an empty label";
    if (!item->key.ptr) return "an item without a key";
    if (!item->value.ptr) return "an item without a value";
    if (item->created_at_us <= 0) return "an item that was never created";
    if (item->updated_at_us < item->created_at_us) return "an item updated before it was created";
    if (item->ttl_ms != CAIRN_TTL_PERSIST && item->ttl_ms <= 0) return "an item with an odd TTL";
    if (item->has_score != has_score) return "a score where none should be, or none";
    if (has_score && !isfinite(item->score)) return "a score that is no number";
    return NULL;
}
