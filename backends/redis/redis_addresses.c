#include "redis_addresses.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <strings.h>
#include <uv.h>

void redis_addresses_free(redis_addresses_t *places)
{
    cairn_free(places->list);
    *places = (redis_addresses_t){0};
}

bool redis_address_eq(const redis_address_t *a, const redis_address_t *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

bool redis_address_set(redis_address_t *place, cairn_slice_t host, uint16_t port)
{
    if (host.len == 0 || host.len >= sizeof place->host || memchr(host.ptr, '\0', host.len))
        return false;
    memcpy(place->host, host.ptr, host.len);
    place->host[host.len] = '\0';
    place->port = port;
    return true;
}

int redis_addresses_add(redis_addresses_t *places, cairn_slice_t host, uint16_t port)
{
    redis_address_t place;
    if (places->count == CAIRN_HOSTS_MAX || !redis_address_set(&place, host, port)) return 0;
    for (size_t i = 0; i < places->count; i++)
        if (redis_address_eq(&places->list[i], &place)) return 0;
    redis_address_t *list = cairn_realloc(places->list, (places->count + 1) * sizeof *list);
    if (!list) return UV_ENOMEM;
    places->list = list;
    places->list[places->count++] = place;
    return 0;
}

int redis_addresses_read(redis_addresses_t *places, const cairn_options_t *options, uint16_t port)
{
    if (!options->hosts)
        return redis_addresses_add(places, cairn_str(options->host), options->port);
    cairn_slice_t list = cairn_str(options->hosts), host;
    uint16_t said;
    int rc = 0;
    while (rc == 0 && (rc = cairn_hosts_next(&list, &host, &said)) > 0)
        rc = redis_addresses_add(places, host, said > 0 ? said : port);
    if (rc < 0) redis_addresses_free(places);
    return rc;
}

const char *redis_address_text(redis_address_text_t out, const redis_address_t *place)
{
    const bool is_v6 = strchr(place->host, ':') != NULL;
    snprintf(out, sizeof(redis_address_text_t), is_v6 ? "[%.128s]:%u" : "%.128s:%u", place->host,
             (unsigned)place->port);
    return out;
}
