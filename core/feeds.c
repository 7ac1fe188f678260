#include "feeds.h"

#include "list.h"

#include <cairn/sys/alloc.h>
#include <string.h>

void feeds_init(feeds_t *feeds)
{
    name_table_init(&feeds->names);
}

void feeds_free(feeds_t *feeds)
{
    const cairn_link_t *all = &feeds->names.all;
    while (!list_empty(all)) feeds_remove(feeds, CONTAINER_OF(all->next, feed_t, in_names.all));
    name_table_free(&feeds->names);
}

feed_t *feeds_find(feeds_t *feeds, cairn_slice_t name)
{
    name_node_t *node = name_table_find(&feeds->names, false, name);
    return node ? CONTAINER_OF(node, feed_t, in_names) : NULL;
}

feed_t *feeds_add(feeds_t *feeds, cairn_slice_t name)
{
    feed_t *feed = cairn_calloc(1, sizeof *feed + name.len + 1);
    if (!feed) return NULL;
    if (name.len) memcpy(feed->name, name.ptr, name.len);
    feed->shared.stream = feed->in_names.name = cairn_slice(feed->name, name.len);
    list_init(&feed->tails);
    list_init(&feed->watches);
    if (name_table_add(&feeds->names, &feed->in_names) == 0) return feed;
    cairn_free(feed);
    return NULL;
}

void feeds_remove(feeds_t *feeds, feed_t *feed)
{
    name_table_remove(&feeds->names, &feed->in_names);
    event_queue_free(&feed->recent);
    cairn_free(feed);
}
