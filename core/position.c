#include <cairn/position.h>
#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

size_t cairn_position_format(cairn_position_t position, char out[CAIRN_POSITION_SIZE])
{
    return (size_t)snprintf(out, CAIRN_POSITION_SIZE, "%" PRIu64 "-%" PRIu64, position.high,
                            position.low);
}

/* Reads a number as it is printed, from `*at` on, and moves `*at` behind it. */
static bool take_number(const char **at, const char *end, uint64_t *out)
{
    const char *first = *at;
    uint64_t number = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        unsigned digit = (unsigned)(**at - '0');
        if (number > (UINT64_MAX - digit) / 10) return false;
        number = number * 10 + digit;
    }
    *out = number;
    return *at > first && (*first != '0' || *at == first + 1);
}

int cairn_position_parse(cairn_slice_t text, cairn_position_t *out)
{
    if (text.len == 0 || text.len >= CAIRN_POSITION_SIZE) return UV_EINVAL;
    const char *at = text.ptr, *end = text.ptr + text.len;
    cairn_position_t position;
    if (!take_number(&at, end, &position.high)) return UV_EINVAL;
    if (at == end || *at++ != '-') return UV_EINVAL;
    if (!take_number(&at, end, &position.low) || at != end) return UV_EINVAL;
    *out = position;
    return 0;
}
