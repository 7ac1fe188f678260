/* Rules 18, 19 and 21: what a list holds, and in which order. */
#include "saver_suite.h"

#include <stdio.h>

/* t: c1 c2 c3 in the root, c2 c4 in n; u: c0 c3 in the root, c5 in n. */
static saver_client_t *open_two_threads(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c3", "a@3=z", .parent = "c2");
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@2=y", .parent = "c1");
    saver_put(s, "c4", "", .ns = "n");
    saver_put(s, "c2", "", .ns = "n");
    saver_put(s, "c0", "", .thread = "u");
    saver_put(s, "c3", "", .thread = "u");
    saver_put(s, "c5", "", .thread = "u", .ns = "n");
    return s;
}

/* By their ids alone. */
static void assert_ids(saver_client_t *s, const cairn_saver_query_t *query, const char *expected)
{
    char ids[256] = "";
    size_t used = 0;
    for (const char *at = saver_list(s, query); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        const char *id = at + len;
        while (id > at && id[-1] != '/') id--;
        used += (size_t)snprintf(ids + used, sizeof ids - used, "%s%.*s", used ? " " : "",
                                 (int)(at + len - id), id);
        assert_true(used < sizeof ids);
        at += len;
    }
    assert_string_equal(ids, expected);
}

static bool lists(saver_client_t *s, const char *one)
{
    size_t len = strlen(one);
    const char *all = text_chars(&s->own->refs);
    for (const char *at = all; (at = strstr(at, one)); at += len) {
        if ((at == all || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
    }
    return false;
}

static void a_list_is_newest_first_by_id_over_everything_matched(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    assert_ids(s, NULL, "c5 c4 c3 c3 c2 c2 c1 c0");
    static const char *const all[] = {"u/n/c5", "t/n/c4", "c3", "u//c3",
                                      "c2",     "t/n/c2", "c1", "u//c0"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(lists(s, all[i]));
}

/* Bytewise, whatever the size of a page. */
static void equal_ids_are_listed_by_thread_and_then_by_namespace(world_t *w)
{
    static const char *const threads[] = {"b", "\x7f", "aa", "B", "a"};
    static const char *const namespaces[] = {"nn", "N", "", "n"};
    saver_client_t *s = saver_open(w, NULL);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        for (size_t n = 0; n < sizeof namespaces / sizeof *namespaces; n++)
            saver_put(s, "c1", "", .thread = threads[i], .ns = namespaces[n]);
    }
    saver_put(s, "c2", "", .thread = "z");
    saver_put(s, "c0", "", .thread = "A");
    for (uint32_t size = 1; size <= 23; size++) {
        assert_list(s,
                    "z//c2 B//c1 B/N/c1 B/n/c1 B/nn/c1 a//c1 a/N/c1 a/n/c1 a/nn/c1 "
                    "aa//c1 aa/N/c1 aa/n/c1 aa/nn/c1 b//c1 b/N/c1 b/n/c1 b/nn/c1 "
                    "\\x7f//c1 \\x7f/N/c1 \\x7f/n/c1 \\x7f/nn/c1 A//c0",
                    .paging.page_size = size);
    }
}

static void an_absent_namespace_lists_all_and_an_empty_one_the_root(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_slice_t t = cairn_str("t");
    cairn_saver_query_t all = {.thread_id = t};
    assert_ids(s, &all, "c4 c3 c2 c2 c1");
    assert_list(s, "c3 c2 c1", .thread_id = t, .checkpoint_ns = cairn_str(""));
    assert_list(s, "t/n/c4 t/n/c2", .thread_id = t, .checkpoint_ns = cairn_str("n"));
    assert_list(s, "", .thread_id = t, .checkpoint_ns = cairn_str("m"));
}

static void an_absent_thread_lists_all_threads(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_saver_query_t root = {.checkpoint_ns = cairn_str("")};
    assert_ids(s, &root, "c3 c3 c2 c1 c0");
    assert_list(s, "u/n/c5 t/n/c4 t/n/c2", .checkpoint_ns = cairn_str("n"));
    assert_list(s, "", .thread_id = cairn_str("v"));
}

static void a_checkpoint_id_lists_only_that_one(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_slice_t c2 = cairn_str("c2");
    cairn_saver_query_t query = {.checkpoint_id = c2};
    assert_ids(s, &query, "c2 c2");
    assert_list(s, "t/n/c2", .checkpoint_id = c2, .checkpoint_ns = cairn_str("n"));
    assert_list(s, "u//c0", .checkpoint_id = cairn_str("c0"), .thread_id = cairn_str("u"));
    assert_list(s, "", .checkpoint_id = c2, .thread_id = cairn_str("u"));
    assert_list(s, "", .checkpoint_id = cairn_str("c"));
}

static void before_is_strictly_less(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_slice_t t = cairn_str("t");
    cairn_slice_t root = cairn_str("");
    cairn_checkpoint_ref_t before = at("c3");
    assert_list(s, "c2 c1", .thread_id = t, .checkpoint_ns = root, .before = &before);
    before = at("c2\x01");
    assert_list(s, "c2 c1", .thread_id = t, .checkpoint_ns = root, .before = &before);
    before = at("c1");
    assert_list(s, "", .thread_id = t, .checkpoint_ns = root, .before = &before);
    before = at("");
    assert_list(s, "", .thread_id = t, .checkpoint_ns = root, .before = &before);
    before = at("d");
    assert_list(s, "c3 c2 c1", .thread_id = t, .checkpoint_ns = root, .before = &before);
}

static void before_counts_only_its_id(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_checkpoint_ref_t before = ref("u", "n", "c3");
    cairn_saver_query_t query = {.thread_id = cairn_str("t"), .before = &before};
    assert_ids(s, &query, "c2 c2 c1");
    before = ref(NULL, NULL, "c2");
    query = (cairn_saver_query_t){.before = &before};
    assert_ids(s, &query, "c1 c0");
}

static void before_without_an_id_is_an_error(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cairn_checkpoint_ref_t before = latest();
    cairn_saver_query_t query = {.before = &before};
    assert_refused(s->own, ask_list(s->own, &query), UV_EINVAL, "before");
}

static void before_and_an_id_compose(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    cairn_slice_t t = cairn_str("t");
    cairn_checkpoint_ref_t before = at("c3");
    assert_list(s, "c1", .thread_id = t, .before = &before, .checkpoint_id = cairn_str("c1"));
    assert_list(s, "", .thread_id = t, .before = &before, .checkpoint_id = cairn_str("c3"));
}

static void before_filter_and_limit_compose(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 10; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "", .metadata = i % 2 ? "{\"odd\":true}" : "{\"odd\":false}");
    }
    cairn_checkpoint_ref_t before = at("c7");
    assert_list(s, "c5 c3", .thread_id = cairn_str("t"), .before = &before,
                .filter = cairn_str("{\"odd\":true}"), .paging.limit = cairn_limit(2));
}

static void limit_0_gives_nothing(world_t *w)
{
    saver_client_t *s = open_two_threads(w);
    assert_list(s, "", .paging.limit = cairn_limit(0));
    assert_int_equal(s->pages, 1);
}

static void an_absent_limit_gives_all(world_t *w)
{
    enum {
        MANY = 250
    };
    saver_client_t *s = saver_open(w, NULL);
    text_t expected = {0};
    for (int i = MANY; i-- > 0;) {
        char id[16];
        snprintf(id, sizeof id, "c%03d", i);
        saver_put(s, id, "");
        text_add(&expected, "%s%s", expected.len ? " " : "", id);
    }
    assert_list(s, text_chars(&expected), .thread_id = cairn_str("t"));
    assert_true(s->pages > 1);
    assert_list(s, text_chars(&expected), .paging.limit = cairn_limit(1000));
    text_free(&expected);
}

static void limit_counts_what_is_left_after_filtering(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 20; i++) {
        char id[] = {'c', (char)('a' + i), '\0'};
        saver_put(s, id, "", .metadata = i % 5 == 0 ? "{\"kept\":1}" : "{\"kept\":0}");
    }
    cairn_slice_t kept = cairn_str("{\"kept\":1}");
    assert_list(s, "cp ck cf", .filter = kept, .paging.limit = cairn_limit(3));
    assert_list(s, "cp ck cf ca", .filter = kept, .paging.limit = cairn_limit(5));
    assert_list(s, "cp ck cf", .filter = kept, .paging.limit = cairn_limit(3),
                .thread_id = cairn_str("t"), .paging.page_size = 1);
}

static void listed_tuples_are_complete(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x b@1=y");
    saver_put(s, "c2", "a@2=z b@1", .parent = "c1", .metadata = "{\"step\":2}");
    saver_write(s, "c1", "t1", "a=z __error__=e", .path = "p");
    static const char expected[] = "c2 <c1 a@2=z b@1=y {\"step\":2}\n"
                                   "c1 a@1=x b@1=y [t1.-1 __error__=e p] [t1.0 a=z p]";
    cairn_saver_query_t query = {.thread_id = cairn_str("t")};
    assert_string_equal(saver_list_full(s, &query), expected);
    assert_string_equal(saver_list_full(s, NULL), expected);
}

static void a_list_of_headers_only_is_without_channels_and_writes(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(s, "c2", "a@2=y", .parent = "c1", .metadata = "{\"step\":2}");
    saver_write(s, "c1", "t1", "a=z");
    cairn_saver_query_t query = {.headers_only = true};
    assert_string_equal(saver_list_full(s, &query), "c2 <c1 {\"step\":2}\nc1");
    query.thread_id = cairn_str("t");
    assert_string_equal(saver_list_full(s, &query), "c2 <c1 {\"step\":2}\nc1");
}

static void a_query_that_is_left_out_lists_everything(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_string_equal(saver_list(s, NULL), "");
    saver_put(s, "c1", "");
    assert_status(ask_list(s->own, NULL), 0);
    ask_await(s->own, 0);
    assert_string_equal(text_chars(&s->own->refs), "c1");
}

const scenario_t saver_list_scenarios[] = {
    SCENARIO(a_list_is_newest_first_by_id_over_everything_matched),
    SCENARIO(equal_ids_are_listed_by_thread_and_then_by_namespace),
    SCENARIO(an_absent_namespace_lists_all_and_an_empty_one_the_root),
    SCENARIO(an_absent_thread_lists_all_threads),
    SCENARIO(a_checkpoint_id_lists_only_that_one),
    SCENARIO(before_is_strictly_less),
    SCENARIO(before_counts_only_its_id),
    SCENARIO(before_without_an_id_is_an_error),
    SCENARIO(before_and_an_id_compose),
    SCENARIO(before_filter_and_limit_compose),
    SCENARIO(limit_0_gives_nothing),
    SCENARIO(an_absent_limit_gives_all),
    SCENARIO(limit_counts_what_is_left_after_filtering),
    SCENARIO(listed_tuples_are_complete),
    SCENARIO(a_list_of_headers_only_is_without_channels_and_writes),
    SCENARIO(a_query_that_is_left_out_lists_everything),
    {NULL, NULL},
};
