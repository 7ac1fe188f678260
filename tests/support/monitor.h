/* What a Redis server is asked to do, seen with its MONITOR: commands that come over a connection,
 * and what scripts do inside. TIME is left out: a handle asks for it now and then, whatever is
 * done. */
#ifndef TESTS_SUPPORT_MONITOR_H
#define TESTS_SUPPORT_MONITOR_H

#include "redis.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct monitor {
    void *link;
    void *asks;
    unsigned marks;
    long long total_reads;

    /* Between the last two monitor_read. */
    size_t commands;
    size_t trips; /* what a client would wait for once: a command, or a transaction */
    size_t reads; /* how often the server read: of what is small, how often it was sent something */
    char names[2048];    /* of the commands, with blanks between them, as far as there is room */
    size_t script_calls; /* of the script that called most */
    size_t script_arguments; /* of the script whose calls had most */
    char last[128];          /* of the commands, its beginning */

    size_t calls; /* of the script at hand */
    size_t arguments;
    bool in_transaction;
} monitor_t;

/* Each fails the test if the server does not answer. */
void monitor_start(monitor_t *monitor, redis_t *redis);
void monitor_stop(monitor_t *monitor);

/* Counts anew what came since the last call, or the start. */
void monitor_read(monitor_t *monitor);

#endif
