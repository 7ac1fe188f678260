/* Addresses to connect to, in the order in which they are tried. */
#ifndef CAIRN_REDIS_ADDRESSES_H
#define CAIRN_REDIS_ADDRESSES_H

#include <cairn/options.h>
#include <cairn/sys/hosts.h>
#include <stdbool.h>

typedef struct redis_address {
    char host[256];
    uint16_t port;
} redis_address_t;

/* Zero it before use. */
typedef struct redis_addresses {
    redis_address_t *list;
    size_t count;
} redis_addresses_t;

void redis_addresses_free(redis_addresses_t *places);

/* Appends it, if it is not there and there is room. `host` is at most 255 bytes. UV_ENOMEM. */
CAIRN_MUST_USE int redis_addresses_add(redis_addresses_t *places, cairn_slice_t host,
                                       uint16_t port);

/* The options' hosts, or else host and port. `port` is for those that say none. UV_ENOMEM. */
CAIRN_MUST_USE int redis_addresses_read(redis_addresses_t *places, const cairn_options_t *options,
                                        uint16_t port);

bool redis_address_eq(const redis_address_t *a, const redis_address_t *b);

/* False if it cannot be: `host` is empty, too long or has a NUL. */
bool redis_address_set(redis_address_t *place, cairn_slice_t host, uint16_t port);

/* As messages name it: "127.0.0.1:6379", "[::1]:6379". Long names are cut. */
typedef char redis_address_text_t[160];
const char *redis_address_text(redis_address_text_t out, const redis_address_t *place);

#endif
