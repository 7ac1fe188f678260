/* What core does between a submit and the backend when texts must become vectors first. */
#include "alloc_fault.h"
#include "store_fixture.h"

#include <math.h>

static struct {
    cairn_embed_job_t *job;
    char texts[128]; /* "one|two" */
    size_t count;
    unsigned calls;
    void (*inside)(void); /* called while asked */
} asked;

static void embed(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count, void *data)
{
    (void)data;
    asked.job = job;
    asked.count = count;
    asked.calls++;
    asked.texts[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (i > 0) strcat(asked.texts, "|");
        strncat(asked.texts, texts[i].ptr, texts[i].len);
    }
    if (asked.inside) asked.inside();
}

static void answer(int status)
{
    static const float vectors[] = {1, 2, 3, 4, 5, 6, 7, 8};
    asked.job->done(asked.job, status, status < 0 ? NULL : vectors);
}

static int with_embedder(void **state)
{
    int rc = fresh(state);
    memset(&asked, 0, sizeof asked);
    alloc_watch();
    indexes[1].embed = embed;
    use_indexes();
    put_options = (cairn_store_put_options_t){0};
    open_with(&every_op, CAIRN_CAP_STORE_VECTORS);
    return rc;
}

static int without_embedder(void **state)
{
    (void)state;
    if (!stub.closed && stub.host) stub_close();
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
    return 0;
}

static void turn(void)
{
    loop_turns(&stub.loop, 2);
}

static void text_is_right(void)
{
    query.near_text = S("hello");
    query.near_index = S("asked");
    query.paging.limit = cairn_limit(5);
}

static void a_put_reaches_the_backend_with_the_vectors_of_its_texts(void **state)
{
    (void)state;
    char text[] = "{\"a\":[\"x\",\"y\"]}";
    static const cairn_slice_t path = {"a[*]", 4};
    put_options.fields = &path;
    put_options.field_count = 1;
    value = cairn_str(text);
    const float given[] = {7, 7, 7};
    const cairn_vector_t with = {S("text"), given, 3};
    put_options.vectors = &with;
    put_options.vector_count = 1;
    put_options.ttl = cairn_ttl_ms(99);
    assert_status(do_put(), 0);
    memset(text, ' ', sizeof text - 1);
    labels[0] = S("overwritten");
    assert_int_equal(asked.calls, 0);
    turn();
    assert_string_equal(asked.texts, "x|y");
    assert_null(seen.called);
    answer(0);
    assert_null(seen.called);
    turn();
    assert_string_equal(seen.called, "put");
    assert_int_equal(told.calls, 0);
    up()->put_done(&put_req, true);
    assert_int_equal(told.calls, 1);
    assert_true(told.existed);
}

static cairn_vector_t taken[4];
static float taken_floats[4][2];
static bool taken_right;

static int take_vectors(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args)
{
    (void)self;
    taken_right = args->vector_count == 2 && args->ttl_ms == 99 &&
                  cairn_slice_eq(args->ns.labels[0], S("users")) &&
                  cairn_slice_eq(args->value, S("{\"a\":[\"x\",\"y\"]}"));
    for (size_t i = 0; i < args->vector_count && i < COUNT_OF(taken); i++) {
        taken[i] = args->vectors[i];
        memcpy(taken_floats[i], args->vectors[i].values, sizeof taken_floats[i]);
    }
    return stub_take(&req->req);
}

static void the_backend_gets_copies_of_all_that_was_passed(void **state)
{
    (void)state;
    cairn_store_ops_t table = every_op;
    table.put = take_vectors;
    stub_close();
    open_with(&table, CAIRN_CAP_STORE_VECTORS);
    char text[] = "{\"a\":[\"x\",\"y\"]}";
    static const cairn_slice_t path = {"a[*]", 4};
    put_options =
        (cairn_store_put_options_t){.fields = &path, .field_count = 1, .ttl = cairn_ttl_ms(99)};
    value = cairn_str(text);
    assert_status(do_put(), 0);
    memset(text, ' ', sizeof text - 1);
    labels[0] = S("overwritten");
    turn();
    answer(0);
    turn();
    assert_true(taken_right);
    assert_true(cairn_slice_eq(taken[0].index, S("asked")));
    assert_true(taken_floats[0][0] == 1 && taken_floats[0][1] == 2);
    assert_true(taken_floats[1][0] == 3 && taken_floats[1][1] == 4);
    stub_close();
}

static void a_search_reaches_the_backend_with_the_vector_of_its_text(void **state)
{
    (void)state;
    text_is_right();
    assert_status(do_search(), 0);
    turn();
    assert_string_equal(asked.texts, "hello");
    answer(0);
    turn();
    assert_string_equal(seen.called, "search");
    assert_non_null(seen.search.near);
    assert_int_equal(seen.search.metric, CAIRN_METRIC_COSINE);
    up()->search_done(&search_req, &(cairn_store_page_t){0});
    assert_int_equal(told.calls, 1);
}

static void what_has_no_text_is_handed_on_at_once(void **state)
{
    (void)state;
    static const cairn_slice_t path = {"nothing", 7};
    put_options.fields = &path;
    put_options.field_count = 1;
    assert_status(do_put(), 0);
    assert_string_equal(seen.called, "put");
    assert_int_equal(asked.calls, 0);
}

static void a_backend_that_refuses_then_fails_the_request(void **state)
{
    (void)state;
    assert_status(do_put(), 0);
    turn();
    stub.answer = CAIRN_EFULL;
    answer(0);
    turn();
    assert_int_equal(told.calls, 1);
    assert_status(told.status, CAIRN_EFULL);
    assert_true(strlen(told.detail) > 0);
}

static void the_callbacks_failure_is_the_requests(void **state)
{
    (void)state;
    assert_status(do_put(), 0);
    turn();
    answer(UV_EIO);
    assert_int_equal(told.calls, 0);
    turn();
    assert_status(told.status, UV_EIO);
    assert_contains(told.detail, "embed");
    assert_null(seen.called);
}

static void a_number_that_is_not_finite_fails_the_request(void **state)
{
    (void)state;
    const float odd[] = {1, NAN};
    assert_status(do_put(), 0);
    turn();
    asked.job->done(asked.job, 0, odd);
    turn();
    assert_status(told.status, UV_EINVAL);
    assert_null(seen.called);
}

static void a_backend_is_not_told_to_forget_what_it_never_had(void **state)
{
    (void)state;
    assert_status(do_put(), 0);
    assert_status(cairn_cancel(&put_req.req), 0);
    turn();
    assert_status(told.status, UV_ECANCELED);
    assert_int_equal(asked.calls, 0);
    assert_status(do_put(), 0);
    turn();
    assert_status(cairn_cancel(&put_req.req), 0);
    turn();
    assert_int_equal(told.calls, 2);
    answer(0);
    turn();
    assert_int_equal(stub.forgotten, 0);
    assert_null(seen.called);
    assert_status(do_get(), 0); /* and what it has, it is */
    assert_status(cairn_cancel(&get_req.req), 0);
    assert_int_equal(stub.forgotten, 1);
}

static void cancel_all(void)
{
    assert_status(cairn_cancel(&put_req.req), 0);
    answer(0);
}

static void a_request_may_be_cancelled_inside_the_callback(void **state)
{
    (void)state;
    asked.inside = cancel_all;
    assert_status(do_put(), 0);
    turn();
    assert_int_equal(told.calls, 1);
    assert_status(told.status, UV_ECANCELED);
    assert_null(seen.called);
}

static void an_answer_after_the_handle_is_gone_is_swallowed(void **state)
{
    (void)state;
    assert_status(do_batch(), 0);
    turn();
    stub_close();
    assert_int_equal(told.calls, 1);
    assert_status(told.status, UV_ECANCELED);
    assert_true(alloc_live() > 0);
    answer(0);
    assert_int_equal(told.calls, 1);
}

static void a_request_is_busy_while_its_texts_are_embedded(void **state)
{
    (void)state;
    assert_status(do_put(), 0);
    assert_status(do_put(), UV_EBUSY);
    turn();
    assert_status(do_put(), UV_EBUSY);
    answer(0);
    turn();
    up()->put_done(&put_req, false);
    assert_int_equal(told.calls, 1);
}

int main(void)
{
#define EMBED_TEST(f) cmocka_unit_test_setup_teardown(f, with_embedder, without_embedder)
    const struct CMUnitTest tests[] = {
        EMBED_TEST(a_put_reaches_the_backend_with_the_vectors_of_its_texts),
        EMBED_TEST(the_backend_gets_copies_of_all_that_was_passed),
        EMBED_TEST(a_search_reaches_the_backend_with_the_vector_of_its_text),
        EMBED_TEST(what_has_no_text_is_handed_on_at_once),
        EMBED_TEST(a_backend_that_refuses_then_fails_the_request),
        EMBED_TEST(the_callbacks_failure_is_the_requests),
        EMBED_TEST(a_number_that_is_not_finite_fails_the_request),
        EMBED_TEST(a_backend_is_not_told_to_forget_what_it_never_had),
        EMBED_TEST(a_request_may_be_cancelled_inside_the_callback),
        EMBED_TEST(an_answer_after_the_handle_is_gone_is_swallowed),
        EMBED_TEST(a_request_is_busy_while_its_texts_are_embedded),
    };
    return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
