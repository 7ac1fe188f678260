/* Which messages of one stream were lost, came twice, or came late. A stream is numbered from 0
 * without holes. Zeroed memory is a stream of which nothing has arrived. */
#ifndef CAIRN_BENCH_SEQUENCE_H
#define CAIRN_BENCH_SEQUENCE_H

#include <stdint.h>

/* Holes remembered. A message that comes for a hole forgotten stays lost and counts as duplicate.
 */
enum {
    SEQUENCE_HOLES = 64
};

typedef struct sequence_hole {
    uint64_t first, end;
} sequence_hole_t;

typedef struct sequence {
    uint64_t next; /* expected */
    uint64_t lost; /* so far; a late arrival takes it back */
    uint64_t duplicated;
    uint64_t reordered; /* arrived after a later one */
    unsigned hole_count;
    sequence_hole_t holes[SEQUENCE_HOLES];
} sequence_t;

void sequence_out_of_order(sequence_t *sequence, uint64_t number); /* sequence_see's other half */

static inline void sequence_see(sequence_t *sequence, uint64_t number)
{
    if (number == sequence->next)
        sequence->next++;
    else
        sequence_out_of_order(sequence, number);
}

/* Nothing more will come of the `sent` messages: what is missing at the end is lost too. */
void sequence_end(sequence_t *sequence, uint64_t sent);

#endif
