/* Positions and events as bytes. An event, packed:
 *
 *     kind      n; e: it ends the stream; i and f: the same with an id
 *     id        length and bytes, if it has one
 *     name      length and bytes
 *     type      length and bytes
 *     data      the rest
 *
 * A length is seven bits a byte, least significant first, the last byte below 128. */
#include "redis_stream.h"

static const char kinds[2][2] = {{'n', 'i'}, {'e', 'f'}};

/* ---- positions ---- */

char *redis_position_arg(char *out, cairn_position_t position)
{
    char text[CAIRN_POSITION_SIZE];
    size_t len = cairn_position_format(position, text);
    return redis_cmd_arg(out, cairn_slice(text, len));
}

int redis_position_read(redis_reply_t *reply, cairn_position_t *position)
{
    cairn_slice_t text;
    int rc = redis_reply_string(reply, &text);
    if (rc == 0 && cairn_position_parse(text, position) < 0) rc = CAIRN_EPROTOCOL;
    return rc;
}

/* ---- events ---- */

static size_t length_size(size_t length)
{
    size_t size = 1;
    for (; length >= 128; length >>= 7) size++;
    return size;
}

static char *write_length(char *out, size_t length)
{
    for (; length >= 128; length >>= 7) *out++ = (char)(128 | (length & 127));
    *out++ = (char)length;
    return out;
}

static char *write_bytes(char *out, cairn_slice_t bytes)
{
    return bytes.len > 0 ? redis_cmd_literal(out, bytes.ptr, bytes.len) : out;
}

static size_t part_size(cairn_slice_t part)
{
    return length_size(part.len) + part.len;
}

static char *write_part(char *out, cairn_slice_t part)
{
    return write_bytes(write_length(out, part.len), part);
}

size_t redis_event_size(const cairn_stream_entry_t *entry)
{
    return 1 + (entry->id.ptr ? part_size(entry->id) : 0) + part_size(entry->event) +
           part_size(entry->data.type) + entry->data.bytes.len;
}

char *redis_event_write(char *out, const cairn_stream_entry_t *entry)
{
    *out++ = kinds[cairn_stream_ends(entry->event)][entry->id.ptr != NULL];
    if (entry->id.ptr) out = write_part(out, entry->id);
    out = write_part(out, entry->event);
    out = write_part(out, entry->data.type);
    return write_bytes(out, entry->data.bytes);
}

char *redis_event_arg(char *out, const cairn_stream_entry_t *entry)
{
    out = redis_cmd_arg_begin(out, redis_event_size(entry));
    return redis_cmd_end(redis_event_write(out, entry));
}

static int read_part(cairn_slice_t *from, cairn_slice_t *part)
{
    size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (from->len == 0 || shift > 28) return CAIRN_EPROTOCOL;
        unsigned char byte = (unsigned char)*from->ptr;
        *from = cairn_slice(from->ptr + 1, from->len - 1);
        length |= (size_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    if (length > from->len) return CAIRN_EPROTOCOL;
    *part = cairn_slice(from->ptr, length);
    *from = cairn_slice(from->ptr + length, from->len - length);
    return 0;
}

int redis_event_read(cairn_slice_t packed, cairn_stream_event_t *event)
{
    if (packed.len == 0) return CAIRN_EPROTOCOL;
    const char kind = packed.ptr[0];
    const bool ends = kind == 'e' || kind == 'f';
    const bool has_id = kind == 'i' || kind == 'f';
    if (kind != kinds[ends][has_id]) return CAIRN_EPROTOCOL;
    cairn_slice_t rest = cairn_slice(packed.ptr + 1, packed.len - 1);
    event->id = cairn_slice(NULL, 0);
    int rc = has_id ? read_part(&rest, &event->id) : 0;
    if (rc == 0) rc = read_part(&rest, &event->event);
    if (rc == 0) rc = read_part(&rest, &event->data.type);
    event->data.bytes = rest;
    return rc;
}

/* ---- what is published ---- */

/* A number and the blank behind it; moves behind that. */
static int take_number(cairn_slice_t *from, uint64_t *number)
{
    size_t digits = 0;
    *number = 0;
    for (; digits < from->len && from->ptr[digits] != ' '; digits++) {
        const unsigned digit = (unsigned)(unsigned char)from->ptr[digits] - '0';
        if (digit > 9 || digits > 17) return CAIRN_EPROTOCOL;
        *number = *number * 10 + digit;
    }
    if (digits == 0 || digits == from->len) return CAIRN_EPROTOCOL;
    *from = cairn_slice(from->ptr + digits + 1, from->len - digits - 1);
    return 0;
}

static int take_event(cairn_slice_t *from, cairn_stream_event_t *event)
{
    uint64_t size;
    int rc = take_number(from, &size);
    if (rc < 0 || size > from->len) return CAIRN_EPROTOCOL;
    const cairn_slice_t packed = cairn_slice(from->ptr, (size_t)size);
    *from = cairn_slice(from->ptr + size, from->len - (size_t)size);
    return size > 0 ? redis_event_read(packed, event) : 0;
}

/* "a" or "b", a number and a blank. */
static int take_begin(redis_pushed_t *pushed, cairn_slice_t message)
{
    if (message.len == 0 || (message.ptr[0] != 'a' && message.ptr[0] != 'b'))
        return CAIRN_EPROTOCOL;
    pushed->begins = message.ptr[0] == 'b';
    pushed->left = UINT64_MAX;
    pushed->rest = cairn_slice(message.ptr + 1, message.len - 1);
    int rc = take_number(&pushed->rest, &pushed->next);
    return rc == 0 && pushed->next == 0 ? CAIRN_EPROTOCOL : rc;
}

int redis_pushed_begin(redis_pushed_t *pushed, cairn_slice_t message)
{
    return take_begin(pushed, message);
}

int redis_pushed_announced(redis_pushed_t *pushed, cairn_slice_t message)
{
    int rc = take_begin(pushed, cairn_slice(message.ptr + 1, message.len - 1));
    if (rc == 0) rc = take_number(&pushed->rest, &pushed->left);
    return rc == 0 && pushed->rest.len > 0 ? CAIRN_EPROTOCOL : rc;
}

int redis_pushed_next(redis_pushed_t *pushed, cairn_position_t *previous,
                      cairn_stream_event_t *event)
{
    if (pushed->rest.len == 0 || pushed->left == 0) return 0;
    *event = (cairn_stream_event_t){.event = {NULL, 0}};
    event->position = redis_position_at(pushed->next);
    *previous = pushed->begins ? (cairn_position_t){0, 0} : redis_position_at(pushed->next - 1);
    int rc = take_event(&pushed->rest, event);
    if (rc < 0) return rc;
    pushed->begins = false;
    pushed->next++;
    pushed->left--;
    return 1;
}
