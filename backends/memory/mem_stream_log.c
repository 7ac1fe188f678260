#include "mem_stream.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

#define FIRST_ROOM ((size_t)8)

/* ---- where what is ---- */

uint64_t mem_stream_first(const mem_stream_t *stream)
{
    return stream->last - stream->count + 1;
}

mem_event_t *mem_stream_at(const mem_stream_t *stream, uint64_t low)
{
    size_t at = (size_t)(low - mem_stream_first(stream));
    return stream->log[(stream->first + at) & (stream->room - 1)];
}

cairn_position_t mem_stream_last(const mem_stream_t *stream)
{
    if (stream->count == 0) return (cairn_position_t){0, 0};
    return (cairn_position_t){stream->birth, stream->last};
}

bool mem_stream_ended(const mem_stream_t *stream)
{
    return stream->count > 0 && cairn_stream_ends(mem_stream_at(stream, stream->last)->event.event);
}

uint64_t mem_stream_behind(const mem_stream_t *stream, cairn_position_t after)
{
    uint64_t first = mem_stream_first(stream);
    if (after.high < stream->birth) return first;
    if (after.high > stream->birth || after.low >= stream->last) return stream->last + 1;
    return after.low + 1 > first ? after.low + 1 : first;
}

uint64_t mem_stream_until(const mem_stream_t *stream, cairn_position_t until)
{
    bool to_the_end = until.high == 0 && until.low == 0;
    if (to_the_end || until.high > stream->birth) return stream->last;
    if (until.high < stream->birth) return mem_stream_first(stream) - 1;
    return until.low < stream->last ? until.low : stream->last;
}

/* ---- adding and taking away ---- */

static int reserve(mem_stream_t *stream, size_t more)
{
    size_t room = stream->room ? stream->room : FIRST_ROOM;
    while (room < stream->count + more) room *= 2;
    if (room == stream->room) return 0;
    mem_event_t **log = cairn_calloc(room, sizeof *log);
    if (!log) return UV_ENOMEM;
    for (size_t i = 0; i < stream->count; i++)
        log[i] = stream->log[(stream->first + i) & (stream->room - 1)];
    cairn_free(stream->log);
    stream->log = log;
    stream->room = room;
    stream->first = 0;
    return 0;
}

/* Room is reserved. */
static int add(mem_stream_t *stream, const cairn_stream_event_t *from)
{
    mem_event_t *event = mem_event_make(from);
    if (!event) return UV_ENOMEM;
    stream->last++;
    event->event.position = (cairn_position_t){stream->birth, stream->last};
    stream->log[(stream->first + stream->count) & (stream->room - 1)] = event;
    stream->count++;
    if (!event->event.id.ptr) return 0;
    event->by_id.key = mem_key(event->event.id);
    mem_map_insert(&stream->ids, &event->by_id);
    return 0;
}

static void release(mem_stream_t *stream, mem_event_t *event)
{
    if (event->event.id.ptr) mem_map_remove(&stream->ids, &event->by_id);
    mem_event_release(event);
}

static void take_back(mem_stream_t *stream, size_t count)
{
    for (; count > 0; count--) {
        release(stream, mem_stream_at(stream, stream->last));
        stream->last--;
        stream->count--;
    }
}

static void drop_oldest(mem_stream_t *stream, uint64_t max_events)
{
    while (stream->count > max_events) {
        uint64_t low = mem_stream_first(stream);
        release(stream, mem_stream_at(stream, low));
        stream->first = (stream->first + 1) & (stream->room - 1);
        stream->count--;
        mem_groups_forget(stream, low);
    }
}

/* Behind an append of `count` events. */
static void publish(mem_stream_t *stream, size_t count, int64_t ttl_ms, uint64_t max_events)
{
    for (uint64_t low = stream->last - count + 1; low <= stream->last; low++)
        mem_stream_push(stream, mem_stream_at(stream, low));
    drop_oldest(stream, max_events);
    mem_stream_set_ttl(stream, ttl_ms);
}

/* ---- append ---- */

static mem_event_t *held_already(const mem_stream_t *stream, cairn_slice_t id)
{
    mem_node_t *node = id.ptr ? mem_map_find(&stream->ids, mem_key(id)) : NULL;
    return node ? CAIRN_CONTAINER_OF(node, mem_event_t, by_id) : NULL;
}

static bool has_news(const mem_stream_t *stream, const cairn_stream_append_args_t *args)
{
    for (size_t i = 0; i < args->count; i++)
        if (!held_already(stream, args->entries[i].id)) return true;
    return false;
}

static int check(const mem_stream_t *stream, const cairn_stream_append_args_t *args)
{
    if (!has_news(stream, args)) return 0;
    if (mem_stream_ended(stream)) return UV_EPIPE;
    const cairn_position_t *expected = args->expected_last;
    bool elsewhere = expected && cairn_position_cmp(*expected, mem_stream_last(stream)) != 0;
    return elsewhere ? UV_EEXIST : 0;
}

static int add_entries(mem_stream_t *stream, const cairn_stream_append_args_t *args,
                       cairn_stream_appended_t *appended)
{
    appended->count = 0;
    for (size_t i = 0; i < args->count; i++) {
        const cairn_stream_entry_t *entry = &args->entries[i];
        const mem_event_t *there = held_already(stream, entry->id);
        if (there) {
            appended->position = there->event.position;
            continue;
        }
        cairn_stream_event_t event = {.event = entry->event, .data = entry->data, .id = entry->id};
        if (add(stream, &event) < 0) {
            take_back(stream, appended->count);
            return UV_ENOMEM;
        }
        appended->position = mem_stream_last(stream);
        appended->count++;
    }
    return 0;
}

int mem_stream_append(mem_streams_t *streams, const cairn_stream_append_args_t *args,
                      cairn_stream_appended_t *appended)
{
    mem_stream_t *stream = mem_stream_make(streams, args->stream);
    if (!stream) return UV_ENOMEM;
    bool was_there = stream->there;
    int rc = check(stream, args);
    if (rc == 0) rc = reserve(stream, args->count);
    if (rc == 0) mem_stream_begin(stream);
    if (rc == 0) rc = add_entries(stream, args, appended);
    if (rc < 0) {
        if (!was_there) mem_stream_drop(stream);
        mem_stream_trim(stream);
        return rc;
    }
    publish(stream, appended->count, args->ttl_ms, args->max_events);
    return 0;
}

int mem_stream_add(mem_streams_t *streams, cairn_slice_t id, const cairn_stream_event_t *event,
                   int64_t ttl_ms, uint64_t max_events)
{
    mem_stream_t *stream = mem_stream_make(streams, id);
    if (!stream) return UV_ENOMEM;
    bool was_there = stream->there;
    int rc = reserve(stream, 1);
    if (rc == 0) mem_stream_begin(stream);
    if (rc == 0) rc = add(stream, event);
    if (rc < 0) {
        if (!was_there) mem_stream_drop(stream);
        mem_stream_trim(stream);
        return rc;
    }
    publish(stream, 1, ttl_ms, max_events);
    return 0;
}

/* ---- clear, copy ---- */

uint64_t mem_stream_clear(mem_streams_t *streams, cairn_slice_t id)
{
    mem_stream_t *stream = mem_stream_find(streams, id);
    if (!stream) return 0;
    uint64_t events = stream->count;
    mem_stream_drop(stream);
    if (stream->feed) {
        stream->out_cleared = true;
        mem_stream_push_later(stream);
    }
    mem_stream_trim(stream);
    return events;
}

static int copy_log(const mem_stream_t *source, mem_stream_t *target)
{
    int rc = reserve(target, source->count);
    if (rc < 0) return rc;
    mem_stream_begin(target);
    target->birth = source->birth;
    target->last = mem_stream_first(source) - 1;
    for (uint64_t low = target->last + 1; low <= source->last && rc == 0; low++)
        rc = add(target, &mem_stream_at(source, low)->event);
    return rc;
}

int mem_stream_copy(mem_streams_t *streams, const cairn_stream_copy_args_t *args, uint64_t *events)
{
    const mem_stream_t *source = mem_stream_find(streams, args->source);
    *events = source ? source->count : 0;
    if (mem_stream_find(streams, args->target)) return UV_EEXIST;
    if (!source) return 0;
    mem_stream_t *target = mem_stream_make(streams, args->target);
    if (!target) return UV_ENOMEM;
    int rc = copy_log(source, target);
    if (rc < 0) {
        mem_stream_drop(target);
        mem_stream_trim(target);
        return rc;
    }
    publish(target, target->count > 0, args->ttl_ms, UINT64_MAX);
    return 0;
}

/* ---- reading ---- */

/* The range as low words, both included, and cut to the page. */
static void page_bounds(const mem_stream_t *stream, const cairn_stream_read_args_t *args,
                        uint64_t *from, uint64_t *to, bool *more)
{
    *from = mem_stream_behind(stream, args->after);
    *to = mem_stream_until(stream, args->until);
    if (*to < *from) *to = *from - 1;
    *more = *to - *from + 1 > args->most;
    if (!*more) return;
    if (args->newest) {
        *from = *to - args->most + 1;
    } else {
        *to = *from + args->most - 1;
    }
}

static int64_t lost_before(const mem_stream_t *stream, const cairn_stream_read_args_t *args)
{
    bool from_the_beginning = args->after.high == 0 && args->after.low == 0;
    if (from_the_beginning || args->newest || args->after.high > stream->birth) return 0;
    uint64_t expected = args->after.high == stream->birth ? args->after.low + 1 : 1;
    uint64_t first = mem_stream_first(stream);
    return first > expected ? (int64_t)(first - expected) : 0;
}

int mem_stream_read(const mem_streams_t *streams, const cairn_stream_read_args_t *args,
                    mem_stream_answer_t *answer)
{
    const mem_stream_t *stream = mem_stream_find(streams, args->stream);
    if (!stream) return 0;
    cairn_stream_page_t *page = &answer->page;
    uint64_t from, to;
    page_bounds(stream, args, &from, &to, &page->more);
    size_t count = (size_t)(to - from + 1);
    cairn_stream_event_t *events = cairn_arena_alloc(&answer->arena, count, sizeof *events);
    answer->events = cairn_arena_alloc(&answer->arena, count, sizeof(mem_event_t *));
    if (!events || !answer->events) return UV_ENOMEM;
    for (; answer->count < count; answer->count++) {
        mem_event_t *event = mem_stream_at(stream, from + answer->count);
        event->users++;
        answer->events[answer->count] = event;
        events[answer->count] = event->event;
    }
    page->events = events;
    page->count = count;
    page->ended = mem_stream_ended(stream);
    page->last = mem_stream_last(stream);
    page->lost = lost_before(stream, args);
    return 0;
}

int mem_stream_info(const mem_streams_t *streams, cairn_slice_t id, mem_stream_answer_t *answer)
{
    const mem_stream_t *stream = mem_stream_find(streams, id);
    if (!stream) return UV_ENOENT;
    cairn_stream_facts_t *facts = &answer->facts;
    facts->length = stream->count;
    facts->last = mem_stream_last(stream);
    facts->ttl_ms = mem_stream_ttl(stream);
    facts->groups = stream->groups.count;
    if (stream->count == 0) return 0;
    facts->first = (cairn_position_t){stream->birth, mem_stream_first(stream)};
    if (!mem_stream_ended(stream)) return 0;
    return cairn_arena_copy(&answer->arena, mem_stream_at(stream, stream->last)->event.event,
                            &facts->ended_by);
}
