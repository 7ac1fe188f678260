#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>

saver_backend_t saver_backend;

/* ---- life ---- */

/* When every handle is closed. */
static void end_savers(world_t *world)
{
    for (saver_client_t *s = world->data, *next; s; s = next) {
        next = s->next;
        for (ask_t *ask = s->asks, *next_ask; ask; ask = next_ask) {
            next_ask = ask->next;
            if (!ask_is_done(ask))
                world_trouble(world, "a request accepted %d times called back %d times",
                              ask->submits, ask->calls);
            text_free(&ask->text);
            text_free(&ask->refs);
            free(ask->cursor);
            free(ask);
        }
        free(s);
    }
}

static saver_client_t *add_client(world_t *world, client_t *client, fake_clock_t *clock,
                                  const cairn_saver_options_t *options)
{
    saver_client_t *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->world = world;
    s->client = client;
    s->clock = clock;
    s->next = world->data;
    world->data = s;
    world->at_end = end_savers;
    s->own = saver_ask(s);
    assert_status(cairn_saver_init(&s->saver, &client->cairn, options), 0);
    return s;
}

saver_client_t *saver_open(world_t *world, const cairn_saver_options_t *options)
{
    bool first = !world->clients;
    if (first && saver_backend.clear) saver_backend.clear();
    saver_client_t *s = add_client(world, world_client(world), NULL, options);
    if (saver_backend.fake_clock) s->clock = &s->own_clock;
    timed_open(s->client, s->clock);
    return s;
}

saver_client_t *saver_beside(saver_client_t *s, const cairn_saver_options_t *options)
{
    return add_client(s->world, s->client, s->clock, options);
}

saver_client_t *saver_on(client_t *client)
{
    return add_client(client->world, client, NULL, NULL);
}

/* ---- which checkpoint ---- */

cairn_checkpoint_ref_t ref(const char *thread, const char *ns, const char *id)
{
    return (cairn_checkpoint_ref_t){cairn_str(thread), cairn_str(ns), cairn_str(id)};
}

cairn_checkpoint_ref_t at(const char *id)
{
    return ref("t", NULL, id);
}

cairn_checkpoint_ref_t latest(void)
{
    return ref("t", NULL, NULL);
}

cairn_checkpoint_ref_t thread(const char *name)
{
    return ref(name, NULL, NULL);
}

/* ---- blocking ---- */

uint64_t saver_now_ms(const saver_client_t *s)
{
    return timed_now_ms(s->clock);
}

static ask_t *start(saver_client_t *s)
{
    text_clear(&s->own->text);
    text_clear(&s->own->refs);
    s->moment.before_ms = saver_now_ms(s);
    return s->own;
}

static void finish_at(saver_client_t *s, int rc, const char *file, int line)
{
    if (rc != 0) print_error("refused: %s\n", s->own->detail);
    assert_status_at(rc, 0, file, line);
    ask_await_at(s->own, 0, file, line);
    s->moment.after_ms = saver_now_ms(s);
}

#define finish(s, rc) finish_at((s), (rc), __FILE__, __LINE__)

void saver_put_at(saver_client_t *s, const put_words_t *words, const char *file, int line)
{
    finish_at(s, ask_put(start(s), words), file, line);
}

void saver_put_many(saver_client_t *s, int count, const char *channels)
{
    enum {
        IN_FLIGHT = 200
    };
    ask_t *asks[IN_FLIGHT];
    for (int i = 0; i < IN_FLIGHT; i++) asks[i] = saver_ask(s);
    for (int i = 0; i < count; i++) {
        ask_t *ask = asks[i % IN_FLIGHT];
        char id[16];
        snprintf(id, sizeof id, "c%05d", i);
        ask_await_any(ask);
        assert_status(ask->status, 0);
        assert_status(ask_put(ask, &(put_words_t){.id = id, .channels = channels}), 0);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        ask_await_any(asks[i]);
        assert_status(asks[i]->status, 0);
    }
}

void saver_write_at(saver_client_t *s, const write_words_t *words, const char *file, int line)
{
    finish_at(s, ask_write(start(s), words), file, line);
}

void saver_put_raw_at(saver_client_t *s, cairn_checkpoint_ref_t parent,
                      const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata,
                      const char *file, int line)
{
    finish_at(s, ask_put_raw(start(s), &parent, checkpoint, metadata, NULL), file, line);
}

void saver_write_raw_at(saver_client_t *s, cairn_checkpoint_ref_t ref,
                        const cairn_task_writes_t *writes, const char *file, int line)
{
    cairn_ttl_t nothing_said = {0};
    finish_at(s, ask_write_raw(start(s), &ref, writes, nothing_said), file, line);
}

const char *saver_get_with(saver_client_t *s, cairn_checkpoint_ref_t ref,
                           const cairn_saver_get_options_t *options)
{
    finish(s, ask_get(start(s), ref, options));
    return text_chars(&s->own->text);
}

const char *saver_get(saver_client_t *s, cairn_checkpoint_ref_t ref)
{
    return saver_get_with(s, ref, NULL);
}

void assert_get_at(saver_client_t *s, cairn_checkpoint_ref_t ref, const char *expected,
                   const char *file, int line)
{
    finish_at(s, ask_get(start(s), ref, NULL), file, line);
    assert_text_at(text_chars(&s->own->text), expected, file, line);
}

static void list_all(saver_client_t *s, const cairn_saver_query_t *query, const char *file,
                     int line)
{
    cairn_saver_query_t asked = {0};
    if (query) asked = *query;
    ask_t *ask = start(s);
    s->pages = 0;
    do {
        finish_at(s, ask_list(ask, &asked), file, line);
        s->pages++;
        asked.paging.cursor = cairn_slice(ask->cursor, ask->cursor_len);
    } while (ask->cursor_len > 0);
}

const char *saver_list(saver_client_t *s, const cairn_saver_query_t *query)
{
    list_all(s, query, __FILE__, __LINE__);
    return text_chars(&s->own->refs);
}

const char *saver_list_full(saver_client_t *s, const cairn_saver_query_t *query)
{
    list_all(s, query, __FILE__, __LINE__);
    return text_chars(&s->own->text);
}

void assert_list_at(saver_client_t *s, const cairn_saver_query_t *query, const char *expected,
                    const char *file, int line)
{
    list_all(s, query, file, line);
    assert_text_at(text_chars(&s->own->refs), expected, file, line);
}

uint64_t saver_delete_thread(saver_client_t *s, const char *thread)
{
    finish(s, ask_delete_thread(start(s), cairn_str(thread)));
    return s->own->count;
}

uint64_t saver_delete_run(saver_client_t *s, const char *run_id)
{
    cairn_slice_t run = cairn_str(run_id);
    finish(s, ask_delete_for_runs(start(s), &run, 1));
    return s->own->count;
}

uint64_t saver_prune(saver_client_t *s, const char *thread, uint32_t keep)
{
    cairn_slice_t name = cairn_str(thread);
    cairn_saver_prune_options_t options = {
        .thread_ids = &name,
        .thread_count = 1,
        .strategy = keep > 0 ? CAIRN_PRUNE_KEEP_LATEST : CAIRN_PRUNE_DELETE,
        .keep = keep,
    };
    finish(s, ask_prune(start(s), &options));
    return s->own->count;
}

uint64_t saver_copy(saver_client_t *s, const char *source, const char *target)
{
    finish(s, ask_copy(start(s), cairn_str(source), cairn_str(target)));
    return s->own->count;
}

void saver_assert_empty(saver_client_t *s)
{
    assert_list(s, "", .headers_only = true);
    if (saver_backend.assert_empty) saver_backend.assert_empty();
}

const char *saver_history(saver_client_t *s, cairn_checkpoint_ref_t ref, const char *channels)
{
    cairn_slice_t names[CHANNELS_MOST];
    size_t count = 0;
    for (const char *from = channels; *from && count < CHANNELS_MOST; count++) {
        names[count] = cairn_slice(from, strcspn(from, " "));
        from += names[count].len;
        while (*from == ' ') from++;
    }
    finish(s, ask_history(start(s), &ref, names, count));
    return text_chars(&s->own->text);
}

int64_t saver_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref)
{
    finish(s, ask_ttl(start(s), CAIRN_SCOPE_CHECKPOINT, ref));
    return s->own->ttl_ms;
}

int64_t saver_thread_ttl(saver_client_t *s, const char *name)
{
    finish(s, ask_ttl(start(s), CAIRN_SCOPE_THREAD, thread(name)));
    return s->own->ttl_ms;
}

int64_t saver_set_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms)
{
    finish(s, ask_set_ttl(start(s), CAIRN_SCOPE_CHECKPOINT, ref, cairn_ttl_ms(ttl_ms)));
    return s->own->ttl_ms;
}

int64_t saver_set_thread_ttl(saver_client_t *s, const char *name, int64_t ttl_ms)
{
    finish(s, ask_set_ttl(start(s), CAIRN_SCOPE_THREAD, thread(name), cairn_ttl_ms(ttl_ms)));
    return s->own->ttl_ms;
}

int64_t saver_pin(saver_client_t *s, cairn_checkpoint_ref_t ref)
{
    finish(s, ask_pin(start(s), CAIRN_SCOPE_CHECKPOINT, ref));
    return s->own->ttl_ms;
}

int64_t saver_unpin(saver_client_t *s, cairn_checkpoint_ref_t ref)
{
    finish(s, ask_unpin(start(s), CAIRN_SCOPE_CHECKPOINT, ref));
    return s->own->ttl_ms;
}

/* ---- time ---- */

void assert_ttl_at(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms, moment_t since,
                   const char *file, int line)
{
    int64_t left = saver_ttl(s, ref);
    timed_check_left_at(s->clock, left, s->moment, ttl_ms, since, file, line);
}

void assert_thread_ttl_at(saver_client_t *s, const char *name, int64_t ttl_ms, moment_t since,
                          const char *file, int line)
{
    int64_t left = saver_thread_ttl(s, name);
    timed_check_left_at(s->clock, left, s->moment, ttl_ms, since, file, line);
}

void saver_await_ttl(saver_client_t *s, cairn_checkpoint_ref_t ref, int64_t ttl_ms)
{
    uint64_t since_ms = saver_now_ms(s);
    while (saver_ttl(s, ref) > ttl_ms)
        timed_wait(s->client, s->clock, since_ms, "a TTL to run down");
}

void saver_await_gone(saver_client_t *s, cairn_checkpoint_ref_t ref)
{
    static const cairn_saver_get_options_t unread = {.refresh = CAIRN_REFRESH_NO};
    uint64_t since_ms = saver_now_ms(s);
    while (strcmp(saver_get_with(s, ref, &unread), "none") != 0)
        timed_wait(s->client, s->clock, since_ms, "a checkpoint to expire");
}
