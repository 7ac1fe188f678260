/* A run that stops to ask a human, and is kept until there is an answer.
 *
 *     saver_interrupt                            in memory
 *     saver_interrupt redis://localhost:6379     over Redis: nothing but the URL changes
 *
 * Checkpoints live for an hour. One that waits for a human is pinned, so that it is there however
 * long that takes, and gets its hour back with the answer. */
#include <cairn/saver.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define HOUR_MS 3600000

static cairn_t cairn;
static cairn_saver_t saver;
static char thread_id[CAIRN_UUID6_SIZE];
static char question_id[CAIRN_UUID6_SIZE];
static cairn_uuid6_t ids;
static cairn_saver_put_t put;
static cairn_saver_get_t get;
static cairn_saver_ttl_t ttl;
static cairn_saver_delete_t deletion;
static int answered;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static cairn_checkpoint_ref_t question(void)
{
    cairn_checkpoint_ref_t at = {.thread_id = cairn_str(thread_id),
                                 .checkpoint_id = cairn_str(question_id)};
    return at;
}

static void write_one(const char *channel, const char *text, cairn_saver_put_cb cb)
{
    cairn_checkpoint_ref_t at = question();
    cairn_write_t write = {cairn_str(channel), {cairn_str("text"), cairn_str(text)}};
    cairn_task_writes_t writes = {.task_id = cairn_str("deploy"), .writes = &write, .count = 1};
    cairn_ttl_t nothing_said = {0};
    must(cairn_saver_put_writes(&saver, &put, &at, &writes, nothing_said, cb), "put_writes");
}

/* ---- 4: the answer is there; the run goes on ---- */

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    (void)checkpoints;
    must(status, "delete_thread");
    cairn_close(&cairn, NULL);
}

static void on_unpinned(cairn_saver_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    must(status, "unpin");
    printf("it lives for %d minutes again\n", (int)(ttl_ms / 60000));
    answered = ttl_ms == HOUR_MS;
    must(cairn_saver_delete_thread(&saver, &deletion, cairn_str(thread_id), on_deleted), "delete");
}

static void on_finished(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    (void)req;
    must(status, "get");
    for (size_t i = 0; tuple && i < tuple->pending_write_count; i++) {
        const cairn_pending_write_t *write = &tuple->pending_writes[i];
        printf("%.*s: %.*s\n", (int)write->channel.len, write->channel.ptr,
               (int)write->value.bytes.len, write->value.bytes.ptr);
    }
    cairn_checkpoint_ref_t at = question();
    must(cairn_saver_unpin(&saver, &ttl, CAIRN_SCOPE_CHECKPOINT, &at, on_unpinned), "unpin");
}

/* ---- 3: much later, a human answers ---- */

static void on_answered(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put_writes");
    cairn_checkpoint_ref_t latest = {.thread_id = cairn_str(thread_id)};
    must(cairn_saver_get(&saver, &get, &latest, NULL, on_finished), "get");
}

static void on_pinned(cairn_saver_ttl_t *req, int status, int64_t ttl_ms)
{
    (void)req;
    must(status, "pin");
    printf("the question is kept %s\n", ttl_ms == CAIRN_TTL_PERSIST ? "for ever" : "for a while");
    write_one(CAIRN_CHANNEL_RESUME, "yes", on_answered);
}

/* ---- 2: the run asks, and is pinned ---- */

static void on_asked(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put_writes");
    cairn_checkpoint_ref_t at = question();
    must(cairn_saver_pin(&saver, &ttl, CAIRN_SCOPE_CHECKPOINT, &at, on_pinned), "pin");
}

static void on_put(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put");
    write_one(CAIRN_CHANNEL_INTERRUPT, "deploy to production?", on_asked);
}

/* ---- 1: a checkpoint ---- */

static void run(void)
{
    char version[CAIRN_VERSION_ID_SIZE];
    must(cairn_uuid6_next(&ids, 1, question_id), "id");
    must(cairn_version_id_next(cairn_str(NULL), version), "version");
    cairn_channel_version_t versions[] = {{cairn_str("build"), cairn_str(version)}};
    cairn_channel_value_t values[] = {{cairn_str("build"),
                                       cairn_str(version),
                                       CAIRN_CHANNEL_VALUE,
                                       {cairn_str("text"), cairn_str("1.2.3")}}};
    cairn_checkpoint_t checkpoint = {
        .id = cairn_str(question_id),
        .channel_versions = versions,
        .channel_version_count = 1,
        .channel_values = values,
        .channel_value_count = 1,
    };
    cairn_checkpoint_ref_t nothing_before = {.thread_id = cairn_str(thread_id)};
    must(cairn_saver_put(&saver, &put, &nothing_before, &checkpoint,
                         cairn_str("{\"source\":\"loop\",\"step\":1}"), NULL, on_put),
         "put");
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    must(cairn_uuid6_next(&ids, 0, thread_id), "thread id");
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    cairn_saver_options_t options = {.default_ttl = cairn_ttl_ms(HOUR_MS)};
    must(cairn_saver_init(&saver, &cairn, &options), "saver");
    run();
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return answered ? 0 : 1;
}
