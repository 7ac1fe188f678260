#include "topics.h"

#include "list.h"

#include <cairn/sys/alloc.h>
#include <string.h>

#define FIRST_BUCKETS 16u

/* Names come from this process's own subscribers, so speed counts and flooding does not. */
static uint64_t hash_name(bool pattern, cairn_slice_t name)
{
    const uint64_t prime = 0x9e3779b97f4a7c15u;
    uint64_t hash = (name.len + pattern) * prime;
    const char *at = name.ptr;
    size_t left = name.len;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32;
    }
    uint64_t rest = 0;
    if (left) memcpy(&rest, at, left);
    hash = (hash ^ rest) * prime;
    return hash ^ (hash >> 29);
}

static bool is_named(const topic_t *topic, bool pattern, cairn_slice_t name)
{
    return topic->shared.pattern == pattern && cairn_slice_eq(topic->shared.name, name);
}

void topics_init(topics_t *topics)
{
    memset(topics, 0, sizeof *topics);
    list_init(&topics->all);
}

void topics_free(topics_t *topics)
{
    while (!list_empty(&topics->all))
        topics_remove(topics, CONTAINER_OF(topics->all.next, topic_t, all));
    cairn_free(topics->buckets);
    topics->buckets = NULL;
    topics->bucket_count = 0;
}

topic_t *topics_find(topics_t *topics, bool pattern, cairn_slice_t name)
{
    if (topics->latest && is_named(topics->latest, pattern, name)) return topics->latest;
    if (topics->count == 0) return NULL;
    uint64_t hash = hash_name(pattern, name);
    topic_t *topic = topics->buckets[hash & (topics->bucket_count - 1)];
    while (topic && (topic->hash != hash || !is_named(topic, pattern, name)))
        topic = topic->same_bucket;
    if (topic) topics->latest = topic;
    return topic;
}

static int rehash(topics_t *topics, size_t bucket_count)
{
    topic_t **buckets = cairn_calloc(bucket_count, sizeof *buckets);
    if (!buckets) return -1;
    for (cairn_link_t *at = topics->all.next; at != &topics->all; at = at->next) {
        topic_t *topic = CONTAINER_OF(at, topic_t, all);
        topic_t **bucket = &buckets[topic->hash & (bucket_count - 1)];
        topic->same_bucket = *bucket;
        *bucket = topic;
    }
    cairn_free(topics->buckets);
    topics->buckets = buckets;
    topics->bucket_count = bucket_count;
    return 0;
}

topic_t *topics_add(topics_t *topics, bool pattern, cairn_slice_t name)
{
    if (topics->count == topics->bucket_count) {
        size_t more = topics->bucket_count ? topics->bucket_count * 2 : FIRST_BUCKETS;
        if (rehash(topics, more) < 0) return NULL;
    }
    topic_t *topic = cairn_calloc(1, sizeof *topic + name.len + 1);
    if (!topic) return NULL;
    memcpy(topic->name, name.ptr, name.len);
    topic->shared.name = cairn_slice(topic->name, name.len);
    topic->shared.pattern = pattern;
    topic->hash = hash_name(pattern, name);
    list_init(&topic->subs);

    topic_t **bucket = &topics->buckets[topic->hash & (topics->bucket_count - 1)];
    topic->same_bucket = *bucket;
    *bucket = topic;
    list_push_back(&topics->all, &topic->all);
    topics->count++;
    return topic;
}

void topics_remove(topics_t *topics, topic_t *topic)
{
    topic_t **at = &topics->buckets[topic->hash & (topics->bucket_count - 1)];
    while (*at != topic) at = &(*at)->same_bucket;
    *at = topic->same_bucket;
    list_remove(&topic->all);
    topics->count--;
    if (topics->latest == topic) topics->latest = NULL;
    cairn_free(topic);
}
