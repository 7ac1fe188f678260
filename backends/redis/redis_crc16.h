/* CRC16 as XMODEM has it, which is Redis' hash of keys: many bytes a step.
 *
 * An entry of the tables has the sum in its lower half. One bit of the upper half, another for each
 * table, is set if the byte does not stand for itself in an escaped id (redis_keys.h): so a step
 * over raw ids tells, for nothing, whether it was one over escaped ones too. */
#ifndef CAIRN_REDIS_CRC16_H
#define CAIRN_REDIS_CRC16_H

#include <cairn/bytes.h>
#include <stdint.h>

#define REDIS_CRC16_STEP 8

/* Of a byte with so many behind it. */
extern const uint32_t redis_crc16_tables[REDIS_CRC16_STEP][256];

/* Begin with 0. */
static inline uint16_t redis_crc16_add(uint16_t crc, unsigned char byte)
{
    return (uint16_t)((unsigned)crc << 8 ^ redis_crc16_tables[0][crc >> 8 ^ byte]);
}

/* Of REDIS_CRC16_STEP bytes; the sum in the lower half, and the upper is 0 if all stand for
 * themselves. */
static inline uint32_t redis_crc16_step(uint16_t crc, const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    const uint32_t(*t)[256] = redis_crc16_tables;
    const uint16_t before = (uint16_t)(t[7][crc >> 8] ^ t[6][crc & 0xff]);
    return before ^ t[7][b[0]] ^ t[6][b[1]] ^ t[5][b[2]] ^ t[4][b[3]] ^ t[3][b[4]] ^ t[2][b[5]] ^
           t[1][b[6]] ^ t[0][b[7]];
}

/* The same of half as many. */
static inline uint32_t redis_crc16_half_step(uint16_t crc, const char *bytes)
{
    const unsigned char *b = (const unsigned char *)bytes;
    const uint32_t(*t)[256] = redis_crc16_tables;
    const uint16_t before = (uint16_t)(t[3][crc >> 8] ^ t[2][crc & 0xff]);
    return before ^ t[3][b[0]] ^ t[2][b[1]] ^ t[1][b[2]] ^ t[0][b[3]];
}

/* The same of less than that. */
static inline uint32_t redis_crc16_rest(uint16_t crc, const char *bytes, size_t len)
{
    const unsigned char *b = (const unsigned char *)bytes;
    const uint32_t(*t)[256] = redis_crc16_tables;
    const unsigned high = crc >> 8, low = crc & 0xff;
    switch (len) {
    case 3:
        return (uint16_t)(t[2][high] ^ t[1][low]) ^ t[2][b[0]] ^ t[1][b[1]] ^ t[0][b[2]];
    case 2:
        return (uint16_t)(t[1][high] ^ t[0][low]) ^ t[1][b[0]] ^ t[0][b[1]];
    case 1:
        return (uint16_t)(t[0][high] ^ low << 8) ^ t[0][b[0]];
    default:
        return crc;
    }
}

uint16_t redis_crc16(uint16_t crc, cairn_slice_t bytes);

#endif
