#ifndef CAIRN_BENCH_PIN_H
#define CAIRN_BENCH_PIN_H

/* Cores this process may run on. */
int pin_cores(void);

/* Keeps the calling thread, and what it starts from now on, on one core. 0 or -1 with errno. */
int pin_to(int cpu);

/* Where a server and its client are put: on two cores, or -1, anywhere, if there are not two. */
int pin_server_cpu(void);
int pin_client_cpu(void);

#endif
