#include "wheel.h"

#include "list.h"
#include <assert.h>

/* What holds between calls: slots below the one that the wheel's time is in are empty on every
 * level, and above level 0 that one is empty too. So what comes first is the lowest occupied slot
 * of the lowest occupied level, and when time reaches it, all levels below are empty.
 *
 * The one exception: while time is within the top level's last slot, times beyond the span wait
 * right there for the next span to begin. */

#define TOP_LEVEL (WHEEL_LEVELS - 1)
#define LAST_SLOT (WHEEL_SLOTS - 1)
#define SPAN_BITS ((size_t)WHEEL_LEVELS * WHEEL_SLOT_BITS)

/* A slot's number among all of them, as they lie in memory. */
#define PLACE(level, slot) ((level) << WHEEL_SLOT_BITS | (slot))
#define LEVEL_OF(place) ((place) >> WHEEL_SLOT_BITS)
#define PLACES PLACE(WHEEL_LEVELS, 0)

_Static_assert(WHEEL_SLOTS == 64, "the slots of a level are the bits of a word");

static inline uint64_t bit_of(size_t place)
{
    return (uint64_t)1 << place % WHEEL_SLOTS;
}

static inline cairn_link_t *head_of(wheel_t *wheel, size_t place)
{
    return (cairn_link_t *)wheel->slot + place;
}

void wheel_init(wheel_t *wheel, uint64_t now_ms)
{
    *wheel = (wheel_t){.now_ms = now_ms};
    for (size_t place = 0; place < PLACES; place++) {
        list_init(head_of(wheel, place));
    }
    list_init(&wheel->expired);
}

/* `due_ms` is not before `now_ms`. */
static inline size_t place_of(uint64_t now_ms, uint64_t due_ms)
{
    uint64_t differing = (due_ms ^ now_ms) | 1;
    size_t highest_bit = 63 ^ (size_t)__builtin_clzll(differing);
    if (highest_bit >= SPAN_BITS) return PLACE(TOP_LEVEL, LAST_SLOT);
    size_t level = (unsigned)highest_bit / WHEEL_SLOT_BITS;
    return PLACE(level, due_ms >> (level * WHEEL_SLOT_BITS) & LAST_SLOT);
}

static inline void put(wheel_t *wheel, wheel_entry_t *entry, uint64_t now_ms, uint64_t due_ms)
{
    size_t place = place_of(now_ms, due_ms);
    entry->due_ms = due_ms;
    wheel->occupied[LEVEL_OF(place)] |= bit_of(place);
    list_push_back(head_of(wheel, place), &entry->link);
}

void wheel_add(wheel_t *wheel, wheel_entry_t *entry, uint64_t due_ms)
{
    assert(!list_linked(&entry->link));
    uint64_t now_ms = wheel->now_ms;
    put(wheel, entry, now_ms, due_ms > now_ms ? due_ms : now_ms);
}

void wheel_remove(wheel_t *wheel, wheel_entry_t *entry)
{
    cairn_link_t *next = entry->link.next;
    if (!next) return;
    cairn_link_t *prev = entry->link.prev;
    list_remove(&entry->link);
    if (next != prev) return;

    /* It was alone, so `next` is the head: one of the slots, or `expired`, which is none. */
    size_t place = ((uintptr_t)next - (uintptr_t)wheel->slot) / sizeof *next;
    if (place < PLACES) wheel->occupied[LEVEL_OF(place)] &= ~bit_of(place);
}

/* When time reaches the first occupied slot, and which it is; WHEEL_NEVER if there is none. */
static inline uint64_t first_start(const wheel_t *wheel, size_t *place)
{
    size_t level = 0;
    while (level < WHEEL_LEVELS && wheel->occupied[level] == 0) {
        level++;
    }
    if (level == WHEEL_LEVELS) return WHEEL_NEVER;

    size_t slot = (size_t)__builtin_ctzll(wheel->occupied[level]);
    *place = PLACE(level, slot);
    size_t slot_bits = level * WHEEL_SLOT_BITS;
    uint64_t level_mask = ((uint64_t)1 << (slot_bits + WHEEL_SLOT_BITS)) - 1;
    uint64_t start_ms = (wheel->now_ms & ~level_mask) | (uint64_t)slot << slot_bits;
    if (level == TOP_LEVEL && start_ms <= wheel->now_ms) return (wheel->now_ms | level_mask) + 1;
    return start_ms;
}

/* Makes level 0's entries poppable; moves the others to where they belong now. */
static void empty_slot(wheel_t *wheel, size_t place)
{
    cairn_link_t waiting;
    list_init(&waiting);
    list_splice_back(&waiting, head_of(wheel, place));
    wheel->occupied[LEVEL_OF(place)] &= ~bit_of(place);
    if (LEVEL_OF(place) == 0) {
        list_splice_back(&wheel->expired, &waiting);
        return;
    }
    while (!list_empty(&waiting)) {
        wheel_entry_t *entry = CONTAINER_OF(waiting.next, wheel_entry_t, link);
        list_remove(&entry->link);
        put(wheel, entry, wheel->now_ms, entry->due_ms);
    }
}

void wheel_advance(wheel_t *wheel, uint64_t now_ms)
{
    if (now_ms < wheel->now_ms) now_ms = wheel->now_ms;
    size_t place = PLACES;
    uint64_t start_ms = first_start(wheel, &place);
    while (place < PLACES && start_ms <= now_ms) {
        wheel->now_ms = start_ms;
        empty_slot(wheel, place);
        place = PLACES;
        start_ms = first_start(wheel, &place);
    }
    wheel->now_ms = now_ms;
}

wheel_entry_t *wheel_pop(wheel_t *wheel)
{
    if (list_empty(&wheel->expired)) return NULL;
    wheel_entry_t *entry = CONTAINER_OF(wheel->expired.next, wheel_entry_t, link);
    list_remove(&entry->link);
    return entry;
}

uint64_t wheel_next(const wheel_t *wheel)
{
    if (!list_empty(&wheel->expired)) return wheel->now_ms;
    size_t unused;
    return first_start(wheel, &unused);
}
