/* How much of a turn of its loop goes to connecting. A step of a TLS handshake costs a good part of
 * a millisecond, and what begins together comes together: five hundred connections whose server is
 * back would keep everything else on their loop waiting. So all connections of a loop, whatever
 * handles they belong to, have a share of each turn; what finds it used up leaves the socket as it
 * is, and libuv tells of it again in the next. However long the turns are, each brings them on by a
 * share. What begins has a quarter of it, so that those under way come to an end while others wait,
 * and a deadline does not meet all of them half done.
 *
 *     if (!redis_turn_has_time(loop)) return;
 *     const uint64_t began_ns = redis_turn_clock();
 *     ... the work ...
 *     redis_turn_spent(loop, began_ns);
 *
 * What counts is this thread's processor time: on a machine that is busy with others, too, a turn
 * brings on as many as on an idle one. */
#ifndef CAIRN_REDIS_TURN_H
#define CAIRN_REDIS_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define REDIS_TURN_SHARE_MS 4

bool redis_turn_has_time(const uv_loop_t *loop);

/* The same for the first step of many. */
bool redis_turn_has_time_to_begin(const uv_loop_t *loop);

uint64_t redis_turn_clock(void);

/* Since redis_turn_clock said `began_ns`. */
void redis_turn_spent(const uv_loop_t *loop, uint64_t began_ns);

#endif
