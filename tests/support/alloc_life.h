/* A handle's life on a Redis server, from open to close, with each allocation of it failing once,
 * and everything after it. Whatever a submit accepted ends once, and nothing is left behind. */
#ifndef TESTS_SUPPORT_ALLOC_LIFE_H
#define TESTS_SUPPORT_ALLOC_LIFE_H

#include "alloc_fault.h"

#include <cairn/cairn.h>
#include <stdbool.h>
#include <uv.h>

/* The one that is being lived. */
typedef struct alloc_life {
    alloc_fault_t fault;
    uv_loop_t loop;
    cairn_t cairn;
    const char *url; /* that it was opened with */
    int accepted;
    int ended;
    bool closed;
    const char *flaw; /* what a callback found wrong */
} alloc_life_t;

extern alloc_life_t alloc_life;

/* What a submit says: accepted, or UV_ENOMEM. Whether it was accepted. */
bool alloc_life_accepts(int rc);

/* A request has ended. Whether with 0: without memory a link may be given up, and then nobody can
 * say what was carried out. */
bool alloc_life_ends(int status);

/* For callbacks: the test fails when the life is over. */
void alloc_life_expect(bool is_so, const char *what);

/* Until all that was accepted has ended. */
void alloc_life_await(void);

/* Runs the tests, on a server of its own, for what `live` does with the open handle; `over` is
 * called when that is closed, and may be NULL. */
int alloc_life_run(const char *name, void (*live)(void), void (*over)(void));

/* The same on a server, or servers, of the caller's. */
typedef struct alloc_life_place {
    const char *(*url)(const char *rest); /* "a=1&b=2" */
    void (*clear)(void);
    bool brief; /* a life takes long there: with a pool, and RESP3, are enough */
} alloc_life_place_t;

int alloc_life_run_at(const alloc_life_place_t *place, const char *name, void (*live)(void));

#endif
