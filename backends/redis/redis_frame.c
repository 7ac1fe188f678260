#include "redis_frame.h"

/* Digits of a length or count; 10^18 bytes are beyond any buffer, and twice that still fits. */
#define LENGTH_DIGITS_MAX 18

/* The least a value takes: "_\r\n". */
#define VALUE_BYTES_MIN 3

/* Larger limits mean the same, and sums of a few need no checks below it. */
#define MAX_BYTES_MAX (UINT64_MAX / 8)

/* Children too few to be refused at once: their bytes come or they do not. */
#define FEW_CHILDREN 9

/* Left to their own judgement compilers need a third more instructions for the usual reply. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))

/* ---- the grammar ---- */

/* The steps below read at token->next and move it. 1: done; 0: at the end; <0: refused. */

static int refuse(redis_token_t *token, const char *error)
{
    token->error = error;
    return CAIRN_EPROTOCOL;
}

static ALWAYS_INLINE bool is_line_end(const char *at)
{
    return memcmp(at, "\r\n", 2) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_line_end(redis_token_t *token, const char *end)
{
    if (token->next == end) return 0;
    if (token->next[0] != '\r') return refuse(token, "end of line expected");
    token->next++;
    if (token->next == end) return 0;
    if (token->next[0] != '\n') return refuse(token, "carriage return without line feed");
    token->next++;
    return 1;
}

/* At least one digit, no zero in front of others, at most `digits_max`; with the line's end. */
static int read_digits(redis_token_t *token, const char *end, size_t digits_max, uint64_t *value)
{
    const char *first = token->next;
    const char *at = first;
    uint64_t n = 0;
    for (; at < end; at++) {
        unsigned digit = (unsigned)(unsigned char)*at - '0';
        if (digit > 9) break;
        n = n * 10 + digit;
    }
    token->next = at;
    size_t digits = (size_t)(at - first);
    if (digits > digits_max) return refuse(token, "number out of range");
    if (digits > 1 && *first == '0') return refuse(token, "number begins with 0");
    if (digits == 0 && at < end) return refuse(token, "digit expected");
    *value = n;
    return read_line_end(token, end);
}

static int read_integer(redis_token_t *token, const char *end)
{
    if (token->next == end) return 0;
    bool negative = *token->next == '-';
    if (negative || *token->next == '+') token->next++;
    uint64_t magnitude;
    int rc = read_digits(token, end, 19, &magnitude);
    if (rc <= 0) return rc;
    if (magnitude > (uint64_t)INT64_MAX + negative) return refuse(token, "number out of range");
    token->integer = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return 1;
}

/* A length or count, or the -1 of `may_be_nil`. */
static int read_length(redis_token_t *token, const char *end, bool may_be_nil, uint64_t *length)
{
    if (token->next == end) return 0;
    if (*token->next == '?') return refuse(token, "streamed value");
    if (*token->next != '-') return read_digits(token, end, LENGTH_DIGITS_MAX, length);
    if (!may_be_nil) return refuse(token, "negative length");
    token->next++;
    if (token->next == end) return 0;
    if (*token->next != '1') return refuse(token, "negative length");
    token->next++;
    token->nil = true;
    return read_line_end(token, end);
}

static int read_boolean(redis_token_t *token, const char *end)
{
    if (token->next == end) return 0;
    if (*token->next != 't' && *token->next != 'f') return refuse(token, "neither true nor false");
    token->integer = *token->next == 't';
    token->next++;
    return read_line_end(token, end);
}

/* A text up to the end of the line; its first `searched` bytes hold no end. */
static int read_line(redis_token_t *token, const char *end, size_t searched, size_t longest)
{
    token->body = token->next;
    size_t there = (size_t)(end - token->body);
    size_t region = there <= longest ? there : longest + 1;
    const char *found = NULL;
    if (region > searched) found = memchr(token->body + searched, '\r', region - searched);
    if (!found && region > longest) {
        token->error = "line too long";
        return CAIRN_ETOOBIG;
    }
    token->next = found ? found : end;
    token->len = (size_t)(token->next - token->body);
    return read_line_end(token, end);
}

static bool skip_digits(const char **at, const char *end)
{
    const char *first = *at;
    while (*at < end && is_digit(**at)) (*at)++;
    return *at > first;
}

static bool skip_sign(const char **at, const char *end)
{
    bool sign = *at < end && (**at == '-' || **at == '+');
    if (sign) (*at)++;
    return sign;
}

static bool is_big_number(const char *at, size_t len)
{
    const char *end = at + len;
    skip_sign(&at, end);
    return skip_digits(&at, end) && at == end;
}

bool redis_token_is_double(cairn_slice_t text)
{
    const char *at = text.ptr;
    const char *end = at + text.len;
    skip_sign(&at, end);
    if (end - at == 3 && (memcmp(at, "inf", 3) == 0 || memcmp(at, "nan", 3) == 0)) return true;
    if (!skip_digits(&at, end)) return false;
    if (at < end && *at == '.') {
        at++;
        if (!skip_digits(&at, end)) return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        skip_sign(&at, end);
        if (!skip_digits(&at, end)) return false;
    }
    return at == end;
}

static int read_double(redis_token_t *token, const char *end, size_t searched)
{
    int rc = read_line(token, end, searched, REDIS_DOUBLE_MAX);
    if (rc <= 0) return rc;
    cairn_slice_t text = cairn_slice(token->body, token->len);
    return redis_token_is_double(text) ? 1 : refuse(token, "malformed double");
}

static int read_big_number(redis_token_t *token, const char *end, size_t searched)
{
    int rc = read_line(token, end, searched, REDIS_LINE_MAX);
    if (rc <= 0) return rc;
    return is_big_number(token->body, token->len) ? 1 : refuse(token, "malformed big number");
}

static int read_bulk(redis_token_t *token, const char *end)
{
    uint64_t length = 0;
    int rc = read_length(token, end, token->type == '$', &length);
    if (rc <= 0 || token->nil) return rc;
    uint64_t there = (uint64_t)(end - token->next);
    if (there < length + 2) {
        token->need = length + 2 - there;
        token->next = end;
        return 0;
    }
    token->body = token->next;
    token->len = (size_t)length;
    token->next += length;
    if (!is_line_end(token->next)) return refuse(token, "bulk longer than it says");
    token->next += 2;
    return 1;
}

/* "=15\r\ntxt:Some string\r\n" */
static int read_verbatim(redis_token_t *token, const char *end)
{
    static const size_t prefix = sizeof "txt:" - 1;
    int rc = read_bulk(token, end);
    if (rc <= 0) return rc;
    if (token->len < prefix || token->body[prefix - 1] != ':') {
        return refuse(token, "verbatim text without its prefix");
    }
    token->body += prefix;
    token->len -= prefix;
    return 1;
}

static int read_aggregate(redis_token_t *token, const char *end)
{
    int rc = read_length(token, end, token->type == '*', &token->children);
    if (token->type == '%' || token->type == '|') token->children *= 2;
    return rc;
}

static int read_after_type(redis_token_t *token, const char *end, size_t searched)
{
    switch (token->type) {
    case '$':
    case '!':
        return read_bulk(token, end);
    case '=':
        return read_verbatim(token, end);
    case '+':
    case '-':
        return read_line(token, end, searched, REDIS_LINE_MAX);
    case ':':
        return read_integer(token, end);
    case ',':
        return read_double(token, end, searched);
    case '(':
        return read_big_number(token, end, searched);
    case '#':
        return read_boolean(token, end);
    case '_':
        token->nil = true;
        return read_line_end(token, end);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
        return read_aggregate(token, end);
    default:
        return refuse(token, "unknown type");
    }
}

int redis_token_read(redis_token_t *token, const char *at, const char *end, size_t searched)
{
    *token = (redis_token_t){.next = at, .need = 1};
    if (at == end) return 0;
    token->type = *at;
    token->next = at + 1;
    int rc = read_after_type(token, end, searched);
    if (rc == 0) token->need += (uint64_t)(token->next - at);
    return rc;
}

/* ---- counting: any token ---- */

static int too_big(redis_frame_t *frame, const char *error)
{
    frame->error = error;
    return CAIRN_ETOOBIG;
}

/* Incomplete: `need` bytes of the value must be there to go on. */
static int wait_for(redis_frame_t *frame, uint64_t need, uint64_t max_bytes)
{
    if (need > max_bytes) return too_big(frame, "value longer than the limit");
    frame->need = need;
    return 0;
}

static int finish(redis_frame_t *frame, size_t whole, size_t *len)
{
    *frame = (redis_frame_t){0};
    *len = whole;
    return 1;
}

/* As redis_frame_scan, for the one token at frame->at, which is one of the pending values. */
static int scan_token(redis_frame_t *frame, const char *buf, const char *end, uint64_t max_bytes)
{
    const char *at = buf + frame->at;
    uint64_t seen = frame->need > frame->at ? frame->need - frame->at : 0;
    redis_token_t token;
    /* Seen, but not searched: the type, the byte that was needed, and one that may be the \r. */
    int rc = redis_token_read(&token, at, end, seen > 3 ? (size_t)(seen - 3) : 0);
    if (rc == 0) return wait_for(frame, frame->at + token.need, max_bytes);
    frame->error = token.error;
    if (rc < 0) return rc;
    if (token.type == '>' && frame->at > 0) {
        frame->error = "push inside a value";
        return CAIRN_EPROTOCOL;
    }
    frame->at = (size_t)(token.next - buf);
    frame->need = 0;
    frame->pending += token.children - (token.type != '|');
    if (token.children > FEW_CHILDREN && frame->pending * VALUE_BYTES_MIN > max_bytes - frame->at) {
        return too_big(frame, "more elements than fit the limit");
    }
    return 1;
}

/* ---- counting: what nearly all tokens are ---- */

/* "$1\r\n?\r\n" and so on: the least that a bulk takes whose length has so many digits. */
enum {
    BULK_OF_0 = 6,
    BULK_OF_1 = 7,
    BULK_OF_10 = 17,
    BULK_OF_100 = 108,
    NIL_BULK = 5
};

static ALWAYS_INLINE size_t digit_of(char c)
{
    return (size_t)(unsigned char)c - '0';
}

/* How long a bulk says it is, header and end included, or $-1. 0: malformed, or not all there.
 * BULK_OF_0 bytes are. Its first digit is counted from 1, which spares the test for 0. */
static ALWAYS_INLINE size_t bulk_says(const char *token, size_t there)
{
    size_t n = digit_of(token[1]) - 1;
    if (n > 8) return memcmp(token + 1, "-1", 2) == 0 ? NIL_BULK : 0;
    if (is_line_end(token + 2)) return n + BULK_OF_1;
    size_t digit = digit_of(token[2]);
    if (digit > 9) return 0;
    n = n * 10 + digit;
    if (is_line_end(token + 3)) return n + BULK_OF_10;
    digit = digit_of(token[3]);
    if (digit > 9) return 0;
    n = n * 10 + digit;
    if (is_line_end(token + 4)) return n + BULK_OF_100;
    if (there < BULK_OF_100) return 0;
    n += 100;
    for (const char *at = token + 4; n <= there; at++) {
        digit = digit_of(*at);
        if (digit > 9) return 0;
        n = n * 10 + digit;
        if (is_line_end(at + 1)) return n + (size_t)(at - token) + BULK_OF_0 - 1;
    }
    return 0;
}

/* How long a bulk is that is well-formed and all there; 0 for others. */
static ALWAYS_INLINE size_t whole_bulk(const char *token, size_t there)
{
    size_t whole = bulk_says(token, there);
    return whole - 1 < there && is_line_end(token + whole - 2) ? whole : 0;
}

/* How long a number without sign is, of up to 17 digits and all there; 0 for others. */
static ALWAYS_INLINE size_t whole_integer(const char *token, size_t there)
{
    if (!is_digit(token[1])) return 0;
    if (is_line_end(token + 2)) return 4;
    if (token[1] == '0') return 0;
    size_t most = there < 20 ? there : 20;
    size_t at = 2;
    while (at + 1 < most && is_digit(token[at])) at++;
    return at + 1 < most && is_line_end(token + at) ? at + 2 : 0;
}

/* How long the token is if it is a line of a kind that comes often, and all there; 0 for others. */
static ALWAYS_INLINE size_t whole_line(const char *token, size_t there)
{
    if (there < 3) return 0;
    if (*token == '_') return is_line_end(token + 1) ? 3 : 0;
    if (there < 4) return 0;
    if (*token == ':') return whole_integer(token, there);
    if (there < 5) return 0;
    return memcmp(token, "+OK\r\n", 5) == 0 || memcmp(token, "$-1\r\n", 5) == 0 ? 5 : 0;
}

static ALWAYS_INLINE size_t whole_leaf(const char *token, size_t there)
{
    if (there >= BULK_OF_0 && *token == '$') return whole_bulk(token, there);
    return whole_line(token, there);
}

/* Goes on as long as tokens are of the usual kinds; true: to the end of the value. */
static ALWAYS_INLINE bool scan_usual(redis_frame_t *frame, const char *buf, size_t avail,
                                     size_t *len)
{
    const char *token = buf + frame->at;
    const char *end = buf + avail;
    uint64_t pending = frame->pending + (frame->pending == 0);
    for (;;) {
        size_t there = (size_t)(end - token);
        size_t step;
        if (there >= BULK_OF_0 && *token == '$') {
            step = whole_bulk(token, there);
        } else if (there >= BULK_OF_0 && (*token == '*' || (*token == '>' && token == buf))) {
            size_t count = digit_of(token[1]) - 1;
            step = count < FEW_CHILDREN && is_line_end(token + 2) ? 4 : 0;
            pending += step ? count + 1 : 0;
        } else {
            step = whole_line(token, there);
        }
        if (step == 0) break;
        token += step;
        if (--pending == 0) return finish(frame, (size_t)(token - buf), len);
    }
    frame->at = (size_t)(token - buf);
    frame->pending = pending;
    return false;
}

/* From a token of any kind on. Not inlined, and called last, so that the usual ways save no
 * registers. */
static NEVER_INLINE int scan_any(redis_frame_t *frame, const char *buf, size_t avail,
                                 uint64_t max_bytes, size_t *len)
{
    do {
        int rc = scan_token(frame, buf, buf + avail, max_bytes);
        if (rc <= 0) return rc;
        if (frame->pending == 0) return finish(frame, frame->at, len);
    } while (!scan_usual(frame, buf, avail, len));
    return 1;
}

/* A value that may go on over many tokens, or calls. */
static NEVER_INLINE int scan_many(redis_frame_t *frame, const char *buf, size_t avail,
                                  uint64_t max_bytes, size_t *len)
{
    if (avail < frame->need) return 0;
    if (scan_usual(frame, buf, avail, len)) return 1;
    return scan_any(frame, buf, avail, max_bytes, len);
}

/* What all messages to channels begin with, behind the type. Its size is right with the type, for
 * which the NUL counts. */
static const char message_head[] = "3\r\n$7\r\nmessage\r\n";

static NEVER_INLINE int scan_message(redis_frame_t *frame, const char *buf, size_t avail,
                                     uint64_t max_bytes, size_t *len)
{
    const char *channel = buf + sizeof message_head;
    size_t there = avail - sizeof message_head;
    size_t channel_len = whole_leaf(channel, there);
    size_t payload_len = channel_len ? whole_leaf(channel + channel_len, there - channel_len) : 0;
    if (payload_len == 0) return scan_many(frame, buf, avail, max_bytes, len);
    *len = sizeof message_head + channel_len + payload_len;
    return 1;
}

static bool is_message(const char *buf, size_t avail)
{
    return avail > sizeof message_head && (*buf == '>' || *buf == '*') &&
           memcmp(buf + 1, message_head, sizeof message_head - 1) == 0;
}

int redis_frame_scan(redis_frame_t *frame, const char *buf, size_t avail, uint64_t max_bytes,
                     size_t *len)
{
    if (max_bytes > MAX_BYTES_MAX) max_bytes = MAX_BYTES_MAX;
    if (avail > max_bytes) avail = (size_t)max_bytes;
    if (frame->pending == 0) {
        size_t whole = whole_leaf(buf, avail);
        if (whole > 0) {
            *len = whole;
            return 1;
        }
        if (is_message(buf, avail)) return scan_message(frame, buf, avail, max_bytes, len);
    }
    return scan_many(frame, buf, avail, max_bytes, len);
}

uint64_t redis_frame_missing(const redis_frame_t *frame, size_t avail)
{
    uint64_t token = frame->need > avail ? frame->need - avail : 1;
    uint64_t after = frame->pending > 0 ? frame->pending - 1 : 0;
    return token + after * VALUE_BYTES_MIN;
}
