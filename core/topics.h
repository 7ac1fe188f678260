/* The topics of a handle: by name for messages, in opening order for resubscribing.
 *
 * A topic exists while it has subscriptions, and after that until the backend has let go of it. */
#ifndef CAIRN_CORE_TOPICS_H
#define CAIRN_CORE_TOPICS_H

#include "name_table.h"

#include <cairn/sys/broker.h>

typedef enum topic_state {
    TOPIC_OPENING, /* the backend was asked for it */
    TOPIC_UP,
    TOPIC_DOWN,   /* was up; the link is lost */
    TOPIC_CLOSING /* no subscriptions; the backend was asked to stop */
} topic_state_t;

typedef struct topic {
    cairn_topic_t shared; /* what the backend sees; first */
    topic_state_t state;
    name_node_t in_names; /* topics_t.names; its kind: it is a pattern */
    cairn_link_t subs;    /* cairn_sub_t.in_topic */
    char name[];
} topic_t;

typedef struct topics {
    name_table_t names;
} topics_t;

void topics_init(topics_t *topics);
void topics_free(topics_t *topics); /* with every topic in it */

topic_t *topics_find(topics_t *topics, bool pattern, cairn_slice_t name);

/* One that is not there yet; copies the name. NULL if out of memory. */
topic_t *topics_add(topics_t *topics, bool pattern, cairn_slice_t name);

/* Removes and frees. It must have no subscriptions. */
void topics_remove(topics_t *topics, topic_t *topic);

#endif
