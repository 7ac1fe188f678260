#include "saver_client.h"

#include <stdio.h>
#include <stdlib.h>

ask_t *saver_ask(saver_client_t *s)
{
    ask_t *ask = calloc(1, sizeof *ask);
    if (!ask) abort();
    ask->client = s;
    ask->ttl_ms = CAIRN_TTL_ABSENT;
    ask->next = s->asks;
    s->asks = ask;
    return ask;
}

/* ---- a submit ---- */

/* A request in flight is left as it is: submitting it again must be refused. */
static bool begin(ask_t *ask)
{
    if (ask_is_done(ask)) {
        memset(&ask->of, 0, sizeof ask->of);
        ask->of.req.data = ask;
        ask->of.req.timeout_ms = ask->timeout_ms;
        ask->of.req.flags = ask->flags;
    }
    ask->detail[0] = '\0';
    return world_call(ask->client->world);
}

static int end(ask_t *ask, bool outer, int rc)
{
    world_return(ask->client->world, outer);
    if (rc == 0) ask->submits++;
    if (rc < 0)
        snprintf(ask->detail, sizeof ask->detail, "%.*s", (int)ask->of.req.detail.len,
                 ask->of.req.detail.len ? ask->of.req.detail.ptr : "");
    if (rc > 0) world_trouble(ask->client->world, "a submit said %d", rc);
    return rc;
}

/* ---- its callback ---- */

static ask_t *enter(cairn_req_t *req, int status)
{
    ask_t *ask = req->data;
    world_t *world = ask->client->world;
    if (world->inside) world_trouble(world, "a request's callback inside a call into the library");
    if (!ask->client->client->open) world_trouble(world, "a callback after the close callback");
    if (ask->calls >= ask->submits) world_trouble(world, "a request called back twice");
    if (cairn_is_active(req)) world_trouble(world, "a request is in flight in its own callback");
    ask->calls++;
    ask->status = status;
    ask->count = 0;
    ask->ttl_ms = CAIRN_TTL_ABSENT;
    snprintf(ask->detail, sizeof ask->detail, "%.*s", (int)req->detail.len,
             req->detail.len ? req->detail.ptr : "");
    return ask;
}

static void leave(ask_t *ask)
{
    if (ask->react) ask->react(ask);
}

static void on_put(cairn_saver_put_t *req, int status)
{
    leave(enter(&req->req, status));
}

static void add_tuple(ask_t *ask, const cairn_checkpoint_tuple_t *tuple)
{
    const char *flaw = tuple_flaw(tuple);
    if (flaw) world_trouble(ask->client->world, "%s", flaw);
    text_add_tuple(&ask->text, tuple);
}

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    ask_t *ask = enter(&req->req, status);
    if (status != 0 && tuple) world_trouble(ask->client->world, "a tuple beside an error");
    text_clear(&ask->text);
    ask->count = tuple != NULL;
    if (tuple)
        add_tuple(ask, tuple);
    else
        text_add(&ask->text, "none");
    leave(ask);
}

static void keep_cursor(ask_t *ask, cairn_slice_t cursor)
{
    free(ask->cursor);
    ask->cursor = malloc(cursor.len + 1);
    if (!ask->cursor) abort();
    if (cursor.len > 0) memcpy(ask->cursor, cursor.ptr, cursor.len);
    ask->cursor_len = cursor.len;
}

static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    ask_t *ask = enter(&req->req, status);
    if ((status == 0) != (page != NULL)) {
        world_trouble(ask->client->world, "status %d, and %s page", status, page ? "a" : "no");
        return;
    }
    ask->count = page ? page->count : 0;
    for (size_t i = 0; i < ask->count; i++) {
        if (ask->refs.len > 0) {
            text_add(&ask->refs, " ");
            text_add(&ask->text, "\n");
        }
        add_tuple(ask, &page->tuples[i]);
        text_add_ref(&ask->refs, &page->tuples[i].ref);
    }
    keep_cursor(ask, page ? page->cursor : cairn_str(NULL));
    leave(ask);
}

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    ask_t *ask = enter(&req->req, status);
    ask->count = checkpoints;
    leave(ask);
}

static void on_copied(cairn_saver_copy_t *req, int status, uint64_t checkpoints)
{
    ask_t *ask = enter(&req->req, status);
    ask->count = checkpoints;
    leave(ask);
}

static void on_history(cairn_saver_history_t *req, int status,
                       const cairn_channel_history_t *channels, size_t count)
{
    ask_t *ask = enter(&req->req, status);
    if (status != 0 && (channels || count > 0))
        world_trouble(ask->client->world, "a history beside an error");
    text_clear(&ask->text);
    ask->count = count;
    text_add_history(&ask->text, channels, count);
    leave(ask);
}

static void on_ttl(cairn_saver_ttl_t *req, int status, int64_t ttl_ms)
{
    ask_t *ask = enter(&req->req, status);
    ask->ttl_ms = ttl_ms;
    if (status != 0 && ttl_ms != CAIRN_TTL_ABSENT)
        world_trouble(ask->client->world, "a TTL beside an error");
    leave(ask);
}

/* ---- the operations ---- */

int ask_put_raw(ask_t *ask, const cairn_checkpoint_ref_t *parent,
                const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata,
                const cairn_saver_put_options_t *options)
{
    bool outer = begin(ask);
    int rc = cairn_saver_put(&ask->client->saver, &ask->of.put, parent, checkpoint, metadata,
                             options, on_put);
    return end(ask, outer, rc);
}

int ask_put(ask_t *ask, const put_words_t *words)
{
    channels_t channels;
    channels_parse(&channels, words->channels);
    cairn_checkpoint_t checkpoint = {
        .id = cairn_str(words->id),
        .channel_versions = channels.versions,
        .channel_version_count = channels.version_count,
        .channel_values = channels.values,
        .channel_value_count = channels.value_count,
    };
    cairn_checkpoint_ref_t parent =
        ref(words->thread ? words->thread : "t", words->ns, words->parent);
    cairn_saver_put_options_t options = {words->ttl, cairn_str(words->run_id)};
    return ask_put_raw(ask, &parent, &checkpoint, cairn_str(words->metadata), &options);
}

int ask_write_raw(ask_t *ask, const cairn_checkpoint_ref_t *ref, const cairn_task_writes_t *writes,
                  cairn_ttl_t ttl)
{
    bool outer = begin(ask);
    int rc = cairn_saver_put_writes(&ask->client->saver, &ask->of.put, ref, writes, ttl, on_put);
    return end(ask, outer, rc);
}

int ask_write(ask_t *ask, const write_words_t *words)
{
    cairn_write_t list[CHANNELS_MOST];
    cairn_task_writes_t writes = {
        .task_id = cairn_str(words->task),
        .task_path = cairn_str(words->path),
        .writes = list,
        .count = writes_parse(list, words->writes),
    };
    cairn_checkpoint_ref_t where = ref(words->thread ? words->thread : "t", words->ns, words->at);
    return ask_write_raw(ask, &where, &writes, words->ttl);
}

int ask_get(ask_t *ask, cairn_checkpoint_ref_t ref, const cairn_saver_get_options_t *options)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_saver_get(&ask->client->saver, &ask->of.get, &ref, options, on_got));
}

int ask_list(ask_t *ask, const cairn_saver_query_t *query)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_saver_list(&ask->client->saver, &ask->of.list, query, on_page));
}

int ask_delete_thread(ask_t *ask, cairn_slice_t thread)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_saver_delete_thread(&ask->client->saver, &ask->of.delete, thread, on_deleted));
}

int ask_delete_for_runs(ask_t *ask, const cairn_slice_t *run_ids, size_t count)
{
    bool outer = begin(ask);
    int rc = cairn_saver_delete_for_runs(&ask->client->saver, &ask->of.delete, run_ids, count,
                                         on_deleted);
    return end(ask, outer, rc);
}

int ask_prune(ask_t *ask, const cairn_saver_prune_options_t *options)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_saver_prune(&ask->client->saver, &ask->of.delete, options, on_deleted));
}

int ask_sweep(ask_t *ask)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_saver_sweep_ttl(&ask->client->saver, &ask->of.delete, on_deleted));
}

int ask_copy(ask_t *ask, cairn_slice_t source, cairn_slice_t target)
{
    bool outer = begin(ask);
    int rc = cairn_saver_copy_thread(&ask->client->saver, &ask->of.copy, source, target, on_copied);
    return end(ask, outer, rc);
}

int ask_history(ask_t *ask, const cairn_checkpoint_ref_t *ref, const cairn_slice_t *channels,
                size_t count)
{
    bool outer = begin(ask);
    int rc = cairn_saver_history(&ask->client->saver, &ask->of.history, ref, channels, count,
                                 on_history);
    return end(ask, outer, rc);
}

int ask_ttl(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_saver_ttl(&ask->client->saver, &ask->of.ttl, scope, &ref, on_ttl));
}

int ask_set_ttl(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref, cairn_ttl_t ttl)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_saver_set_ttl(&ask->client->saver, &ask->of.ttl, scope, &ref, ttl, on_ttl));
}

int ask_pin(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref)
{
    bool outer = begin(ask);
    return end(ask, outer, cairn_saver_pin(&ask->client->saver, &ask->of.ttl, scope, &ref, on_ttl));
}

int ask_unpin(ask_t *ask, cairn_saver_scope_t scope, cairn_checkpoint_ref_t ref)
{
    bool outer = begin(ask);
    return end(ask, outer,
               cairn_saver_unpin(&ask->client->saver, &ask->of.ttl, scope, &ref, on_ttl));
}

/* ---- waiting ---- */

bool ask_is_done(const ask_t *ask)
{
    return ask->calls == ask->submits;
}

static bool is_done(void *ctx)
{
    return ask_is_done(ctx);
}

void ask_await_any(ask_t *ask)
{
    loop_run_until(&ask->client->world->loop, "a saver's request to end", is_done, ask);
}

void ask_await_at(ask_t *ask, int status, const char *file, int line)
{
    loop_run_until_at(&ask->client->world->loop, "a saver's request to end", is_done, ask, file,
                      line);
    if (ask->status != status) print_error("detail: %s\n", ask->detail);
    assert_status_at(ask->status, status, file, line);
}

void assert_refused_at(const ask_t *ask, int rc, int status, const char *part, const char *file,
                       int line)
{
    assert_status_at(rc, status, file, line);
    assert_contains_at(ask->detail, part, file, line);
}
