/* A saver on a handle of the world, and what is asked of it: blocking where a test wants to read as
 * a rule does, in flight where it is about that. The world's laws hold for these requests too. */
#ifndef TESTS_CONFORMANCE_SAVER_CLIENT_H
#define TESTS_CONFORMANCE_SAVER_CLIENT_H

#include "saver_text.h"
#include "timed.h"

typedef struct saver_client saver_client_t;
typedef struct ask ask_t;

struct saver_client {
    cairn_saver_t saver;
    client_t *client;
    world_t *world;
    fake_clock_t *clock; /* the handle's; NULL: it is the time of day */
    fake_clock_t own_clock;
    ask_t *asks;
    ask_t *own;      /* of the blocking calls */
    moment_t moment; /* of the last of them */
    size_t pages;    /* of the last list */
    saver_client_t *next;
};

/* What stands behind the URL of the tests that follow. */
typedef struct saver_backend {
    bool fake_clock;            /* time is what the handle's clock says, to the millisecond */
    void (*clear)(void);        /* removes everything; NULL: each handle begins with nothing */
    void (*assert_empty)(void); /* fails the test if anything is left; NULL: cannot be told */
} saver_backend_t;

extern saver_backend_t saver_backend;

/* A handle of its own and a saver on it. The first of a test finds nothing there. `options` may be
 * NULL. */
saver_client_t *saver_open(world_t *world, const cairn_saver_options_t *options);

/* Another saver on the same handle. */
saver_client_t *saver_beside(saver_client_t *s, const cairn_saver_options_t *options);

/* A saver on a handle that the test has opened itself. */
saver_client_t *saver_on(client_t *client);

/* ---- which checkpoint: NULL is absent ---- */

cairn_checkpoint_ref_t ref(const char *thread, const char *ns, const char *id);
cairn_checkpoint_ref_t at(const char *id); /* in the root namespace of the thread "t" */
cairn_checkpoint_ref_t latest(void);       /* of it */
cairn_checkpoint_ref_t thread(const char *name);

/* ---- what is put; what is left out is absent, the thread is "t" ---- */

typedef struct put_words {
    const char *id;
    const char *channels; /* saver_text.h */
    const char *thread;
    const char *ns;
    const char *parent;
    const char *metadata;
    const char *run_id;
    cairn_ttl_t ttl;
} put_words_t;

typedef struct write_words {
    const char *at; /* checkpoint_id */
    const char *task;
    const char *writes; /* "a=x b=y" */
    const char *path;
    const char *thread;
    const char *ns;
    cairn_ttl_t ttl;
} write_words_t;

/* ---- blocking: submitted, accepted, awaited, and ended with 0.
 *      A text that is given lives until the next call on the same saver. ---- */

/* saver_put(s, "c2", "a@1 b@1=x", .parent = "c1"); */
#define saver_put(s, name, ...)                                                                    \
    saver_put_at((s), &(put_words_t){.id = (name), .channels = __VA_ARGS__}, __FILE__, __LINE__)
void saver_put_at(saver_client_t *s, const put_words_t *words, const char *file, int line);

/* c00000 and so on, each with these channels; many at a time. */
void saver_put_many(saver_client_t *s, int count, const char *channels);

/* saver_write(s, "c2", "task", "a=x b=y"); */
#define saver_write(s, id, name, ...)                                                              \
    saver_write_at((s), &(write_words_t){.at = (id), .task = (name), .writes = __VA_ARGS__},       \
                   __FILE__, __LINE__)
void saver_write_at(saver_client_t *s, const write_words_t *words, const char *file, int line);

#define saver_put_raw(s, parent, checkpoint, metadata)                                             \
    saver_put_raw_at((s), (parent), (checkpoint), (metadata), __FILE__, __LINE__)
void saver_put_raw_at(saver_client_t *s, cairn_checkpoint_ref_t parent,
                      const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata,
                      const char *file, int line);

#define saver_write_raw(s, ref, writes) saver_write_raw_at((s), (ref), (writes), __FILE__, __LINE__)
void saver_write_raw_at(saver_client_t *s, cairn_checkpoint_ref_t ref,
                        const cairn_task_writes_t *writes, const char *file, int line);

/* The tuple as text; "none". */
const char *saver_get(saver_client_t *s, cairn_checkpoint_ref_t ref);
const char *saver_get_with(saver_client_t *s, cairn_checkpoint_ref_t ref,
                           const cairn_saver_get_options_t *options);

#define assert_get(s, ref, expected) assert_get_at((s), (ref), (expected), __FILE__, __LINE__)
void assert_get_at(saver_client_t *s, cairn_checkpoint_ref_t ref, const char *expected,
                   const char *file, int line);
#define assert_none(s, ref) assert_get((s), (ref), "none")

/* All pages: "c3 c2 c1" and, in full, a tuple a line. `query` may be NULL. */
const char *saver_list(saver_client_t *s, const cairn_saver_query_t *query);
const char *saver_list_full(saver_client_t *s, const cairn_saver_query_t *query);

/* assert_list(s, "c2 c1", .thread_id = cairn_str("t")); */
#define assert_list(s, expected, ...)                                                              \
    assert_list_at((s), &(cairn_saver_query_t){__VA_ARGS__}, (expected), __FILE__, __LINE__)
void assert_list_at(saver_client_t *s, const cairn_saver_query_t *query, const char *expected,
                    const char *file, int line);

/* How many checkpoints each took away, or copied. */
uint64_t saver_delete_thread(saver_client_t *s, const char *thread);
uint64_t saver_delete_run(saver_client_t *s, const char *run_id);
uint64_t saver_prune(saver_client_t *s, const char *thread, uint32_t keep); /* 0: nothing */
uint64_t saver_copy(saver_client_t *s, const char *source, const char *target);

/* Nothing is left, of any thread. */
void saver_assert_empty(saver_client_t *s);

/* `channels`: words. */
const char *saver_history(saver_client_t *s, cairn_checkpoint_ref_t ref, const char *channels);

int64_t saver_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref);
int64_t saver_thread_ttl(saver_client_t *s, const char *thread);
int64_t saver_set_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms);
int64_t saver_set_thread_ttl(saver_client_t *s, const char *thread, int64_t ttl_ms);
int64_t saver_pin(saver_client_t *s, cairn_checkpoint_ref_t ref);
int64_t saver_unpin(saver_client_t *s, cairn_checkpoint_ref_t ref);

/* ---- time ---- */

uint64_t saver_now_ms(const saver_client_t *s);

/* What is left of `ttl_ms` counted from `since`, as exactly as the clock allows. */
#define assert_ttl(s, ref, ttl_ms, since)                                                          \
    assert_ttl_at((s), (ref), (ttl_ms), (since), __FILE__, __LINE__)
#define assert_thread_ttl(s, thread, ttl_ms, since)                                                \
    assert_thread_ttl_at((s), (thread), (ttl_ms), (since), __FILE__, __LINE__)
void assert_ttl_at(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms, moment_t since,
                   const char *file, int line);
void assert_thread_ttl_at(saver_client_t *s, const char *thread, int64_t ttl_ms, moment_t since,
                          const char *file, int line);

/* Lets time pass until the checkpoint's TTL is at most so much. */
void saver_await_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms);

/* Lets time pass until it has expired. */
void saver_await_gone(saver_client_t *s, cairn_checkpoint_ref_t ref);

/* ---- in flight ---- */

struct ask {
    union {
        cairn_req_t req;
        cairn_saver_put_t put;
        cairn_saver_get_t get;
        cairn_saver_list_t list;
        cairn_saver_delete_t delete;
        cairn_saver_copy_t copy;
        cairn_saver_history_t history;
        cairn_saver_ttl_t ttl;
    } of;
    saver_client_t *client;
    uint32_t timeout_ms; /* of what is submitted next */
    uint32_t flags;
    int submits; /* accepted */
    int calls;
    int status;       /* of the last call, as what follows */
    char detail[512]; /* also of the last submit that was refused */
    text_t text;      /* tuples and histories; of a list one a line, page after page */
    text_t refs;      /* of a list */
    uint64_t count;   /* tuples of the last page; of a delete, a copy, a history */
    int64_t ttl_ms;
    char *cursor;
    size_t cursor_len;
    void (*react)(ask_t *ask);
    void *data;
    int countdown;
    ask_t *next;
};

/* A request not yet submitted; lives as long as the world. */
ask_t *saver_ask(saver_client_t *s);

/* Each submits and gives the status of the submit. */
int ask_put(ask_t *ask, const put_words_t *words);
int ask_put_raw(ask_t *ask, const cairn_checkpoint_ref_t *parent,
                const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata,
                const cairn_saver_put_options_t *options);
int ask_write(ask_t *ask, const write_words_t *words);
int ask_write_raw(ask_t *ask, const cairn_checkpoint_ref_t *ref, const cairn_task_writes_t *writes,
                  cairn_ttl_t ttl);
int ask_get(ask_t *ask, cairn_checkpoint_ref_t ref, const cairn_saver_get_options_t *options);
int ask_list(ask_t *ask, const cairn_saver_query_t *query); /* one page, added to the texts */
int ask_delete_thread(ask_t *ask, cairn_slice_t thread);
int ask_delete_for_runs(ask_t *ask, const cairn_slice_t *run_ids, size_t count);
int ask_prune(ask_t *ask, const cairn_saver_prune_options_t *options);
int ask_sweep(ask_t *ask);
int ask_copy(ask_t *ask, cairn_slice_t source, cairn_slice_t target);
int ask_history(ask_t *ask, const cairn_checkpoint_ref_t *ref, const cairn_slice_t *channels,
                size_t count);
int ask_ttl(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref);
int ask_set_ttl(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref, cairn_ttl_t ttl);
int ask_pin(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref);
int ask_unpin(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref);

bool ask_is_done(const ask_t *ask);
void ask_await_any(ask_t *ask);
#define ask_await(ask, status) ask_await_at((ask), (status), __FILE__, __LINE__)
void ask_await_at(ask_t *ask, int status, const char *file, int line);

/* A submit was refused with `status`, and `part` is in what it said. */
#define assert_refused(ask, rc, status, part)                                                      \
    assert_refused_at((ask), (rc), (status), (part), __FILE__, __LINE__)
void assert_refused_at(const ask_t *ask, int rc, int status, const char *part, const char *file,
                       int line);

#endif
