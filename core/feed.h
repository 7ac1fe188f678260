/* What a feed does for its tails: keeps the sequence of what is pushed whole, and passes it on. */
#ifndef CAIRN_CORE_FEED_H
#define CAIRN_CORE_FEED_H

#include "tail.h"

/* The feed of that stream, asked of the backend if nobody had it. */
CAIRN_MUST_USE int feed_open(cairn_core_t *core, cairn_slice_t stream, feed_t **out);

/* Somebody has left it: closes it if nobody is left. */
void feed_left(feed_t *feed);

/* Whether a read may begin now. Otherwise whoever is on the feed is woken when it may. */
bool feed_may_read(const feed_t *feed);

/* What is pushed from here on is kept, until the same number of feed_read_ends. */
void feed_read_begins(feed_t *feed);
void feed_read_ends(feed_t *feed);

/* A read was not accepted, or failed for a reason that passes: again a little later. */
void feed_retry(feed_t *feed);

/* Whether a read that failed so is worth trying again. */
bool feed_error_passes(int status);

/* `tail` has read up to `last`, the end of the stream, in the feed's epoch. False: what was pushed
 * since then is not at hand, or has no room, and must be read. May call the application. */
bool feed_join(feed_t *feed, cairn_tail_t *tail, cairn_position_t last);

#endif
