/* Rule 43 and cairn/vector.h: texts that become vectors by the application's callback. */
#include "store_suite.h"

#include <stdlib.h>

/* ---- an embedder that is asked and answers when told to ---- */

#define JOBS_MOST 16

typedef struct embedder {
    cairn_embed_job_t *jobs[JOBS_MOST];
    size_t counts[JOBS_MOST];
    size_t asked, answered;
    text_t texts;   /* of all jobs: "one|two", jobs behind each other with a space */
    bool later;     /* wait for answer() */
    int status;     /* to answer with */
    float spoiled;  /* added to every number */
    items_t *close; /* the handle to close when asked */
} embedder_t;

/* Counts of the letters a and b: "aab" is (2, 1). */
static void count_letters(cairn_slice_t text, float *out)
{
    out[0] = out[1] = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == 'a' || text.ptr[i] == 'b') out[text.ptr[i] - 'a'] += 1;
}

static void answer(embedder_t *e)
{
    cairn_embed_job_t *job = e->jobs[e->answered];
    size_t count = e->counts[e->answered++];
    float *vectors = calloc(count + 1, 2 * sizeof *vectors);
    if (!vectors) abort();
    const char *text = text_chars(&e->texts);
    for (size_t skip = e->answered - 1; skip > 0; skip--) text = strchr(text, ' ') + 1;
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(text, "| ");
        count_letters(cairn_slice(text, len), &vectors[2 * i]);
        vectors[2 * i] += e->spoiled;
        text += len + 1;
    }
    job->done(job, e->status, e->status < 0 ? NULL : vectors);
    free(vectors);
}

static void embed(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count, void *data)
{
    embedder_t *e = data;
    if (e->asked == JOBS_MOST) abort();
    if (e->texts.len > 0) text_add(&e->texts, " ");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add(&e->texts, "|");
        for (size_t k = 0; k < texts[i].len; k++)
            text_add(&e->texts, "%c", texts[i].ptr[k] == ' ' ? '_' : texts[i].ptr[k]);
    }
    e->counts[e->asked] = count;
    e->jobs[e->asked++] = job;
    if (e->close) client_close(e->close->client);
    if (!e->later) answer(e);
}

typedef struct fixture {
    embedder_t embedder;
    cairn_vector_index_t index;
    items_t *items;
} fixture_t;

static items_t *with_embedder(world_t *w, fixture_t *f, const cairn_slice_t *fields, size_t count)
{
    *f = (fixture_t){.index = {.name = {"letters", 7},
                               .dimensions = 2,
                               .embed = embed,
                               .embed_data = &f->embedder,
                               .fields = fields,
                               .field_count = count}};
    const cairn_store_options_t options = {.indexes = &f->index, .index_count = 1};
    f->items = items_open(w, &options);
    return f->items;
}

static void end(fixture_t *f)
{
    text_free(&f->embedder.texts);
}

#define assert_texts(f, expected) assert_string_equal(text_chars(&(f)->embedder.texts), (expected))
#define assert_like(s, expected, text)                                                             \
    assert_search((s), (expected), .near_text = cairn_str(text),                                   \
                  .near_index = cairn_str("letters"), .paging.limit = cairn_limit(9))

static void a_put_asks_for_the_vector_of_its_value_and_a_search_for_that_of_its_text(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    items_put(s, "n", "k1", "{\"t\":\"aaab\"}");
    items_put(s, "n", "k2", "{\"t\":\"abbb\"}");
    assert_texts(&f, "{\"t\":_\"aaab\"} {\"t\":_\"abbb\"}");
    assert_like(s, "n:k1 n:k2", "aa");
    assert_like(s, "n:k2 n:k1", "b");
    end(&f);
}

static void what_is_embedded_is_said_by_the_indexs_fields(world_t *w)
{
    static const cairn_slice_t fields[] = {{"title", 5}, {"notes[*].text", 13}};
    fixture_t f;
    items_t *s = with_embedder(w, &f, fields, 2);
    items_put(s, "n", "k",
              "{\"title\":\"ab\",\"notes\":[{\"text\":\"aa\"},{\"x\":1},{\"text\":\"b\"}]}");
    assert_texts(&f, "ab|aa|b");
    items_put(s, "n", "l", "{\"other\":\"aaa\"}");
    assert_texts(&f, "ab|aa|b");
    assert_like(s, "n:k", "a");
    assert_true(s->own->facts[0].score > 0.999); /* at its best vector */
    end(&f);
}

static void what_is_embedded_may_be_said_by_the_put(world_t *w)
{
    static const cairn_slice_t title = {"title", 5};
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    items_put(s, "n", "k", "{\"title\":\"ab\",\"x\":\"bbb\"}",
              {.fields = &title, .field_count = 1});
    assert_texts(&f, "ab");
    end(&f);
}

static void a_put_may_say_that_nothing_is_embedded(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    items_put(s, "n", "k", "{\"t\":\"a\"}", {.embed = CAIRN_EMBED_NONE});
    assert_int_equal(f.embedder.asked, 0);
    assert_like(s, "", "a");
    assert_item(s, "n", "k", "{\"t\":\"a\"}");
    end(&f);
}

static void a_put_that_brings_its_vector_does_not_ask(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    const cairn_vector_t vector = {f.index.name, (const float[]){0, 1}, 2};
    items_put(s, "n", "k", "{\"t\":\"a\"}", {.vectors = &vector, .vector_count = 1});
    items_delete(s, "n", "k");
    assert_int_equal(f.embedder.asked, 0);
    end(&f);
}

static void an_update_embeds_anew(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    items_put(s, "n", "k", "{\"t\":\"aa\"}");
    items_put(s, "n", "k", "{\"t\":\"bb\"}");
    assert_like(s, "n:k", "b");
    assert_true(s->own->facts[0].score > 0.999);
    end(&f);
}

static void the_answer_may_come_later(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    f.embedder.later = true;
    call_t *call = items_call(s);
    char value[] = "{\"t\":\"aa\"}";
    item_words_t words = {.ns = "n", .key = "k", .value = value};
    assert_status(call_put(call, &words), 0);
    memset(value, 'x', sizeof value - 1); /* consumed */
    assert_int_equal(f.embedder.asked, 0);
    assert_no_item(s, "n", "k");
    assert_int_equal(f.embedder.asked, 1);
    assert_false(call_is_done(call));
    answer(&f.embedder);
    call_await(call, 0);
    assert_item(s, "n", "k", "{\"t\":\"aa\"}");
    end(&f);
}

static void a_batch_asks_once_for_all_its_texts(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    items_put(s, "n", "k0", "{\"t\":\"ab\"}", {.embed = CAIRN_EMBED_NONE});
    const cairn_store_query_t query = {
        .near_text = cairn_str("b"), .near_index = f.index.name, .paging.limit = cairn_limit(5)};
    const cairn_store_op_t ops[] = {
        {.type = CAIRN_STORE_PUT, .ns = ns("n"), .key = cairn_str("k1"), .value = cairn_str("aa")},
        {.type = CAIRN_STORE_GET, .ns = ns("n"), .key = cairn_str("k0")},
        {.type = CAIRN_STORE_SEARCH, .search = &query},
        {.type = CAIRN_STORE_PUT, .ns = ns("n"), .key = cairn_str("k2"), .value = cairn_str("ab")},
        {.type = CAIRN_STORE_LIST_NAMESPACES},
        {.type = CAIRN_STORE_DELETE, .ns = ns("n"), .key = cairn_str("k0")},
    };
    assert_string_equal(items_batch(s, ops, 6),
                        "put 0\nget n:k0={\"t\":\"ab\"}\nsearch\nput 0\nnamespaces n\ndelete 1");
    assert_texts(&f, "aa|b|ab");
    assert_like(s, "n:k2 n:k1", "b");
    end(&f);
}

static void the_embedders_error_is_the_requests(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    f.embedder.status = UV_EIO;
    call_t *call = items_call(s);
    item_words_t words = {.ns = "n", .key = "k", .value = "{}"};
    assert_status(call_put(call, &words), 0);
    call_await(call, UV_EIO);
    assert_contains(call->detail, "embed");
    f.embedder.status = 0;
    f.embedder.spoiled = 1e38f * 1e10f;
    assert_status(call_put(call, &words), 0);
    call_await(call, UV_EINVAL);
    assert_contains(call->detail, "not finite");
    items_assert_empty(s);
    end(&f);
}

static void a_request_may_be_cancelled_while_its_texts_are_embedded(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    f.embedder.later = true;
    call_t *before = items_call(s), *call = items_call(s), *search = items_call(s);
    item_words_t words = {.ns = "n", .key = "k", .value = "{\"t\":\"a\"}"};
    assert_status(call_put(before, &words), 0);
    assert_status(cairn_cancel(&before->of.req), 0); /* before it was asked */
    call_await(before, UV_ECANCELED);
    assert_status(call_put(call, &words), 0);
    const cairn_store_query_t query = {
        .near_text = cairn_str("a"), .near_index = f.index.name, .paging.limit = cairn_limit(5)};
    search->timeout_ms = 1;
    assert_status(call_search(search, &query), 0);
    assert_no_item(s, "n", "k"); /* both have been asked */
    assert_int_equal(f.embedder.asked, 2);
    assert_status(cairn_cancel(&call->of.req), 0);
    call_await(call, UV_ECANCELED);
    answer(&f.embedder);
    if (s->clock) fake_clock_advance(s->clock, &s->client->cairn, 2);
    call_await(search, UV_ETIMEDOUT);
    answer(&f.embedder);
    items_assert_empty(s);
    end(&f);
}

static void a_handle_may_be_closed_while_texts_are_embedded(world_t *w)
{
    fixture_t f;
    items_t *s = with_embedder(w, &f, NULL, 0);
    f.embedder.later = true;
    call_t *call = items_call(s), *batch = items_call(s);
    item_words_t words = {.ns = "n", .key = "k", .value = "{\"t\":\"a\"}"};
    const cairn_store_op_t op = {
        .type = CAIRN_STORE_PUT, .ns = ns("n"), .key = cairn_str("l"), .value = cairn_str("b")};
    assert_status(call_put(call, &words), 0);
    assert_no_item(s, "n", "k");
    assert_status(call_batch(batch, &op, 1), 0);
    f.embedder.close = s;
    call_await(batch, UV_ECANCELED);
    assert_true(call_is_done(call));
    assert_status(call->status, UV_ECANCELED);
    client_await_closed(s->client);
    assert_int_equal(f.embedder.asked, 2);
    answer(&f.embedder);
    answer(&f.embedder);
    end(&f);
}

static void every_index_with_a_callback_is_asked(world_t *w)
{
    embedder_t embedders[2] = {{.later = true}, {.later = true}};
    const cairn_vector_index_t indexes[] = {
        {.name = {"one", 3}, .dimensions = 2, .embed = embed, .embed_data = &embedders[0]},
        {.name = {"none", 4}, .dimensions = 2},
        {.name = {"two", 3}, .dimensions = 2, .embed = embed, .embed_data = &embedders[1]},
    };
    const cairn_store_options_t options = {.indexes = indexes, .index_count = 3};
    items_t *s = items_open(w, &options);
    call_t *call = items_call(s);
    item_words_t words = {.ns = "n", .key = "k", .value = "{\"t\":\"a\"}"};
    assert_status(call_put(call, &words), 0);
    assert_no_item(s, "n", "k");
    answer(&embedders[1]);
    assert_no_item(s, "n", "k");
    assert_false(call_is_done(call));
    answer(&embedders[0]);
    call_await(call, 0);
    for (size_t i = 0; i < 3; i++) {
        const cairn_vector_t near = {indexes[i].name, (const float[]){1, 0}, 2};
        assert_search(s, i == 1 ? "" : "n:k", .near = &near, .paging.limit = cairn_limit(1));
    }
    text_free(&embedders[0].texts);
    text_free(&embedders[1].texts);
}

const scenario_t store_embed_scenarios[] = {
    SCENARIO(a_put_asks_for_the_vector_of_its_value_and_a_search_for_that_of_its_text),
    SCENARIO(what_is_embedded_is_said_by_the_indexs_fields),
    SCENARIO(what_is_embedded_may_be_said_by_the_put),
    SCENARIO(a_put_may_say_that_nothing_is_embedded),
    SCENARIO(a_put_that_brings_its_vector_does_not_ask),
    SCENARIO(an_update_embeds_anew),
    SCENARIO(the_answer_may_come_later),
    SCENARIO(a_batch_asks_once_for_all_its_texts),
    SCENARIO(the_embedders_error_is_the_requests),
    SCENARIO(a_request_may_be_cancelled_while_its_texts_are_embedded),
    SCENARIO(a_handle_may_be_closed_while_texts_are_embedded),
    SCENARIO(every_index_with_a_callback_is_asked),
    {NULL, NULL},
};
