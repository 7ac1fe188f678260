/* The feeder's process; see feeder.h. */
#ifndef CAIRN_BENCH_FEEDER_CHILD_H
#define CAIRN_BENCH_FEEDER_CHILD_H

#include <stddef.h>

/* Serves connections on `listener`, obeying uint64_t counts read from `control`, until that ends.
 */
void feeder_child_run(int listener, int control, size_t payload);

#endif
