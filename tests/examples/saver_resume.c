/* A run that crashes, and goes on from its last checkpoint.
 *
 *     saver_resume                            in memory
 *     saver_resume redis://localhost:6379     over Redis: nothing but the URL changes
 *
 * The run adds 1, 2, 3, 4 and 5. Every step first writes what it has worked out, then puts a
 * checkpoint. The first worker crashes in step 4, between the two; the second knows nothing but the
 * thread's name. (Memory ends with its process, so the crash here takes all but the handle.) */
#include <cairn/saver.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define LAST_STEP 5
#define CRASH_STEP 4

static cairn_t cairn;
static cairn_saver_t saver;
static char thread_id[CAIRN_UUID6_SIZE];
static int workers;

/* All that a worker has, and a crash takes. */
static struct worker {
    cairn_uuid6_t ids;
    char checkpoint_id[CAIRN_UUID6_SIZE]; /* the last one put; "" at the beginning */
    char version[CAIRN_VERSION_ID_SIZE];  /* of the channel "total" */
    int step;
    int total;
    char result[32]; /* of the step after `step`, if it was worked out already */
    cairn_saver_get_t get;
    cairn_saver_put_t put;
    cairn_saver_delete_t delete;
} worker;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static void start_worker(void);
static void take_step(void);

static cairn_checkpoint_ref_t last_checkpoint(void)
{
    const char *id = worker.checkpoint_id[0] ? worker.checkpoint_id : NULL;
    cairn_checkpoint_ref_t ref = {.thread_id = cairn_str(thread_id),
                                  .checkpoint_id = cairn_str(id)};
    return ref;
}

static void copy(char *out, size_t size, cairn_slice_t text)
{
    snprintf(out, size, "%.*s", (int)text.len, text.ptr);
}

/* ---- a step ---- */

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    must(status, "delete_thread");
    printf("%" PRIu64 " checkpoints deleted\n", checkpoints);
    cairn_close(&cairn, NULL);
}

static void on_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put");
    worker.result[0] = '\0';
    take_step();
}

static void put_checkpoint(void)
{
    char id[CAIRN_UUID6_SIZE];
    char step[16];
    must(cairn_uuid6_next(&worker.ids, worker.step + 1, id), "id");
    must(cairn_version_id_next(cairn_str(worker.version), worker.version), "version");
    worker.total = atoi(worker.result);
    snprintf(step, sizeof step, "%d", ++worker.step);

    cairn_slice_t version = cairn_str(worker.version);
    cairn_slice_t type = cairn_str("text");
    cairn_channel_version_t versions[] = {{cairn_str("step"), version},
                                          {cairn_str("total"), version}};
    cairn_channel_value_t values[] = {
        {cairn_str("step"), version, CAIRN_CHANNEL_VALUE, {type, cairn_str(step)}},
        {cairn_str("total"), version, CAIRN_CHANNEL_VALUE, {type, cairn_str(worker.result)}},
    };
    cairn_checkpoint_t checkpoint = {
        .id = cairn_str(id),
        .channel_versions = versions,
        .channel_version_count = 2,
        .channel_values = values,
        .channel_value_count = 2,
    };
    cairn_checkpoint_ref_t parent = last_checkpoint();
    must(cairn_saver_put(&saver, &worker.put, &parent, &checkpoint, cairn_str(NULL), NULL, on_put),
         "put");
    copy(worker.checkpoint_id, sizeof worker.checkpoint_id, cairn_str(id));
}

static void on_written(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put_writes");
    if (workers == 1 && worker.step + 1 == CRASH_STEP) {
        printf("worker 1 crashes in step %d\n", CRASH_STEP);
        start_worker();
        return;
    }
    put_checkpoint();
}

static void take_step(void)
{
    if (worker.step == LAST_STEP) {
        printf("worker %d is done: %d\n", workers, worker.total);
        must(cairn_saver_delete_thread(&saver, &worker.delete, cairn_str(thread_id), on_deleted),
             "delete_thread");
        return;
    }
    if (worker.result[0]) {
        printf("step %d was worked out before the crash\n", worker.step + 1);
        put_checkpoint();
        return;
    }
    snprintf(worker.result, sizeof worker.result, "%d", worker.total + worker.step + 1);
    cairn_checkpoint_ref_t at = last_checkpoint();
    if (!at.checkpoint_id.ptr) {
        put_checkpoint(); /* nothing yet for the writes to belong to */
        return;
    }
    cairn_write_t write = {cairn_str("total"), {cairn_str("text"), cairn_str(worker.result)}};
    cairn_task_writes_t writes = {.task_id = cairn_str("add"), .writes = &write, .count = 1};
    cairn_ttl_t nothing_said = {0};
    must(cairn_saver_put_writes(&saver, &worker.put, &at, &writes, nothing_said, on_written),
         "put_writes");
}

/* ---- finding out where to go on ---- */

static void take_channel(const cairn_channel_value_t *channel)
{
    char text[32];
    copy(text, sizeof text, channel->value.bytes);
    if (cairn_slice_eq(channel->channel, cairn_str("step"))) worker.step = atoi(text);
    if (!cairn_slice_eq(channel->channel, cairn_str("total"))) return;
    worker.total = atoi(text);
    copy(worker.version, sizeof worker.version, channel->version);
}

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    (void)req;
    must(status, "get");
    if (tuple) {
        copy(worker.checkpoint_id, sizeof worker.checkpoint_id, tuple->ref.checkpoint_id);
        for (size_t i = 0; i < tuple->checkpoint.channel_value_count; i++)
            take_channel(&tuple->checkpoint.channel_values[i]);
        for (size_t i = 0; i < tuple->pending_write_count; i++)
            copy(worker.result, sizeof worker.result, tuple->pending_writes[i].value.bytes);
    }
    printf("worker %d goes on after step %d\n", workers, worker.step);
    take_step();
}

static void start_worker(void)
{
    static const struct worker knows_nothing;
    worker = knows_nothing;
    workers++;
    cairn_checkpoint_ref_t latest = last_checkpoint();
    must(cairn_saver_get(&saver, &worker.get, &latest, NULL, on_got), "get");
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    cairn_uuid6_t names = {0};
    must(cairn_uuid6_next(&names, 0, thread_id), "thread id");
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    must(cairn_saver_init(&saver, &cairn, NULL), "saver");
    start_worker();
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return worker.total == 15 && workers == 2 ? 0 : 1;
}
