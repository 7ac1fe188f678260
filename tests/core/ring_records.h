/* Records whose bytes follow from a seed, so that a copy of one is a few numbers. */
#ifndef TESTS_CORE_RING_RECORDS_H
#define TESTS_CORE_RING_RECORDS_H

#include "alloc_fault.h"
#include "check.h"
#include "message_ring.h"

#include <uv.h>

#define BLOCK 1024u /* the ring's first */
#define LONGEST 20000u
static char scratch[2 * LONGEST];

typedef struct copy {
    unsigned seed;
    size_t channel_len;
    size_t payload_len;
    int64_t lost;
} copy_t;

static char byte_of(unsigned seed, size_t at)
{
    return (char)(seed * 131u + (unsigned)at * 7u + (unsigned)(at >> 8));
}

static message_record_t record_of(const copy_t *copy)
{
    size_t len = copy->channel_len + copy->payload_len;
    for (size_t i = 0; i < len; i++) scratch[i] = byte_of(copy->seed, i);
    message_record_t record = {.channel = cairn_slice(scratch, copy->channel_len),
                               .payload =
                                   cairn_slice(scratch + copy->channel_len, copy->payload_len),
                               .lost = copy->lost};
    return record;
}

static void assert_is(const message_record_t *record, const copy_t *copy)
{
    assert_int_equal(record->channel.len, copy->channel_len);
    assert_int_equal(record->payload.len, copy->payload_len);
    for (size_t i = 0; i < copy->channel_len; i++)
        if (record->channel.ptr[i] != byte_of(copy->seed, i))
            check_fail("channel differs at %zu", i);
    for (size_t i = 0; i < copy->payload_len; i++)
        if (record->payload.ptr[i] != byte_of(copy->seed, copy->channel_len + i))
            check_fail("payload differs at %zu", i);
}

static int watch(void **state)
{
    (void)state;
    alloc_watch();
    return 0;
}

static int nothing_left(void **state)
{
    (void)state;
    size_t live = alloc_live();
    alloc_unwatch();
    return live == 0 ? 0 : -1;
}

#endif
