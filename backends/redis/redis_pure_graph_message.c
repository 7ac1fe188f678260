#include "redis_pure_graph_message.h"

#include "redis_pure_graph.h"
#include "redis_pure_graph_json.h"

/* ---- writing ---- */

#define TYPE_MEMBER "cairn_type"

static bool goes_as_it_is(const cairn_value_t *data)
{
    return cairn_slice_eq(data->type, cairn_str(REDIS_GRAPH_JSON)) &&
           redis_json_is_value(data->bytes);
}

size_t redis_graph_message_bound(const cairn_stream_entry_t *entry)
{
    static const char members[] = "{\"event\":,\"data\":,\"id\":,\"" TYPE_MEMBER "\":}";
    return sizeof members + REDIS_JSON_STRING_BOUND(entry->event.len) +
           REDIS_JSON_STRING_BOUND(entry->id.len) + REDIS_JSON_STRING_BOUND(entry->data.type.len) +
           REDIS_JSON_STRING_BOUND(entry->data.bytes.len);
}

/* The name first: scripts/pure_graph.lua looks for it there, and so does what Pure Graph writes. */
char *redis_graph_message_write(char *out, const cairn_stream_entry_t *entry)
{
    const bool as_it_is = goes_as_it_is(&entry->data);
    out = redis_cmd_literal(out, LITERAL("{\"event\":"));
    out = redis_json_write_string(out, entry->event);
    out = redis_cmd_literal(out, LITERAL(",\"data\":"));
    out = as_it_is ? redis_bytes(out, entry->data.bytes)
                   : redis_json_write_string(out, entry->data.bytes);
    if (entry->id.ptr) {
        out = redis_cmd_literal(out, LITERAL(",\"id\":"));
        out = redis_json_write_string(out, entry->id);
    }
    if (!as_it_is) {
        out = redis_cmd_literal(out, LITERAL(",\"" TYPE_MEMBER "\":"));
        out = redis_json_write_string(out, entry->data.type);
    }
    *out++ = '}';
    return out;
}

/* ---- reading ---- */

typedef struct value {
    char *at; /* NULL: there is none */
    size_t len;
} value_t;

typedef struct message {
    value_t event, data, id, type;
} message_t;

static value_t *member_of(message_t *message, cairn_slice_t key)
{
    if (cairn_slice_eq(key, cairn_str("\"event\""))) return &message->event;
    if (cairn_slice_eq(key, cairn_str("\"data\""))) return &message->data;
    if (cairn_slice_eq(key, cairn_str("\"id\""))) return &message->id;
    if (cairn_slice_eq(key, cairn_str("\"" TYPE_MEMBER "\""))) return &message->type;
    return NULL;
}

static bool take(redis_json_t *json, char c)
{
    redis_json_skip_blanks(json);
    if (json->at == json->end || *json->at != c) return false;
    json->at++;
    redis_json_skip_blanks(json);
    return true;
}

static bool read_member(redis_json_t *json, char *text, const char *begin, message_t *message)
{
    const char *key = json->at;
    if (key == json->end || *key != '"' || !redis_json_skip(json)) return false;
    value_t *member = member_of(message, cairn_slice(key, (size_t)(json->at - key)));
    if (!take(json, ':')) return false;
    const char *value = json->at;
    if (!redis_json_skip(json)) return false;
    if (member) *member = (value_t){text + (value - begin), (size_t)(json->at - value)};
    return true;
}

static bool read_members(char *text, size_t len, message_t *message)
{
    redis_json_t json = {text, text + len};
    if (!take(&json, '{')) return false;
    if (!take(&json, '}')) {
        do {
            if (!read_member(&json, text, text, message)) return false;
        } while (take(&json, ','));
        if (!take(&json, '}')) return false;
    }
    return json.at == json.end;
}

static bool is_string(const value_t *value)
{
    return value->at && *value->at == '"';
}

static cairn_slice_t string_of(const value_t *value)
{
    return redis_json_read_string(value->at, value->len);
}

int redis_graph_message_read(char *message, size_t len, cairn_stream_event_t *event)
{
    message_t members = {.event = {NULL, 0}};
    if (!read_members(message, len, &members) || !is_string(&members.event)) return CAIRN_EPROTOCOL;
    event->event = string_of(&members.event);
    if (cairn_slice_eq(event->event, cairn_str(REDIS_GRAPH_CANCEL)))
        event->event = cairn_str(CAIRN_STREAM_CANCEL);
    event->id = is_string(&members.id) ? string_of(&members.id) : cairn_slice(NULL, 0);
    event->data = (cairn_value_t){cairn_str(REDIS_GRAPH_JSON), cairn_str("null")};
    if (members.data.at) event->data.bytes = cairn_slice(members.data.at, members.data.len);
    if (!is_string(&members.type) || !is_string(&members.data)) return 0;
    event->data.type = string_of(&members.type);
    event->data.bytes = string_of(&members.data);
    return 0;
}

/* ---- base64 ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t redis_graph_base64_size(size_t len)
{
    return (len + 2) / 3 * 4;
}

char *redis_graph_base64_write(char *out, cairn_slice_t bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    size_t left = bytes.len;
    for (; left >= 3; left -= 3, at += 3) {
        *out++ = digits[at[0] >> 2];
        *out++ = digits[(at[0] & 3) << 4 | at[1] >> 4];
        *out++ = digits[(at[1] & 15) << 2 | at[2] >> 6];
        *out++ = digits[at[2] & 63];
    }
    if (left == 0) return out;
    const unsigned second = left > 1 ? at[1] : 0;
    *out++ = digits[at[0] >> 2];
    *out++ = digits[(at[0] & 3u) << 4 | second >> 4];
    *out++ = left > 1 ? digits[(second & 15) << 2] : '=';
    *out++ = '=';
    return out;
}

/* 64: it is none. */
static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

int redis_graph_base64_read(cairn_slice_t text, char *out, size_t *len)
{
    const char *first = out;
    if (text.len % 4 != 0) return CAIRN_EPROTOCOL;
    for (size_t at = 0; at < text.len; at += 4) {
        const bool is_last = at + 4 == text.len;
        size_t padding = 0;
        if (is_last && text.ptr[at + 3] == '=') padding = text.ptr[at + 2] == '=' ? 2 : 1;
        unsigned bits = 0;
        for (size_t i = 0; i < 4; i++) {
            const unsigned digit = i < 4 - padding ? digit_of(text.ptr[at + i]) : 0;
            if (digit > 63) return CAIRN_EPROTOCOL;
            bits = bits << 6 | digit;
        }
        *out++ = (char)(bits >> 16);
        if (padding < 2) *out++ = (char)(bits >> 8);
        if (padding < 1) *out++ = (char)bits;
    }
    *len = (size_t)(out - first);
    return 0;
}
