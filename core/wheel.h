/* A hierarchical timing wheel: which of many deadlines are due, at constant cost each.
 *
 * Pure: no clock, no loop, no allocation. Entries are links inside the caller's structs. Four
 * levels of 64 slots with an occupancy bitmap each; an entry sits in the level of the highest bits
 * in which its due time differs from the wheel's, and moves down a level when the wheel's time
 * reaches its slot. Times beyond the top level's span wait in its last slot and are sorted again
 * from there. */
#ifndef CAIRN_CORE_WHEEL_H
#define CAIRN_CORE_WHEEL_H

#include <cairn/request.h>

#define WHEEL_LEVELS 4
#define WHEEL_SLOT_BITS 6
#define WHEEL_SLOTS (1u << WHEEL_SLOT_BITS)

#define WHEEL_NEVER UINT64_MAX

/* link.next is NULL when in no wheel; a zeroed entry is in none. */
typedef cairn_deadline_t wheel_entry_t;

typedef struct wheel {
    uint64_t now_ms;
    uint64_t occupied[WHEEL_LEVELS];
    cairn_link_t slot[WHEEL_LEVELS][WHEEL_SLOTS];
    cairn_link_t expired; /* due, not yet taken by wheel_pop */
} wheel_t;

void wheel_init(wheel_t *wheel, uint64_t now_ms);

/* `due_ms` at or before the wheel's time is due at the next wheel_advance. */
void wheel_add(wheel_t *wheel, wheel_entry_t *entry, uint64_t due_ms);

/* Harmless on an entry that is in no wheel (also between advance and pop). */
void wheel_remove(wheel_t *wheel, wheel_entry_t *entry);

/* Moves time on; what is due by `now_ms` becomes poppable. Time never goes back. */
void wheel_advance(wheel_t *wheel, uint64_t now_ms);

/* Takes one entry that is due, in order of due time up to the millisecond, or NULL. */
wheel_entry_t *wheel_pop(wheel_t *wheel);

/* The earliest time at which wheel_advance could have something to do: never later than the
 * first due time, maybe earlier. WHEEL_NEVER if empty. */
uint64_t wheel_next(const wheel_t *wheel);

#endif
