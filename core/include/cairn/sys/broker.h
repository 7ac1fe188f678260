/* For backends: the broker's operations, and what core keeps of a topic. */
#ifndef CAIRN_SYS_BROKER_H
#define CAIRN_SYS_BROKER_H

#include <cairn/broker.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A channel or pattern that somebody in this handle is subscribed to. Core owns it, from
 * topic_open until the backend calls host topic_closed; core fans out to the subscriptions,
 * buffers, counts credit and tells of gaps. One topic a name and kind. */
typedef struct cairn_topic {
    cairn_slice_t name; /* lives as long as the topic */
    bool pattern;
    void *data;       /* the backend's */
    uint64_t counter; /* the backend's; 0 at first */
} cairn_topic_t;

typedef struct cairn_broker_ops {
    uint32_t size; /* sizeof(cairn_broker_ops_t) of the headers the backend was built with */

    /* Must, with CAIRN_CAP_TOPICS. Consumes channel and payload. Later: host publish_done. */
    int (*publish)(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                   cairn_slice_t payload);

    /* Must, with CAIRN_CAP_TOPICS. Start receiving: later, host topic_up, or topic_failed. May be
     * called again for a topic whose topic_close has not been answered by topic_closed: then it
     * lives on. <0: the subscribe is refused and the topic goes without topic_close. */
    int (*topic_open)(void *self, cairn_topic_t *topic);

    /* Must, with CAIRN_CAP_TOPICS. Stop receiving: later (or at once) host topic_closed, unless
     * topic_open is called before. */
    void (*topic_close)(void *self, cairn_topic_t *topic);
} cairn_broker_ops_t;

#ifdef __cplusplus
}
#endif
#endif
