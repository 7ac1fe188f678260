/* What a connection does when the server says "not now": LOADING, BUSY, READONLY and their like
 * (redis_error.h), which mean that a command was not carried out.
 *
 *                 refused                     pause over, and all that was written answered
 *     (nothing) ----------> ON: writes no more ------------------> PROBING: one command only
 *         ^                  ^     |                                 |    |
 *         |                  |     +--> the link is to be left: lost |    |
 *         |                  +---------- refused again --------------+    |
 *         +------------------------------ answered -----------------------+
 *
 * What was refused stays where it is in queue and output, and so does what waits behind it: nothing
 * changes places. But a command that was on its way behind one that was refused may still be
 * carried out. Then that one has been overtaken and is told its error, unless it is idempotent: it
 * could not be sent again in its order. */
#ifndef CAIRN_REDIS_HOLD_H
#define CAIRN_REDIS_HOLD_H

#include "redis_backoff.h"
#include "redis_queue.h"

struct redis_conn;

typedef struct redis_hold {
    bool on;        /* answers are to `seq`, not to the oldest */
    bool limited;   /* ON or PROBING: nothing is written behind `limit` */
    bool waited;    /* the pause is over */
    bool leave;     /* the link is to be given up */
    bool discarded; /* the transaction answered last was, as a whole */
    size_t at;      /* behind the output's head: how far it is answered */
    size_t limit;   /* likewise */
    uint64_t seq;   /* of the next to be answered; PROBING: of the probe */
    int status;     /* why */
    char reason[256];
    redis_backoff_t backoff;
    uint64_t ended_ms;
} redis_hold_t;

/* `entry`, the oldest in the queue until now, was answered with an error. True: it is back at the
 * head, to be sent again. */
bool redis_hold_keeps(struct redis_conn *conn, const redis_entry_t *entry, cairn_slice_t text);

/* The same error, where it is told: the link may have to be left all the same. */
void redis_hold_told(struct redis_conn *conn, cairn_slice_t text);

/* While it is on: the entry at `seq` is answered. `lacks_script`: it can be sent again at once. */
void redis_hold_answered(struct redis_conn *conn, int status, redis_reply_t *reply,
                         cairn_slice_t text, bool lacks_script);

/* Looks after the connection's timer while a pause lasts. False: it is not for this. */
bool redis_hold_due(struct redis_conn *conn);

/* After answers: lets everything go if the probe is among what was answered. */
void redis_hold_probed(struct redis_conn *conn);

#endif
