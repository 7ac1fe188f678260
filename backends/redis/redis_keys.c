#include "redis_keys.h"

#include "redis_slots.h"

/* Of each byte: whether it stands for itself. */
static bool is_plain(unsigned char byte)
{
    static const uint32_t plain[8] = {
        0x00000000, /* controls */
        0x03ff6000, /* 0-9 - . */
        0x87fffffe, /* A-Z _ */
        0x07fffffe, /* a-z */
    };
    return plain[byte >> 5] >> (byte & 31) & 1;
}

unsigned redis_shard(cairn_slice_t thread_id)
{
    /* scripts/drop_runs.lua does the same, in doubles: no overflow. */
    uint32_t hash = 0;
    for (size_t i = 0; i < thread_id.len; i++)
        hash = (hash * 33 + (unsigned char)thread_id.ptr[i]) % 65521;
    return hash % REDIS_SHARDS;
}

size_t redis_escaped_size(cairn_slice_t id)
{
    size_t special = 0;
    for (size_t i = 0; i < id.len; i++) special += !is_plain((unsigned char)id.ptr[i]);
    return id.len > 0 ? id.len + 2 * special : 1;
}

static const char digits[] = "0123456789ABCDEF";

char *redis_escape(char *out, cairn_slice_t id)
{
    if (id.len == 0) *out++ = '%';
    for (size_t i = 0; i < id.len; i++) {
        unsigned char byte = (unsigned char)id.ptr[i];
        if (is_plain(byte)) {
            *out++ = (char)byte;
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return out;
}

static uint16_t add_escaped_bytes(uint16_t crc, const char *bytes, size_t len, size_t *special)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)bytes[i];
        if (is_plain(byte)) {
            crc = redis_crc16_add(crc, byte);
            continue;
        }
        crc = redis_crc16_add(crc, '%');
        crc = redis_crc16_add(crc, (unsigned char)digits[byte >> 4]);
        crc = redis_crc16_add(crc, (unsigned char)digits[byte & 15]);
        ++*special;
    }
    return crc;
}

/* As redis_escape writes it; most ids stand for themselves, and are added up many bytes a step.
 * *special: one more for each byte that does not. */
static uint16_t add_escaped(uint16_t crc, cairn_slice_t id, size_t *special)
{
    enum {
        STEP = REDIS_CRC16_STEP,
        HALF = STEP / 2
    };
    const char *at = id.ptr;
    size_t left = id.len;
    if (left == 0) return redis_crc16_add(crc, '%');
    for (; left >= STEP; at += STEP, left -= STEP) {
        const uint32_t sum = redis_crc16_step(crc, at);
        crc = sum >> 16 ? add_escaped_bytes(crc, at, STEP, special) : (uint16_t)sum;
    }
    if (left >= HALF) {
        const uint32_t sum = redis_crc16_half_step(crc, at);
        crc = sum >> 16 ? add_escaped_bytes(crc, at, HALF, special) : (uint16_t)sum;
        at += HALF;
        left -= HALF;
    }
    const uint32_t sum = redis_crc16_rest(crc, at, left);
    return sum >> 16 ? add_escaped_bytes(crc, at, left, special) : (uint16_t)sum;
}

uint16_t redis_slot_of_id(cairn_slice_t id)
{
    size_t special = 0;
    return redis_slot_of_crc(add_escaped(0, id, &special));
}

static char digit(char c)
{
    return (char)(c <= '9' ? c - '0' : c - 'A' + 10);
}

char *redis_unescape(char *out, cairn_slice_t escaped)
{
    for (size_t i = 0; i < escaped.len; i++) {
        char c = escaped.ptr[i];
        if (c != '%') {
            *out++ = c;
        } else if (escaped.len - i > 2) {
            *out++ = (char)(digit(escaped.ptr[i + 1]) << 4 | digit(escaped.ptr[i + 2]));
            i += 2;
        }
    }
    return out;
}

#define END 2 /* bytes that end an encoded id */

size_t redis_encoded_size(cairn_slice_t id)
{
    size_t size = id.len + END;
    for (size_t i = 0; i < id.len; i++) size += id.ptr[i] == '\0';
    return size;
}

static char *encode(char *out, cairn_slice_t id, unsigned char mask)
{
    for (size_t i = 0; i < id.len; i++) {
        *out++ = (char)((unsigned char)id.ptr[i] ^ mask);
        if (id.ptr[i] == '\0') *out++ = (char)(0xff ^ mask);
    }
    memset(out, mask, END);
    return out + END;
}

char *redis_encode(char *out, cairn_slice_t id)
{
    return encode(out, id, 0);
}

char *redis_encode_inverted(char *out, cairn_slice_t id)
{
    return encode(out, id, 0xff);
}

bool redis_take_encoded(cairn_slice_t *bytes, bool inverted, cairn_slice_t *encoded)
{
    const unsigned char mask = inverted ? 0xff : 0;
    for (size_t i = 0; i + 1 < bytes->len; i++) {
        if ((unsigned char)bytes->ptr[i] != mask) continue;
        unsigned char next = (unsigned char)bytes->ptr[++i] ^ mask;
        if (next != 0 && next != 0xff) return false;
        if (next != 0) continue;
        *encoded = cairn_slice(bytes->ptr, i + 1);
        *bytes = cairn_slice(bytes->ptr + i + 1, bytes->len - i - 1);
        return true;
    }
    return false;
}

char *redis_decode(char *out, cairn_slice_t encoded)
{
    for (size_t i = 0; i + END < encoded.len; i++) {
        *out++ = encoded.ptr[i];
        if (encoded.ptr[i] == '\0') i++;
    }
    return out;
}

/* ---- the store ---- */

unsigned redis_space_shard(cairn_slice_t path)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < path.len; i++) hash = (hash ^ (unsigned char)path.ptr[i]) * 16777619u;
    return (hash ^ hash >> 16) % REDIS_SPACE_SHARDS;
}

size_t redis_space_tag_size(cairn_namespace_t ns)
{
    size_t size = sizeof "{}" - 1;
    for (size_t i = 0; i < ns.count; i++) size += redis_escaped_size(ns.labels[i]) + (i > 0);
    return size;
}

char *redis_space_tag(char *out, cairn_namespace_t ns)
{
    *out++ = '{';
    for (size_t i = 0; i < ns.count; i++) {
        if (i > 0) *out++ = ':';
        out = redis_escape(out, ns.labels[i]);
    }
    *out++ = '}';
    return out;
}

uint16_t redis_slot_of_space(cairn_namespace_t ns, size_t *tag_size)
{
    uint16_t crc = 0;
    size_t size = sizeof "{}" - 1, special = 0;
    for (size_t i = 0; i < ns.count; i++) {
        if (i > 0) crc = redis_crc16_add(crc, ':');
        crc = add_escaped(crc, ns.labels[i], &special);
        size += (ns.labels[i].len > 0 ? ns.labels[i].len : 1) + (i > 0);
    }
    *tag_size = size + 2 * special;
    return redis_slot_of_crc(crc);
}
