/* Which slot of a Redis Cluster a key is in, for what is compared with cairn. */
#ifndef CAIRN_BENCH_SLOT_H
#define CAIRN_BENCH_SLOT_H

#include <stddef.h>

enum {
    SLOTS = 16384
};

/* Of a hash tag, without its braces, or of a key that has none. */
unsigned slot_of(const char *tag, size_t len);

/* Who of `masters` has it if they share all slots in even ranges, as those of nodes.h do. */
static inline unsigned slot_owner(unsigned slot, unsigned masters)
{
    return slot * masters / SLOTS;
}

#endif
