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

static const uint16_t turns[SLOT_BITS] = {
    0x1afa, 0x06ed, 0x277b, 0x110c, 0x2a91, 0x39c0, 0x1f63,
    0x277f, 0x1104, 0x2208, 0x1bea, 0x04cd, 0x233b, 0x198c,
};

static char *write_tag(char *out, unsigned bits)
{
    for (unsigned i = REDIS_SLOT_TAG; i-- > 0; bits >>= 4) out[i] = (char)('@' | (bits & NIBBLE));
    return out + REDIS_SLOT_TAG;
}

static unsigned bits_of(unsigned slot)
{
    const unsigned turned = slot ^ SLOT_OF_ZEROS;
    unsigned bits = 0;
    for (unsigned bit = 0; bit < SLOT_BITS; bit++)
        if (turned >> bit & 1) bits ^= turns[bit];
    return bits;
}

char *redis_slot_tag(char *out, unsigned slot)
{
    return write_tag(out, bits_of(slot));
}

/* From one slot to the next the lowest bits turn, up to the lowest that is not set. */
char *redis_slot_tags(char *out, unsigned first, unsigned count)
{
    unsigned bits = bits_of(first);
    for (unsigned slot = first; slot < first + count; slot++) {
        out = write_tag(out, bits);
        unsigned bit = 0;
        for (; bit + 1 < SLOT_BITS && slot >> bit & 1; bit++) bits ^= turns[bit];
        bits ^= turns[bit];
    }
    return out;
}
