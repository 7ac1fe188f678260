/* A store on a handle of the world, and what is asked of it: blocking where a test wants to read as
 * a rule does, in flight where it is about that. The world's laws hold for these requests too. */
#ifndef TESTS_CONFORMANCE_STORE_CLIENT_H
#define TESTS_CONFORMANCE_STORE_CLIENT_H

#include "store_text.h"
#include "timed.h"

typedef struct items items_t;
typedef struct call call_t;

/* When something was done: not before, and not after; in milliseconds of the clock that TTLs run
 * by, and in microseconds of the time of day. */
typedef struct span {
    uint64_t before_ms, after_ms;
    int64_t before_us, after_us;
} span_t;

struct items {
    cairn_store_t store;
    client_t *client;
    world_t *world;
    fake_clock_t *clock; /* the handle's; NULL: it is the time of day */
    fake_clock_t own_clock;
    call_t *calls;
    call_t *own;  /* of the blocking calls */
    span_t span;  /* of the last of them */
    size_t pages; /* of the last search or list */
    items_t *next;
};

/* What stands behind the URL of the tests that follow. */
typedef struct store_backend {
    bool fake_clock;            /* time is what the handle's clock says, to the millisecond */
    int64_t clock_slack_us;     /* how far the time of day that items carry may be off ours */
    void (*clear)(void);        /* removes everything; NULL: each handle begins with nothing */
    void (*assert_empty)(void); /* fails the test if anything is left; NULL: cannot be told */
} store_backend_t;

extern store_backend_t store_backend;

/* A handle of its own and a store on it. The first of a test finds nothing there. `options` may be
 * NULL; what they point to is borrowed. */
items_t *items_open(world_t *world, const cairn_store_options_t *options);

/* Another store on the same handle, and one on a handle that the test has opened itself. */
items_t *items_beside(items_t *s, const cairn_store_options_t *options);
items_t *items_on(client_t *client);

/* ---- blocking: submitted, accepted, awaited, and ended with 0.
 *      A text that is given lives until the next call on the same store. ---- */

typedef struct item_words {
    const char *ns;
    const char *key;
    const char *value;
    cairn_store_put_options_t options;
} item_words_t;

/* items_put(s, "users/u-1", "name", "{}", .options.ttl = cairn_ttl_ms(5)): whether it was there. */
#define items_put(s, path, name, ...)                                                              \
    items_put_at((s), &(item_words_t){.ns = (path), .key = (name), .value = __VA_ARGS__},          \
                 __FILE__, __LINE__)
bool items_put_at(items_t *s, const item_words_t *words, const char *file, int line);
bool items_put_raw(items_t *s, cairn_namespace_t ns, cairn_slice_t key, cairn_slice_t value);
bool items_delete(items_t *s, const char *path, const char *key);

/* The item as text; "none". Facts about it are in s->own->facts. */
const char *items_get(items_t *s, const char *path, const char *key);
const char *items_get_raw(items_t *s, cairn_namespace_t ns, cairn_slice_t key,
                          cairn_refresh_t refresh);
bool items_has(items_t *s, const char *path, const char *key); /* without a refresh */

#define assert_item(s, path, key, value)                                                           \
    assert_item_at((s), (path), (key), (value), __FILE__, __LINE__)
void assert_item_at(items_t *s, const char *path, const char *key, const char *value,
                    const char *file, int line);
#define assert_no_item(s, path, key) assert_item((s), (path), (key), NULL)

/* All pages: "users/u-1:name users/u-2:name". `query` may be NULL. */
const char *items_search(items_t *s, const cairn_store_query_t *query);

/* assert_search(s, "a:k1 a:k2", .prefix = ns("a")); */
#define assert_search(s, expected, ...)                                                            \
    assert_search_at((s), &(cairn_store_query_t){__VA_ARGS__}, (expected), __FILE__, __LINE__)
void assert_search_at(items_t *s, const cairn_store_query_t *query, const char *expected,
                      const char *file, int line);

typedef struct list_words {
    const char *prefix; /* conditions; NULL: none */
    const char *suffix;
    size_t max_depth;
    uint64_t offset;
    cairn_limit_t limit;
    uint32_t page_size;
} list_words_t;

/* All pages: "users/u-1 users/u-2". */
const char *items_list(items_t *s, const list_words_t *words);

#define assert_namespaces(s, expected, ...)                                                        \
    assert_namespaces_at((s), &(list_words_t){__VA_ARGS__}, (expected), __FILE__, __LINE__)
void assert_namespaces_at(items_t *s, const list_words_t *words, const char *expected,
                          const char *file, int line);

uint64_t items_count(items_t *s, const char *prefix, const char *filter);

/* "put 0", "put 1", "get none", "get a:k={}", "search a:k a:l", "namespaces a b", "error NAME": one
 * a line. */
const char *items_batch(items_t *s, const cairn_store_op_t *ops, size_t count);

/* Nothing is left. */
void items_assert_empty(items_t *s);

int64_t items_ttl(items_t *s, const char *path, const char *key);
int64_t items_set_ttl(items_t *s, const char *path, const char *key, int64_t ttl_ms);
int64_t items_pin(items_t *s, const char *path, const char *key);
int64_t items_unpin(items_t *s, const char *path, const char *key);

/* ---- time ---- */

uint64_t items_now_ms(const items_t *s);

/* What is left of `ttl_ms` counted from `since`, as exactly as the clock allows. */
#define assert_item_ttl(s, path, key, ttl_ms, since)                                               \
    assert_item_ttl_at((s), (path), (key), (ttl_ms), (since), __FILE__, __LINE__)
void assert_item_ttl_at(items_t *s, const char *path, const char *key, int64_t ttl_ms, span_t since,
                        const char *file, int line);

/* Lets time pass until the item's TTL is at most so much, until it has expired. */
void items_await_ttl(items_t *s, const char *path, const char *key, int64_t ttl_ms);
void items_await_gone(items_t *s, const char *path, const char *key);

/* ---- in flight ---- */

/* Of one item that was read. */
typedef struct item_facts {
    int64_t created_at_us, updated_at_us, ttl_ms;
    double score;
} item_facts_t;

#define FACTS_MOST 512

struct call {
    union {
        cairn_req_t req;
        cairn_store_get_t get;
        cairn_store_put_t put;
        cairn_store_search_t search;
        cairn_store_list_t list;
        cairn_store_batch_t batch;
        cairn_store_count_t count;
        cairn_store_ttl_t ttl;
    } of;
    items_t *items;
    uint32_t timeout_ms; /* of what is submitted next */
    uint32_t flags;
    bool scores; /* what is searched next must come with scores */
    int submits; /* accepted */
    int calls;
    int status;       /* of the last call, as what follows */
    char detail[512]; /* also of the last submit that was refused */
    text_t text;      /* an item, a batch's results; of a search the items one a line */
    text_t places;    /* of a search or a list; page after page */
    uint64_t count;   /* rows of the last page; items counted */
    bool existed;
    int64_t ttl_ms;
    item_facts_t facts[FACTS_MOST]; /* of an item, or of the items of all pages */
    size_t fact_count;
    char *cursor; /* of the last page; of a batch: of its last page */
    size_t cursor_len;
    void (*react)(call_t *call);
    void *data;
    int countdown;
    call_t *next;
};

/* A request not yet submitted; lives as long as the world. */
call_t *items_call(items_t *s);

/* Each submits and gives the status of the submit. */
int call_put(call_t *call, const item_words_t *words);
int call_put_raw(call_t *call, cairn_namespace_t ns, cairn_slice_t key, cairn_slice_t value,
                 const cairn_store_put_options_t *options);
int call_delete(call_t *call, cairn_namespace_t ns, cairn_slice_t key);
int call_get(call_t *call, cairn_namespace_t ns, cairn_slice_t key, cairn_refresh_t refresh);
int call_search(call_t *call, const cairn_store_query_t *query); /* one page, added to the texts */
int call_list(call_t *call, const cairn_namespace_query_t *query);
int call_batch(call_t *call, const cairn_store_op_t *ops, size_t count);
int call_count(call_t *call, cairn_namespace_t prefix, cairn_slice_t filter);
int call_sweep(call_t *call);
int call_ttl(call_t *call, cairn_namespace_t ns, cairn_slice_t key);
int call_set_ttl(call_t *call, cairn_namespace_t ns, cairn_slice_t key, cairn_ttl_t ttl);
int call_pin(call_t *call, cairn_namespace_t ns, cairn_slice_t key);
int call_unpin(call_t *call, cairn_namespace_t ns, cairn_slice_t key);

bool call_is_done(const call_t *call);
void call_await_any(call_t *call);
#define call_await(call, status) call_await_at((call), (status), __FILE__, __LINE__)
void call_await_at(call_t *call, int status, const char *file, int line);

/* A submit was refused with `status`, and `part` is in what it said. */
#define assert_call_refused(call, rc, status, part)                                                \
    assert_call_refused_at((call), (rc), (status), (part), __FILE__, __LINE__)
void assert_call_refused_at(const call_t *call, int rc, int status, const char *part,
                            const char *file, int line);

#endif
