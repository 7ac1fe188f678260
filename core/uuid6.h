/* The pure half of cairn/uuid6.h. Private to core. */
#ifndef CAIRN_CORE_UUID6_H
#define CAIRN_CORE_UUID6_H

#include <cairn/uuid6.h>

/* `ticks`: of 100 ns since 1582-10-15, 60 bits. `clock_seq`: its low 14 bits. */
void uuid6_write(uint64_t ticks, uint32_t clock_seq, const unsigned char node[6],
                 char out[CAIRN_UUID6_SIZE]);

/* The ticks for the next id of `maker`, when it is `now`. */
uint64_t uuid6_ticks(cairn_uuid6_t *maker, uint64_t now);

#endif
