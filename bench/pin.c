#include "pin.h"
#include <sched.h>

/* The nth core this process was allowed when it first asked, or -1. */
static int nth_core(int n)
{
    static cpu_set_t allowed;
    if (CPU_COUNT(&allowed) == 0 && sched_getaffinity(0, sizeof allowed, &allowed) < 0) return -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET((size_t)cpu, &allowed) && n-- == 0) return cpu;
    return -1;
}

int pin_cores(void)
{
    int cores = 0;
    while (nth_core(cores) >= 0) cores++;
    return cores;
}

int pin_to(int cpu)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET((size_t)cpu, &cpus);
    return sched_setaffinity(0, sizeof cpus, &cpus);
}

int pin_server_cpu(void)
{
    return nth_core(1) < 0 ? -1 : nth_core(0);
}

int pin_client_cpu(void)
{
    return nth_core(1);
}
