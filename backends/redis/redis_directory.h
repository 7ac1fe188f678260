/* A cluster's directory of namespaces, for what asks about all below a prefix: what lists the
 * namespaces of a slot is in that slot, and slots are too many to be asked. The directory is in a
 * few shards, each in a slot of its own, and has every namespace that has an item, and some that
 * had one: whether there still is one is asked in the namespace's own slot.
 *
 * A namespace is registered before a put into it is told, if that has not been done from here in
 * the last ten minutes. Who finds one without items has it taken out, which the directory does not
 * do within an hour of its registration; so none is taken out that a put goes to meanwhile. */
#ifndef CAIRN_REDIS_DIRECTORY_H
#define CAIRN_REDIS_DIRECTORY_H

#include "redis_beliefs.h"
#include "redis_store.h"

/* Of an encoded namespace: those with the same first two labels are in the same shard. */
unsigned redis_directory_shard(cairn_slice_t path);

/* Whether all that begin with it are in that shard, or they are in all of them. */
bool redis_directory_is_one(cairn_slice_t prefix);

uint16_t redis_directory_slot(unsigned shard);

/* Whether it has been registered a short while ago, for as long as something with that TTL. */
bool redis_directory_knows(const redis_backend_t *redis, uint64_t space_hash, int64_t ttl_ms);
void redis_directory_registered(redis_backend_t *redis, uint64_t space_hash, int64_t ttl_ms);

/* The call that registers `paths` namespaces of one shard; their encoded names follow. */
#define REDIS_DIRECTORY_BOUND (REDIS_SCRIPT_BEGIN + redis_cmd_bound(4, 256))
char *redis_directory_register(char *out, unsigned shard, int64_t ttl_ms, size_t paths);

/* Reads names between bounds, as for ZRANGEBYLEX, in order, and no more than that many. */
size_t redis_directory_read_bound(cairn_slice_t least, cairn_slice_t greatest);
char *redis_directory_read(char *out, unsigned shard, cairn_slice_t least, cairn_slice_t greatest,
                           size_t most);

/* Something there lives longer than was thought: what nobody waits for. */
void redis_directory_keep(redis_backend_t *redis, const redis_shelf_t *shelf, int64_t ttl_ms);

/* It has been found without items: what nobody waits for either. */
void redis_directory_doubt(redis_backend_t *redis, cairn_slice_t path);

#endif
