#include "uuid6.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <uv.h>

/* From the beginning of the Gregorian calendar to 1970, in ticks of 100 ns. */
#define UUID_EPOCH UINT64_C(0x01B21DD213814000)

void uuid6_write(uint64_t ticks, uint32_t clock_seq, const unsigned char node[6],
                 char out[CAIRN_UUID6_SIZE])
{
    snprintf(out, CAIRN_UUID6_SIZE,
             "%08" PRIx32 "-%04" PRIx32 "-6%03" PRIx32 "-%04" PRIx32 "-%02x%02x%02x%02x%02x%02x",
             (uint32_t)(ticks >> 28), (uint32_t)(ticks >> 12 & 0xffff), (uint32_t)(ticks & 0xfff),
             0x8000 | (clock_seq & 0x3fff), node[0], node[1], node[2], node[3], node[4], node[5]);
}

uint64_t uuid6_ticks(cairn_uuid6_t *maker, uint64_t now)
{
    maker->last = now > maker->last ? now : maker->last + 1;
    return maker->last;
}

int cairn_uuid6_next(cairn_uuid6_t *maker, int32_t clock_seq, char out[CAIRN_UUID6_SIZE])
{
    unsigned char node[6];
    int rc = uv_random(NULL, NULL, node, sizeof node, 0, NULL);
    if (rc < 0) return rc;
    node[0] |= 1; /* marks a node that is no network card's address */

    struct timespec now;
    timespec_get(&now, TIME_UTC);
    uint64_t ticks = (uint64_t)now.tv_sec * 10000000 + (uint64_t)now.tv_nsec / 100 + UUID_EPOCH;
    uuid6_write(uuid6_ticks(maker, ticks), (uint32_t)clock_seq, node, out);
    return 0;
}
