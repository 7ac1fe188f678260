/* A network namespace of one's own, joined to this one by a cable (a pair of veth devices) that can
 * be pulled: then nothing arrives, and nobody is told. Wants root and the program ip. */
#ifndef TESTS_CHAOS_SPACE_H
#define TESTS_CHAOS_SPACE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct chaos_space chaos_space_t;

/* NULL, and the reason, if this machine does not allow it. */
chaos_space_t *chaos_space_open(char *reason, size_t size);
void chaos_space_close(chaos_space_t *space);

/* The address in there, as it is reached from out here. */
const char *chaos_space_host(const chaos_space_t *space);

/* The calling thread, and the sockets it makes from now on. */
void chaos_space_enter(const chaos_space_t *space);
void chaos_space_leave(const chaos_space_t *space);

/* From any thread. Whether it could be done. */
bool chaos_space_pull(const chaos_space_t *space);
bool chaos_space_plug(const chaos_space_t *space);

#endif
