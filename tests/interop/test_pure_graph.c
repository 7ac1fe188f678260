/* Cairn and Pure Graph's RedisStreamQueue, the real one, follow each other's runs. run.sh starts
 * this; peer.mjs is the other side. */
#include "redis.h"
#include "stream_client.h"

#include <stdio.h>
#include <stdlib.h>

static redis_t redis;

/* ---- the peer ---- */

typedef struct peer {
    uv_process_t process;
    uv_pipe_t in, out;
    uv_write_t write;
    journal_t journal; /* what it says */
    char line[65536];
    size_t len;
    char sent[1024];
    bool sending, ended;
    unsigned open; /* libuv handles */
    world_t *world;
    void (*others_end)(world_t *world);
} peer_t;

static peer_t peer;

static void on_peer_exit(uv_process_t *process, int64_t status, int signal)
{
    (void)process, (void)status, (void)signal;
    peer.ended = true;
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(peer.line + peer.len, (unsigned)(sizeof peer.line - peer.len - 1));
}

static void on_peer_says(uv_stream_t *stream, ssize_t got, const uv_buf_t *buffer)
{
    (void)stream, (void)buffer;
    if (got < 0) return;
    peer.len += (size_t)got;
    char *end;
    while ((end = memchr(peer.line, '\n', peer.len))) {
        const size_t len = (size_t)(end - peer.line);
        journal_add(&peer.journal, "%.*s", (int)len, peer.line);
        peer.len -= len + 1;
        memmove(peer.line, end + 1, peer.len);
    }
}

static void on_handle_closed(uv_handle_t *handle)
{
    (void)handle;
    peer.open--;
}

static bool is_gone(void *ctx)
{
    (void)ctx;
    return peer.ended;
}

static bool is_closed(void *ctx)
{
    (void)ctx;
    return peer.open == 0;
}

/* Its standard input ends, and so does it. */
static void end_peer(world_t *w)
{
    uv_close((uv_handle_t *)&peer.in, on_handle_closed);
    if (!loop_try_until(&w->loop, is_gone, NULL)) uv_process_kill(&peer.process, SIGKILL);
    uv_close((uv_handle_t *)&peer.out, on_handle_closed);
    uv_close((uv_handle_t *)&peer.process, on_handle_closed);
    loop_run_until(&w->loop, "the peer to be closed", is_closed, NULL);
    journal_free(&peer.journal);
    peer.others_end(w);
}

#define peer_await(prefix, count)                                                                  \
    journal_await_count(&peer.journal, &peer.world->loop, (prefix), (count))

static void on_sent(uv_write_t *write, int status)
{
    (void)write, (void)status;
    peer.sending = false;
}

static bool is_sent(void *ctx)
{
    (void)ctx;
    return !peer.sending;
}

static void peer_do(const char *line)
{
    const int len = snprintf(peer.sent, sizeof peer.sent, "%s\n", line);
    uv_buf_t buffer = uv_buf_init(peer.sent, (unsigned)len);
    peer.sending = true;
    assert_int_equal(uv_write(&peer.write, (uv_stream_t *)&peer.in, &buffer, 1, on_sent), 0);
    loop_run_until(&peer.world->loop, "the peer to be told", is_sent, NULL);
}

/* And waits for the answer. */
static void peer_did(const char *line, const char *answer)
{
    const size_t before = journal_count(&peer.journal, answer);
    peer_do(line);
    peer_await(answer, before + 1);
}

static const char *peer_last(const char *prefix)
{
    const char *found = "nothing";
    for (size_t i = journal_find(&peer.journal, 0, prefix); i < peer.journal.count;
         i = journal_find(&peer.journal, i + 1, prefix))
        found = peer.journal.lines[i];
    return found;
}

/* Behind the first streams_open, which sets w->at_end. */
static void start_peer(world_t *w)
{
    static char url[64];
    memset(&peer, 0, sizeof peer);
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", redis.server.port);
    assert_int_equal(setenv("REDIS_URL", url, 1), 0);
    redis_ask(&redis, "FLUSHALL");
    uv_pipe_init(&w->loop, &peer.in, 0);
    uv_pipe_init(&w->loop, &peer.out, 0);
    char *args[] = {"node", getenv("INTEROP_PEER"), NULL};
    uv_stdio_container_t stdio[] = {
        {.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&peer.in},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&peer.out},
        {.flags = UV_INHERIT_FD, .data.fd = 2}};
    const uv_process_options_t options = {
        .exit_cb = on_peer_exit, .file = args[0], .args = args, .stdio = stdio, .stdio_count = 3};
    peer.world = w;
    peer.open = 3;
    assert_int_equal(uv_spawn(&w->loop, &peer.process, &options), 0);
    assert_int_equal(uv_read_start((uv_stream_t *)&peer.out, give_buffer, on_peer_says), 0);
    peer.others_end = w->at_end;
    w->at_end = end_peer;
    peer_await("ready", 1);
}

/* ---- cairn's side ---- */

static void append_json(streams_client_t *s, const char *stream, const char *event,
                        const char *json)
{
    const cairn_stream_entry_t entry = {.event = cairn_str(event),
                                        .data = {cairn_str("json"), cairn_str(json)}};
    assert_ends(s->own, ask_append_raw(s->own, cairn_str(stream), &entry, 1, NULL), 0);
}

static void assert_holds(streams_client_t *s, const char *stream, const char *const (*events)[2],
                         size_t count)
{
    text_t wanted = {0};
    for (size_t i = 0; i < count; i++) {
        const cairn_stream_event_t event = {.event = cairn_str(events[i][0]),
                                            .data = {cairn_str("json"), cairn_str(events[i][1])}};
        if (i > 0) text_add(&wanted, " ");
        text_add_event(&wanted, &event);
    }
    assert_stream(s, stream, text_chars(&wanted));
    text_free(&wanted);
}

/* ---- who follows whom ---- */

static void what_cairn_appends_pure_graph_follows(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    append_json(s, "run", "metadata", "{\"run_id\":\"1\"}");
    peer_did("follow run", "following run");
    append_json(s, "run", "messages", "[{\"content\":\"caf\xc3\xa9 \xf0\x9f\x8d\xb5\"}]");
    append_json(s, "run", "values", "null");
    streams_append(s, "run", "text#id-1");
    append_json(s, "run", CAIRN_STREAM_END, "\"stream end\"");
    peer_await("over run", 1);
    journal_await(&peer.journal, &w->loop, "ready", "following run",
                  "event run metadata {\"run_id\":\"1\"}",
                  "event run messages [{\"content\":\"caf\xc3\xa9 \xf0\x9f\x8d\xb5\"}]",
                  "event run values null", "event run m \"text\" id-1",
                  "event run __stream_end__ \"stream end\"", "over run");
}

static void what_pure_graph_pushes_cairn_follows(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    peer_did("push run token 1", "pushed run");
    follower_t *all = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    follower_t *fresh = streams_follow(s, "run", NULL);
    follower_await(all, "event token=1", "live");
    follower_await(fresh, "live");
    peer_did("push run token 2", "pushed run");
    peer_did("push run token 3", "pushed run");
    peer_did("push run __stream_end__ 4", "pushed run");
    follower_await(all, "event token=1", "live", "event token=2", "event token=3", "event END=4",
                   "ended");
    follower_await(fresh, "live", "event token=2", "event token=3", "event END=4", "ended");
    assert_stream_ttl(s, "run", 300000);
}

static void many_tokens_come_whole_and_in_order(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    text_t wanted = {0};
    follower_t *f = streams_follow_from(s, "run", CAIRN_FROM_ALL);
    for (int i = 0; i < 300; i++) {
        char line[64];
        snprintf(line, sizeof line, "push run t %d", i);
        peer_do(line);
        text_add(&wanted, i > 0 ? " t=%d" : "t=%d", i);
    }
    peer_await("pushed run", 300);
    follower_await_events(f, 300);
    assert_string_equal(text_chars(&f->text), text_chars(&wanted));
    assert_int_equal(journal_count(&f->journal, "gap"), 0);
    text_free(&wanted);
}

static void data_comes_as_the_json_it_was(world_t *w)
{
    static const char *const pushed[][2] = {
        {"messages", "[{\"content\":\"na\xc3\xafve \xe2\x9c\x93\",\"n\":1.5}]"},
        {"values", "{\"a\":{\"b\":[true,false,null]}}"},
        {"updates", "\"quoted \\\"text\\\"\""}};
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    for (size_t i = 0; i < 3; i++) {
        char line[256];
        snprintf(line, sizeof line, "push run %s %s", pushed[i][0], pushed[i][1]);
        peer_did(line, "pushed run");
    }
    assert_holds(s, "run", pushed, 3);
}

/* ---- how runs end ---- */

static void an_error_of_pure_graph_ends_a_tail(world_t *w)
{
    static const char *const events[][2] = {
        {"__stream_error__", "{\"error\":\"Error\",\"message\":\"no money\"}"},
        {"__stream_end__", "\"stream end\""}};
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    peer_did("fail run no money", "pushed run");
    peer_did("push run __stream_end__ \"stream end\"", "pushed run");
    follower_await_count(f, "ended", 1);
    assert_int_equal(f->events, 1);
    assert_int_equal(journal_count(&f->journal, "event ERROR="), 1);
    assert_holds(s, "run", events, 2);
    assert_ends(s->own, ask_append(s->own, "run", "more", NULL), UV_EPIPE);
}

static void an_error_of_cairn_ends_its_reader(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    peer_did("follow run", "following run");
    append_json(s, "run", CAIRN_STREAM_ERROR, "{\"error\":\"E\",\"message\":\"m\"}");
    peer_await("over run", 1);
    assert_string_equal(peer_last("event run"),
                        "event run __stream_error__ {\"error\":\"E\",\"message\":\"m\"}");
}

static void a_cancel_of_pure_graph_reaches_watch_and_tail(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    streams_append(s, "run", "a");
    follower_t *f = streams_follow(s, "run", NULL);
    watcher_t *watcher = streams_watch(s, "run");
    follower_await(f, "live");
    peer_did("cancel run", "cancelled run");
    follower_await_count(f, "ended", 1);
    assert_int_equal(journal_count(&f->journal, "event CANCEL="), 1);
    journal_await_count(&watcher->journal, &w->loop, "cancelled CANCEL", 1);
    assert_ends(s->own, ask_append(s->own, "run", "more", NULL), UV_EPIPE);
    assert_true(streams_info(s, "run"));
    assert_string_equal(text_chars(&s->own->text), CAIRN_STREAM_CANCEL);
}

/* Its reader then cancels its own run, too, and says so in the stream. */
static void a_cancel_of_cairn_ends_its_reader(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    peer_did("follow run", "following run");
    append_json(s, "run", "a", "1");
    peer_await("event run a 1", 1);
    follower_t *f = streams_follow(s, "run", NULL);
    follower_await(f, "live");
    assert_ends(s->own, ask_cancel_run(s->own, "run", ""), 0);
    peer_await("event run __stream_cancel__", 1);
    peer_await("over run", 1);
    follower_await(f, "live", "event CANCEL", "ended");
}

/* ---- the whole of a queue ---- */

static void get_all_tells_what_cairn_appended(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    append_json(s, "run", "messages", "[\"caf\xc3\xa9 \xf0\x9f\x8d\xb5\"]");
    append_json(s, "run", "values", "{\"n\":1}");
    streams_append(s, "run", "text END");
    peer_did("all run", "all run");
    assert_string_equal(peer_last("all run"),
                        "all run [[\"messages\",[\"caf\xc3\xa9 \xf0\x9f\x8d\xb5\"]],"
                        "[\"values\",{\"n\":1}],[\"m\",\"text\"],[\"__stream_end__\",\"\"]]");
}

static void the_length_limit_is_of_both(world_t *w)
{
    const cairn_streams_options_t options = {.max_events = 3};
    streams_client_t *s = streams_open(w, &options);
    start_peer(w);
    for (int i = 0; i < 5; i++) peer_did("push run old 0", "pushed run");
    append_json(s, "run", "new", "1");
    peer_did("all run", "all run");
    assert_string_equal(peer_last("all run"), "all run [[\"old\",0],[\"old\",0],[\"new\",1]]");
    assert_int_equal(streams_length(s, "run"), 3);
}

static void a_copy_of_cairn_is_one_for_pure_graph(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    peer_did("push run a 1", "pushed run");
    append_json(s, "run", "b", "2");
    append_json(s, "run", CAIRN_STREAM_END, "3");
    assert_int_equal(streams_copy(s, "run", "thread", cairn_ttl_ms(30000)), 3);
    peer_did("all thread", "all thread");
    assert_string_equal(peer_last("all thread"),
                        "all thread [[\"a\",1],[\"b\",2],[\"__stream_end__\",3]]");
    peer_do("follow thread");
    peer_await("over thread", 1);
    assert_int_equal(journal_count(&peer.journal, "event thread"), 3);
}

static void a_copy_of_pure_graph_is_one_for_cairn(world_t *w)
{
    static const char *const events[][2] = {{"a", "1"}, {"b", "2"}};
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    append_json(s, "run", "a", "1");
    peer_did("push run b 2", "pushed run");
    follower_t *f = streams_follow(s, "thread", NULL);
    follower_await(f, "live");
    peer_did("copy run thread", "copied run");
    follower_await(f, "live", "event a=1", "event b=2");
    assert_holds(s, "thread", events, 2);
}

static void a_clear_of_one_clears_it_for_the_other(world_t *w)
{
    streams_client_t *s = streams_open(w, NULL);
    start_peer(w);
    peer_did("push run a 1", "pushed run");
    assert_int_equal(streams_clear(s, "run"), 1);
    peer_did("all run", "all run");
    assert_string_equal(peer_last("all run"), "all run []");
    streams_append(s, "run", "b#1");
    peer_did("clear run", "cleared run");
    assert_false(streams_exists(s, "run"));
    streams_append(s, "run", "b#1");
    assert_int_equal(s->own->count, 1);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_cairn_appends_pure_graph_follows),
    SCENARIO(what_pure_graph_pushes_cairn_follows),
    SCENARIO(many_tokens_come_whole_and_in_order),
    SCENARIO(data_comes_as_the_json_it_was),
    SCENARIO(an_error_of_pure_graph_ends_a_tail),
    SCENARIO(an_error_of_cairn_ends_its_reader),
    SCENARIO(a_cancel_of_pure_graph_reaches_watch_and_tail),
    SCENARIO(a_cancel_of_cairn_ends_its_reader),
    SCENARIO(get_all_tells_what_cairn_appended),
    SCENARIO(the_length_limit_is_of_both),
    SCENARIO(a_copy_of_cairn_is_one_for_pure_graph),
    SCENARIO(a_copy_of_pure_graph_is_one_for_cairn),
    SCENARIO(a_clear_of_one_clears_it_for_the_other),
};

int main(void)
{
    if (!getenv("INTEROP_PEER") || !getenv("INTEROP_MODULES")) {
        fprintf(stderr, "run.sh starts this\n");
        return 2;
    }
    redis_start(&redis, NULL);
    streams_backend.other_type = "json";
    int failures = SCENARIOS_RUN("interop: Pure Graph", scenarios,
                                 redis_url(&redis, NULL, "?stream_layout=pure_graph"));
    redis_stop(&redis);
    return failures;
}
