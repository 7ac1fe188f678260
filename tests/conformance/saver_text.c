#include "saver_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a growing string ---- */

static void make_room(text_t *text, size_t more)
{
    if (text->len + more < text->room) return;
    text->room = (text->len + more + 1) * 2;
    text->chars = realloc(text->chars, text->room);
    if (!text->chars) abort();
}

void text_add(text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (more < 0) abort();
    make_room(text, (size_t)more);
    va_start(arguments, format);
    vsnprintf(text->chars + text->len, (size_t)more + 1, format, arguments);
    va_end(arguments);
    text->len += (size_t)more;
}

void text_clear(text_t *text)
{
    text->len = 0;
    if (text->chars) text->chars[0] = '\0';
}

void text_free(text_t *text)
{
    free(text->chars);
    memset(text, 0, sizeof *text);
}

const char *text_chars(const text_t *text)
{
    return text->chars ? text->chars : "";
}

/* ---- what was read ---- */

static void add_escaped(text_t *text, cairn_slice_t bytes, const char *plain)
{
    static const char digits[] = "0123456789abcdef";
    make_room(text, bytes.len * 4);
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        bool shown = isalnum(byte) || (byte && strchr(plain, byte));
        if (!shown) {
            memcpy(text->chars + text->len, "\\x", 2);
            text->chars[text->len + 2] = digits[byte >> 4];
            text->chars[text->len + 3] = digits[byte & 15];
            text->len += 4;
            continue;
        }
        text->chars[text->len++] = (char)byte;
    }
    text->chars[text->len] = '\0';
}

void text_add_id(text_t *text, cairn_slice_t id)
{
    if (!id.ptr)
        text_add(text, "(absent)");
    else if (id.len == 0)
        text_add(text, "''");
    else
        add_escaped(text, id, "_.-");
}

static bool is(cairn_slice_t slice, const char *expected)
{
    return cairn_slice_eq(slice, cairn_str(expected));
}

void text_add_ref(text_t *text, const cairn_checkpoint_ref_t *ref)
{
    if (!is(ref->thread_id, "t") || ref->checkpoint_ns.len > 0) {
        text_add_id(text, ref->thread_id);
        text_add(text, "/");
        if (ref->checkpoint_ns.len > 0) text_add_id(text, ref->checkpoint_ns);
        text_add(text, "/");
    }
    text_add_id(text, ref->checkpoint_id);
}

static void add_value(text_t *text, cairn_value_t value)
{
    text_add(text, "=");
    if (!is(value.type, TEXT_TYPE)) {
        text_add(text, "(");
        text_add_id(text, value.type);
        text_add(text, ")");
    }
    add_escaped(text, value.bytes, "_.-");
}

static void add_channels(text_t *text, const cairn_checkpoint_t *checkpoint)
{
    size_t next_value = 0;
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        const cairn_channel_version_t *at = &checkpoint->channel_versions[i];
        text_add(text, " ");
        text_add_id(text, at->channel);
        text_add(text, "@");
        text_add_id(text, at->version);
        if (next_value == checkpoint->channel_value_count) continue;
        const cairn_channel_value_t *value = &checkpoint->channel_values[next_value];
        if (!cairn_slice_eq(value->channel, at->channel)) continue;
        add_value(text, value->value);
        next_value++;
    }
}

static void add_rest(text_t *text, const cairn_checkpoint_t *checkpoint)
{
    if (checkpoint->v) text_add(text, " v=%lld", (long long)checkpoint->v);
    if (checkpoint->ts.len > 0) {
        text_add(text, " ts=");
        text_add_id(text, checkpoint->ts);
    }
    for (size_t i = 0; i < checkpoint->version_seen_count; i++) {
        const cairn_version_seen_t *seen = &checkpoint->versions_seen[i];
        text_add(text, " seen:");
        text_add_id(text, seen->node);
        if (!seen->channel.ptr) continue;
        text_add(text, ":");
        text_add_id(text, seen->channel);
        text_add(text, ":");
        text_add_id(text, seen->version);
    }
    if (checkpoint->updated_channels) text_add(text, " updated");
    for (size_t i = 0; i < checkpoint->updated_channel_count; i++) {
        text_add(text, ":");
        text_add_id(text, checkpoint->updated_channels[i]);
    }
    if (checkpoint->extra.type.len == 0 && checkpoint->extra.bytes.len == 0) return;
    text_add(text, " extra");
    add_value(text, checkpoint->extra);
}

static void add_writes(text_t *text, const cairn_pending_write_t *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_add(text, " [");
        text_add_id(text, writes[i].task_id);
        text_add(text, ".%d ", (int)writes[i].idx);
        text_add_id(text, writes[i].channel);
        add_value(text, writes[i].value);
        if (writes[i].task_path.len > 0) {
            text_add(text, " ");
            text_add_id(text, writes[i].task_path);
        }
        text_add(text, "]");
    }
}

void text_add_tuple(text_t *text, const cairn_checkpoint_tuple_t *tuple)
{
    text_add_ref(text, &tuple->ref);
    if (tuple->parent_id.ptr) {
        text_add(text, " <");
        text_add_id(text, tuple->parent_id);
    }
    add_channels(text, &tuple->checkpoint);
    add_rest(text, &tuple->checkpoint);
    if (!is(tuple->metadata, "{}")) {
        text_add(text, " ");
        add_escaped(text, tuple->metadata, "_.-{}[]\":, ");
    }
    add_writes(text, tuple->pending_writes, tuple->pending_write_count);
}

void text_add_history(text_t *text, const cairn_channel_history_t *channels, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add(text, " ");
        text_add_id(text, channels[i].channel);
        if (channels[i].has_seed) add_value(text, channels[i].seed);
        add_writes(text, channels[i].writes, channels[i].write_count);
    }
}

/* ---- its shape ---- */

static const char *values_flaw(const cairn_checkpoint_t *checkpoint)
{
    size_t at = 0;
    for (size_t i = 0; i < checkpoint->channel_value_count; i++, at++) {
        const cairn_channel_value_t *value = &checkpoint->channel_values[i];
        if (value->kind != CAIRN_CHANNEL_VALUE) return "a channel value that is none";
        if (!value->value.type.ptr || !value->value.bytes.ptr) return "a value is absent";
        while (at < checkpoint->channel_version_count &&
               !cairn_slice_eq(value->channel, checkpoint->channel_versions[at].channel))
            at++;
        if (at == checkpoint->channel_version_count)
            return "channel_values are not in the order of channel_versions";
        if (!cairn_slice_eq(value->version, checkpoint->channel_versions[at].version))
            return "a channel value of another version";
    }
    return NULL;
}

static const char *writes_flaw(const cairn_pending_write_t *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!writes[i].task_id.ptr || !writes[i].channel.ptr) return "a write without its ids";
        if (i == 0) continue;
        int order = cairn_slice_cmp(writes[i - 1].task_id, writes[i].task_id);
        if (order > 0 || (order == 0 && writes[i - 1].idx >= writes[i].idx))
            return "pending writes are not in the order of (task_id, idx)";
    }
    return NULL;
}

const char *tuple_flaw(const cairn_checkpoint_tuple_t *tuple)
{
    if (!tuple->ref.thread_id.ptr) return "a tuple without its thread_id";
    if (!tuple->ref.checkpoint_ns.ptr) return "a tuple without its checkpoint_ns";
    if (!tuple->ref.checkpoint_id.ptr) return "a tuple without its checkpoint_id";
    if (!cairn_slice_eq(tuple->ref.checkpoint_id, tuple->checkpoint.id))
        return "a checkpoint under another id than its own";
    if (!tuple->metadata.ptr || tuple->metadata.len == 0) return "a tuple without metadata";
    const char *flaw = values_flaw(&tuple->checkpoint);
    return flaw ? flaw : writes_flaw(tuple->pending_writes, tuple->pending_write_count);
}

/* ---- what is put ---- */

static const char *skip_blanks(const char *at)
{
    while (*at == ' ') at++;
    return at;
}

/* Takes what comes before one of `stops`, or before the end. */
static cairn_slice_t take(const char **at, const char *stops)
{
    size_t len = strcspn(*at, stops);
    cairn_slice_t taken = cairn_slice(*at, len);
    *at += len;
    return taken;
}

static cairn_value_t take_value(const char **at)
{
    (*at)++;
    return cairn_value(cairn_str(TEXT_TYPE), take(at, " "));
}

void channels_parse(channels_t *out, const char *words)
{
    memset(out, 0, sizeof *out);
    const char *at = words ? skip_blanks(words) : "";
    for (; *at; at = skip_blanks(at)) {
        if (out->version_count == CHANNELS_MOST || out->value_count == CHANNELS_MOST) abort();
        bool hidden = *at == '-';
        if (hidden) at++;
        cairn_channel_value_t value = {.channel = take(&at, "@")};
        if (*at++ != '@') abort();
        value.version = take(&at, "=!~ ");
        char mark = *at;
        if (mark == '=') value.value = take_value(&at);
        if (mark == '!') value.kind = CAIRN_CHANNEL_EMPTY;
        if (mark == '~') value.kind = CAIRN_CHANNEL_DELTA;
        if (mark == '!' || mark == '~') at++;
        if (!hidden)
            out->versions[out->version_count++] =
                (cairn_channel_version_t){value.channel, value.version};
        if (mark && mark != ' ') out->values[out->value_count++] = value;
    }
}

size_t writes_parse(cairn_write_t out[CHANNELS_MOST], const char *words)
{
    size_t count = 0;
    const char *at = words ? skip_blanks(words) : "";
    for (; *at; at = skip_blanks(at)) {
        if (count == CHANNELS_MOST) abort();
        out[count].channel = take(&at, "=");
        if (*at != '=') abort();
        out[count++].value = take_value(&at);
    }
    return count;
}
