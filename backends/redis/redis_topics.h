/* Subscriptions of topics: what the broker and the route ask of redis_topics.c. */
#ifndef CAIRN_REDIS_TOPICS_H
#define CAIRN_REDIS_TOPICS_H

#include "redis_backend.h"

/* cairn_broker_ops_t's. */
int redis_topic_open(void *self, cairn_topic_t *topic);
void redis_topic_close(void *self, cairn_topic_t *topic);

/* Whether a topic is where its channel's slot is; asked for with sharded_topics, and known with a
 * cluster's map. */
bool redis_topics_are_sharded(const redis_backend_t *redis);

/* The same where it is not known yet: then what is published waits for it. */
bool redis_topics_may_be_sharded(const redis_backend_t *redis);

/* A message of a node's belongs to a topic that is subscribed to there. */
static inline bool redis_topic_is_at(const cairn_topic_t *topic, const redis_standalone_t *node)
{
    return topic->data == node;
}

/* Whether one is subscribed to there. */
bool redis_topics_are_at(redis_backend_t *redis, const redis_standalone_t *node);

/* The subscription link of that server, or that node of a cluster, is about to be ready, or lost.
 */
void redis_topics_resubscribe(redis_backend_t *redis, redis_standalone_t *node, redis_conn_t *conn);
void redis_topics_link_lost(redis_backend_t *redis, const redis_standalone_t *node, int status,
                            const char *detail);

/* Slots may have other owners: those are subscribed to. */
void redis_topics_move(redis_backend_t *redis);

/* A node says that nobody is subscribed to a sharded channel there any more. */
void redis_topics_left(redis_backend_t *redis, const redis_standalone_t *node,
                       cairn_slice_t channel);

#endif
