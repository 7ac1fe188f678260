/* Circular doubly-linked lists of links inside the caller's structs; the head is a link too. */
#ifndef CAIRN_CORE_LIST_H
#define CAIRN_CORE_LIST_H

#include <cairn/request.h>
#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(cairn_link_t *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool list_empty(const cairn_link_t *head)
{
    return head->next == head;
}

/* Whether `link` is in a list; a zeroed link is in none. */
static inline bool list_linked(const cairn_link_t *link)
{
    return link->next != NULL;
}

static inline void list_push_back(cairn_link_t *head, cairn_link_t *link)
{
    cairn_link_t *last = head->prev;
    link->prev = last;
    last->next = link;
    link->next = head;
    head->prev = link;
}

/* `link` must be in a list, and afterwards is in none. */
static inline void list_remove(cairn_link_t *link)
{
    link->next->prev = link->prev;
    link->prev->next = link->next;
    link->next = NULL;
    link->prev = NULL;
}

/* Moves all of `from` to the end of `to`. */
static inline void list_splice_back(cairn_link_t *to, cairn_link_t *from)
{
    if (list_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#endif
