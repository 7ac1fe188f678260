#include "redis_crc16.h"

/* The sum is linear: that of a byte is that of its bits. */
#define SUM(b, c0, c1, c2, c3, c4, c5, c6, c7)                                                     \
    (((b)&1 ? c0 : 0) ^ ((b)&2 ? c1 : 0) ^ ((b)&4 ? c2 : 0) ^ ((b)&8 ? c3 : 0) ^                   \
     ((b)&16 ? c4 : 0) ^ ((b)&32 ? c5 : 0) ^ ((b)&64 ? c6 : 0) ^ ((b)&128 ? c7 : 0))

#define IS_PLAIN(b)                                                                                \
    (((b) >= '0' && (b) <= '9') || ((b) >= 'A' && (b) <= 'Z') || ((b) >= 'a' && (b) <= 'z') ||     \
     (b) == '_' || (b) == '.' || (b) == '-')

#define ENTRY(n, b, ...) SUM(b, __VA_ARGS__) | (IS_PLAIN(b) ? 0u : 0x10000u << (n))

#define BY_4(n, b, ...)                                                                            \
    ENTRY(n, b, __VA_ARGS__), ENTRY(n, b + 1, __VA_ARGS__), ENTRY(n, b + 2, __VA_ARGS__),          \
        ENTRY(n, b + 3, __VA_ARGS__)
#define BY_16(n, b, ...)                                                                           \
    BY_4(n, b, __VA_ARGS__), BY_4(n, b + 4, __VA_ARGS__), BY_4(n, b + 8, __VA_ARGS__),             \
        BY_4(n, b + 12, __VA_ARGS__)
#define BY_64(n, b, ...)                                                                           \
    BY_16(n, b, __VA_ARGS__), BY_16(n, b + 16, __VA_ARGS__), BY_16(n, b + 32, __VA_ARGS__),        \
        BY_16(n, b + 48, __VA_ARGS__)
#define TABLE(n, ...)                                                                              \
    {                                                                                              \
        BY_64(n, 0, __VA_ARGS__), BY_64(n, 64, __VA_ARGS__), BY_64(n, 128, __VA_ARGS__),           \
            BY_64(n, 192, __VA_ARGS__)                                                             \
    }

/* x^16, x^17 and so on, of bits from the last of a message on, modulo x^16 + x^12 + x^5 + 1. */
const uint32_t redis_crc16_tables[REDIS_CRC16_STEP][256] = {
    TABLE(0, 0x1021, 0x2042, 0x4084, 0x8108, 0x1231, 0x2462, 0x48c4, 0x9188),
    TABLE(1, 0x3331, 0x6662, 0xccc4, 0x89a9, 0x0373, 0x06e6, 0x0dcc, 0x1b98),
    TABLE(2, 0x3730, 0x6e60, 0xdcc0, 0xa9a1, 0x4363, 0x86c6, 0x1dad, 0x3b5a),
    TABLE(3, 0x76b4, 0xed68, 0xcaf1, 0x85c3, 0x1ba7, 0x374e, 0x6e9c, 0xdd38),
    TABLE(4, 0xaa51, 0x4483, 0x8906, 0x022d, 0x045a, 0x08b4, 0x1168, 0x22d0),
    TABLE(5, 0x45a0, 0x8b40, 0x06a1, 0x0d42, 0x1a84, 0x3508, 0x6a10, 0xd420),
    TABLE(6, 0xb861, 0x60e3, 0xc1c6, 0x93ad, 0x377b, 0x6ef6, 0xddec, 0xabf9),
    TABLE(7, 0x47d3, 0x8fa6, 0x0f6d, 0x1eda, 0x3db4, 0x7b68, 0xf6d0, 0xfd81),
};

uint16_t redis_crc16(uint16_t crc, cairn_slice_t bytes)
{
    size_t i = 0;
    for (; i + REDIS_CRC16_STEP <= bytes.len; i += REDIS_CRC16_STEP)
        crc = (uint16_t)redis_crc16_step(crc, bytes.ptr + i);
    for (; i < bytes.len; i++) crc = redis_crc16_add(crc, (unsigned char)bytes.ptr[i]);
    return crc;
}
