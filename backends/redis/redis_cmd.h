/* Commands, encoded straight into a region of the output buffer that was reserved with
 * redis_cmd_bound. Each call writes at `out` and returns where it stopped.
 *
 *     char *out = reserve(redis_cmd_bound(3, key.len + REDIS_CMD_NUMBER));
 *     out = redis_cmd_begin(out, 3);
 *     out = redis_cmd_literal(out, "$6\r\nEXPIRE\r\n", 12);
 *     out = redis_cmd_arg(out, key);
 *     out = redis_cmd_u64(out, seconds);
 */
#ifndef CAIRN_REDIS_CMD_H
#define CAIRN_REDIS_CMD_H

#include <cairn/bytes.h>
#include <stdint.h>

/* Payload bytes to count for a number: 20 digits, or 19 and a sign. */
#define REDIS_CMD_NUMBER 20

/* Most bytes that *N, or a bulk's header and end, can take: type, 20 digits, two line ends. */
#define REDIS_CMD_OVERHEAD 25

/* Enough room for a command of `argc` arguments with `payload` bytes in all. Literals count as
 * their own length. */
static inline size_t redis_cmd_bound(size_t argc, size_t payload)
{
    return (argc + 1) * REDIS_CMD_OVERHEAD + payload;
}

/* "00" "01" ... "99". */
extern const char redis_cmd_pairs[201];

char *redis_cmd_digits_slow(char *out, uint64_t n);

/* Decimal, as it stands. */
static inline char *redis_cmd_digits(char *out, uint64_t n)
{
    if (n < 10) {
        *out = (char)('0' + n);
        return out + 1;
    }
    if (n < 100) {
        memcpy(out, redis_cmd_pairs + 2 * n, 2);
        return out + 2;
    }
    return redis_cmd_digits_slow(out, n);
}

/* Bytes as they stand, such as the whole beginning of a command, encoded when it was written:
 * "*3\r\n$7\r\nPUBLISH\r\n". */
static inline char *redis_cmd_literal(char *out, const char *bytes, size_t len)
{
    memcpy(out, bytes, len);
    return out + len;
}

static inline char *redis_cmd_end(char *out)
{
    return redis_cmd_literal(out, "\r\n", 2);
}

/* "*3\r\n": `argc` arguments follow, the command's name included. */
static inline char *redis_cmd_begin(char *out, size_t argc)
{
    *out = '*';
    return redis_cmd_end(redis_cmd_digits(out + 1, argc));
}

/* "$5\r\n": `len` bytes follow, in as many literals as you like, and then redis_cmd_end. */
static inline char *redis_cmd_arg_begin(char *out, size_t len)
{
    *out = '$';
    return redis_cmd_end(redis_cmd_digits(out + 1, len));
}

/* "$5\r\nhello\r\n" */
static inline char *redis_cmd_arg(char *out, cairn_slice_t arg)
{
    out = redis_cmd_arg_begin(out, arg.len);
    if (arg.len > 0) memcpy(out, arg.ptr, arg.len);
    return redis_cmd_end(out + arg.len);
}

/* "$2\r\n42\r\n" */
char *redis_cmd_u64(char *out, uint64_t n);
char *redis_cmd_i64(char *out, int64_t n);

#endif
