/* Search by meaning: the application's callback turns texts into vectors, later, as a model on
 * another machine would; puts and searches wait for it.
 *
 *     store_semantic                            in memory
 *     store_semantic redis://localhost:6379     over Redis */
#include <cairn/store.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define DIMENSIONS 26

static cairn_t cairn;
static cairn_store_t store;
static cairn_store_batch_t notes;
static cairn_store_search_t search;
static bool found;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

/* ---- a model of no great wit: how often each letter comes ---- */

typedef struct asked {
    uv_timer_t timer;
    cairn_embed_job_t *job;
    size_t count;
    float vectors[]; /* worked out at once, given later */
} asked_t;

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* [embed] */
static void answer(uv_timer_t *timer)
{
    asked_t *asked = timer->data;
    asked->job->done(asked->job, 0, asked->vectors);
    uv_close((uv_handle_t *)timer, on_closed);
}

static void embed(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count, void *data)
{
    asked_t *asked = calloc(1, sizeof *asked + count * DIMENSIONS * sizeof(float));
    if (!asked) {
        job->done(job, UV_ENOMEM, NULL);
        return;
    }
    asked->job = job;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].len; k++) {
            int letter = tolower((unsigned char)texts[i].ptr[k]);
            if (letter < 'a' || letter > 'z') continue;
            asked->vectors[i * DIMENSIONS + (size_t)(letter - 'a')] += 1;
        }
    }
    uv_timer_init(data, &asked->timer);
    asked->timer.data = asked;
    uv_timer_start(&asked->timer, answer, 5, 0);
}

static const cairn_slice_t fields[] = {{"text", 4}};
static cairn_vector_index_t meaning = {
    .name = {"meaning", 7},
    .dimensions = DIMENSIONS,
    .metric = CAIRN_METRIC_COSINE,
    .embed = embed,
    .fields = fields,
    .field_count = 1,
};
/* [embed] end */

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    (void)req;
    must(status, "search");
    for (size_t i = 0; i < page->count; i++)
        printf("%.2f %.*s\n", page->items[i].score, (int)page->items[i].value.len,
               page->items[i].value.ptr);
    found = page->count == 2 && cairn_slice_eq(page->items[0].key, cairn_str("tea"));
    cairn_close(&cairn, NULL);
}

static void on_noted(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                     size_t count)
{
    (void)req;
    (void)results;
    (void)count;
    must(status, "batch");
    /* [near] */
    const cairn_store_query_t query = {
        .near_text = cairn_str("teatime"),
        .near_index = meaning.name,
        .paging.limit = cairn_limit(2),
    };
    must(cairn_store_search(&store, &search, &query, on_found), "search");
    /* [near] end */
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    meaning.embed_data = loop;
    const cairn_store_options_t options = {.indexes = &meaning, .index_count = 1};
    must(cairn_store_init(&store, &cairn, &options), "store");

    const cairn_slice_t labels[] = {cairn_str("notes")};
    const char *const texts[][2] = {{"tea", "{\"text\":\"a matter of tea\"}"},
                                    {"dog", "{\"text\":\"who would run with dogs\"}"},
                                    {"mug", "{\"text\":\"a mug, at a time\"}"}};
    cairn_store_op_t ops[3];
    for (size_t i = 0; i < 3; i++) {
        cairn_store_op_t op = {.type = CAIRN_STORE_PUT,
                               .ns = {labels, 1},
                               .key = cairn_str(texts[i][0]),
                               .value = cairn_str(texts[i][1])};
        ops[i] = op;
    }
    must(cairn_store_batch(&store, &notes, ops, 3, on_noted), "batch");
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return found ? 0 : 1;
}
