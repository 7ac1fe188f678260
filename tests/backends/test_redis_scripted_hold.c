/* What a server says it did not do, and will: sent again, in its order, or told. */
#include "redis_transacting.h"

#define BUSY "-BUSY Redis is busy running a script.\r\n"
#define READONLY "-READONLY You can't write against a read only replica.\r\n"
#define LOADING "-LOADING Redis is loading the dataset in memory\r\n"
#define ABORTED_BY(reason) "-EXECABORT Transaction discarded because of: " reason "\r\n"

static client_t *ready(world_t *w, const char *query)
{
    client_t *c = world_open(w, query);
    client_await_count(c, "connected", 1);
    return c;
}

static pub_t *publish_number(client_t *c, int number, uint32_t flags)
{
    char payload[16];
    snprintf(payload, sizeof payload, "%03d", number);
    pub_t *pub = client_request(c);
    pub->publish.req.flags = flags;
    pub_again(pub, "news", payload);
    return pub;
}

static size_t times_sent(const world_t *w, const char *payload)
{
    const scripted_t *server = w->data;
    char line[32];
    snprintf(line, sizeof line, "PUBLISH %u.news %s", w->number, payload);
    return journal_count(&server->journal, line);
}

/* The last time that each was sent, they were in order. */
static void assert_last_in_order(const world_t *w, int count)
{
    const scripted_t *server = w->data;
    size_t before = 0;
    for (int i = 0; i < count; i++) {
        char line[32];
        snprintf(line, sizeof line, "PUBLISH %u.news %03d", w->number, i);
        size_t last = server->journal.count;
        for (size_t at = journal_find(&server->journal, 0, line); at < server->journal.count;
             at = journal_find(&server->journal, at + 1, line))
            last = at;
        assert_true(last < server->journal.count);
        if (i > 0) assert_true(last > before);
        before = last;
    }
}

static void what_was_refused_is_sent_again(world_t *w)
{
    static const char *const refusals[] = {BUSY, LOADING, "-TRYAGAIN later\r\n",
                                           "-CLUSTERDOWN Hash slot not served\r\n"};
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        scripted_once(server, "PUBLISH", refusals[i]);
        scripted_once(server, "PUBLISH", ":5\r\n");
        pub_t *pub = publish_number(c, (int)i, 0);
        pub_await(pub, 0);
        assert_int_equal(pub->receivers, 5);
        assert_int_equal(pub->calls, 1);
    }
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 8);
    assert_int_equal(server->accepted, 1);
}

static void all_that_was_refused_keeps_its_order_and_one_is_tried_first(world_t *w)
{
    enum {
        COUNT = 20,
        PROBES = 3
    };
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    for (int i = 0; i < COUNT + PROBES; i++) scripted_once(server, "PUBLISH", BUSY);
    pub_t *pubs[COUNT + 1];
    for (int i = 0; i < COUNT; i++) pubs[i] = publish_number(c, i, 0);
    scripted_await_count(server, "PUBLISH", COUNT);
    pubs[COUNT] = publish_number(c, COUNT, 0); /* waits behind them, or is refused with them */
    for (int i = 0; i <= COUNT; i++) pub_await(pubs[i], 0);
    for (int i = 0; i <= COUNT; i++) assert_int_equal(pubs[i]->calls, 1);
    assert_last_in_order(w, COUNT + 1);
    size_t sent = journal_count(&server->journal, "PUBLISH");
    assert_in_range(sent, COUNT + PROBES + COUNT, COUNT + PROBES + COUNT + 1);
}

/* What is sent first and alone is answered at the head of much else: nothing goes out before it is
 * known to be all. */
static void much_behind_the_answer_to_who_is_tried_first_changes_nothing(world_t *w)
{
    enum {
        MUCH = 64
    };
    static const char news[] = ">1\r\n$4\r\nnews\r\n";
    char answers[8 + MUCH * sizeof news] = ":5\r\n";
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *refused = publish_number(c, 0, 0);
    scripted_await_count(server, "PUBLISH", 2);
    size_t len = strlen(answers);
    for (int i = 0; i < MUCH; i++, len += sizeof news - 1) memcpy(answers + len, news, sizeof news);
    scripted_push(server, answers, len);
    pub_await(refused, 0);
    assert_int_equal(refused->receivers, 5);
    pub_await(publish_number(c, 1, 0), 0);
    assert_int_equal(times_sent(w, "000"), 2);
    assert_int_equal(times_sent(w, "001"), 1);
    assert_int_equal(server->accepted, 1);
}

static void what_was_overtaken_is_told_so(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", ":7\r\n");
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", ":8\r\n");
    pub_t *overtaken = publish_number(c, 0, 0);
    pub_t *harmless = publish_number(c, 1, CAIRN_REQ_IDEMPOTENT);
    pub_t *overtakes = publish_number(c, 2, 0);
    pub_t *behind = publish_number(c, 3, 0);
    pub_await(overtaken, CAIRN_EBUSY);
    assert_true(cairn_err_retryable(overtaken->status));
    assert_contains(overtaken->detail, "BUSY");
    pub_await(overtakes, 0);
    assert_int_equal(overtakes->receivers, 7);
    pub_await(harmless, 0);
    assert_int_equal(harmless->receivers, 8);
    pub_await(behind, 0);
    assert_int_equal(times_sent(w, "000"), 1);
    assert_int_equal(times_sent(w, "001"), 2);
    assert_int_equal(times_sent(w, "002"), 1);
    assert_int_equal(times_sent(w, "003"), 2);
}

static void an_error_of_its_own_overtakes_nothing(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", "-OOM command not allowed\r\n");
    pub_t *refused = publish_number(c, 0, 0);
    pub_t *failed = publish_number(c, 1, 0);
    pub_await(failed, CAIRN_EOOM);
    pub_await(refused, 0);
}

static void who_wants_no_retry_is_told_at_once(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    pub_t *pub = publish_number(c, 0, CAIRN_REQ_NO_RETRY);
    pub_await(pub, CAIRN_EBUSY);
    assert_contains(pub->detail, "busy running a script");
    pub_await(publish_number(c, 1, CAIRN_REQ_NO_RETRY), 0);
    assert_int_equal(times_sent(w, "000"), 1);
}

static void a_deadline_ends_the_tries(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_always(server, "PUBLISH", BUSY);
    pub_t *pub = client_request(c);
    pub->publish.req.timeout_ms = 40;
    pub_again(pub, "news", "hasty");
    pub_t *canceled = client_publish(c, "news", "canceled");
    scripted_await_count(server, "PUBLISH", 3);
    assert_status(pub_cancel(canceled), 0);
    pub_await(pub, UV_ETIMEDOUT);
    assert_contains(pub->detail, " does not take it yet: BUSY");
    pub_await(canceled, UV_ECANCELED);
    scripted_always(server, "PUBLISH", ":1\r\n");
    pub_await(client_publish(c, "news", "next"), 0);
    assert_int_equal(server->accepted, 1);
}

static void a_handle_closes_while_it_waits(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, "reconnect_min_ms=10000&reconnect_max_ms=10000");
    scripted_always(server, "PUBLISH", BUSY);
    pub_t *pub = client_publish(c, "news", "x");
    scripted_await_count(server, "PUBLISH", 1);
    loop_turns(&w->loop, 3);
    client_close(c);
    client_await_closed(c);
    assert_status(pub->status, UV_ECANCELED);
}

/* ---- another link ---- */

static void a_demoted_master_is_left_and_nothing_lost(world_t *w)
{
    enum {
        COUNT = 10
    };
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    for (int i = 0; i < COUNT; i++) scripted_once(server, "PUBLISH", READONLY);
    pub_t *pubs[COUNT];
    for (int i = 0; i < COUNT; i++) pubs[i] = publish_number(c, i, 0);
    for (int i = 0; i < COUNT; i++) pub_await(pubs[i], 0);
    client_await_count(c, "connected", 2);
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_EREADONLY"), 1);
    assert_last_in_order(w, COUNT);
    assert_int_equal(journal_count(&server->journal, "PUBLISH"), 2 * COUNT);
}

static void an_answer_of_a_read_only_server_is_told_and_the_link_left(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", READONLY);
    pub_await(publish_number(c, 0, CAIRN_REQ_NO_RETRY), CAIRN_EREADONLY);
    client_await_count(c, "disconnected CAIRN_EREADONLY", 1);
    pub_await(publish_number(c, 1, CAIRN_REQ_NO_RETRY), 0);
    assert_int_equal(server->accepted, 2);
}

static void a_link_that_forgot_who_we_are_is_left(world_t *w)
{
    scripted_t *server = scripted_of(w);
    char url[80];
    snprintf(url, sizeof url, "redis://:secret@127.0.0.1:%d", server->port);
    w->url = url;
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", "-NOAUTH Authentication required.\r\n");
    pub_await(publish_number(c, 0, 0), 0);
    assert_int_equal(server->accepted, 2);
    client_close(c);
    client_await_closed(c);
}

static void
what_was_refused_outlives_the_link_and_what_was_not_answered_may_have_been_done(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *refused = publish_number(c, 0, 0);
    pub_t *unanswered = publish_number(c, 1, 0);
    scripted_await_count(server, "PUBLISH", 2);
    loop_turns(&w->loop, 3);
    pub_t *unsent = publish_number(c, 2, 0);
    scripted_hangup(server);
    pub_await(unanswered, CAIRN_EMAYBE);
    pub_await(refused, 0);
    pub_await(unsent, 0);
    assert_int_equal(times_sent(w, "000"), 2);
    assert_int_equal(times_sent(w, "001"), 1);
    assert_int_equal(times_sent(w, "002"), 1);
}

static void silence_behind_a_refusal_ends_the_link(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, "keepalive_ms=40&" QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    scripted_once(server, "PUBLISH", SCRIPTED_SILENCE);
    pub_t *refused = publish_number(c, 0, 0);
    pub_t *unanswered = publish_number(c, 1, 0);
    pub_await(unanswered, CAIRN_EMAYBE);
    pub_await(refused, 0);
    assert_int_equal(journal_count(&c->journal, "disconnected CAIRN_EHALFOPEN"), 1);
}

/* ---- subscriptions ---- */

static void a_subscription_that_was_refused_is_tried_again(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, QUICK);
    scripted_once(server, "SUBSCRIBE", BUSY);
    probe_t *probe = client_subscribe(c, "news", NULL);
    probe_await(probe, "subscribed");
    scripted_once(server, "SUBSCRIBE", BUSY);
    scripted_once(server, "SUBSCRIBE", BUSY);
    scripted_hangup(server);
    probe_await(probe, "subscribed", "disconnected UV_EOF", "gap -1", "resubscribed");
    assert_int_equal(server->accepted, 2);
}

/* ---- transactions ---- */

static void a_discarded_transaction_is_sent_again_as_a_whole(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    answers_once(server, NULL, BUSY, BUSY, ABORTED_BY("BUSY Redis is busy"));
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
    ASSERT_ORDER(server, "MULTI", "SET", "EVALSHA", "EXEC", "MULTI", "SET", "EVALSHA", "EXEC");

    answers_once(server, NULL, NULL, NULL, ABORTED_BY("MASTERDOWN link is down"));
    pub_await(client_publish(c, "key", "put x"), 0);
    assert_int_equal(server->accepted, 2);
}

static void a_transaction_behind_a_refusal_overtakes_it_or_joins_it(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "PUBLISH", BUSY);
    pub_t *said = client_publish(c, "key", "say x");
    pub_t *put = client_publish(c, "key", "put x");
    pub_await(said, CAIRN_EBUSY);
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);

    scripted_once(server, "PUBLISH", BUSY);
    answers_once(server, NULL, BUSY, BUSY, ABORTED_BY("BUSY Redis is busy"));
    said = client_publish(c, "key", "say x");
    put = client_publish(c, "key", "put x");
    pub_await(said, 0);
    pub_await(put, 0);
    assert_int_equal(put->receivers, 5);
}

static void a_transaction_done_in_part_is_not_sent_again(world_t *w)
{
    scripted_t *server = transacting(w);
    client_t *c = open_ready(w, QUICK);
    scripted_once(server, "EXEC", "*2\r\n+OK\r\n-BUSY now\r\n");
    pub_await(client_publish(c, "key", "put x"), CAIRN_EBUSY);
    scripted_once(server, "MULTI", BUSY);
    scripted_once(server, "EXEC", "-ERR EXEC without MULTI\r\n");
    pub_await(client_publish(c, "key", "put y"), CAIRN_EBUSY);
    assert_int_equal(journal_count(&server->journal, "EXEC"), 2);
}

/* ---- room ---- */

static void what_is_held_counts_and_credit_comes_when_it_is_gone(world_t *w)
{
    enum {
        MOST = 8
    };
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, "max_inflight=8&" QUICK);
    for (int i = 0; i < 2 * MOST; i++) scripted_once(server, "PUBLISH", BUSY);
    pub_t *pubs[MOST];
    for (int i = 0; i < MOST; i++) pubs[i] = publish_number(c, i, 0);
    pub_t *excess = client_request(c);
    assert_status(pub_try(excess, world_channel(w, "news"), cairn_str("x")), CAIRN_EFULL);
    client_await_count(c, "credit", 1);
    for (int i = 0; i < MOST; i++) pub_await(pubs[i], 0);
    assert_status(pub_try(excess, world_channel(w, "news"), cairn_str("x")), 0);
    pub_await(excess, 0);
}

static void credit_comes_though_there_is_no_connection_any_more(world_t *w)
{
    scripted_t *server = scripted_of(w);
    client_t *c = ready(w, "max_inflight=2&fail_fast_ms=30&" QUICK);
    scripted_refuse(server);
    scripted_hangup(server);
    client_await_count(c, "disconnected", 1);
    pub_t *waits = client_publish(c, "news", "x");
    pub_t *waits_too = client_publish(c, "news", "y");
    pub_t *excess = client_request(c);
    assert_status(pub_try(excess, world_channel(w, "news"), cairn_str("z")), CAIRN_EFULL);
    pub_await(waits, CAIRN_EDOWN);
    pub_await(waits_too, CAIRN_EDOWN);
    assert_contains(waits->detail, "127.0.0.1");
    client_await_count(c, "credit", 1);
    assert_status(pub_try(excess, world_channel(w, "news"), cairn_str("z")), CAIRN_EDOWN);
    assert_contains(excess->publish.req.detail.ptr, "127.0.0.1");
    scripted_accept(server);
    client_await_count(c, "connected", 2);
    pub_again(excess, "news", "z");
    pub_await(excess, 0);
}

/* ---- at random ---- */

enum {
    SEEDS = 30,
    CHANNELS = 3,
    PUBS = 60
};

static uint64_t roll(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static const char *some_reply(uint64_t number)
{
    static const char *const replies[] = {":1\r\n", ":1\r\n",       ":1\r\n", BUSY,
                                          BUSY,     LOADING,        READONLY, "-OOM no\r\n",
                                          ":1\r\n", SCRIPTED_HANGUP};
    return replies[number % (sizeof replies / sizeof *replies)];
}

/* Of what succeeded on a channel, each was carried out behind what was asked for before it. */
static void assert_channels_in_order(const world_t *w, pub_t *const *pubs, int count)
{
    const scripted_t *server = w->data;
    size_t last[CHANNELS] = {0};
    for (int i = 0; i < count; i++) {
        char line[48];
        snprintf(line, sizeof line, "PUBLISH %u.c%d %p", w->number, i % CHANNELS,
                 (const void *)pubs[i]);
        size_t at = server->journal.count;
        for (size_t next = journal_find(&server->journal, 0, line); next < server->journal.count;
             next = journal_find(&server->journal, next + 1, line))
            at = next;
        if (pubs[i]->status != 0) continue;
        assert_true(at < server->journal.count);
        if (at < last[i % CHANNELS]) check_fail("request %d was overtaken on its channel", i);
        last[i % CHANNELS] = at;
    }
}

static void play(world_t *w, uint64_t seed)
{
    scripted_t *server = w->data;
    client_t *c = ready(w, QUICK "&timeout_ms=15000");
    uint64_t state = seed;
    pub_t *pubs[PUBS];
    for (int i = 0; i < PUBS; i++) {
        char channel[8], payload[24];
        if (roll(&state) % 3 == 0) scripted_once(server, "PUBLISH", some_reply(roll(&state)));
        snprintf(channel, sizeof channel, "c%d", i % CHANNELS);
        pubs[i] = client_request(c);
        snprintf(payload, sizeof payload, "%p", (const void *)pubs[i]);
        pub_again(pubs[i], channel, payload);
        if (roll(&state) % 8 == 0) loop_turns(&w->loop, 1);
    }
    for (int i = 0; i < PUBS; i++) {
        pub_await_any(pubs[i]);
        assert_int_equal(pubs[i]->calls, 1);
        if (pubs[i]->status < 0 && pubs[i]->status != CAIRN_EMAYBE &&
            !cairn_err_retryable(pubs[i]->status))
            check_fail("seed %llu: %s", (unsigned long long)seed, cairn_err_name(pubs[i]->status));
    }
    assert_channels_in_order(w, pubs, PUBS);
    client_close(c);
    client_await_closed(c);
}

static void refusals_at_random_lose_and_reorder_nothing(world_t *w)
{
    scripted_of(w);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) play(w, seed);
}

static const scenario_t scenarios[] = {
    SCENARIO(what_was_refused_is_sent_again),
    SCENARIO(all_that_was_refused_keeps_its_order_and_one_is_tried_first),
    SCENARIO(much_behind_the_answer_to_who_is_tried_first_changes_nothing),
    SCENARIO(what_was_overtaken_is_told_so),
    SCENARIO(an_error_of_its_own_overtakes_nothing),
    SCENARIO(who_wants_no_retry_is_told_at_once),
    SCENARIO(a_deadline_ends_the_tries),
    SCENARIO(a_handle_closes_while_it_waits),
    SCENARIO(a_demoted_master_is_left_and_nothing_lost),
    SCENARIO(an_answer_of_a_read_only_server_is_told_and_the_link_left),
    SCENARIO(a_link_that_forgot_who_we_are_is_left),
    SCENARIO(what_was_refused_outlives_the_link_and_what_was_not_answered_may_have_been_done),
    SCENARIO(silence_behind_a_refusal_ends_the_link),
    SCENARIO(a_subscription_that_was_refused_is_tried_again),
    SCENARIO(a_discarded_transaction_is_sent_again_as_a_whole),
    SCENARIO(a_transaction_behind_a_refusal_overtakes_it_or_joins_it),
    SCENARIO(a_transaction_done_in_part_is_not_sent_again),
    SCENARIO(what_is_held_counts_and_credit_comes_when_it_is_gone),
    SCENARIO(credit_comes_though_there_is_no_connection_any_more),
    SCENARIO(refusals_at_random_lose_and_reorder_nothing),
};

int main(void)
{
    return SCENARIOS_RUN("redis: refusals", scenarios, NULL);
}
