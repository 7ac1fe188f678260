/* Topics in memory: publish finds the topics that match and hands each the message. */
#include "mem_backend.h"

#include <cairn/sys/glob.h>

static uint32_t publish_to_patterns(mem_backend_t *mem, cairn_broker_message_t *message)
{
    const cairn_host_t *host = mem->host;
    uint32_t receivers = 0;
    for (cairn_topic_t *topic = NULL; (topic = host->api->topic_next(host, topic));) {
        if (!topic->pattern || !cairn_glob_match(topic->name, message->channel)) continue;
        message->pattern = topic->name;
        receivers += host->api->deliver_later(host, topic, message);
    }
    return receivers;
}

static void run_published(cairn_task_t *task)
{
    cairn_broker_publish_t *req = CAIRN_CONTAINER_OF(task, cairn_broker_publish_t, req.task);
    const cairn_host_t *host = (const cairn_host_t *)(uintptr_t)req->req.scratch[0];
    host->api->publish_done(req, (int64_t)req->req.scratch[1]);
}

static int mem_publish(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                       cairn_slice_t payload)
{
    mem_backend_t *mem = self;
    const cairn_host_t *host = mem->host;
    cairn_broker_message_t message = {.channel = channel, .payload = payload};
    uint32_t receivers = 0;
    cairn_topic_t *topic = host->api->topic_find(host, false, channel);
    if (topic) receivers = host->api->deliver_later(host, topic, &message);
    if (mem->patterns > 0) receivers += publish_to_patterns(mem, &message);

    req->req.scratch[0] = (uintptr_t)host;
    req->req.scratch[1] = receivers;
    req->req.task.run = run_published;
    host->api->defer(host, &req->req.task);
    return 0;
}

static int mem_topic_open(void *self, cairn_topic_t *topic)
{
    mem_backend_t *mem = self;
    mem->patterns += topic->pattern;
    mem->host->api->topic_up(mem->host, topic);
    return 0;
}

static void mem_topic_close(void *self, cairn_topic_t *topic)
{
    mem_backend_t *mem = self;
    mem->patterns -= topic->pattern;
    mem->host->api->topic_closed(mem->host, topic);
}

const cairn_broker_ops_t mem_broker_ops = {
    .size = sizeof(cairn_broker_ops_t),
    .publish = mem_publish,
    .topic_open = mem_topic_open,
    .topic_close = mem_topic_close,
};
