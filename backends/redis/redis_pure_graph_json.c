#include "redis_pure_graph_json.h"

#include <stdint.h>

/* ---- UTF-8 ---- */

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Bytes of the character that is next; 0: there is no right one. */
static size_t character(const char *at, const char *end, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char first = (unsigned char)*at;
    *code = first;
    if (first < 0x80) return 1;
    const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc0 || first > 0xf7 || size > (size_t)(end - at)) return 0;
    *code = first & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if (!is_tail(at[i])) return 0;
        *code = *code << 6 | ((unsigned char)at[i] & 0x3fu);
    }
    const bool is_surrogate = *code >= 0xd800 && *code <= 0xdfff;
    return *code < least[size] || *code > 0x10ffff || is_surrogate ? 0 : size;
}

static char *put_character(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800) {
        *out++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *out++ = (char)(0xe0 | code >> 12);
        } else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* ---- skipping ---- */

void redis_json_skip_blanks(redis_json_t *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

static bool take(redis_json_t *json, char c)
{
    if (json->at == json->end || *json->at != c) return false;
    json->at++;
    return true;
}

static bool take_word(redis_json_t *json, const char *word, size_t len)
{
    if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0) return false;
    json->at += len;
    return true;
}

static bool take_digits(redis_json_t *json)
{
    const char *first = json->at;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') json->at++;
    return json->at > first;
}

static bool skip_number(redis_json_t *json)
{
    (void)take(json, '-');
    if (!take(json, '0') && !take_digits(json)) return false;
    if (take(json, '.') && !take_digits(json)) return false;
    if (!take(json, 'e') && !take(json, 'E')) return true;
    if (!take(json, '+')) (void)take(json, '-');
    return take_digits(json);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(redis_json_t *json)
{
    if (json->at == json->end) return false;
    const char kind = *json->at++;
    if (kind != 'u') return kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL;
    if (json->end - json->at < 4) return false;
    for (int i = 0; i < 4; i++)
        if (!is_hex(*json->at++)) return false;
    return true;
}

static bool skip_string(redis_json_t *json)
{
    if (!take(json, '"')) return false;
    while (json->at < json->end) {
        uint32_t code;
        const size_t size = character(json->at, json->end, &code);
        if (size == 0 || code < 0x20) return false;
        json->at += size;
        if (code == '"') return true;
        if (code == '\\' && !skip_escape(json)) return false;
    }
    return false;
}

static bool skip(redis_json_t *json, unsigned depth);

static bool skip_key(redis_json_t *json)
{
    if (!skip_string(json)) return false;
    redis_json_skip_blanks(json);
    if (!take(json, ':')) return false;
    redis_json_skip_blanks(json);
    return true;
}

/* Behind the bracket that begins an array or an object. */
static bool skip_members(redis_json_t *json, char last, unsigned depth)
{
    redis_json_skip_blanks(json);
    if (take(json, last)) return true;
    do {
        redis_json_skip_blanks(json);
        if (last == '}' && !skip_key(json)) return false;
        if (!skip(json, depth)) return false;
        redis_json_skip_blanks(json);
    } while (take(json, ','));
    return take(json, last);
}

static bool skip(redis_json_t *json, unsigned depth)
{
    if (json->at == json->end) return false;
    switch (*json->at) {
    case '"':
        return skip_string(json);
    case '{':
    case '[': {
        const char last = *json->at == '{' ? '}' : ']';
        json->at++;
        return depth < REDIS_JSON_DEPTH && skip_members(json, last, depth + 1);
    }
    case 't':
        return take_word(json, "true", 4);
    case 'f':
        return take_word(json, "false", 5);
    case 'n':
        return take_word(json, "null", 4);
    default:
        return skip_number(json);
    }
}

bool redis_json_skip(redis_json_t *json)
{
    return skip(json, 0);
}

bool redis_json_is_value(cairn_slice_t text)
{
    redis_json_t json = {text.ptr, text.ptr + text.len};
    return text.len > 0 && skip(&json, 0) && json.at == json.end;
}

/* ---- strings ---- */

static char *put_escape(char *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    *out++ = '\\';
    *out++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4) *out++ = digits[unit >> shift & 15];
    return out;
}

char *redis_json_write_string(char *out, cairn_slice_t bytes)
{
    const char *end = bytes.ptr + bytes.len;
    *out++ = '"';
    for (const char *at = bytes.ptr; at < end;) {
        uint32_t code;
        const size_t size = character(at, end, &code);
        if (size == 0) {
            out = put_escape(out, 0xdc00u + (unsigned char)*at++);
            continue;
        }
        if (code < 0x20) {
            out = put_escape(out, code);
        } else {
            if (code == '"' || code == '\\') *out++ = '\\';
            memcpy(out, at, size);
            out += size;
        }
        at += size;
    }
    *out++ = '"';
    return out;
}

static uint32_t hex_digit(char c)
{
    if (c <= '9') return (uint32_t)(c - '0');
    return (uint32_t)((c | 0x20) - 'a' + 10);
}

static uint32_t unit_at(const char *at)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) unit = unit << 4 | hex_digit(at[i]);
    return unit;
}

/* `at` is at the digits; moves behind them, and behind the second half of a pair. */
static char *read_unit(char *out, const char **at, const char *end)
{
    uint32_t code = unit_at(*at);
    *at += 4;
    if (code >= 0xdc80 && code <= 0xdcff) {
        *out++ = (char)(code & 0xff);
        return out;
    }
    const bool may_pair = code >= 0xd800 && code <= 0xdbff && end - *at >= 6;
    if (may_pair && (*at)[0] == '\\' && (*at)[1] == 'u') {
        const uint32_t second = unit_at(*at + 2);
        if (second >= 0xdc00 && second <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
            *at += 6;
        }
    }
    return put_character(out, code);
}

cairn_slice_t redis_json_read_string(char *text, size_t len)
{
    static const char names[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *at = text + 1, *end = text + len - 1;
    char *out = text;
    while (at < end) {
        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        const char kind = at[1];
        at += 2;
        if (kind == 'u') {
            out = read_unit(out, &at, end);
            continue;
        }
        const char *name = strchr(names, kind);
        *out++ = name ? meant[name - names] : kind;
    }
    return cairn_slice(text, (size_t)(out - text));
}

/* ---- ASCII ---- */

static size_t escaped_size(uint32_t code)
{
    if (code < 0x80) return 1;
    return code < 0x10000 ? 6 : 12;
}

size_t redis_json_ascii_size(cairn_slice_t value)
{
    const char *end = value.ptr + value.len;
    size_t size = 0;
    for (const char *at = value.ptr; at < end;) {
        uint32_t code;
        at += character(at, end, &code);
        size += escaped_size(code);
    }
    return size;
}

char *redis_json_ascii_write(char *out, cairn_slice_t value)
{
    const char *end = value.ptr + value.len;
    for (const char *at = value.ptr; at < end;) {
        uint32_t code;
        at += character(at, end, &code);
        if (code < 0x80) {
            *out++ = (char)code;
        } else if (code < 0x10000) {
            out = put_escape(out, code);
        } else {
            out = put_escape(out, 0xd800 + ((code - 0x10000) >> 10));
            out = put_escape(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
        }
    }
    return out;
}
