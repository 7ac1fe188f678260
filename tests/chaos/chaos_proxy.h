/* A TCP proxy that spoils what passes through it: between clients and one server, in a thread of
 * its own, so that it goes on while everybody else is busy or stopped.
 *
 * It forwards until it is told to do worse. What it is told holds for connections that are there,
 * one in so many of them, and if said for those that come, until it is told to heal. When one side
 * of a connection ends, so does the other at once, and what was not forwarded is lost with it. */
#ifndef TESTS_CHAOS_PROXY_H
#define TESTS_CHAOS_PROXY_H

#include "chaos_space.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct chaos_proxy chaos_proxy_t;

typedef enum chaos_spoil {
    CHAOS_HEAL,     /* forward everything; what was held back follows */
    CHAOS_CUT,      /* end it, in order */
    CHAOS_RESET,    /* end it with RST */
    CHAOS_TEAR,     /* forward `amount` bytes more, then RST */
    CHAOS_STALL,    /* forward nothing; both sides think that all is well */
    CHAOS_DELAY,    /* forward each piece `amount` ms later */
    CHAOS_THROTTLE, /* forward `amount` bytes every few milliseconds */
    CHAOS_REFUSE    /* end those that come at once; those that are there are left alone */
} chaos_spoil_t;

typedef struct chaos_order {
    chaos_spoil_t spoil;
    uint32_t amount;
    uint32_t one_in; /* connections: 1 is all of them */
    bool requests;   /* on their way to the server */
    bool replies;
    bool newcomers; /* also connections that are made from now on */
} chaos_order_t;

/* Listens on a port of its own for a server on `server_port` of 127.0.0.1: on 127.0.0.1, or in the
 * network namespace `space`, which may be NULL and must outlive it. Ends the program with a message
 * if it cannot. `seed` picks the victims. */
chaos_proxy_t *chaos_proxy_start(int server_port, uint64_t seed, chaos_space_t *space);

/* Where clients find it: "127.0.0.1:7000". */
const char *chaos_proxy_where(const chaos_proxy_t *proxy);

/* From any thread; carried out soon, in order. */
void chaos_proxy_order(chaos_proxy_t *proxy, const chaos_order_t *order);

/* Connections accepted so far. */
uint64_t chaos_proxy_accepted(chaos_proxy_t *proxy);

/* Ends every connection and the thread, and frees. */
void chaos_proxy_stop(chaos_proxy_t *proxy);

/* In this thread, and those it starts: libuv's and hiredis' writes raise it. Not where cairn runs,
 * which must never. */
void chaos_no_sigpipe(void);

#endif
