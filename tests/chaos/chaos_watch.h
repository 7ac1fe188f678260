/* A master that sentinels watch over, to be failed over: it is killed or stopped when its replicas
 * have all that it acknowledged. Replication is asynchronous, so at any other moment Redis itself
 * may lose the last of it, and nobody could be blamed. In the thread that started it. */
#ifndef TESTS_CHAOS_WATCH_H
#define TESTS_CHAOS_WATCH_H

#include "sentinel.h"

typedef enum chaos_end {
    CHAOS_KILLED, /* -9; comes back as a replica, with nothing */
    CHAOS_STOPPED /* SIGSTOP; wakes up and believes that it is the master still */
} chaos_end_t;

typedef struct chaos_watch {
    sentinel_trio_t trio;
    redis_t *master;
    redis_t *asleep; /* was the master, and thinks it is; or NULL */
    char where[128]; /* "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/svc" */
    const char *trouble;
} chaos_watch_t;

/* Ends the program with a message if it cannot. */
void chaos_watch_start(chaos_watch_t *watch);
void chaos_watch_stop(chaos_watch_t *watch);

/* The master answers nothing from here on. False, here and below: `trouble` says why. */
bool chaos_watch_end_master(chaos_watch_t *watch, chaos_end_t how);

/* Has a sentinel replace the master, and waits for another. */
bool chaos_watch_follow(chaos_watch_t *watch);

/* Whoever is down or asleep comes back; waits until all follow one master. */
bool chaos_watch_mend(chaos_watch_t *watch);

#endif
