/* How ids become keys: the only place, with scripts/lib_names.lua and scripts/lib_store.lua, that
 * spells one.
 *
 * Any bytes are an id, so ids are escaped: every byte but letters, digits, '_', '.' and '-' is
 * %XX, and the empty id is "%". So ':' and the braces of the hash tag can be trusted. Where the
 * order of ids counts they are encoded instead: NUL becomes 00 FF, and 00 00 ends it; so encoded
 * ids are in the order of the ids, and can be put one behind the other.
 *
 * All keys of a thread have its hash tag, and so its slot; so have those of a namespace of the
 * store. What is kept across threads and across namespaces is in slots of its own; of threads, in a
 * cluster, in each slot for the threads that are there. */
#ifndef CAIRN_REDIS_KEYS_H
#define CAIRN_REDIS_KEYS_H

#include <cairn/store.h>
#include <stdint.h>

#define REDIS_KEY_STEM "langgraph:checkpoint"
#define REDIS_KEY_HEAD "langgraph:thread"
#define REDIS_KEY_NAMES REDIS_KEY_STEM " " REDIS_KEY_HEAD /* as scripts take them */
#define REDIS_KEY_CHECKPOINT REDIS_KEY_STEM ":"
#define REDIS_KEY_REPLACED REDIS_KEY_STEM "_replaced:"
#define REDIS_KEY_WRITES REDIS_KEY_STEM "_write:"
#define REDIS_KEY_BLOB REDIS_KEY_STEM "_blob:"
#define REDIS_KEY_THREAD REDIS_KEY_HEAD ":"
#define REDIS_KEY_THREAD_EXPIRY REDIS_KEY_HEAD "_expiry:"
#define REDIS_KEY_THREAD_LOOSE REDIS_KEY_HEAD "_loose:"
#define REDIS_KEY_SHARD "langgraph:checkpoints:"
#define REDIS_KEY_SHARD_EXPIRY "langgraph:checkpoints_expiry:"
#define REDIS_KEY_RUN REDIS_KEY_STEM "_run:"

/* Of a run stream, before "{id}"; scripts/lib_stream.lua says what they are. */
#define REDIS_KEY_QUEUE "langgraph:queue:"
#define REDIS_KEY_QUEUE_MORE "langgraph:queue_more:"

/* The same of one in the layout of Pure Graph (redis_pure_graph.h). */
#define REDIS_KEY_QUEUE_PAST "langgraph:queue_past:"

/* The channel that a run stream's events are published on: this, the number of the database, as
 * channels know none, ':', and the id as it is. In a cluster, where the channel is to be in the
 * stream's slot: this and "{id}". */
#define REDIS_CHANNEL_QUEUE "langgraph:queue@"

/* Of the list of all checkpoints. */
#define REDIS_SHARDS 64u

unsigned redis_shard(cairn_slice_t thread_id);

size_t redis_escaped_size(cairn_slice_t id);
char *redis_escape(char *out, cairn_slice_t id);

/* The cluster's slot of whatever has the hash tag "{id}", escaped: redis_slot() of every such key.
 */
uint16_t redis_slot_of_id(cairn_slice_t id);

/* Of what redis_escape wrote; gives the end of what is written, which is not more. */
char *redis_unescape(char *out, cairn_slice_t escaped);

size_t redis_encoded_size(cairn_slice_t id);
char *redis_encode(char *out, cairn_slice_t id);

/* The same, and every byte inverted: the greater the id the less it is. */
char *redis_encode_inverted(char *out, cairn_slice_t id);

/* The encoded id that `*bytes` begins with; moves behind it. False: there is none. */
bool redis_take_encoded(cairn_slice_t *bytes, bool inverted, cairn_slice_t *encoded);

/* Of what redis_take_encoded took, not inverted; gives the end of what is written, which is less
 * than the encoded. */
char *redis_decode(char *out, cairn_slice_t encoded);

/* ---- the store ---- */

#define REDIS_KEY_STORE "langgraph:store"
#define REDIS_KEY_SPACES REDIS_KEY_STORE "_spaces:"
#define REDIS_KEY_DIRECTORY REDIS_KEY_STORE "_directory:"
#define REDIS_KEY_DIRECTORY_AGE REDIS_KEY_STORE "_directory_age:"

/* What the key of something goes on with behind REDIS_KEY_STORE; then a namespace's tag follows,
 * and ":" and the escaped key if it is an item's. */
#define REDIS_ITEM ":"
#define REDIS_ITEM_VECTORS "_vectors:"
#define REDIS_ITEM_STAGED "_staged:"
#define REDIS_ITEM_STAGED_VECTORS "_staged_vectors:"
#define REDIS_SPACE_CHANGES "_changes:"
#define REDIS_SPACE_KEYS "_keys:"
#define REDIS_SPACE_NEAR "_near:" /* then ":" and the field of the vectors, for a vector set */
#define REDIS_SPACE_LEFT "_left:"

/* Of the list of all namespaces; of their directory in a cluster. */
#define REDIS_SPACE_SHARDS 16u

/* Of an encoded namespace (cairn/sys/namespace.h). */
unsigned redis_space_shard(cairn_slice_t path);

/* "{label:label}" */
size_t redis_space_tag_size(cairn_namespace_t ns);
char *redis_space_tag(char *out, cairn_namespace_t ns);

/* The slot of what has that tag, and the tag's size. `ns` has a label: "{}" is no hash tag. */
uint16_t redis_slot_of_space(cairn_namespace_t ns, size_t *tag_size);

#endif
