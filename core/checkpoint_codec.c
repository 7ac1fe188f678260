/* The encoding, version 1:
 *
 *     version     one byte, 1
 *     v           8 bytes, two's complement, least significant first
 *     id ts       text
 *     number of channel_versions; for each channel version   text
 *     number of versions_seen;    for each node              text
 *                                          channel           text, may be absent
 *                                          version           text
 *     number of updated_channels, plus one; 0: not known;  for each  text
 *     extra       type bytes                                 text
 *
 *     number      7 bits a byte, least significant first, 0x80 on all but the last; as short as can
 *                 be
 *     text        number of bytes, bytes. If it may be absent: the number plus one, 0 being absent
 */
#include <cairn/error.h>
#include <cairn/sys/checkpoint_codec.h>
#include <string.h>
#include <uv.h>

#define FORMAT 1
#define NUMBER_MOST 10 /* bytes of the longest number */

/* ---- writing ---- */

static size_t number_size(uint64_t number)
{
    size_t size = 1;
    for (; number > 0x7f; number >>= 7) size++;
    return size;
}

static size_t text_size(cairn_slice_t text)
{
    return number_size(text.len) + text.len;
}

static size_t optional_size(cairn_slice_t text)
{
    return text.ptr ? number_size((uint64_t)text.len + 1) + text.len : 1;
}

static uint64_t updated_number(const cairn_checkpoint_t *checkpoint)
{
    return checkpoint->updated_channels ? (uint64_t)checkpoint->updated_channel_count + 1 : 0;
}

size_t cairn_checkpoint_encoded_size(const cairn_checkpoint_t *checkpoint)
{
    size_t size = 1 + 8 + text_size(checkpoint->id) + text_size(checkpoint->ts);
    size += number_size(checkpoint->channel_version_count);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        const cairn_channel_version_t *entry = &checkpoint->channel_versions[i];
        size += text_size(entry->channel) + text_size(entry->version);
    }
    size += number_size(checkpoint->version_seen_count);
    for (size_t i = 0; i < checkpoint->version_seen_count; i++) {
        const cairn_version_seen_t *seen = &checkpoint->versions_seen[i];
        size += text_size(seen->node) + optional_size(seen->channel) + text_size(seen->version);
    }
    uint64_t updated = updated_number(checkpoint);
    size += number_size(updated);
    for (size_t i = 0; i + 1 < updated; i++) size += text_size(checkpoint->updated_channels[i]);
    return size + text_size(checkpoint->extra.type) + text_size(checkpoint->extra.bytes);
}

static char *put_number(char *out, uint64_t number)
{
    for (; number > 0x7f; number >>= 7) *out++ = (char)(number | 0x80);
    *out++ = (char)number;
    return out;
}

static char *put_bytes(char *out, cairn_slice_t text)
{
    if (text.len) memcpy(out, text.ptr, text.len);
    return out + text.len;
}

static char *put_text(char *out, cairn_slice_t text)
{
    return put_bytes(put_number(out, text.len), text);
}

static char *put_optional(char *out, cairn_slice_t text)
{
    if (!text.ptr) return put_number(out, 0);
    return put_bytes(put_number(out, (uint64_t)text.len + 1), text);
}

char *cairn_checkpoint_encode(const cairn_checkpoint_t *checkpoint, char *out)
{
    *out++ = FORMAT;
    for (unsigned shift = 0; shift < 64; shift += 8)
        *out++ = (char)((uint64_t)checkpoint->v >> shift);
    out = put_text(out, checkpoint->id);
    out = put_text(out, checkpoint->ts);
    out = put_number(out, checkpoint->channel_version_count);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        out = put_text(out, checkpoint->channel_versions[i].channel);
        out = put_text(out, checkpoint->channel_versions[i].version);
    }
    out = put_number(out, checkpoint->version_seen_count);
    for (size_t i = 0; i < checkpoint->version_seen_count; i++) {
        out = put_text(out, checkpoint->versions_seen[i].node);
        out = put_optional(out, checkpoint->versions_seen[i].channel);
        out = put_text(out, checkpoint->versions_seen[i].version);
    }
    uint64_t updated = updated_number(checkpoint);
    out = put_number(out, updated);
    for (size_t i = 0; i + 1 < updated; i++) out = put_text(out, checkpoint->updated_channels[i]);
    out = put_text(out, checkpoint->extra.type);
    return put_text(out, checkpoint->extra.bytes);
}

/* ---- reading ---- */

typedef struct reader {
    const char *at, *end;
    bool malformed; /* once set, everything reads as empty */
} reader_t;

static uint64_t malformed(reader_t *reader)
{
    reader->malformed = true;
    reader->at = reader->end;
    return 0;
}

static uint64_t read_number(reader_t *reader)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < NUMBER_MOST && reader->at < reader->end; i++) {
        uint64_t byte = (unsigned char)*reader->at++;
        uint64_t bits = byte & 0x7f;
        if (i == NUMBER_MOST - 1 && byte > 1) break;
        number |= bits << (7 * i);
        if (byte & 0x80) continue;
        if (byte == 0 && i > 0) break;
        return number;
    }
    return malformed(reader);
}

static cairn_slice_t read_bytes(reader_t *reader, uint64_t len)
{
    if (len > (uint64_t)(reader->end - reader->at)) len = malformed(reader);
    cairn_slice_t bytes = cairn_slice(reader->at, (size_t)len);
    reader->at += len;
    return bytes;
}

static cairn_slice_t read_text(reader_t *reader)
{
    return read_bytes(reader, read_number(reader));
}

static cairn_slice_t read_optional(reader_t *reader)
{
    uint64_t number = read_number(reader);
    return number ? read_bytes(reader, number - 1) : cairn_slice(NULL, 0);
}

/* An array of `count` rows, none of which takes fewer than `least` bytes: so that no few bytes ask
 * for much memory. NULL if malformed or without memory. */
static void *rows_for(reader_t *reader, cairn_arena_t *arena, uint64_t count, size_t least,
                      size_t size)
{
    if (count > (uint64_t)(reader->end - reader->at) / least) {
        malformed(reader);
        return NULL;
    }
    return cairn_arena_alloc(arena, (size_t)count, size);
}

static bool read_channel_versions(reader_t *reader, cairn_arena_t *arena, cairn_checkpoint_t *out)
{
    uint64_t count = read_number(reader);
    cairn_channel_version_t *rows = rows_for(reader, arena, count, 2, sizeof *rows);
    if (!rows) return false;
    for (size_t i = 0; i < count; i++) {
        rows[i].channel = read_text(reader);
        rows[i].version = read_text(reader);
    }
    out->channel_versions = rows;
    out->channel_version_count = (size_t)count;
    return true;
}

static bool read_versions_seen(reader_t *reader, cairn_arena_t *arena, cairn_checkpoint_t *out)
{
    uint64_t count = read_number(reader);
    cairn_version_seen_t *rows = rows_for(reader, arena, count, 3, sizeof *rows);
    if (!rows) return false;
    for (size_t i = 0; i < count; i++) {
        rows[i].node = read_text(reader);
        rows[i].channel = read_optional(reader);
        rows[i].version = read_text(reader);
    }
    out->versions_seen = rows;
    out->version_seen_count = (size_t)count;
    return true;
}

static bool read_updated_channels(reader_t *reader, cairn_arena_t *arena, cairn_checkpoint_t *out)
{
    uint64_t count = read_number(reader);
    if (count == 0) return true;
    cairn_slice_t *rows = rows_for(reader, arena, --count, 1, sizeof *rows);
    if (!rows) return false;
    for (size_t i = 0; i < count; i++) rows[i] = read_text(reader);
    out->updated_channels = rows;
    out->updated_channel_count = (size_t)count;
    return true;
}

static reader_t reader_of(cairn_slice_t bytes)
{
    const char *at = bytes.ptr ? bytes.ptr : "";
    return (reader_t){at, at + bytes.len, false};
}

static void read_header(reader_t *reader, cairn_checkpoint_t *out)
{
    if (reader->end - reader->at < 9 || *reader->at != FORMAT) {
        malformed(reader);
        return;
    }
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++) v |= (uint64_t)(unsigned char)reader->at[1 + i] << (8 * i);
    memcpy(&out->v, &v, sizeof v);
    reader->at += 9;
    out->id = read_text(reader);
    out->ts = read_text(reader);
}

static int refuse(cairn_checkpoint_t *out, int status)
{
    memset(out, 0, sizeof *out);
    return status;
}

int cairn_checkpoint_decode(cairn_slice_t bytes, cairn_arena_t *arena, cairn_checkpoint_t *out)
{
    reader_t reader = reader_of(bytes);
    memset(out, 0, sizeof *out);
    read_header(&reader, out);
    bool held = read_channel_versions(&reader, arena, out) &&
                read_versions_seen(&reader, arena, out) &&
                read_updated_channels(&reader, arena, out);
    if (!held && !reader.malformed) return refuse(out, UV_ENOMEM);
    out->extra.type = read_text(&reader);
    out->extra.bytes = read_text(&reader);
    if (reader.malformed || reader.at != reader.end) return refuse(out, CAIRN_EPROTOCOL);
    return 0;
}

int cairn_checkpoint_decode_header(cairn_slice_t bytes, cairn_checkpoint_t *out)
{
    reader_t reader = reader_of(bytes);
    memset(out, 0, sizeof *out);
    read_header(&reader, out);
    return reader.malformed ? refuse(out, CAIRN_EPROTOCOL) : 0;
}
