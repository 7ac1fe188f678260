/* What sentinels say. Bytes from outside: all of it is checked. */
#ifndef CAIRN_REDIS_SENTINEL_REPLY_H
#define CAIRN_REDIS_SENTINEL_REPLY_H

#include "redis_addresses.h"
#include "redis_reply.h"

/* SENTINEL GET-MASTER-ADDR-BY-NAME: 1; 0: it knows no such service; CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_sentinel_read_master(redis_reply_t *reply, redis_address_t *master);

/* SENTINEL SENTINELS: adds them to those known. CAIRN_EPROTOCOL, UV_ENOMEM. */
CAIRN_MUST_USE int redis_sentinel_read_peers(redis_reply_t *reply, redis_addresses_t *known);

/* A message on +switch-master, "service old-host old-port host port": 1: it is of this service, and
 * that is the new master; 0: it is of another; CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_sentinel_read_switch(cairn_slice_t message, cairn_slice_t service,
                                              redis_address_t *master);

#endif
