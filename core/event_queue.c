#include "event_queue.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

#define FIRST_ROOM 8u

/* Slots that an empty queue may keep. */
#define IDLE_ROOM 8u

/* ---- shared events ---- */

size_t event_cost(const cairn_stream_event_t *event)
{
    return sizeof(shared_event_t) + event->event.len + event->data.type.len +
           event->data.bytes.len + event->id.len;
}

static cairn_slice_t keep(char **end, cairn_slice_t bytes)
{
    if (!bytes.ptr) return bytes;
    char *copy = *end;
    if (bytes.len) memcpy(copy, bytes.ptr, bytes.len);
    *end += bytes.len;
    return cairn_slice(copy, bytes.len);
}

static shared_event_t *share(const cairn_stream_event_t *event, cairn_position_t previous)
{
    size_t cost = event_cost(event);
    shared_event_t *shared = cairn_malloc(cost);
    if (!shared) return NULL;
    char *end = shared->bytes;
    shared->event.position = event->position;
    shared->event.event = keep(&end, event->event);
    shared->event.data.type = keep(&end, event->data.type);
    shared->event.data.bytes = keep(&end, event->data.bytes);
    shared->event.id = keep(&end, event->id);
    shared->previous = previous;
    shared->cost = cost;
    shared->users = 1;
    return shared;
}

void shared_event_release(shared_event_t *shared)
{
    if (--shared->users == 0) cairn_free(shared);
}

void passing_event_end(passing_event_t *passing)
{
    if (passing->kept) shared_event_release(passing->kept);
    passing->kept = NULL;
}

/* ---- queues of them ---- */

static void free_slots(event_queue_t *queue)
{
    cairn_free(queue->slots);
    memset(queue, 0, sizeof *queue);
}

void event_queue_free(event_queue_t *queue)
{
    while (queue->count > 0) shared_event_release(event_queue_take(queue));
    free_slots(queue);
}

queued_event_t *event_queue_at(const event_queue_t *queue, uint32_t at)
{
    return &queue->slots[(queue->first + at) & (queue->room - 1)];
}

static int grow(event_queue_t *queue)
{
    uint32_t room = queue->room ? 2 * queue->room : FIRST_ROOM;
    queued_event_t *slots = room > queue->room ? cairn_calloc(room, sizeof *slots) : NULL;
    if (!slots) return UV_ENOMEM;
    for (uint32_t i = 0; i < queue->count; i++) slots[i] = *event_queue_at(queue, i);
    cairn_free(queue->slots);
    queue->slots = slots;
    queue->room = room;
    queue->first = 0;
    return 0;
}

int event_queue_push(event_queue_t *queue, passing_event_t *passing, int64_t lost, uint8_t before)
{
    if (queue->count == queue->room) {
        int rc = grow(queue);
        if (rc < 0) return rc;
    }
    if (!passing->kept) passing->kept = share(passing->event, passing->previous);
    if (!passing->kept) return UV_ENOMEM;
    passing->kept->users++;
    *event_queue_at(queue, queue->count) = (queued_event_t){passing->kept, lost, before};
    queue->count++;
    queue->bytes += passing->kept->cost;
    return 0;
}

shared_event_t *event_queue_take(event_queue_t *queue)
{
    shared_event_t *shared = event_queue_at(queue, 0)->shared;
    queue->first = (queue->first + 1) & (queue->room - 1);
    queue->count--;
    queue->bytes -= shared->cost;
    if (queue->count == 0 && queue->room > IDLE_ROOM) free_slots(queue);
    return shared;
}
