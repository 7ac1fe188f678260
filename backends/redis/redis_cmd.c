#include "redis_cmd.h"

const char redis_cmd_pairs[201] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

/* How many digits `n` has. */
static unsigned count_digits(uint64_t n)
{
    unsigned digits = 1;
    for (;;) {
        if (n < 10) return digits;
        if (n < 100) return digits + 1;
        if (n < 1000) return digits + 2;
        if (n < 10000) return digits + 3;
        n /= 10000;
        digits += 4;
    }
}

/* `digits` is how many `n` has. */
static char *write_digits(char *out, uint64_t n, unsigned digits)
{
    char *end = out + digits;
    char *at = end;
    for (; n >= 100; n /= 100) {
        at -= 2;
        memcpy(at, redis_cmd_pairs + 2 * (n % 100), 2);
    }
    if (n >= 10) {
        memcpy(at - 2, redis_cmd_pairs + 2 * n, 2);
    } else {
        at[-1] = (char)('0' + n);
    }
    return end;
}

char *redis_cmd_digits_slow(char *out, uint64_t n)
{
    if (n < 1000) {
        *out = (char)('0' + n / 100);
        memcpy(out + 1, redis_cmd_pairs + 2 * (n % 100), 2);
        return out + 3;
    }
    return write_digits(out, n, count_digits(n));
}

char *redis_cmd_u64(char *out, uint64_t n)
{
    unsigned digits = count_digits(n);
    out = redis_cmd_arg_begin(out, digits);
    return redis_cmd_end(write_digits(out, n, digits));
}

char *redis_cmd_i64(char *out, int64_t n)
{
    if (n >= 0) return redis_cmd_u64(out, (uint64_t)n);
    uint64_t magnitude = 0 - (uint64_t)n;
    unsigned digits = count_digits(magnitude);
    out = redis_cmd_arg_begin(out, digits + 1);
    *out = '-';
    return redis_cmd_end(write_digits(out + 1, magnitude, digits));
}
