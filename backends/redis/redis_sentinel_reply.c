#include "redis_sentinel_reply.h"

static bool read_port(cairn_slice_t text, uint16_t *port)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
        if (value > UINT16_MAX) return false;
    }
    *port = (uint16_t)value;
    return value > 0;
}

static bool is_name(cairn_slice_t host)
{
    for (size_t i = 0; i < host.len; i++)
        if ((unsigned char)host.ptr[i] <= ' ' || host.ptr[i] == 0x7f) return false;
    return true;
}

static int read_place(redis_address_t *place, cairn_slice_t host, cairn_slice_t port)
{
    uint16_t number;
    if (!is_name(host) || !read_port(port, &number)) return CAIRN_EPROTOCOL;
    return redis_address_set(place, host, number) ? 0 : CAIRN_EPROTOCOL;
}

int redis_sentinel_read_master(redis_reply_t *reply, redis_address_t *master)
{
    size_t count;
    bool nil;
    cairn_slice_t host, port;
    int rc = redis_reply_array_or_nil(reply, &count, &nil);
    if (rc < 0) return rc;
    if (nil) return 0;
    if (count != 2 || redis_reply_string(reply, &host) < 0 || redis_reply_string(reply, &port) < 0)
        return CAIRN_EPROTOCOL;
    rc = read_place(master, host, port);
    return rc < 0 ? rc : 1;
}

/* {ip, port, and much that does not matter here}; one without an address is left out. */
static int read_peer(redis_reply_t *reply, redis_addresses_t *known)
{
    size_t fields;
    cairn_slice_t host = {NULL, 0}, port = {NULL, 0};
    int rc = redis_reply_array(reply, &fields);
    for (; rc == 0 && fields > 1; fields -= 2) {
        cairn_slice_t key, value;
        if (redis_reply_string(reply, &key) < 0 || redis_reply_string(reply, &value) < 0)
            return CAIRN_EPROTOCOL;
        if (cairn_slice_eq(key, cairn_str("ip"))) host = value;
        if (cairn_slice_eq(key, cairn_str("port"))) port = value;
    }
    if (rc == 0 && fields > 0) rc = CAIRN_EPROTOCOL;
    redis_address_t place;
    if (rc < 0 || read_place(&place, host, port) < 0) return rc;
    return redis_addresses_add(known, cairn_str(place.host), place.port);
}

int redis_sentinel_read_peers(redis_reply_t *reply, redis_addresses_t *known)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (; rc == 0 && count > 0; count--) rc = read_peer(reply, known);
    return rc;
}

static cairn_slice_t take_word(cairn_slice_t *rest)
{
    const char *space = rest->len > 0 ? memchr(rest->ptr, ' ', rest->len) : NULL;
    const size_t len = space ? (size_t)(space - rest->ptr) : rest->len;
    const size_t taken = space ? len + 1 : len;
    const cairn_slice_t word = cairn_slice(rest->ptr, len);
    *rest = cairn_slice(rest->ptr + taken, rest->len - taken);
    return word;
}

int redis_sentinel_read_switch(cairn_slice_t message, cairn_slice_t service,
                               redis_address_t *master)
{
    const cairn_slice_t of = take_word(&message);
    (void)take_word(&message);
    (void)take_word(&message);
    const cairn_slice_t host = take_word(&message);
    redis_address_t place;
    int rc = read_place(&place, host, message);
    if (rc < 0) return rc;
    if (!cairn_slice_eq(of, service)) return 0;
    *master = place;
    return 1;
}
