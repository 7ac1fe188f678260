/* Time to live: of an object as a whole, in a map by deadline that is looked at before every
 * operation, so that what has expired is gone for whoever asks. */
#include "mem_saver.h"

void mem_ttl_stop(mem_saver_t *saver, mem_object_t *object)
{
    if (object->ttl_ms > 0) mem_map_remove(&saver->deadlines, &object->in_deadlines);
    object->ttl_ms = CAIRN_TTL_PERSIST;
}

void mem_ttl_start(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms, uint64_t deadline_ms)
{
    mem_ttl_stop(saver, object);
    if (ttl_ms == CAIRN_TTL_PERSIST) return;
    object->ttl_ms = ttl_ms;
    object->deadline_ms = deadline_ms;
    object->in_deadlines.key = mem_number_key(object->deadline_key, deadline_ms);
    mem_map_insert(&saver->deadlines, &object->in_deadlines);
}

static void set(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms)
{
    mem_ttl_start(saver, object, ttl_ms, saver->now_ms + (uint64_t)ttl_ms);
}

void mem_expire(mem_saver_t *saver, uint64_t now_ms)
{
    saver->now_ms = now_ms;
    for (mem_node_t *node; (node = mem_map_first(&saver->deadlines));) {
        mem_object_t *object = CAIRN_CONTAINER_OF(node, mem_object_t, in_deadlines);
        if (object->deadline_ms > now_ms) return;
        mem_object_delete(saver, object);
    }
}

uint64_t mem_expires_next_ms(const mem_saver_t *saver)
{
    const mem_node_t *node = mem_map_first(&saver->deadlines);
    return node ? CAIRN_CONTAINER_OF(node, mem_object_t, in_deadlines)->deadline_ms : UINT64_MAX;
}

/* ---- what a call does to one object ---- */

/* A default does not unpin. */
static void set_unless_pinned(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms)
{
    if (object->ttl_ms != CAIRN_TTL_PERSIST) set(saver, object, ttl_ms);
}

static void refresh_one(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms)
{
    (void)ttl_ms;
    if (object->ttl_ms != CAIRN_TTL_PERSIST) set(saver, object, object->ttl_ms);
}

typedef void (*change_t)(mem_saver_t *saver, mem_object_t *object, int64_t ttl_ms);

static void change_thread(mem_saver_t *saver, mem_thread_t *thread, change_t change, int64_t ttl_ms)
{
    for (mem_node_t *s = mem_map_first(&thread->spaces); s; s = mem_map_next(s)) {
        const mem_space_t *space = CAIRN_CONTAINER_OF(s, mem_space_t, node);
        for (mem_node_t *o = mem_map_first(&space->objects); o; o = mem_map_next(o))
            change(saver, CAIRN_CONTAINER_OF(o, mem_object_t, node), ttl_ms);
    }
}

static void change_scope(mem_saver_t *saver, mem_object_t *object, cairn_saver_scope_t scope,
                         change_t change, int64_t ttl_ms)
{
    if (scope == CAIRN_SCOPE_THREAD) {
        change_thread(saver, object->space->thread, change, ttl_ms);
    } else {
        change(saver, object, ttl_ms);
    }
}

void mem_ttl_put(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms)
{
    change_scope(saver, object, terms->scope, terms->ttl_given ? set : set_unless_pinned,
                 terms->ttl_ms);
}

void mem_ttl_put_writes(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms)
{
    bool just_made = object->ttl_ms == 0;
    if (just_made || terms->ttl_given || terms->scope == CAIRN_SCOPE_THREAD)
        mem_ttl_put(saver, object, terms);
}

void mem_ttl_refresh(mem_saver_t *saver, mem_object_t *object, const cairn_saver_terms_t *terms)
{
    change_scope(saver, object, terms->scope, refresh_one, 0);
}

/* ---- asking and setting ---- */

static int64_t left_of(const mem_saver_t *saver, const mem_object_t *object)
{
    if (object->ttl_ms == CAIRN_TTL_PERSIST) return CAIRN_TTL_PERSIST;
    return (int64_t)(object->deadline_ms - saver->now_ms);
}

static int64_t left_of_thread(const mem_saver_t *saver, const mem_thread_t *thread)
{
    int64_t longest = 0;
    for (mem_node_t *s = mem_map_first(&thread->spaces); s; s = mem_map_next(s)) {
        const mem_space_t *space = CAIRN_CONTAINER_OF(s, mem_space_t, node);
        for (mem_node_t *o = mem_map_first(&space->objects); o; o = mem_map_next(o)) {
            int64_t left = left_of(saver, CAIRN_CONTAINER_OF(o, mem_object_t, node));
            if (left == CAIRN_TTL_PERSIST) return CAIRN_TTL_PERSIST;
            if (left > longest) longest = left;
        }
    }
    return longest;
}

int64_t mem_ttl(mem_saver_t *saver, const cairn_saver_ttl_args_t *args)
{
    if (args->scope == CAIRN_SCOPE_THREAD) {
        const mem_thread_t *thread = mem_thread_find(saver, args->at.thread_id);
        return thread ? left_of_thread(saver, thread) : CAIRN_TTL_ABSENT;
    }
    const mem_object_t *object = mem_find(saver, &args->at);
    return object ? left_of(saver, object) : CAIRN_TTL_ABSENT;
}

int64_t mem_set_ttl(mem_saver_t *saver, const cairn_saver_ttl_args_t *args)
{
    if (args->scope == CAIRN_SCOPE_THREAD) {
        mem_thread_t *thread = mem_thread_find(saver, args->at.thread_id);
        if (!thread) return CAIRN_TTL_ABSENT;
        change_thread(saver, thread, set, args->ttl_ms);
        return args->ttl_ms;
    }
    mem_object_t *object = mem_find(saver, &args->at);
    if (!object) return CAIRN_TTL_ABSENT;
    set(saver, object, args->ttl_ms);
    return args->ttl_ms;
}
