/* Several connections for the requests of one handle: how many there are, that requests that name
 * the same keep their order, and what becomes of it all when connections go. */
#include "../core/random.h"
#include "redis.h"
#include "scripted.h"
#include "store_client.h"
#include "stream_client.h"

#include <stdlib.h>

#define EAGER "spread_after=1"

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* ---- how many there are ---- */

static size_t connections(void)
{
    size_t count = 0;
    const char *at = redis_ask(&redis, "CLIENT LIST");
    while ((at = strstr(at, " name=pool "))) {
        count++;
        at++;
    }
    return count;
}

enum {
    WIDE = 12 /* requests that are in flight together, each of a name of its own */
};

static void publish_widely(client_t *c)
{
    pub_t *pubs[WIDE];
    char topic[24];
    for (int i = 0; i < WIDE; i++) {
        snprintf(topic, sizeof topic, "topic %d", i);
        pubs[i] = client_publish(c, topic, "x");
    }
    for (int i = 0; i < WIDE; i++) pub_await(pubs[i], 0);
}

typedef struct crowd {
    client_t *client;
    size_t expected;
} crowd_t;

static bool has_come(void *ctx)
{
    const crowd_t *crowd = ctx;
    if (connections() == crowd->expected) return true;
    loop_turns(&crowd->client->world->loop, 20);
    return false;
}

static void await_connections(client_t *c, size_t expected)
{
    crowd_t crowd = {c, expected};
    loop_run_until(&c->world->loop, "so many connections", has_come, &crowd);
}

static void fill(client_t *c, size_t expected)
{
    const uint64_t since = uv_hrtime();
    while (connections() < expected) {
        publish_widely(c);
        if (uv_hrtime() - since > LOOP_DEADLINE_MS * UINT64_C(1000000))
            check_fail("%zu connections, expected %zu", connections(), expected);
    }
}

static void one_less_than_allowed_take_commands_and_one_subscriptions(world_t *w)
{
    client_t *c = world_open(w, "client_name=pool&max_connections=4&" EAGER);
    client_await(c, "connected");
    assert_int_equal(connections(), 1);
    fill(c, 3);
    for (int i = 0; i < 20; i++) publish_widely(c);
    assert_int_equal(connections(), 3);
    probe_t *probe = client_subscribed(c, "news", NULL);
    assert_int_equal(connections(), 4);
    pub_await(client_publish(c, "news", "hello"), 0);
    probe_await_messages(probe, 1);
    for (int i = 0; i < 20; i++) publish_widely(c);
    assert_int_equal(connections(), 4);
    assert_int_equal(c->journal.count, 1); /* connected, once */
}

static void by_default_there_is_one(world_t *w)
{
    client_t *c = world_open(w, "client_name=pool&" EAGER);
    client_subscribed(c, "news", NULL);
    for (int i = 0; i < 20; i++) publish_widely(c);
    assert_int_equal(connections(), 1);
}

static void few_requests_need_no_more_than_one(world_t *w)
{
    client_t *c = world_open(w, "client_name=pool&max_connections=8&spread_after=100");
    for (int i = 0; i < 20; i++) publish_widely(c);
    assert_int_equal(connections(), 1);
}

static void idle_ones_are_closed_and_opened_again(world_t *w)
{
    client_t *c = world_open(w, "client_name=pool&max_connections=4&idle_ms=40&" EAGER);
    uint64_t answered = 0;
    for (int round = 0; round < 3; round++) {
        cairn_node_t server;
        fill(c, 3);
        await_connections(c, 1);
        assert_int_equal(cairn_nodes(&c->cairn, &server, 1), 1);
        assert_true(server.answered >= answered + 3); /* those that were closed have counted */
        answered = server.answered;
    }
    assert_true(answered >= client_stats(c).completed);
    pub_await(client_publish(c, "news", "x"), 0);
    assert_int_equal(c->journal.count, 1);
}

/* ---- order ---- */

enum {
    SPACES = 5,
    CALLS = 24,
    STEPS = 3000,
    PADDING = 40000
};

/* Puts of increasing numbers: every other request sees the last that was put before it was
 * asked for. */
typedef struct order {
    uint64_t random;
    int steps;
    unsigned put[SPACES]; /* the last number; 0: none */
    unsigned seen[SPACES];
    bool guesses; /* a put may take two steps, and a get in between sees what was before */
    char *value;
} order_t;

typedef struct step {
    order_t *order;
    int space;
    bool reads, searches;
    unsigned number; /* of the put; the last when a read was submitted */
} step_t;

static void check(const call_t *call)
{
    const step_t *step = call->data;
    order_t *order = step->order;
    const char *at = strstr(text_chars(&call->text), "\"n\":");
    const unsigned found = at ? (unsigned)strtoul(at + 4, NULL, 10) : 0;
    if (call->status != 0) world_trouble(call->items->world, "status %d", call->status);
    if (!step->reads) return;
    const unsigned least = step->number;
    const unsigned most = order->put[step->space]; /* a search takes two steps */
    const unsigned seen = step->searches ? 0 : order->seen[step->space];
    if (found < least || found > most || found < seen)
        world_trouble(call->items->world, "s%d: found %u, expected %u to %u, seen %u", step->space,
                      found, least, most, order->seen[step->space]);
    if (!step->searches) order->seen[step->space] = found;
}

static const char *next_value(order_t *order, unsigned number)
{
    const bool large = random_below(&order->random, 8) == 0;
    const size_t padding = large ? (size_t)random_below(&order->random, PADDING) : 0;
    const int size = sprintf(order->value, "{\"n\":%u,\"p\":\"", number);
    memset(order->value + size, 'x', padding);
    memcpy(order->value + (size_t)size + padding, "\"}", 3);
    return order->value;
}

static int submit(call_t *call, step_t *step, const char *name)
{
    order_t *order = step->order;
    const uint64_t kind = random_below(&order->random, 10);
    const cairn_store_query_t query = {.prefix = ns(name)};
    step->reads = kind >= 4;
    step->searches = kind >= 7;
    text_clear(&call->text);
    if (step->searches) return call_search(call, &query);
    if (step->reads) return call_get(call, ns(name), cairn_str("k"), CAIRN_REFRESH_NO);
    step->number = ++order->put[step->space];
    const item_words_t words = {.ns = name, .key = "k", .value = next_value(order, step->number)};
    return call_put(call, &words);
}

static void take_step(call_t *call)
{
    step_t *step = call->data;
    order_t *order = step->order;
    if (call->calls > 0) check(call);
    if (order->steps == 0) return;
    order->steps--;
    char name[16];
    step->space = (int)random_below(&order->random, SPACES);
    snprintf(name, sizeof name, "s%d", step->space);
    step->number = order->put[step->space];
    int rc = submit(call, step, name);
    if (rc < 0) world_trouble(call->items->world, "a submit was refused: %d", rc);
}

static void run_order(world_t *w, const char *query, bool guesses)
{
    static step_t steps[CALLS];
    client_t *c = world_open(w, query);
    items_t *s = items_on(c);
    order_t order = {
        .random = 1, .steps = STEPS, .guesses = guesses, .value = malloc(PADDING + 64)};
    call_t *calls[CALLS];
    for (int i = 0; i < CALLS; i++) {
        steps[i] = (step_t){.order = &order};
        calls[i] = items_call(s);
        calls[i]->data = &steps[i];
        calls[i]->react = take_step;
        take_step(calls[i]);
    }
    for (int i = 0; i < CALLS; i++) call_await_any(calls[i]);
    free(order.value);
    assert_int_equal(order.steps, 0);
}

static void requests_on_one_namespace_keep_their_order(world_t *w)
{
    clear();
    run_order(w, "max_connections=7&clock_ms=0&" EAGER, false);
}

static void they_do_while_connections_come_and_go(world_t *w)
{
    clear();
    run_order(w, "max_connections=7&clock_ms=0&idle_ms=1&" EAGER, false);
}

static void puts_without_a_script_keep_it_as_well(world_t *w)
{
    clear();
    run_order(w, "max_connections=7&" EAGER, true);
}

/* Appends: in the order they were asked for, whatever goes on beside. */
static void appends_to_one_stream_keep_their_order(world_t *w)
{
    enum {
        STREAMS = 5,
        APPENDS = 400,
        ROUND = 40
    };
    clear();
    streams_client_t *s = streams_on(world_open(w, "max_connections=7&" EAGER));
    unsigned next[STREAMS] = {0};
    uint64_t random = 7;
    streams_ask_t *asks[ROUND];
    char stream[24], word[24];
    for (int i = 0; i < APPENDS * STREAMS / ROUND; i++) {
        for (int k = 0; k < ROUND; k++) {
            const unsigned which = (unsigned)random_below(&random, STREAMS);
            snprintf(stream, sizeof stream, "run %u", which);
            snprintf(word, sizeof word, "w%u", next[which]++);
            asks[k] = streams_ask(s);
            assert_status(ask_append(asks[k], stream, word, NULL), 0);
            if (k % 7 == 0) loop_turns(&w->loop, 1);
        }
        for (int k = 0; k < ROUND; k++) streams_ask_await(asks[k], 0);
    }
    for (unsigned which = 0; which < STREAMS; which++) {
        snprintf(stream, sizeof stream, "run %u", which);
        const char *at = streams_text(s, stream);
        for (unsigned n = 0; n < next[which]; n++) {
            const int size = snprintf(word, sizeof word, n > 0 ? " w%u" : "w%u", n);
            if (strncmp(at, word, (size_t)size) != 0)
                check_fail("%s: %.40s, not%s", stream, at, word);
            at += size;
        }
        assert_string_equal(at, "");
    }
}

static void messages_on_one_topic_keep_their_order(world_t *w)
{
    enum {
        MESSAGES = 200
    };
    client_t *c = world_open(w, "max_connections=7&" EAGER);
    probe_t *one = client_subscribed(c, "one", NULL);
    probe_t *other = client_subscribed(c, "other", NULL);
    char text[24], expected[32];
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(text, sizeof text, "%d", i);
        client_publish(c, "one", text);
        client_publish(c, "other", text);
        if (i % 9 == 0) publish_widely(c);
    }
    probe_await_messages(one, MESSAGES);
    probe_await_messages(other, MESSAGES);
    for (int i = 0; i < MESSAGES; i++) {
        snprintf(expected, sizeof expected, "message %d", i);
        assert_string_equal(one->journal.lines[1 + i], expected);
        assert_string_equal(other->journal.lines[1 + i], expected);
    }
}

/* ---- large replies ---- */

typedef struct race {
    int place;
} race_t;

static void note_place(call_t *call)
{
    race_t *race = call->data;
    call->countdown = ++race->place;
}

/* They are submitted behind a large one that is not answered yet, and answered before it. */
static void a_large_reply_does_not_delay_those_of_other_names(world_t *w)
{
    enum {
        LARGE = 16 << 20,
        SMALL = 8
    };
    clear();
    client_t *c = world_open(w, "client_name=pool&max_connections=4&timeout_ms=60000&"
                                "" EAGER);
    items_t *s = items_on(c);
    char *value = malloc(LARGE + 1);
    memset(value, '1', LARGE);
    value[LARGE] = '\0';
    items_put(s, "large", "k", value);
    free(value);
    items_put(s, "small", "k", "1");
    fill(c, 3);
    race_t race = {0};
    call_t *large = items_call(s), *small[SMALL];
    large->data = &race;
    large->react = note_place;
    assert_status(call_get(large, ns("large"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    for (int i = 0; i < SMALL; i++) {
        small[i] = items_call(s);
        small[i]->data = &race;
        small[i]->react = note_place;
        assert_status(call_get(small[i], ns("small"), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    }
    call_await(large, 0);
    for (int i = 0; i < SMALL; i++) {
        call_await(small[i], 0);
        assert_int_equal(small[i]->countdown, 1 + i);
    }
    assert_int_equal(large->countdown, 1 + SMALL);
}

/* ---- connections that go ---- */

#define QUICK "reconnect_min_ms=1&reconnect_max_ms=10&timeout_ms=15000&"

typedef struct traffic {
    bool over;
    uint64_t ended[3]; /* 0, CAIRN_EMAYBE, any other */
} traffic_t;

static void go_on(pub_t *pub)
{
    traffic_t *traffic = pub->data;
    char topic[24];
    traffic->ended[pub->status == 0 ? 0 : pub->status == CAIRN_EMAYBE ? 1 : 2]++;
    snprintf(topic, sizeof topic, "topic %d", pub->countdown++ % 50);
    if (!traffic->over) pub_again(pub, topic, "x");
}

static void start_traffic(client_t *c, traffic_t *traffic, pub_t *pubs[WIDE])
{
    for (int i = 0; i < WIDE; i++) {
        pubs[i] = client_request(c);
        pubs[i]->data = traffic;
        pubs[i]->react = go_on;
        pubs[i]->countdown = 4 * i;
        pub_again(pubs[i], "first", "x");
    }
}

static void stop_traffic(traffic_t *traffic, pub_t *pubs[WIDE])
{
    traffic->over = true;
    for (int i = 0; i < WIDE; i++) pub_await_any(pubs[i]);
    assert_int_equal(traffic->ended[2], 0);
}

typedef struct flow {
    const traffic_t *traffic;
    uint64_t answered;
} flow_t;

static bool has_flowed(void *ctx)
{
    const flow_t *flow = ctx;
    return flow->traffic->ended[0] >= flow->answered;
}

static void await_answers(client_t *c, const traffic_t *traffic, uint64_t more)
{
    flow_t flow = {traffic, traffic->ended[0] + more};
    loop_run_until(&c->world->loop, "answers", has_flowed, &flow);
}

static void an_outage_is_one_for_all(world_t *w)
{
    enum {
        OUTAGES = 5
    };
    client_t *c = world_open(w, "client_name=pool&max_connections=8&" QUICK EAGER);
    probe_t *probe = client_subscribed(c, "news", NULL);
    traffic_t traffic = {0};
    pub_t *pubs[WIDE];
    start_traffic(c, &traffic, pubs);
    for (size_t outage = 1; outage <= OUTAGES; outage++) {
        await_connections(c, 8);
        await_answers(c, &traffic, 200);
        server_kill(&redis.server);
        client_await_count(c, "disconnected", outage);
        redis_restart(&redis);
        client_await_count(c, "connected", outage + 1);
        probe_await_count(probe, "resubscribed", outage);
        await_answers(c, &traffic, 200);
    }
    stop_traffic(&traffic, pubs);
    assert_true(traffic.ended[1] <= OUTAGES * WIDE * 7); /* once over each connection */
    assert_int_equal(journal_count(&c->journal, "connected"), OUTAGES + 1);
}

/* The identity of the first, or of the second, that has the name. */
static void kill_one(size_t which)
{
    char command[64];
    const char *line = redis_ask(&redis, "CLIENT LIST");
    for (const char *name = line; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        name = strstr(line, " name=pool ");
        assert_non_null(name);
        const char *end = strchr(line, '\n');
        if (name > end || which-- > 0) continue;
        snprintf(command, sizeof command, "CLIENT KILL ID %lu", strtoul(line + 3, NULL, 10));
        redis_ask(&redis, command);
        return;
    }
    check_fail("there are not so many connections");
}

static void one_that_goes_is_no_outage(world_t *w)
{
    client_t *c = world_open(w, "client_name=pool&max_connections=5&" QUICK EAGER);
    traffic_t traffic = {0};
    pub_t *pubs[WIDE];
    client_await(c, "connected");
    start_traffic(c, &traffic, pubs);
    for (size_t i = 0; i < 12; i++) {
        await_connections(c, 4);
        kill_one(i % 4);
        await_answers(c, &traffic, 200);
    }
    stop_traffic(&traffic, pubs);
    assert_int_equal(c->journal.count, 1); /* connected, once */
    assert_true(traffic.ended[1] <= 12 * WIDE);
}

/* ---- a server that is known dead is not asked by all ---- */

static void only_one_tries_to_connect(world_t *w)
{
    enum {
        FAILURES = 12,
        MOST = 6
    };
    scripted_t *server = scripted_of(w);
    client_t *c = world_open(w, "max_connections=7&" QUICK EAGER);
    client_await(c, "connected");
    client_subscribed(c, "news", NULL);
    const uint64_t since = uv_hrtime();
    while (server->accepted < MOST + 1 && uv_hrtime() - since < UINT64_C(10000000000))
        publish_widely(c);
    assert_int_equal(server->accepted, MOST + 1);
    for (int i = 0; i < FAILURES; i++) scripted_once(server, "HELLO", SCRIPTED_HANGUP);
    const size_t from = server->journal.count;
    scripted_hangup(server);
    scripted_await_count(server, "accept", MOST + 1 + FAILURES + 1);
    size_t attempts = 0;
    bool busy = false;
    for (size_t i = from; i < server->journal.count && attempts <= FAILURES; i++) {
        const char *line = server->journal.lines[i];
        if (strncmp(line, "HELLO", 5) == 0) attempts++;
        if (strcmp(line, "accept") == 0) {
            assert_false(busy);
            busy = true;
        }
        if (strcmp(line, "close") == 0) busy = false;
    }
    client_await_count(c, "connected", 2);
    publish_widely(c);
    scripted_await_count(server, "accept", 2 * (MOST + 1) + FAILURES);
}

/* ---- */

static const scenario_t scenarios[] = {
    SCENARIO(one_less_than_allowed_take_commands_and_one_subscriptions),
    SCENARIO(few_requests_need_no_more_than_one),
    SCENARIO(idle_ones_are_closed_and_opened_again),
    SCENARIO(requests_on_one_namespace_keep_their_order),
    SCENARIO(they_do_while_connections_come_and_go),
    SCENARIO(puts_without_a_script_keep_it_as_well),
    SCENARIO(appends_to_one_stream_keep_their_order),
    SCENARIO(messages_on_one_topic_keep_their_order),
    SCENARIO(a_large_reply_does_not_delay_those_of_other_names),
    SCENARIO(an_outage_is_one_for_all),
    SCENARIO(one_that_goes_is_no_outage),
};

static const scenario_t of_one[] = {
    SCENARIO(by_default_there_is_one),
};

static const scenario_t scripted[] = {
    SCENARIO(only_one_tries_to_connect),
};

int main(void)
{
    redis_start(&redis, NULL);
    int failures = SCENARIOS_RUN("redis: a pool", scenarios, redis_url(&redis, NULL, NULL));
    failures += SCENARIOS_RUN("redis: no pool", of_one, redis_url(&redis, NULL, NULL));
    failures += SCENARIOS_RUN("redis: a pool over RESP2", scenarios,
                              redis_url(&redis, NULL, "?protocol=2"));
    failures += SCENARIOS_RUN("redis: a pool and a server that is gone", scripted, NULL);
    redis_stop(&redis);
    return failures;
}
