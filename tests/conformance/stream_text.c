#include "stream_client.h"

static const struct {
    const char *word, *name;
} names[] = {
    {"END", CAIRN_STREAM_END}, {"ERROR", CAIRN_STREAM_ERROR}, {"CANCEL", CAIRN_STREAM_CANCEL}};

static cairn_slice_t name_of(cairn_slice_t word)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cairn_slice_eq(word, cairn_str(names[i].word))) return cairn_str(names[i].name);
    return word;
}

static cairn_slice_t word_of(cairn_slice_t name)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cairn_slice_eq(name, cairn_str(names[i].name))) return cairn_str(names[i].word);
    return name;
}

static cairn_stream_entry_t entry_of(cairn_slice_t word)
{
    cairn_stream_entry_t entry = {.event = cairn_str("m"), .data.type = cairn_str(TEXT_TYPE)};
    const char *hash = memchr(word.ptr, '#', word.len);
    if (hash) {
        entry.id = cairn_slice(hash + 1, word.len - (size_t)(hash + 1 - word.ptr));
        word.len = (size_t)(hash - word.ptr);
    }
    const char *equals = memchr(word.ptr, '=', word.len);
    if (equals) {
        entry.event = name_of(cairn_slice(word.ptr, (size_t)(equals - word.ptr)));
        entry.data.bytes = cairn_slice(equals + 1, word.len - (size_t)(equals + 1 - word.ptr));
    } else if (cairn_stream_ends(name_of(word))) {
        entry.event = name_of(word);
        entry.data.bytes = cairn_str("");
    } else {
        entry.data.bytes = word;
    }
    return entry;
}

size_t entries_parse(cairn_stream_entry_t out[WORDS_MOST], const char *words)
{
    size_t count = 0;
    for (const char *at = words; *at && count < WORDS_MOST; count++) {
        cairn_slice_t word = cairn_slice(at, strcspn(at, " "));
        out[count] = entry_of(word);
        at += word.len;
        while (*at == ' ') at++;
    }
    return count;
}

void text_add_event(text_t *text, const cairn_stream_event_t *event)
{
    bool plain = cairn_slice_eq(event->event, cairn_str("m"));
    if (!plain) text_add_id(text, word_of(event->event));
    if (!plain && event->data.bytes.len > 0) text_add(text, "=");
    if (event->data.bytes.len > 0) text_add_id(text, event->data.bytes);
    if (!event->id.ptr) return;
    text_add(text, "#");
    text_add_id(text, event->id);
}

bool streams_type_is_right(cairn_slice_t type)
{
    const char *other = streams_backend.other_type;
    return cairn_slice_eq(type, cairn_str(TEXT_TYPE)) ||
           (other && cairn_slice_eq(type, cairn_str(other)));
}
