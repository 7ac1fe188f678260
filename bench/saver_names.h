/* How the saver on Redis spells its keys, read and written by who is not the saver: written anew
 * from backends/redis/scripts/lib_names.lua, so that a mistake there is not made here too. */
#ifndef CAIRN_BENCH_SAVER_NAMES_H
#define CAIRN_BENCH_SAVER_NAMES_H

#include <cairn/bytes.h>

typedef enum saver_kind {
    SAVER_CHECKPOINT,
    SAVER_REPLACED,
    SAVER_WRITES,
    SAVER_BLOB,
    SAVER_RUN,
    SAVER_THREAD,
    SAVER_THREAD_EXPIRY,
    SAVER_THREAD_LOOSE,
    SAVER_THREAD_DELTA,
    SAVER_SHARD,
    SAVER_SHARD_EXPIRY,
    SAVER_UNKNOWN, /* it looks like the saver's, and is not */
    SAVER_FOREIGN  /* of somebody else */
} saver_kind_t;

/* A key taken apart. Slices borrow from it. */
typedef struct saver_key {
    saver_kind_t kind;
    cairn_slice_t whole;
    cairn_slice_t owner; /* "{thread}", "{run}", or a shard's number */
    cairn_slice_t ns;    /* escaped, as is what follows; of checkpoints, writes and blobs */
    cairn_slice_t rest;  /* an id, or "channel:version" */
} saver_key_t;

saver_key_t saver_key(cairn_slice_t whole);

/* What TYPE says of such a key; NULL: not the saver's. */
const char *saver_key_type(saver_kind_t kind);

/* Bytes put together: a name, or the member of a list. Ends the program where there is no memory.
 */
typedef struct saver_text {
    char *at;
    size_t len;
    size_t room;
} saver_text_t;

static inline cairn_slice_t saver_text_slice(const saver_text_t *text)
{
    return cairn_slice(text->at ? text->at : "", text->len);
}

void saver_text_free(saver_text_t *text);
void saver_text_add(saver_text_t *text, cairn_slice_t bytes);
void saver_text_escape(saver_text_t *text, cairn_slice_t id);
void saver_text_unescape(saver_text_t *text, cairn_slice_t escaped);

/* An id in the order of ids, every byte xor `mask`. */
void saver_text_encode(saver_text_t *text, cairn_slice_t id, unsigned char mask);

/* Takes an encoded id off the front of `from` and adds it decoded. False: there is none. */
bool saver_text_decode(saver_text_t *text, cairn_slice_t *from, unsigned char mask);

/* The number of the shard that a thread is in. */
unsigned saver_shard(cairn_slice_t thread_id);

/* The beginning of a key of that kind, up to the owner. */
void saver_text_prefix(saver_text_t *text, saver_kind_t kind);

#endif
