#include "sequence.h"
#include <string.h>

static void remove_hole(sequence_t *sequence, unsigned at)
{
    sequence->hole_count--;
    memmove(&sequence->holes[at], &sequence->holes[at + 1],
            (sequence->hole_count - at) * sizeof sequence->holes[0]);
}

/* When there is no room left the oldest hole is forgotten. */
static void add_hole(sequence_t *sequence, uint64_t first, uint64_t end)
{
    if (first == end) return;
    if (sequence->hole_count == SEQUENCE_HOLES) remove_hole(sequence, 0);
    sequence->holes[sequence->hole_count++] = (sequence_hole_t){first, end};
}

/* Takes `number` out of the hole it lies in. Returns 0 if it lies in none. */
static int fill_hole(sequence_t *sequence, uint64_t number)
{
    for (unsigned i = 0; i < sequence->hole_count; i++) {
        sequence_hole_t hole = sequence->holes[i];
        if (number < hole.first || number >= hole.end) continue;
        remove_hole(sequence, i);
        add_hole(sequence, hole.first, number);
        add_hole(sequence, number + 1, hole.end);
        return 1;
    }
    return 0;
}

void sequence_out_of_order(sequence_t *sequence, uint64_t number)
{
    if (number >= sequence->next) {
        sequence->lost += number - sequence->next;
        add_hole(sequence, sequence->next, number);
        sequence->next = number + 1;
    } else if (fill_hole(sequence, number)) {
        sequence->lost--;
        sequence->reordered++;
    } else {
        sequence->duplicated++;
    }
}

void sequence_end(sequence_t *sequence, uint64_t sent)
{
    if (sent <= sequence->next) return;
    sequence->lost += sent - sequence->next;
    sequence->next = sent;
}
