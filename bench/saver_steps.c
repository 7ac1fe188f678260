#include "saver_steps.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_SIZE = 16
};

static const char *const task_ids[STEPS_TASKS] = {
    "5f0c6d1e-8a34-5b0e-9d5a-3f1c2b7a9e01",
    "5f0c6d1e-8a34-5b0e-9d5a-3f1c2b7a9e02",
    "5f0c6d1e-8a34-5b0e-9d5a-3f1c2b7a9e03",
};

/* ---- memory ---- */

static cairn_slice_t name_channel(steps_t *steps, uint32_t value, uint32_t index)
{
    char *name = steps->bytes + value + (size_t)index * NAME_SIZE;
    int len = snprintf(name, NAME_SIZE, "channel_%u", (unsigned)index);
    return cairn_slice(name, (size_t)len);
}

static void fill_channels(steps_t *steps, uint32_t channels, uint32_t value)
{
    cairn_slice_t version = cairn_slice(steps->version_text, STEPS_VERSION_LEN);
    cairn_value_t bytes = {cairn_str("msgpack"), cairn_slice(steps->bytes, value)};
    for (uint32_t i = 0; i < value; i++) steps->bytes[i] = (char)('!' + i % 90);
    for (uint32_t i = 0; i < channels; i++) {
        cairn_slice_t name = name_channel(steps, value, i);
        steps->versions[i] = (cairn_channel_version_t){name, version};
        steps->values[i] = (cairn_channel_value_t){name, version, CAIRN_CHANNEL_VALUE, bytes};
        steps->updated[i] = name;
        steps->writes[i] = (cairn_write_t){name, bytes};
    }
    for (uint32_t i = 0; i < STEPS_TASKS; i++)
        steps->seen[i] = (cairn_version_seen_t){cairn_str(i == 0   ? "__input__"
                                                          : i == 1 ? "agent"
                                                                   : "tools"),
                                                steps->updated[i % channels], version};
}

int steps_init(steps_t *steps, uint32_t channels, uint32_t value)
{
    *steps = (steps_t){
        .bytes = malloc(value + (size_t)channels * NAME_SIZE),
        .versions = calloc(channels, sizeof *steps->versions),
        .values = calloc(channels, sizeof *steps->values),
        .updated = calloc(channels, sizeof *steps->updated),
        .writes = calloc(channels, sizeof *steps->writes),
    };
    if (!steps->bytes || !steps->versions || !steps->values || !steps->updated || !steps->writes)
        return -1;
    fill_channels(steps, channels, value);
    steps->checkpoint = (cairn_checkpoint_t){
        .id = cairn_slice(steps->id_text, STEPS_ID_LEN),
        .ts = cairn_str("2000-01-01T00:00:00.000000+00:00"),
        .v = 4,
        .channel_versions = steps->versions,
        .channel_version_count = channels,
        .channel_values = steps->values,
        .channel_value_count = channels,
        .versions_seen = steps->seen,
        .version_seen_count = STEPS_TASKS,
        .updated_channels = steps->updated,
        .updated_channel_count = channels,
    };
    return 0;
}

void steps_free(steps_t *steps)
{
    free(steps->bytes);
    free(steps->versions);
    free(steps->values);
    free(steps->updated);
    free(steps->writes);
}

/* ---- steps ---- */

/* `number` in `width` digits, without a NUL. */
static void put_digits(char *text, size_t width, uint32_t number, uint32_t base)
{
    for (size_t i = width; i-- > 0; number /= base) text[i] = "0123456789abcdef"[number % base];
}

void steps_id(uint32_t step, char id[STEPS_ID_LEN + 1])
{
    memcpy(id, "1f0c0000-0000-6000-8000-5a17c0ffee00", STEPS_ID_LEN + 1);
    put_digits(id + 4, 4, step >> 16, 16);
    put_digits(id + 9, 4, step & 0xffff, 16);
}

void steps_set(steps_t *steps, uint32_t step)
{
    static const char metadata[] =
        "{\"source\": \"loop\", \"step\": 0000000000, \"parents\": {}, \"writes\": null}";
    static const char version[] = "00000000000000000000000000000000.0.6180339887498948";
    _Static_assert(sizeof version == STEPS_VERSION_LEN + 1, "a version's length");
    steps_id(step, steps->id_text);
    steps_id(step - 1, steps->parent_text);
    steps->parent_id = step > 1 ? cairn_slice(steps->parent_text, STEPS_ID_LEN) : cairn_str(NULL);

    memcpy(steps->version_text, version, sizeof version);
    put_digits(steps->version_text + 22, 10, step, 10);

    /* A JSON number begins with no zero, so the digits are preceded by a one. */
    size_t digits = (size_t)(strstr(metadata, "0000000000") - metadata);
    memcpy(steps->metadata_text, metadata, sizeof metadata);
    put_digits(steps->metadata_text + digits, 10, step, 10);
    steps->metadata_text[digits] = '1';
    steps->metadata = cairn_slice(steps->metadata_text, sizeof metadata - 1);
}

cairn_task_writes_t steps_writes(const steps_t *steps, uint32_t task, uint32_t count)
{
    return (cairn_task_writes_t){
        .task_id = cairn_slice(task_ids[task], STEPS_ID_LEN),
        .task_path = cairn_str("~__pregel_pull, agent"),
        .writes = steps->writes,
        .count = count,
    };
}
