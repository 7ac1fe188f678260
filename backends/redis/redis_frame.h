/* Framing: where does the RESP value at the beginning of these bytes end?
 *
 * Two layers. A token is one header of RESP2 or RESP3, with the whole value if it has no children:
 * the only place that knows the grammar. The frame counts tokens until one value is complete, over
 * as many reads as it takes. What has been framed is well-formed to its last byte, and no longer
 * than the caller allows.
 *
 * Flat: children still to come are a number, so nesting costs nothing and needs no limit. */
#ifndef CAIRN_REDIS_FRAME_H
#define CAIRN_REDIS_FRAME_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <cairn/error.h>
#include <stdint.h>

/* Longest text of + - and ( in bytes, and of a double. */
#define REDIS_LINE_MAX 65536
#define REDIS_DOUBLE_MAX 326

/* Zero: at the beginning of a value. Offsets count from there, so the bytes may move between
 * calls. */
typedef struct redis_frame {
    size_t at;         /* of the token to read next */
    uint64_t pending;  /* values not yet complete, that token's included; 0: not begun, thus 1 */
    uint64_t need;     /* reading on makes no sense before so many bytes are there */
    const char *error; /* static; set when a scan fails */
} redis_frame_t;

/* `buf` begins where the value begins; `avail` bytes of it are there, those of earlier calls
 * included.
 * 1: complete, `*len` bytes long; the state is back at zero.
 * 0: more bytes are needed. No byte is looked at twice, but for a header that the end cut off, and
 *    the header of a bulk that was incomplete.
 * CAIRN_EPROTOCOL, or CAIRN_ETOOBIG as soon as it is known that the value cannot end within
 * `max_bytes`; `error` says why. Then the frame is of no further use. */
CAIRN_MUST_USE int redis_frame_scan(redis_frame_t *frame, const char *buf, size_t avail,
                                    uint64_t max_bytes, size_t *len);

/* After a scan that gave 0: at least so many bytes are missing. */
uint64_t redis_frame_missing(const redis_frame_t *frame, size_t avail);

/* ---- for redis_reply ---- */

typedef struct redis_token {
    char type;         /* the type byte */
    bool nil;          /* _ or $-1 or *-1 */
    const char *body;  /* text of a bulk or line; of = without its prefix */
    size_t len;        /* of the text */
    int64_t integer;   /* of : and # */
    uint64_t children; /* of * % ~ > and |; two a pair */
    const char *next;  /* behind it */
    uint64_t need;     /* on 0: bytes from its beginning that are needed to go on, at least */
    const char *error; /* on <0; static */
} redis_token_t;

/* Reads the token at `at`. The first `searched` bytes are known to hold no end of line.
 * 1: read; 0: it goes on beyond `end`; CAIRN_EPROTOCOL; CAIRN_ETOOBIG (line too long). */
CAIRN_MUST_USE int redis_token_read(redis_token_t *token, const char *at, const char *end,
                                    size_t searched);

/* Whether a text is what may follow ',': inf, nan, or decimal digits with sign, fraction and
 * exponent as you like. */
bool redis_token_is_double(cairn_slice_t text);

/* Any number without a sign, up to 18 digits, from behind the type byte on: where its line ends, or
 * NULL if it is none or not all there. */
static inline const char *redis_digits(const char *at, const char *end, uint64_t *value)
{
    const char *first = at;
    uint64_t n = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) break;
        n = n * 10 + digit;
    }
    size_t digits = (size_t)(at - first);
    if (digits - 1 >= 18 || (*first == '0' && digits > 1)) return NULL;
    if (end - at < 2 || memcmp(at, "\r\n", 2) != 0) return NULL;
    *value = n;
    return at + 2;
}

#endif
