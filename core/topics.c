#include "topics.h"

#include "list.h"

#include <cairn/sys/alloc.h>
#include <string.h>

void topics_init(topics_t *topics)
{
    name_table_init(&topics->names);
}

void topics_free(topics_t *topics)
{
    const cairn_link_t *all = &topics->names.all;
    while (!list_empty(all)) topics_remove(topics, CONTAINER_OF(all->next, topic_t, in_names.all));
    name_table_free(&topics->names);
}

topic_t *topics_find(topics_t *topics, bool pattern, cairn_slice_t name)
{
    name_node_t *node = name_table_find(&topics->names, pattern, name);
    return node ? CONTAINER_OF(node, topic_t, in_names) : NULL;
}

topic_t *topics_add(topics_t *topics, bool pattern, cairn_slice_t name)
{
    topic_t *topic = cairn_calloc(1, sizeof *topic + name.len + 1);
    if (!topic) return NULL;
    memcpy(topic->name, name.ptr, name.len);
    topic->shared.name = topic->in_names.name = cairn_slice(topic->name, name.len);
    topic->shared.pattern = topic->in_names.kind = pattern;
    list_init(&topic->subs);
    if (name_table_add(&topics->names, &topic->in_names) == 0) return topic;
    cairn_free(topic);
    return NULL;
}

void topics_remove(topics_t *topics, topic_t *topic)
{
    name_table_remove(&topics->names, &topic->in_names);
    cairn_free(topic);
}
