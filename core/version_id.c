#include <cairn/version_id.h>
#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

#define DIGITS 32
#define FRACTIONS UINT64_C(10000000000000000) /* 16 digits of it */

/* Writes the whole number that `current` begins with, padded to DIGITS. */
static int take_count(cairn_slice_t current, char count[DIGITS])
{
    size_t len = 0;
    while (len < current.len && current.ptr[len] >= '0' && current.ptr[len] <= '9') len++;
    if (len < current.len && current.ptr[len] != '.') return UV_EINVAL;
    if (len == 0 && current.len > 0) return UV_EINVAL;
    const char *digits = current.ptr;
    for (; len > 0 && *digits == '0'; len--) digits++;
    if (len > DIGITS) return UV_ERANGE;
    memset(count, '0', DIGITS - len);
    if (len > 0) memcpy(count + DIGITS - len, digits, len);
    return 0;
}

static int add_one(char count[DIGITS])
{
    int at = DIGITS - 1;
    while (at >= 0 && count[at] == '9') count[at--] = '0';
    if (at < 0) return UV_ERANGE;
    count[at]++;
    return 0;
}

int cairn_version_id_next(cairn_slice_t current, char out[CAIRN_VERSION_ID_SIZE])
{
    char count[DIGITS];
    int rc = take_count(current, count);
    if (rc == 0) rc = add_one(count);
    if (rc < 0) return rc;
    uint64_t random;
    rc = uv_random(NULL, NULL, &random, sizeof random, 0, NULL);
    if (rc < 0) return rc;
    snprintf(out, CAIRN_VERSION_ID_SIZE, "%.*s.0.%016" PRIu64, DIGITS, count, random % FRACTIONS);
    return 0;
}
