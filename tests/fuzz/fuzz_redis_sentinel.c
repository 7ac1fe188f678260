/* What a sentinel says: read or refused, whatever it is, and what is read can be connected to.
 *
 * The first byte of the input decides what the rest is the answer to. */
#include "redis_sentinel_reply.h"

#include <cairn/sys/alloc.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_redis_sentinel: line %d: %s\n", line, condition);
    abort();
}

static void check_address(const redis_address_t *address)
{
    redis_address_text_t text;
    const size_t len = strnlen(address->host, sizeof address->host);
    REQUIRE(len > 0 && len < sizeof address->host);
    REQUIRE(address->port > 0);
    for (size_t i = 0; i < len; i++) REQUIRE((unsigned char)address->host[i] > ' ');
    REQUIRE(strlen(redis_address_text(text, address)) < sizeof text);
}

static void read_master(const char *bytes, size_t len)
{
    redis_address_t master;
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, len);
    int rc = redis_sentinel_read_master(&reply, &master);
    REQUIRE(rc == 1 || rc == 0 || rc == CAIRN_EPROTOCOL);
    if (rc == 1) check_address(&master);
}

static void read_peers(const char *bytes, size_t len)
{
    redis_addresses_t known = {0};
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, len);
    int rc = redis_sentinel_read_peers(&reply, &known);
    REQUIRE(rc == 0 || rc == CAIRN_EPROTOCOL);
    REQUIRE(known.count <= CAIRN_HOSTS_MAX);
    for (size_t i = 0; i < known.count; i++) check_address(&known.list[i]);
    redis_addresses_free(&known);
}

static void read_switch(const char *bytes, size_t len)
{
    redis_address_t master;
    int rc = redis_sentinel_read_switch(cairn_slice(bytes, len), cairn_str("svc"), &master);
    REQUIRE(rc == 1 || rc == 0 || rc == CAIRN_EPROTOCOL);
    if (rc == 1) check_address(&master);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    /* Exactly these bytes, so that a sanitizer sees a read beyond them. */
    char *bytes = malloc(size);
    REQUIRE(bytes != NULL);
    memcpy(bytes, data, size);
    const char *rest = bytes + 1;
    switch (data[0] % 3) {
    case 0:
        read_master(rest, size - 1);
        break;
    case 1:
        read_peers(rest, size - 1);
        break;
    default:
        read_switch(rest, size - 1);
    }
    free(bytes);
    return 0;
}
