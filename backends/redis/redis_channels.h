/* The channels of the run streams that somebody in this handle follows or waits for: one a stream,
 * found by its id. Only the table; redis_stream_feed.c subscribes. */
#ifndef CAIRN_REDIS_CHANNELS_H
#define CAIRN_REDIS_CHANNELS_H

#include <cairn/sys/backend.h>

struct redis_backend;
struct redis_standalone;
struct redis_wait;

typedef struct redis_channel {
    struct redis_channel *same_bucket;
    struct redis_backend *redis;
    uint64_t hash;
    struct redis_standalone *home; /* the server that it is subscribed to at */
    cairn_feed_t *feed;            /* NULL: nobody follows it */
    struct redis_wait *waits;      /* reads of groups that something of this channel wakes */
    uint32_t users;                /* the feed, and whoever waits or asks on behalf of a wait */
    uint32_t unanswered;           /* SUBSCRIBEs and UNSUBSCRIBEs */
    uint32_t busy;                 /* somebody goes through it: it is not to be freed */
    uint32_t news;                 /* messages there were, about; to see that there was one */
    bool up;                       /* what is published comes */
    bool announced_begins;         /* the stream began with the first of them */
    uint64_t announced;      /* number of the event that comes next, in messages of their own */
    uint64_t announced_left; /* how many of them are to come */
    size_t len;
    char id[];
} redis_channel_t;

typedef struct redis_channels {
    redis_channel_t **buckets;
    size_t bucket_count; /* a power of two, or 0 */
    size_t count;
} redis_channels_t;

/* Zero it before use. Frees what it holds. */
void redis_channels_free(redis_channels_t *channels);

redis_channel_t *redis_channels_find(const redis_channels_t *channels, cairn_slice_t id);

/* One that is not there yet. NULL: out of memory. */
redis_channel_t *redis_channels_add(redis_channels_t *channels, cairn_slice_t id);

/* Removes and frees. */
void redis_channels_remove(redis_channels_t *channels, redis_channel_t *channel);

static inline cairn_slice_t redis_channel_id(const redis_channel_t *channel)
{
    return cairn_slice(channel->id, channel->len);
}

#endif
