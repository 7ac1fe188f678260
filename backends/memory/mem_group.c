#include "mem_stream.h"

#include <cairn/sys/alloc.h>
#include <string.h>
#include <uv.h>

static mem_held_t *held_at(mem_node_t *node)
{
    return node ? CAIRN_CONTAINER_OF(node, mem_held_t, node) : NULL;
}

static mem_held_t *held_find(const mem_group_t *group, uint64_t low)
{
    mem_number_key_t key;
    return held_at(mem_map_find(&group->held, mem_number_key(key, low)));
}

static void held_free(mem_group_t *group, mem_held_t *held)
{
    mem_map_remove(&group->held, &held->node);
    cairn_free(held);
}

/* ---- groups ---- */

static mem_group_t *find_in(const mem_stream_t *stream, cairn_slice_t name)
{
    mem_node_t *node = mem_map_find(&stream->groups, mem_key(name));
    return node ? CAIRN_CONTAINER_OF(node, mem_group_t, node) : NULL;
}

mem_group_t *mem_group_find(const mem_streams_t *streams, cairn_slice_t stream, cairn_slice_t group)
{
    const mem_stream_t *found = mem_stream_find(streams, stream);
    return found ? find_in(found, group) : NULL;
}

void mem_group_free(mem_group_t *group)
{
    mem_waits_end(group);
    for (mem_node_t *node; (node = mem_map_first(&group->held));) held_free(group, held_at(node));
    for (mem_node_t *node; (node = mem_map_first(&group->members));) {
        mem_map_remove(&group->members, node);
        cairn_free(CAIRN_CONTAINER_OF(node, mem_member_t, node));
    }
    cairn_free(group);
}

static uint64_t first_wanted(const mem_stream_t *stream, const cairn_group_create_args_t *args)
{
    uint64_t first = mem_stream_first(stream);
    switch (args->from) {
    case CAIRN_FROM_NEW:
        break;
    case CAIRN_FROM_ALL:
        return first;
    case CAIRN_FROM_AFTER:
        return mem_stream_behind(stream, args->after);
    case CAIRN_FROM_LAST:
        return args->last < stream->count ? stream->last - args->last + 1 : first;
    }
    return stream->last + 1;
}

static mem_group_t *group_make(mem_stream_t *stream, const cairn_group_create_args_t *args)
{
    mem_group_t *group = cairn_calloc(1, sizeof *group + args->group.len + args->dead_letter.len);
    if (!group) return NULL;
    if (args->group.len) memcpy(group->text, args->group.ptr, args->group.len);
    group->node.key = mem_key(cairn_slice(group->text, args->group.len));
    char *end = group->text + args->group.len;
    if (args->dead_letter.len) memcpy(end, args->dead_letter.ptr, args->dead_letter.len);
    group->dead_letter = cairn_slice(end, args->dead_letter.len);
    group->stream = stream;
    group->max_deliveries = args->max_deliveries;
    group->ttl_ms = args->ttl_ms;
    group->max_events = args->max_events;
    return group;
}

int mem_group_create(mem_streams_t *streams, const cairn_group_create_args_t *args, uint64_t *count)
{
    *count = 0;
    if (mem_group_find(streams, args->stream, args->group)) return 0;
    mem_stream_t *stream = mem_stream_make(streams, args->stream);
    if (!stream) return UV_ENOMEM;
    mem_group_t *group = group_make(stream, args);
    if (!group) {
        mem_stream_trim(stream);
        return UV_ENOMEM;
    }
    if (!stream->there) {
        mem_stream_begin(stream);
        mem_stream_set_ttl(stream, args->ttl_ms);
    }
    group->next = first_wanted(stream, args);
    mem_map_insert(&stream->groups, &group->node);
    *count = 1;
    return 0;
}

int mem_group_destroy(mem_streams_t *streams, cairn_slice_t stream, cairn_slice_t name)
{
    mem_group_t *group = mem_group_find(streams, stream, name);
    if (!group) return UV_ENOENT;
    mem_map_remove(&group->stream->groups, &group->node);
    mem_group_free(group);
    return 0;
}

void mem_groups_forget(mem_stream_t *stream, uint64_t low)
{
    for (mem_node_t *node = mem_map_first(&stream->groups); node; node = mem_map_next(node)) {
        mem_group_t *group = CAIRN_CONTAINER_OF(node, mem_group_t, node);
        mem_held_t *held = held_find(group, low);
        if (held) held_free(group, held);
        if (group->next <= low) group->next = low + 1;
    }
}

int mem_group_info(const mem_streams_t *streams, cairn_slice_t stream, cairn_slice_t name,
                   mem_stream_answer_t *answer)
{
    const mem_group_t *group = mem_group_find(streams, stream, name);
    if (!group) return UV_ENOENT;
    const mem_stream_t *of = group->stream;
    answer->group_facts = (cairn_group_facts_t){
        .waiting = group->next <= of->last ? of->last - group->next + 1 : 0,
        .held = group->held.count,
        .members = group->members.count,
    };
    if (group->next > 1)
        answer->group_facts.delivered = (cairn_position_t){of->birth, group->next - 1};
    return 0;
}

/* ---- dead letters ---- */

static bool is_dead(const mem_group_t *group, const mem_held_t *held)
{
    return group->max_deliveries > 0 && held->deliveries >= group->max_deliveries;
}

/* One that ends the stream is given up: the dead-letter stream goes on. */
static int bury(mem_group_t *group, mem_held_t *held)
{
    const mem_event_t *event = mem_stream_at(group->stream, held->low);
    if (!cairn_stream_ends(event->event.event)) {
        int rc = mem_stream_add(group->stream->streams, group->dead_letter, &event->event,
                                group->ttl_ms, group->max_events);
        if (rc < 0) return rc;
    }
    held_free(group, held);
    return 0;
}

/* ---- ack, nak ---- */

static mem_held_t *held_of(const mem_group_t *group, cairn_position_t position)
{
    return position.high == group->stream->birth ? held_find(group, position.low) : NULL;
}

int mem_group_ack(mem_streams_t *streams, const cairn_group_ack_args_t *args, uint64_t *count)
{
    *count = 0;
    mem_group_t *group = mem_group_find(streams, args->stream, args->group);
    if (!group) return UV_ENOENT;
    for (size_t i = 0; i < args->count; i++) {
        mem_held_t *held = held_of(group, args->positions[i]);
        if (!held) continue;
        held_free(group, held);
        ++*count;
    }
    return 0;
}

int mem_group_nak(mem_streams_t *streams, const cairn_group_ack_args_t *args, uint64_t *count)
{
    *count = 0;
    mem_group_t *group = mem_group_find(streams, args->stream, args->group);
    if (!group) return UV_ENOENT;
    for (size_t i = 0; i < args->count; i++) {
        mem_held_t *held = held_of(group, args->positions[i]);
        if (!held) continue;
        if (is_dead(group, held)) {
            int rc = bury(group, held);
            if (rc < 0) return rc;
        } else {
            held->member = NULL;
            held->when_ms = streams->now_ms + args->delay_ms;
        }
        ++*count;
    }
    mem_stream_push_later(group->stream);
    return 0;
}

uint64_t mem_group_due_ms(const mem_group_t *group)
{
    uint64_t due_ms = UINT64_MAX;
    for (mem_node_t *node = mem_map_first(&group->held); node; node = mem_map_next(node)) {
        const mem_held_t *held = held_at(node);
        if (!held->member && held->when_ms < due_ms) due_ms = held->when_ms;
    }
    return due_ms;
}

/* ---- read, claim ---- */

static mem_member_t *member_make(mem_group_t *group, cairn_slice_t name)
{
    mem_node_t *node = mem_map_find(&group->members, mem_key(name));
    if (node) return CAIRN_CONTAINER_OF(node, mem_member_t, node);
    mem_member_t *member = cairn_calloc(1, sizeof *member + name.len);
    if (!member) return NULL;
    if (name.len) memcpy(member->name, name.ptr, name.len);
    member->node.key = mem_key(cairn_slice(member->name, name.len));
    mem_map_insert(&group->members, &member->node);
    return member;
}

static void give(const mem_group_t *group, mem_held_t *held, const mem_member_t *member,
                 mem_stream_answer_t *answer)
{
    mem_event_t *event = mem_stream_at(group->stream, held->low);
    held->member = member;
    held->deliveries++;
    held->when_ms = group->stream->streams->now_ms;
    event->users++;
    answer->events[answer->count] = event;
    answer->deliveries[answer->count] = (cairn_delivery_t){event->event, held->deliveries};
    answer->count++;
}

static int make_room(mem_stream_answer_t *answer, uint64_t most)
{
    answer->deliveries =
        cairn_arena_alloc(&answer->arena, (size_t)most, sizeof *answer->deliveries);
    answer->events = cairn_arena_alloc(&answer->arena, (size_t)most, sizeof(mem_event_t *));
    return answer->deliveries && answer->events ? 0 : UV_ENOMEM;
}

/* Those held that `min_idle_ms` says: by members so long, or, if it is UINT64_MAX, by nobody and
 * due. */
static int give_again(mem_group_t *group, const mem_member_t *member, uint64_t min_idle_ms,
                      uint32_t most, mem_stream_answer_t *answer)
{
    uint64_t now_ms = group->stream->streams->now_ms;
    bool naked = min_idle_ms == UINT64_MAX;
    for (mem_node_t *node = mem_map_first(&group->held), *next; node; node = next) {
        if (answer->count == most) return 0;
        next = mem_map_next(node);
        mem_held_t *held = held_at(node);
        if (naked != !held->member || held->when_ms > now_ms) continue;
        if (!naked && now_ms - held->when_ms < min_idle_ms) continue;
        if (!is_dead(group, held)) {
            give(group, held, member, answer);
            continue;
        }
        int rc = bury(group, held);
        if (rc < 0) return rc;
    }
    return 0;
}

static int give_new(mem_group_t *group, const mem_member_t *member, uint32_t most,
                    mem_stream_answer_t *answer)
{
    while (answer->count < most && group->next <= group->stream->last) {
        mem_held_t *held = cairn_calloc(1, sizeof *held);
        if (!held) return UV_ENOMEM;
        held->low = group->next++;
        held->node.key = mem_number_key(held->key, held->low);
        mem_map_insert(&group->held, &held->node);
        give(group, held, member, answer);
    }
    return 0;
}

/* What was given before memory ran out is good. */
static int given(const mem_stream_answer_t *answer, int rc)
{
    return answer->count > 0 ? 0 : rc;
}

int mem_group_read(mem_group_t *group, cairn_slice_t name, uint32_t most,
                   mem_stream_answer_t *answer)
{
    int rc = make_room(answer, most);
    const mem_member_t *member = rc == 0 ? member_make(group, name) : NULL;
    if (!member) return UV_ENOMEM;
    rc = give_again(group, member, UINT64_MAX, most, answer);
    if (rc == 0) rc = give_new(group, member, most, answer);
    return given(answer, rc);
}

int mem_group_claim(mem_streams_t *streams, const cairn_group_read_args_t *args,
                    mem_stream_answer_t *answer)
{
    mem_group_t *group = mem_group_find(streams, args->stream, args->group);
    if (!group) return UV_ENOENT;
    int rc = make_room(answer, args->most);
    const mem_member_t *member = rc == 0 ? member_make(group, args->member) : NULL;
    if (!member) return UV_ENOMEM;
    return given(answer, give_again(group, member, args->min_idle_ms, args->most, answer));
}
