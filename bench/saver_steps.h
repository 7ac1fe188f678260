/* What is put: a checkpoint, its metadata and its tasks' writes for any step of any thread, made
 * without much ado in memory that is used again, since whoever is given it copies it. */
#ifndef CAIRN_BENCH_SAVER_STEPS_H
#define CAIRN_BENCH_SAVER_STEPS_H

#include <cairn/checkpoint.h>

enum {
    STEPS_TASKS = 3,
    STEPS_ID_LEN = 36,
    STEPS_VERSION_LEN = 51,
    STEPS_METADATA_MAX = 96
};

typedef struct steps {
    cairn_checkpoint_t checkpoint; /* of the step last set */
    cairn_slice_t parent_id;       /* absent of the first */
    cairn_slice_t metadata;

    char id_text[STEPS_ID_LEN + 1];
    char parent_text[STEPS_ID_LEN + 1];
    char version_text[STEPS_VERSION_LEN + 1];
    char metadata_text[STEPS_METADATA_MAX];
    char *bytes; /* of every value, and the channels' names */
    cairn_channel_version_t *versions;
    cairn_channel_value_t *values;
    cairn_version_seen_t seen[STEPS_TASKS];
    cairn_slice_t *updated;
    cairn_write_t *writes;
} steps_t;

/* 0 or -1. Must stay where it is. */
int steps_init(steps_t *steps, uint32_t channels, uint32_t value);
void steps_free(steps_t *steps);

/* Steps are numbered from 1. */
void steps_set(steps_t *steps, uint32_t step);

/* The id of a step, with its NUL; ids grow with the steps. */
void steps_id(uint32_t step, char id[STEPS_ID_LEN + 1]);

/* What task `task` of a step wrote, `count` channels of them. */
cairn_task_writes_t steps_writes(const steps_t *steps, uint32_t task, uint32_t count);

#endif
