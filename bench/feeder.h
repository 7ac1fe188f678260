/* A server of no cost, in a process of its own: it speaks just enough of Redis's protocol for a
 * client to connect, and then sends messages that it prepared beforehand as fast as they are
 * taken. So what is measured is the receiving client alone. PUBLISH is answered and goes nowhere.
 */
#ifndef CAIRN_BENCH_FEEDER_H
#define CAIRN_BENCH_FEEDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FEEDER_ENDLESS UINT64_MAX

typedef struct feeder {
    pid_t pid;
    int control; /* to tell it how much to send */
    int port;    /* on 127.0.0.1 */
} feeder_t;

/* Messages are those of message.h, of publisher 0 on channel 0, numbered from 0 on each
 * connection, without a time. `cpu` < 0: not pinned. 0 or -1 with errno. */
int feeder_start(feeder_t *feeder, size_t payload, int cpu);

/* Sends that many to whoever is subscribed, in place of what was left to send; 0 stops it. */
void feeder_feed(feeder_t *feeder, uint64_t messages);

void feeder_stop(feeder_t *feeder);

#endif
