/* Tags are four of the letters '@' to 'O', which differ in four bits each. The slot of a text is
 * linear in its bits: what turns one bit of the slot turns the same bits of the tag, whatever the
 * others are. */
#include "redis_slot_tags.h"

#include "redis_slots.h"

#define NIBBLE 15u

enum {
    SLOT_BITS = 14
};
_Static_assert(REDIS_SLOTS == 1u << SLOT_BITS, "a slot has so many bits");

#define SLOT_OF_ZEROS 0x3639u /* that of "@@@@" */

/* What each bit of a slot turns, from the lowest on. */
#define LOWER 0x1afa, 0x06ed, 0x277b, 0x110c, 0x2a91, 0x39c0, 0x1f63
#define UPPER 0x277f, 0x1104, 0x2208, 0x1bea, 0x04cd, 0x233b, 0x198c

/* What the bits of half a slot turn together. */
#define BOTH(b, ...) TURN(b, __VA_ARGS__), TURN((b) + 1, __VA_ARGS__)
#define BY_4(b, ...) BOTH(b, __VA_ARGS__), BOTH((b) + 2, __VA_ARGS__)
#define BY_16(b, ...)                                                                              \
    BY_4(b, __VA_ARGS__), BY_4((b) + 4, __VA_ARGS__), BY_4((b) + 8, __VA_ARGS__),                  \
        BY_4((b) + 12, __VA_ARGS__)
#define BY_64(b, ...)                                                                              \
    BY_16(b, __VA_ARGS__), BY_16((b) + 16, __VA_ARGS__), BY_16((b) + 32, __VA_ARGS__),             \
        BY_16((b) + 48, __VA_ARGS__)
#define TURN(b, t0, t1, t2, t3, t4, t5, t6)                                                        \
    (((b)&1 ? t0 : 0) ^ ((b)&2 ? t1 : 0) ^ ((b)&4 ? t2 : 0) ^ ((b)&8 ? t3 : 0) ^                   \
     ((b)&16 ? t4 : 0) ^ ((b)&32 ? t5 : 0) ^ ((b)&64 ? t6 : 0))

enum {
    HALF_BITS = SLOT_BITS / 2,
    HALVES = 1 << HALF_BITS
};

static const uint16_t lower_turns[HALVES] = {BY_64(0, LOWER), BY_64(64, LOWER)};
static const uint16_t upper_turns[HALVES] = {BY_64(0, UPPER), BY_64(64, UPPER)};

char *redis_slot_tag(char *out, unsigned slot)
{
    const unsigned turned = slot ^ SLOT_OF_ZEROS;
    unsigned bits = lower_turns[turned % HALVES] ^ upper_turns[turned / HALVES % HALVES];
    for (unsigned i = REDIS_SLOT_TAG; i-- > 0; bits >>= 4) out[i] = (char)('@' | (bits & NIBBLE));
    return out + REDIS_SLOT_TAG;
}

char *redis_slot_tags(char *out, unsigned first, unsigned count)
{
    for (unsigned slot = first; slot < first + count; slot++) out = redis_slot_tag(out, slot);
    return out;
}
