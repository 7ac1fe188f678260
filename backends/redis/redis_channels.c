#include "redis_channels.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define FIRST_BUCKETS 16

static uint64_t hash_of(cairn_slice_t id)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < id.len; i++) hash = (hash ^ (unsigned char)id.ptr[i]) * 1099511628211u;
    return hash ^ (hash >> 32);
}

static redis_channel_t **bucket_of(const redis_channels_t *channels, uint64_t hash)
{
    return &channels->buckets[hash & (channels->bucket_count - 1)];
}

void redis_channels_free(redis_channels_t *channels)
{
    for (size_t i = 0; i < channels->bucket_count; i++) {
        while (channels->buckets[i]) redis_channels_remove(channels, channels->buckets[i]);
    }
    cairn_free(channels->buckets);
    memset(channels, 0, sizeof *channels);
}

redis_channel_t *redis_channels_find(const redis_channels_t *channels, cairn_slice_t id)
{
    if (channels->count == 0) return NULL;
    uint64_t hash = hash_of(id);
    redis_channel_t *channel = *bucket_of(channels, hash);
    while (channel && (channel->hash != hash || !cairn_slice_eq(redis_channel_id(channel), id)))
        channel = channel->same_bucket;
    return channel;
}

static void put(redis_channels_t *channels, redis_channel_t *channel)
{
    redis_channel_t **bucket = bucket_of(channels, channel->hash);
    channel->same_bucket = *bucket;
    *bucket = channel;
}

static int grow(redis_channels_t *channels)
{
    const redis_channels_t old = *channels;
    size_t more = old.bucket_count > 0 ? old.bucket_count * 2 : FIRST_BUCKETS;
    redis_channel_t **buckets = cairn_calloc(more, sizeof(redis_channel_t *));
    if (!buckets) return -1;
    channels->buckets = buckets;
    channels->bucket_count = more;
    for (size_t i = 0; i < old.bucket_count; i++) {
        for (redis_channel_t *at = old.buckets[i], *next; at; at = next) {
            next = at->same_bucket;
            put(channels, at);
        }
    }
    cairn_free(old.buckets);
    return 0;
}

redis_channel_t *redis_channels_add(redis_channels_t *channels, cairn_slice_t id)
{
    if (channels->count == channels->bucket_count && grow(channels) < 0) return NULL;
    redis_channel_t *channel = cairn_calloc(1, sizeof *channel + id.len);
    if (!channel) return NULL;
    if (id.len > 0) memcpy(channel->id, id.ptr, id.len);
    channel->len = id.len;
    channel->hash = hash_of(id);
    put(channels, channel);
    channels->count++;
    return channel;
}

void redis_channels_remove(redis_channels_t *channels, redis_channel_t *channel)
{
    redis_channel_t **at = bucket_of(channels, channel->hash);
    while (*at != channel) at = &(*at)->same_bucket;
    *at = channel->same_bucket;
    channels->count--;
    cairn_free(channel);
}
