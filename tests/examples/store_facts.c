/* What an assistant remembers of its users, each in a namespace of their own.
 *
 *     store_facts                            in memory
 *     store_facts redis://localhost:6379     over Redis: nothing but the URL changes */
#include <cairn/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

static cairn_t cairn;
static cairn_store_t store;
static cairn_store_batch_t remember;
static cairn_store_search_t search;
static cairn_store_list_t list;
static size_t found;

static void must(int status, const char *what)
{
    if (status >= 0) return;
    fprintf(stderr, "%s: %s\n", what, cairn_strerror(status));
    exit(1);
}

static void on_listed(cairn_store_list_t *req, int status, const cairn_namespace_page_t *page)
{
    (void)req;
    must(status, "list_namespaces");
    printf("%zu users\n", page->count);
    found += page->count;
    cairn_close(&cairn, NULL);
}

static void on_found(cairn_store_search_t *req, int status, const cairn_store_page_t *page)
{
    (void)req;
    must(status, "search");
    for (size_t i = 0; i < page->count; i++)
        printf("%.*s: %.*s\n", (int)page->items[i].key.len, page->items[i].key.ptr,
               (int)page->items[i].value.len, page->items[i].value.ptr);
    found += page->count;

    /* Every user once: what follows their label is cut off. */
    const cairn_slice_t users[] = {cairn_str("users")};
    const cairn_match_condition_t below = {CAIRN_MATCH_PREFIX, {users, 1}};
    const cairn_namespace_query_t query = {
        .conditions = &below, .condition_count = 1, .max_depth = 2};
    must(cairn_store_list_namespaces(&store, &list, &query, on_listed), "list_namespaces");
}

static void on_remembered(cairn_store_batch_t *req, int status, const cairn_store_result_t *results,
                          size_t count)
{
    (void)req;
    must(status, "batch");
    for (size_t i = 0; i < count; i++) must(results[i].status, "put");

    /* [search] */
    const cairn_slice_t labels[] = {cairn_str("users"), cairn_str("ada")};
    const cairn_store_query_t query = {
        .prefix = {labels, 2},
        .filter = cairn_str("{\"kind\":\"like\",\"sure\":{\"$gte\":0.5}}"),
        .paging.limit = cairn_limit(10),
    };
    must(cairn_store_search(&store, &search, &query, on_found), "search");
    /* [search] end */
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    must(cairn_open_url(&cairn, loop, argc > 1 ? argv[1] : "memory:", NULL), "open");
    must(cairn_store_init(&store, &cairn, NULL), "store");

    const cairn_slice_t ada[] = {cairn_str("users"), cairn_str("ada"), cairn_str("facts")};
    const cairn_slice_t bob[] = {cairn_str("users"), cairn_str("bob"), cairn_str("facts")};
    const cairn_store_op_t facts[] = {
        {.type = CAIRN_STORE_PUT,
         .ns = {ada, 3},
         .key = cairn_str("tea"),
         .value = cairn_str("{\"kind\":\"like\",\"sure\":0.9,\"text\":\"likes green tea\"}")},
        {.type = CAIRN_STORE_PUT,
         .ns = {ada, 3},
         .key = cairn_str("rain"),
         .value = cairn_str("{\"kind\":\"like\",\"sure\":0.2,\"text\":\"may like rain\"}")},
        {.type = CAIRN_STORE_PUT,
         .ns = {bob, 3},
         .key = cairn_str("tea"),
         .value = cairn_str("{\"kind\":\"like\",\"sure\":0.9,\"text\":\"likes black tea\"}")},
    };
    must(cairn_store_batch(&store, &remember, facts, 3, on_remembered), "batch");
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return found == 3 ? 0 : 1;
}
