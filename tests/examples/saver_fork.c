/* Time travel: going back to an earlier checkpoint, and on from there another way.
 *
 *     saver_fork                            in memory
 *     saver_fork redis://localhost:6379     over Redis: nothing but the URL changes
 *
 * Three checkpoints, one the parent of the next. Then the second is read by its id, and gets
 * another child: a fork. Nothing of the first way is lost, and the fork, being newer, is the
 * latest. */
#include <cairn/saver.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_t cairn;
static cairn_saver_t saver;
static char thread_id[CAIRN_UUID6_SIZE];
static cairn_uuid6_t ids;
static char made[4][CAIRN_UUID6_SIZE]; /* checkpoints in the order they were put */
static int made_count;
static char version[CAIRN_VERSION_ID_SIZE];
static cairn_saver_put_t put;
static cairn_saver_get_t get;
static cairn_saver_list_t list;
static cairn_saver_delete_t deletion;
static int lines;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static cairn_checkpoint_ref_t ref(const char *checkpoint_id)
{
    cairn_checkpoint_ref_t at = {.thread_id = cairn_str(thread_id),
                                 .checkpoint_id = cairn_str(checkpoint_id)};
    return at;
}

/* Puts a checkpoint whose parent is `parent`, or that has none. */
static void put_child(const char *parent, const char *city, cairn_saver_put_cb cb)
{
    char *id = made[made_count++];
    must(cairn_uuid6_next(&ids, made_count, id), "id");
    must(cairn_version_id_next(cairn_str(version), version), "version");
    cairn_channel_version_t versions[] = {{cairn_str("city"), cairn_str(version)}};
    cairn_channel_value_t values[] = {{cairn_str("city"),
                                       cairn_str(version),
                                       CAIRN_CHANNEL_VALUE,
                                       {cairn_str("text"), cairn_str(city)}}};
    cairn_checkpoint_t checkpoint = {
        .id = cairn_str(id),
        .channel_versions = versions,
        .channel_version_count = 1,
        .channel_values = values,
        .channel_value_count = 1,
    };
    cairn_checkpoint_ref_t from = ref(parent);
    must(cairn_saver_put(&saver, &put, &from, &checkpoint, cairn_str(NULL), NULL, cb), "put");
}

/* ---- 3: all there is, newest first ---- */

static int number_of(cairn_slice_t id)
{
    for (int i = 0; i < made_count; i++) {
        if (cairn_slice_eq(id, cairn_str(made[i]))) return i + 1;
    }
    return 0;
}

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    (void)req;
    (void)checkpoints;
    must(status, "delete_thread");
    cairn_close(&cairn, NULL);
}

static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    must(status, "list");
    for (size_t i = 0; i < page->count; i++, lines++) {
        const cairn_checkpoint_tuple_t *tuple = &page->tuples[i];
        const cairn_value_t *city = &tuple->checkpoint.channel_values[0].value;
        printf("checkpoint %d: %.*s, from %d\n", number_of(tuple->ref.checkpoint_id),
               (int)city->bytes.len, city->bytes.ptr, number_of(tuple->parent_id));
    }
    if (page->cursor.len > 0) {
        cairn_saver_query_t rest = {.thread_id = cairn_str(thread_id),
                                    .paging = {.page_size = 3, .cursor = page->cursor}};
        must(cairn_saver_list(&saver, req, &rest, on_page), "list");
        return;
    }
    must(cairn_saver_delete_thread(&saver, &deletion, cairn_str(thread_id), on_deleted), "delete");
}

static void on_forked(cairn_saver_put_t *req, int status)
{
    (void)req;
    must(status, "put");
    cairn_saver_query_t all = {.thread_id = cairn_str(thread_id), .paging = {.page_size = 3}};
    must(cairn_saver_list(&saver, &list, &all, on_page), "list");
}

/* ---- 2: back to the second ---- */

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    (void)req;
    must(status, "get");
    must(tuple ? 0 : UV_ENOENT, "the second checkpoint");
    const cairn_value_t *city = &tuple->checkpoint.channel_values[0].value;
    printf("back in %.*s\n", (int)city->bytes.len, city->bytes.ptr);
    put_child(made[1], "Palermo", on_forked);
}

/* ---- 1: three checkpoints ---- */

static void on_put(cairn_saver_put_t *req, int status)
{
    static const char *const cities[] = {"Rome", "Naples", "Bari"};
    (void)req;
    must(status, "put");
    if (made_count < 3) {
        put_child(made_count > 0 ? made[made_count - 1] : NULL, cities[made_count], on_put);
        return;
    }
    cairn_checkpoint_ref_t second = ref(made[1]);
    must(cairn_saver_get(&saver, &get, &second, NULL, on_got), "get");
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    must(cairn_uuid6_next(&ids, 0, thread_id), "thread id");
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    must(cairn_saver_init(&saver, &cairn, NULL), "saver");
    on_put(&put, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return lines == 4 ? 0 : 1;
}
