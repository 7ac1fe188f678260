/* Run streams in memory: what is kept, and the few steps that every operation is made of.
 *
 *     streams > log of events
 *             > groups > held events, members, reads that wait
 *
 * A position is (when the stream began, how many-th event it is): so it goes on growing when the
 * stream is cleared or expires and begins anew, and is found in the log without a search. */
#ifndef CAIRN_MEM_STREAM_H
#define CAIRN_MEM_STREAM_H

#include "mem_map.h"

#include <cairn/sys/backend.h>
#include <cairn/sys/tuple.h>

/* Words of a request's scratch. */
enum {
    MEM_HOST,
    MEM_NUMBER, /* what is to be told: how many, what TTL */
    MEM_ANSWER, /* mem_stream_answer_t; mem_wait_t, while the request waits */
    MEM_STATUS,
    MEM_WORDS
};

typedef struct mem_streams {
    const cairn_host_t *host;
    mem_map_t by_id;     /* mem_stream_t.node */
    mem_map_t deadlines; /* mem_stream_t.in_deadlines */
    uint64_t now_ms;     /* of the operation that is carried out */
    uint64_t births;     /* the last one given out; at first the time of day */
} mem_streams_t;

/* Slices point behind the struct. */
typedef struct mem_event {
    cairn_stream_event_t event;
    size_t users;           /* the log, the outbox, answers under way */
    mem_node_t by_id;       /* mem_stream_t.ids, if it has an id and is in the log */
    struct mem_event *next; /* in the outbox */
    bool after_clear;       /* in the outbox: the stream was cleared before it */
    char text[];
} mem_event_t;

typedef struct mem_stream {
    mem_node_t node; /* by id */
    mem_streams_t *streams;
    bool there; /* else only followed, or just cleared */

    uint64_t birth;
    mem_event_t **log; /* a ring */
    size_t room;       /* a power of two, or 0 */
    size_t first;
    size_t count;
    uint64_t last; /* low word of the last position; the log holds last - count + 1 ... last */
    mem_map_t ids;
    mem_map_t groups;

    int64_t ttl_ms; /* > 0, or CAIRN_TTL_PERSIST */
    uint64_t deadline_ms;
    mem_node_t in_deadlines; /* by deadline_key; only if ttl_ms > 0 */
    mem_number_key_t deadline_key;

    cairn_feed_t *feed;                /* NULL: nobody follows it */
    mem_event_t *out_first, *out_last; /* to be pushed */
    bool out_cleared;                  /* and behind them, that it was cleared */
    bool pushing;
    cairn_task_t push;
    char id[];
} mem_stream_t;

typedef struct mem_group {
    mem_node_t node; /* by name */
    mem_stream_t *stream;
    uint64_t next; /* low word of the first position not delivered */
    mem_map_t held;
    mem_map_t members;
    mem_map_t waits; /* oldest first */
    uint64_t waited; /* waits there ever were */
    uint32_t max_deliveries;
    int64_t ttl_ms; /* of the dead-letter stream, as the next */
    uint64_t max_events;
    cairn_slice_t dead_letter;
    char text[];
} mem_group_t;

typedef struct mem_member {
    mem_node_t node;
    char name[];
} mem_member_t;

typedef struct mem_held {
    mem_node_t node; /* by key */
    mem_number_key_t key;
    uint64_t low;
    const mem_member_t *member; /* NULL: nobody, after a nak */
    uint64_t deliveries;
    uint64_t when_ms; /* delivered; after a nak: to be delivered */
} mem_held_t;

/* A read that waits for events. */
typedef struct mem_wait {
    mem_node_t node; /* by key */
    mem_number_key_t key;
    cairn_deadline_t deadline;
    mem_group_t *group; /* NULL: it is gone */
    cairn_group_read_t *req;
    uint32_t most;
    uint64_t until_ms;
    cairn_slice_t member;
    char text[];
} mem_wait_t;

/* What an answer consists of; freed behind the callback. */
typedef struct mem_stream_answer {
    cairn_arena_t arena;
    mem_event_t **events; /* that it uses */
    size_t count;
    cairn_stream_appended_t appended;
    cairn_stream_page_t page;
    cairn_stream_facts_t facts;
    cairn_group_facts_t group_facts;
    cairn_delivery_t *deliveries;
} mem_stream_answer_t;

/* ---- mem_stream_data.c: making, finding, freeing ---- */

mem_event_t *mem_event_make(const cairn_stream_event_t *from);
void mem_event_release(mem_event_t *event);

/* The stream, if it is there; of mem_stream_make, also if it is not. NULL: none; no memory. */
mem_stream_t *mem_stream_find(const mem_streams_t *streams, cairn_slice_t id);
mem_stream_t *mem_stream_make(mem_streams_t *streams, cairn_slice_t id);

/* It is there from now on, if it was not. */
void mem_stream_begin(mem_stream_t *stream);

/* Not there any more, and its events and groups are gone. */
void mem_stream_drop(mem_stream_t *stream);

/* Frees it if nobody has any use for it. */
void mem_stream_trim(mem_stream_t *stream);
void mem_streams_clear(mem_streams_t *streams);

/* Deletes what has expired by `now_ms`. Everything there is after it, is alive. */
void mem_streams_expire(mem_streams_t *streams, uint64_t now_ms);
void mem_stream_set_ttl(mem_stream_t *stream, int64_t ttl_ms);
int64_t mem_stream_ttl(const mem_stream_t *stream);

/* ---- mem_stream_log.c ---- */

uint64_t mem_stream_first(const mem_stream_t *stream); /* low word; last + 1 if it holds nothing */
mem_event_t *mem_stream_at(const mem_stream_t *stream, uint64_t low);
cairn_position_t mem_stream_last(const mem_stream_t *stream); /* zero if it holds nothing */
bool mem_stream_ended(const mem_stream_t *stream);

/* Low word of the first position behind `after`, and of the last one up to `until`. */
uint64_t mem_stream_behind(const mem_stream_t *stream, cairn_position_t after);
uint64_t mem_stream_until(const mem_stream_t *stream, cairn_position_t until);

/* Also UV_EPIPE, UV_EEXIST: those are told later. */
int mem_stream_append(mem_streams_t *streams, const cairn_stream_append_args_t *args,
                      cairn_stream_appended_t *appended);
/* Without a look at what the stream holds or whether it has ended. */
int mem_stream_add(mem_streams_t *streams, cairn_slice_t id, const cairn_stream_event_t *event,
                   int64_t ttl_ms, uint64_t max_events);
int mem_stream_copy(mem_streams_t *streams, const cairn_stream_copy_args_t *args, uint64_t *events);
uint64_t mem_stream_clear(mem_streams_t *streams, cairn_slice_t id);

int mem_stream_read(const mem_streams_t *streams, const cairn_stream_read_args_t *args,
                    mem_stream_answer_t *answer);
int mem_stream_info(const mem_streams_t *streams, cairn_slice_t id, mem_stream_answer_t *answer);

/* ---- mem_stream_feed.c ---- */

/* The event goes to who follows the stream; then waiting reads are looked at. */
void mem_stream_push(mem_stream_t *stream, mem_event_t *event);
void mem_stream_push_later(mem_stream_t *stream);
void mem_stream_push_nothing(mem_stream_t *stream);
int mem_feed_open(void *self, cairn_feed_t *feed);
void mem_feed_close(void *self, cairn_feed_t *feed);

/* ---- mem_group.c ---- */

/* UV_ENOENT is told later. */
int mem_group_create(mem_streams_t *streams, const cairn_group_create_args_t *args,
                     uint64_t *count);
int mem_group_destroy(mem_streams_t *streams, cairn_slice_t stream, cairn_slice_t group);
int mem_group_ack(mem_streams_t *streams, const cairn_group_ack_args_t *args, uint64_t *count);
int mem_group_nak(mem_streams_t *streams, const cairn_group_ack_args_t *args, uint64_t *count);
int mem_group_claim(mem_streams_t *streams, const cairn_group_read_args_t *args,
                    mem_stream_answer_t *answer);
int mem_group_info(const mem_streams_t *streams, cairn_slice_t stream, cairn_slice_t group,
                   mem_stream_answer_t *answer);
mem_group_t *mem_group_find(const mem_streams_t *streams, cairn_slice_t stream,
                            cairn_slice_t group);
int mem_group_read(mem_group_t *group, cairn_slice_t member, uint32_t most,
                   mem_stream_answer_t *answer);

/* When the next nak is due; UINT64_MAX: none is to come. */
uint64_t mem_group_due_ms(const mem_group_t *group);

/* The event has left the log. */
void mem_groups_forget(mem_stream_t *stream, uint64_t low);
void mem_group_free(mem_group_t *group);

/* ---- mem_group_wait.c ---- */

int mem_wait_start(mem_group_t *group, cairn_group_read_t *req,
                   const cairn_group_read_args_t *args);
void mem_wait_free(mem_wait_t *wait);

/* run of a request that waits: deferred when its group is gone. */
void mem_wait_gone(cairn_task_t *task);

/* Somebody may have something to read now. */
void mem_stream_wake(mem_stream_t *stream);

/* The group goes: its waits end later. */
void mem_waits_end(mem_group_t *group);

/* ---- mem_stream.c ---- */

extern const cairn_stream_ops_t mem_stream_ops;

/* `rc` of mem_group_read is the answer to a read that waited. Frees the answer. */
void mem_group_read_answer(cairn_group_read_t *req, int rc, mem_stream_answer_t *answer);
void mem_stream_answer_free(mem_stream_answer_t *answer);

/* Frees what an undeferred request holds. */
void mem_stream_forget(cairn_req_t *req);

#endif
