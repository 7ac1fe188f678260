/* How long a thread that sleeps in the kernel takes to be woken by another here. Figures of one
 * message at a time consist mostly of wake-ups, and they differ several times between machines
 * whose cores stay awake and those whose cores halt when idle. */
#ifndef CAIRN_BENCH_WAKEUP_H
#define CAIRN_BENCH_WAKEUP_H

/* The median, in microseconds: half of a ping-pong between two threads, on two cores if there are.
 * Takes 50 ms. NAN if it cannot be measured. */
double wakeup_us(void);

#endif
