/* Time to live, as the saver, the store and the run streams count it: in milliseconds, and as an
 * explicit "nothing said" where a default applies (semantics.md rules 29, 32-34, 42, 47).
 *
 *     options.default_ttl = cairn_ttl_ms(3600000);          one hour
 *     options.default_ttl = cairn_ttl_ms(CAIRN_TTL_PERSIST); for ever
 *     cairn_ttl_t nothing_said = {0};                       the default of what it is used on */
#ifndef CAIRN_TTL_H
#define CAIRN_TTL_H

#include <cairn/compiler.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does not expire. As a TTL you give, and as one you are told. */
#define CAIRN_TTL_PERSIST (-1)

/* Told of what is not there; never given. */
#define CAIRN_TTL_ABSENT (-2)

/* The longest TTL that is no CAIRN_TTL_PERSIST: some 140,000 years. Sums with the time of day stay
 * exact in a double, which is what scripts on a server count in. */
#define CAIRN_TTL_MAX_MS (INT64_C(1) << 52)

/* Zeroed: nothing said, the default applies. Otherwise `ms` is 1 ... CAIRN_TTL_MAX_MS or
 * CAIRN_TTL_PERSIST; zero and other negatives are UV_EINVAL and never delete anything, more than
 * the maximum is CAIRN_ETOOBIG. */
typedef struct cairn_ttl {
    bool given;
    int64_t ms;
} cairn_ttl_t;

static inline cairn_ttl_t cairn_ttl_ms(int64_t ms)
{
    cairn_ttl_t ttl = {true, ms};
    return ttl;
}

/* The only place where LangGraph's minutes become milliseconds: rounded to the nearest, at least 1.
 * UV_EINVAL unless `minutes` is a number above zero, CAIRN_ETOOBIG beyond CAIRN_TTL_MAX_MS; then
 * `*ttl_ms` is left alone. */
CAIRN_MUST_USE int cairn_ttl_ms_from_minutes(double minutes, int64_t *ttl_ms);

/* Whether a read puts the full TTL back on what it returns. It never gives one to what has none. */
typedef enum cairn_refresh {
    CAIRN_REFRESH_DEFAULT, /* as the saver's or the store's options say */
    CAIRN_REFRESH_NO,
    CAIRN_REFRESH_YES
} cairn_refresh_t;

#ifdef __cplusplus
}
#endif
#endif
