#include "feeds.h"

#include "list.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define FIRST_BUCKETS 16u

/* FNV-1a: names come from this process's own readers, so flooding is none of its cares. */
static uint64_t hash_name(cairn_slice_t name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.ptr[i]) * 0x100000001b3u;
    return hash ^ (hash >> 32);
}

void feeds_init(feeds_t *feeds)
{
    memset(feeds, 0, sizeof *feeds);
    list_init(&feeds->all);
}

void feeds_free(feeds_t *feeds)
{
    while (!list_empty(&feeds->all))
        feeds_remove(feeds, CONTAINER_OF(feeds->all.next, feed_t, all));
    cairn_free(feeds->buckets);
    feeds->buckets = NULL;
    feeds->bucket_count = 0;
}

static feed_t **bucket_of(const feeds_t *feeds, uint64_t hash)
{
    return &feeds->buckets[hash & (feeds->bucket_count - 1)];
}

feed_t *feeds_find(const feeds_t *feeds, cairn_slice_t name)
{
    if (feeds->count == 0) return NULL;
    uint64_t hash = hash_name(name);
    feed_t *feed = *bucket_of(feeds, hash);
    while (feed && (feed->hash != hash || !cairn_slice_eq(feed->shared.stream, name)))
        feed = feed->same_bucket;
    return feed;
}

static void put(feeds_t *feeds, feed_t *feed)
{
    feed_t **bucket = bucket_of(feeds, feed->hash);
    feed->same_bucket = *bucket;
    *bucket = feed;
}

static int rehash(feeds_t *feeds, size_t bucket_count)
{
    feed_t **buckets = cairn_calloc(bucket_count, sizeof *buckets);
    if (!buckets) return -1;
    cairn_free(feeds->buckets);
    feeds->buckets = buckets;
    feeds->bucket_count = bucket_count;
    for (cairn_link_t *at = feeds->all.next; at != &feeds->all; at = at->next)
        put(feeds, CONTAINER_OF(at, feed_t, all));
    return 0;
}

feed_t *feeds_add(feeds_t *feeds, cairn_slice_t name)
{
    if (feeds->count == feeds->bucket_count) {
        size_t more = feeds->bucket_count ? feeds->bucket_count * 2 : FIRST_BUCKETS;
        if (rehash(feeds, more) < 0) return NULL;
    }
    feed_t *feed = cairn_calloc(1, sizeof *feed + name.len + 1);
    if (!feed) return NULL;
    if (name.len) memcpy(feed->name, name.ptr, name.len);
    feed->shared.stream = cairn_slice(feed->name, name.len);
    feed->hash = hash_name(name);
    list_init(&feed->tails);
    list_init(&feed->watches);
    put(feeds, feed);
    list_push_back(&feeds->all, &feed->all);
    feeds->count++;
    return feed;
}

void feeds_remove(feeds_t *feeds, feed_t *feed)
{
    feed_t **at = bucket_of(feeds, feed->hash);
    while (*at != feed) at = &(*at)->same_bucket;
    *at = feed->same_bucket;
    list_remove(&feed->all);
    feeds->count--;
    event_queue_free(&feed->recent);
    cairn_free(feed);
}
