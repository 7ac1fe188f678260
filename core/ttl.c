#include <cairn/error.h>
#include <cairn/ttl.h>
#include <uv.h>

int cairn_ttl_ms_from_minutes(double minutes, int64_t *ttl_ms)
{
    if (!(minutes > 0)) return UV_EINVAL; /* not a number is not above zero either */
    double ms = minutes * 60000 + 0.5;
    if (!(ms < (double)CAIRN_TTL_MAX_MS + 1)) return CAIRN_ETOOBIG;
    int64_t whole = (int64_t)ms;
    *ttl_ms = whole > 0 ? whole : 1;
    return 0;
}
