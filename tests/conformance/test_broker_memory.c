/* The memory backend: the reference. It lacks nothing of the suite. */
#include "alloc_fault.h"
#include "broker_random.h"
#include "broker_suite.h"

static void receivers_are_subscriptions(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_subscribed(c, "news", NULL);
    client_subscribed(c, "news", NULL);
    probe_t *pattern = client_psubscribe(c, "n*", NULL);
    probe_await(pattern, "subscribed");
    pub_t *pub = client_publish(c, "news", "hello");
    pub_await(pub, 0);
    assert_int_equal(pub->receivers, 3);
}

static void the_server_is_the_memory_backend_itself(world_t *w)
{
    client_t *c = world_open(w, NULL);
    client_await(c, "connected");
    assert_string_equal(cairn_server(&c->cairn), "memory " CAIRN_VERSION_STRING);
}

static void memory_is_neither_shared_nor_persistent(world_t *w)
{
    client_t *c = world_open(w, NULL);
    uint64_t other = CAIRN_CAP_SHARED | CAIRN_CAP_PERSISTENT;
    assert_int_equal(cairn_capabilities(&c->cairn) & other, 0);
}

static void a_message_costs_no_allocation_once_running(world_t *w)
{
    client_t *c = world_open(w, NULL);
    probe_t *probe = client_subscribed(c, "news", NULL);
    probe->quiet = true;
    pub_t *pubs[64];
    for (int i = 0; i < 64; i++) pubs[i] = client_request(c);
    size_t warm = 0;
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 64; i++)
            assert_status(pub_try(pubs[i], probe->name, cairn_str("hello")), 0);
        for (int i = 0; i < 64; i++) pub_await(pubs[i], 0);
        if (round == 1) warm = alloc_total();
    }
    probe_await_messages(probe, 20 * 64);
    assert_int_equal(alloc_total(), warm);
}

static void random_use_breaks_no_law(world_t *w)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        broker_random_t random = {.client = world_open(w, NULL), .state = seed};
        broker_random_run(&random, 2000);
        if (w->trouble[0]) check_fail("seed %llu: %s", (unsigned long long)seed, w->trouble);
    }
}

static const scenario_t own_scenarios[] = {
    SCENARIO(receivers_are_subscriptions),
    SCENARIO(the_server_is_the_memory_backend_itself),
    SCENARIO(memory_is_neither_shared_nor_persistent),
    SCENARIO(a_message_costs_no_allocation_once_running),
    SCENARIO(random_use_breaks_no_law),
};

/* [factory] */
int main(void)
{
    static const broker_factory_t memory = {.name = "memory", .url = "memory:"};
    int failures = broker_suite_run(&memory);
    return failures + SCENARIOS_RUN("memory only", own_scenarios, "memory:");
}
/* [factory] end */
