/* For backends: a checkpoint without its channel values as bytes, to be kept wherever a backend
 * keeps them. One encoding for one checkpoint; what it is follows in checkpoint_codec.c. */
#ifndef CAIRN_SYS_CHECKPOINT_CODEC_H
#define CAIRN_SYS_CHECKPOINT_CODEC_H

#include <cairn/checkpoint.h>
#include <cairn/compiler.h>
#include <cairn/sys/tuple.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many bytes cairn_checkpoint_encode writes. */
size_t cairn_checkpoint_encoded_size(const cairn_checkpoint_t *checkpoint);

/* Writes everything but channel_values to `out`; returns the end of what is written. */
char *cairn_checkpoint_encode(const cairn_checkpoint_t *checkpoint, char *out);

/* The way back. Slices of `*out` borrow from `bytes`, arrays live in `arena`; there are no
 * channel_values. What may be absent is so exactly if it was; every other slice is present.
 * CAIRN_EPROTOCOL unless `bytes` is what encode wrote, to the last byte; UV_ENOMEM. On error `*out`
 * is zeroed. */
CAIRN_MUST_USE int cairn_checkpoint_decode(cairn_slice_t bytes, cairn_arena_t *arena,
                                           cairn_checkpoint_t *out);

/* Only what a header has: id, ts and v; the rest zero. Reads no further than that: a later part
 * may be malformed. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int cairn_checkpoint_decode_header(cairn_slice_t bytes, cairn_checkpoint_t *out);

#ifdef __cplusplus
}
#endif
#endif
