/* What a server may answer to MULTI, commands and EXEC, in whatever pieces. */
#include "redis_transacting.h"

static const char called[] = "EVALSHA " HASH " 1";
static const char loaded[] = "SCRIPT LOAD " SOURCE;

/* ---- what comes back ---- */

static void exec_answers_for_all(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    assert_puts(c, 5);
    ASSERT_ORDER(server, "MULTI", "SET", called, "EXEC");
}

static void answers_keep_their_order(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "PUBLISH", ":7\r\n");
    scripted_once(server, "PUBLISH", ":8\r\n");
    scripted_once(server, "EXEC", DONE);
    scripted_once(server, "EXEC", "*2\r\n+OK\r\n:6\r\n");
    pub_t *pubs[4];
    for (int i = 0; i < 4; i++) pubs[i] = client_publish(c, "key", i % 2 ? "say x" : "put x");
    pub_await(pubs[3], 0);
    assert_int_equal(pubs[0]->receivers, 5);
    assert_int_equal(pubs[1]->receivers, 7);
    assert_int_equal(pubs[2]->receivers, 6);
    assert_int_equal(pubs[3]->receivers, 8);
}

/* In one piece with the link's other end, but for the one place where it is torn. */
static void tear_at_every_byte(world_t *w, const char *query)
{
    static const char replies[] = "+OK\r\n+QUEUED\r\n+QUEUED\r\n" DONE;
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, query);
    fall_silent(server);
    scripted_always(server, "EXEC", replies);
    scripted_always(server, "PUBLISH", ":7\r\n");
    for (size_t at = 1; at < sizeof replies - 1; at++) {
        server->split_at = scripted_sent(server) + at;
        pub_t *put = client_publish(c, "key", "put x");
        pub_t *behind = client_publish(c, "key", "say x");
        pub_await(behind, 0);
        pub_await(put, 0);
        assert_int_equal(put->receivers, 5);
        assert_int_equal(behind->receivers, 7);
    }
    server->piece = 1;
    assert_puts(c, 5);
    assert_int_equal(server->accepted, 1);
}

static void replies_may_be_torn_anywhere(world_t *w)
{
    tear_at_every_byte(w, QUICK);
}

static void replies_of_resp2_may_be_torn_anywhere(world_t *w)
{
    tear_at_every_byte(w, "protocol=2&" QUICK);
}

static void messages_may_come_in_between(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    probe_t *probe = client_subscribed(c, "news", NULL);
    journal_text_t name;
    journal_bytes(name, world_channel(w, "news"));
    fall_silent(server);
    pub_t *put = client_publish(c, "key", "put x");
    scripted_await_count(server, "EXEC", 1);
    scripted_push(server, LITERAL("+OK\r\n+QUEUED\r\n"));
    scripted_message(server, name, "one");
    scripted_push(server, LITERAL("+QUEUED\r\n"));
    scripted_message(server, name, "two");
    scripted_push(server, LITERAL(DONE));
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
    probe_await(probe, "subscribed", "message one", "message two");
}

/* ---- refusals and errors ---- */

typedef struct refusal {
    const char *multi, *set, *evalsha, *exec; /* NULL: as it should be */
    int status;
    const char *detail;
} refusal_t;

static const refusal_t refusals[] = {
    /* Nothing was queued but all done at once, and has answers of its own. */
    {"-NOPERM no MULTI for you\r\n", "+OK\r\n", ":5\r\n", "-ERR EXEC without MULTI\r\n",
     CAIRN_EDENIED, "NOPERM no MULTI for you"},
    {"-LOADING Redis is loading\r\n", "-LOADING second\r\n", "-LOADING third\r\n",
     "-LOADING fourth\r\n", CAIRN_ELOADING, "LOADING Redis is loading"},
    {NULL, "-OOM command not allowed\r\n", "-READONLY no writes\r\n", ABORTED, CAIRN_EOOM,
     "OOM command not allowed"},
    {NULL, NULL, "-READONLY no writes\r\n", ABORTED, CAIRN_EREADONLY, "READONLY no writes"},
    {NULL, "-MOVED 3999 127.0.0.1:6381\r\n", NULL, ABORTED, CAIRN_ECLUSTER,
     "MOVED 3999 127.0.0.1:6381"},
    {NULL, "!21\r\nSYNTAX invalid syntax\r\n", NULL, ABORTED, CAIRN_ESERVER,
     "SYNTAX invalid syntax"},
    /* EXEC alone knows why. */
    {NULL, NULL, NULL, "-EXECABORT Transaction discarded because of: OOM command not allowed\r\n",
     CAIRN_EOOM, "OOM command not allowed"},
    {NULL, NULL, NULL, "-MASTERDOWN link is down\r\n", CAIRN_ECLUSTER, "MASTERDOWN link is down"},
    {NULL, NULL, NULL, ABORTED, CAIRN_ESERVER,
     "EXECABORT Transaction discarded because of previous errors."},
    /* One of the commands failed. */
    {NULL, NULL, NULL, "*2\r\n-OOM no memory\r\n:5\r\n", CAIRN_EOOM, "OOM no memory"},
    {NULL, NULL, NULL, "*2\r\n+OK\r\n-WRONGTYPE not a string\r\n", CAIRN_ESERVER,
     "WRONGTYPE not a string"},
    {NULL, NULL, NULL, "*2\r\n!8\r\nBUSY now\r\n-OOM no memory\r\n", CAIRN_EBUSY, "BUSY now"},
};

/* The link to a server that has no master's data is left. */
static bool leaves_the_link(const refusal_t *refusal)
{
    return refusal->status == CAIRN_EREADONLY || strstr(refusal->detail, "MASTERDOWN");
}

static void a_refusal_says_why(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    unsigned links = 1;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal_t *refusal = &refusals[i];
        answers_once(server, refusal->multi, refusal->set, refusal->evalsha, refusal->exec);
        pub_t *put = client_request(c);
        put->publish.req.flags = CAIRN_REQ_NO_RETRY;
        pub_again(put, "key", "put x");
        pub_await(put, refusal->status);
        assert_string_equal(put->detail, refusal->detail);
        links += leaves_the_link(refusal);
        client_await_count(c, "connected", links);
        assert_puts(c, 5);
    }
    assert_int_equal(server->accepted, links);
}

static void a_long_refusal_is_cut(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    char text[2000];
    memset(text, 'x', sizeof text);
    memcpy(text, LITERAL("-OOM "));
    memcpy(text + sizeof text - 3, "\r\n", 3);
    answers_once(server, NULL, text, NULL, ABORTED);
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, CAIRN_EOOM);
    assert_int_equal(strlen(put->detail), 256);
    assert_memory_equal(put->detail, text + 1, 256);
    assert_puts(c, 5);
}

static void an_error_inside_a_result_is_not_the_results(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "EXEC", "*2\r\n*2\r\n-ERR inside\r\n*1\r\n:1\r\n:5\r\n");
    assert_puts(c, 5);
    scripted_once(server, "EXEC", "*2\r\n*2\r\n-ERR inside\r\n*1\r\n:1\r\n-OOM no memory\r\n");
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, CAIRN_EOOM);
    assert_string_equal(put->detail, "OOM no memory");
}

static void exec_gives_a_result_for_each_command(world_t *w)
{
    static const char *const replies[] = {
        "*-1\r\n",     "_\r\n",  "$-1\r\n", "*0\r\n", "*1\r\n+OK\r\n", "*3\r\n+OK\r\n:5\r\n:6\r\n",
        "+QUEUED\r\n", ":5\r\n",
    };
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
        scripted_once(server, "EXEC", replies[i]);
        pub_t *put = client_publish(c, "key", "put x");
        pub_await(put, CAIRN_EPROTOCOL);
        assert_contains(put->detail, "EXEC");
        assert_puts(c, 5);
    }
    assert_int_equal(server->accepted, 1);
}

static void what_is_not_queued_breaks_the_link(world_t *w)
{
    static const refusal_t wrong[] = {
        {.multi = ":1\r\n"},          {.multi = "+QUEUED\r\n"},
        {.multi = "*0\r\n"},          {.set = ":1\r\n"},
        {.set = "+OK\r\n"},           {.set = "_\r\n"},
        {.evalsha = "+OK\r\n"},       {.evalsha = "*0\r\n"},
        {.evalsha = "$3\r\nabc\r\n"}, {.set = "-OOM no memory\r\n", .evalsha = ":1\r\n"},
    };
    const size_t count = sizeof wrong / sizeof *wrong;
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    for (size_t i = 0; i < count; i++) {
        answers_once(server, wrong[i].multi, wrong[i].set, wrong[i].evalsha, NULL);
        pub_t *put = client_publish(c, "key", "put x");
        pub_await(put, CAIRN_EMAYBE);
        assert_string_equal(put->detail, "a transaction's command was not queued");
        client_await_count(c, "connected", i + 2);
        assert_puts(c, 5);
    }
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_EPROTOCOL"), count);
}

static void a_refusal_of_multi_excuses_only_its_own_transaction(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    answers_once(server, "-NOPERM no\r\n", "+OK\r\n", ":5\r\n", "-ERR EXEC without MULTI\r\n");
    answers_once(server, NULL, "+OK\r\n", NULL, NULL);
    pub_await(client_publish(c, "key", "put x"), CAIRN_EDENIED);
    pub_await(client_publish(c, "key", "put x"), CAIRN_EMAYBE);
    client_await(c, "connected", "disconnected CAIRN_EPROTOCOL", "connected");
}

/* ---- scripts ---- */

static void a_script_not_known_is_loaded_and_all_sent_again(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "EXEC", "*2\r\n+OK\r\n" NOSCRIPT);
    pub_t *put = client_publish(c, "key", "put x");
    pub_t *behind = client_publish(c, "key", "say x");
    pub_await(behind, 0);
    assert_false(pub_is_done(put));
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
    ASSERT_ORDER(server, "MULTI", "SET", "EVALSHA", "EXEC", "PUBLISH", loaded, "MULTI", "SET",
                 "EVALSHA", "EXEC");
}

static void a_script_may_be_missed_as_it_is_queued(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    answers_once(server, NULL, NULL, NOSCRIPT, ABORTED);
    assert_puts(c, 5);
    ASSERT_ORDER(server, "MULTI", "SET", "EVALSHA", "EXEC", "SCRIPT", "MULTI", "SET", "EVALSHA",
                 "EXEC");
}

static void a_script_is_loaded_but_a_few_times(world_t *w)
{
    enum {
        TIMES = 3
    };
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    for (int i = 0; i < TIMES; i++) scripted_once(server, "EXEC", "*2\r\n+OK\r\n" NOSCRIPT);
    assert_puts(c, 5);
    assert_int_equal(journal_count(&server->journal, "SCRIPT"), TIMES);
    for (int i = 0; i < TIMES + 1; i++) scripted_once(server, "EXEC", "*2\r\n+OK\r\n" NOSCRIPT);
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, CAIRN_ESERVER);
    assert_string_equal(put->detail, "NOSCRIPT No matching script.");
    assert_int_equal(journal_count(&server->journal, "SCRIPT"), 2 * TIMES);
    assert_int_equal(journal_count(&server->journal, "EXEC"), 2 * (TIMES + 1));
    assert_puts(c, 5);
}

/* ---- given up ---- */

static void what_is_canceled_half_answered_is_swallowed_to_its_end(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    pub_t *pubs[4];
    for (int i = 0; i < 4; i++) pubs[i] = client_publish(c, "key", i % 2 ? "say x" : "put x");
    scripted_await_count(server, "PUBLISH", 2);
    scripted_push(server, LITERAL("+OK\r\n+QUEUED\r\n"));
    await_skipped(w, 2);
    assert_status(pub_cancel(pubs[0]), 0);
    pub_await(pubs[0], UV_ECANCELED);
    scripted_push(server, LITERAL("+QUEUED\r\n" DONE ":7\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n"));
    pub_await(pubs[1], 0);
    assert_int_equal(pubs[1]->receivers, 7);
    scripted_push(server, LITERAL("*2\r\n+OK\r\n:9\r\n:8\r\n"));
    pub_await(pubs[3], 0);
    assert_int_equal(pubs[2]->receivers, 9);
    assert_int_equal(pubs[3]->receivers, 8);
}

static void what_nobody_waits_for_is_not_sent_again(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    fall_silent(server);
    pub_t *put = client_publish(c, "key", "put x");
    pub_t *refused = client_publish(c, "key", "put x");
    pub_t *behind = client_publish(c, "key", "say x");
    scripted_await_count(server, "PUBLISH", 1);
    assert_status(pub_cancel(put), 0);
    assert_status(pub_cancel(refused), 0);
    scripted_push(server, LITERAL("+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n" NOSCRIPT
                                  "+OK\r\n-OOM no memory\r\n+QUEUED\r\n" ABORTED ":7\r\n"));
    pub_await(behind, 0);
    assert_int_equal(behind->receivers, 7);
    speak(server);
    assert_puts(c, 5);
    assert_int_equal(journal_count(&server->journal, "SCRIPT"), 0);
    assert_int_equal(journal_count(&server->journal, "MULTI"), 3);
}

static const scenario_t scenarios[] = {
    SCENARIO(exec_answers_for_all),
    SCENARIO(answers_keep_their_order),
    SCENARIO(replies_may_be_torn_anywhere),
    SCENARIO(replies_of_resp2_may_be_torn_anywhere),
    SCENARIO(messages_may_come_in_between),
    SCENARIO(a_refusal_says_why),
    SCENARIO(a_long_refusal_is_cut),
    SCENARIO(an_error_inside_a_result_is_not_the_results),
    SCENARIO(exec_gives_a_result_for_each_command),
    SCENARIO(what_is_not_queued_breaks_the_link),
    SCENARIO(a_refusal_of_multi_excuses_only_its_own_transaction),
    SCENARIO(a_script_not_known_is_loaded_and_all_sent_again),
    SCENARIO(a_script_may_be_missed_as_it_is_queued),
    SCENARIO(a_script_is_loaded_but_a_few_times),
    SCENARIO(what_is_canceled_half_answered_is_swallowed_to_its_end),
    SCENARIO(what_nobody_waits_for_is_not_sent_again),
};

int main(void)
{
    return SCENARIOS_RUN("redis: transactions' replies", scenarios, NULL);
}
