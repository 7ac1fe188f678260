#include "slot.h"

#include <stdint.h>

/* CRC16 of XMODEM, four bits at a time. */
static uint16_t add_bits(uint16_t sum, unsigned bits)
{
    static const uint16_t turns[16] = {
        0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
        0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
    };
    return (uint16_t)((unsigned)sum << 4 ^ turns[(sum >> 12 ^ bits) & 15]);
}

unsigned slot_of(const char *tag, size_t len)
{
    uint16_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned byte = (unsigned char)tag[i];
        sum = add_bits(add_bits(sum, byte >> 4), byte);
    }
    return sum % SLOTS;
}
