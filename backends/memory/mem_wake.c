#include "mem_wake.h"

void mem_wake_by(mem_wake_t *wake, const cairn_host_t *host, uint64_t next_ms,
                 void (*expire)(cairn_deadline_t *))
{
    if (next_ms == UINT64_MAX || (wake->at_ms > 0 && wake->at_ms <= next_ms)) return;
    const uint64_t now_ms = host->api->now_ms(host);
    host->api->deadline_stop(host, &wake->deadline);
    wake->deadline.expire = expire;
    wake->at_ms = next_ms;
    host->api->deadline_start(host, &wake->deadline, next_ms > now_ms ? next_ms - now_ms : 0);
}

mem_wake_t *mem_wake_ended(cairn_deadline_t *deadline)
{
    mem_wake_t *wake = CAIRN_CONTAINER_OF(deadline, mem_wake_t, deadline);
    wake->at_ms = 0;
    return wake;
}

void mem_wake_stop(mem_wake_t *wake, const cairn_host_t *host)
{
    host->api->deadline_stop(host, &wake->deadline);
    wake->at_ms = 0;
}
