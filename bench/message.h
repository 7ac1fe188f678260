/* What the bench puts at the head of every payload. */
#ifndef CAIRN_BENCH_MESSAGE_H
#define CAIRN_BENCH_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE_MAGIC UINT32_C(0x4e524143) /* "CARN" */

typedef struct message {
    uint32_t magic;
    uint16_t publisher;
    uint16_t channel;
    uint64_t number;  /* within (publisher, channel), from 0 */
    uint64_t time_ns; /* when it was or should have been sent; 0: unknown */
} message_t;

/* The least payload. */
enum {
    MESSAGE_SIZE = 24
};
_Static_assert(sizeof(message_t) == MESSAGE_SIZE, "the layout has no padding");

static inline void message_write(char *payload, const message_t *message)
{
    memcpy(payload, message, sizeof *message);
}

static inline bool message_read(message_t *message, const char *payload, size_t len)
{
    if (len < sizeof *message) return false;
    memcpy(message, payload, sizeof *message);
    return message->magic == MESSAGE_MAGIC;
}

#endif
