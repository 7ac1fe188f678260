/* Replicas that are read from and go, hang, come back, or are far away. What was asked of one ends
 * well all the same. */
#include "redis_bursts.h"

/* ---- prefer_replica: they go ---- */

static void killed_while_reads_are_under_way(world_t *w, const char *query)
{
    replicas_clear(&cluster);
    put_all(open_items(w, NULL));
    items_t *items = open_reader(w, query);
    const int replica = a_replica();
    burst_t burst;
    ask_all(items, &burst);
    loop_turns(&w->loop, 1);
    cluster_kill(&cluster, replica);
    await_all(&burst);
    read_all(items);
    cluster_restart(&cluster, replica);
    cluster_await_whole(&cluster);
    await_reads_at_replicas(w, items);
}

static void one_that_is_killed_is_gone_around_and_comes_back(world_t *w)
{
    killed_while_reads_are_under_way(w, "read_from=prefer_replica");
}

static void so_it_is_with_several_connections(world_t *w)
{
    killed_while_reads_are_under_way(
        w, "read_from=prefer_replica&max_connections=4&spread_after=1&protocol=2");
}

/* Its link stays as it is: only that nothing comes. */
static void one_that_hangs_is_gone_around_and_comes_back(world_t *w)
{
    enum {
        PATIENCE_MS = 8000
    };
    replicas_clear(&cluster);
    put_all(open_items(w, NULL));
    items_t *items = open_reader(w, "read_from=prefer_replica");
    const int replica = a_replica();
    cluster_pause(&cluster, replica);
    const uint64_t since_ms = uv_hrtime() / 1000000;
    read_all(items);
    for (int i = 0; i < 20; i++) read_all(items); /* nobody asks it now */
    assert_in_range(uv_hrtime() / 1000000 - since_ms, 0, PATIENCE_MS);
    cluster_resume(&cluster, replica);
    cluster_await_whole(&cluster);
    await_reads_at_replicas(w, items);
}

/* ---- replica: only ---- */

static void the_first_reads_wait_for_a_replica(world_t *w)
{
    replicas_clear(&cluster);
    put_all(open_items(w, NULL));
    replicas_forget_reads(&cluster);
    items_t *items = items_on(world_open(w, "read_from=replica"));
    read_all(items);
    assert_int_equal(reads_at_masters(), 0);
}

static void without_one_reads_end_with_words(world_t *w)
{
    replicas_clear(&cluster);
    put_all(open_items(w, NULL));
    items_t *items = open_reader(w, "read_from=replica");
    const int replica = a_replica();
    cluster_tag_t tag;
    cluster_tag(tag, 100);
    items_put(items, tag, "k", "1");
    cluster_kill(&cluster, replica);
    call_t *call = items_call(items);
    call->timeout_ms = 60000;
    assert_status(call_get(call, ns(tag), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    call_await(call, CAIRN_ECLUSTER);
    assert_contains(call->detail, "read_from=replica");
    assert_true(cairn_err_retryable(call->status));
    /* What was asked for when it comes back is answered; and what is given up is. */
    call_t *given_up = items_call(items), *late = items_call(items);
    assert_status(call_get(given_up, ns(tag), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    assert_status(cairn_cancel(&given_up->of.req), 0);
    call_await(given_up, UV_ECANCELED);
    cluster_restart(&cluster, replica);
    late->timeout_ms = 60000;
    assert_status(call_get(late, ns(tag), cairn_str("k"), CAIRN_REFRESH_NO), 0);
    call_await_any(late);
    cluster_await_whole(&cluster);
    await_reads_at_replicas(w, items);
}

/* ---- nearest ---- */

/* Reads until the node is among those that are read from, while another is slow. */
static bool comes_to_be_read_from(world_t *w, items_t *items, const char *path, int node,
                                  unsigned most_ms)
{
    for (unsigned ms = 0; ms < most_ms; ms += 100) {
        call_t *call = items_call(items);
        call->timeout_ms = 60000;
        assert_status(call_get(call, ns(path), cairn_str("k"), CAIRN_REFRESH_NO), 0);
        loop_run_for(&w->loop, 100);
        if (replicas_reads_at(&cluster, node) > 0) return true;
    }
    return false;
}

static void whoever_answers_sooner_is_read_from(world_t *w)
{
    replicas_clear(&cluster);
    items_t *items = open_reader(w, "read_from=nearest");
    cluster_tag_t tag;
    cluster_tag(tag, 100);
    items_put(items, tag, "k", "1");
    cluster_await_whole(&cluster);
    const int master = cluster_owner(&cluster, 100), replica = a_replica();
    replicas_forget_reads(&cluster);
    cluster_ask(&cluster, master, "CLIENT PAUSE 4000 ALL");
    assert_true(comes_to_be_read_from(w, items, tag, replica, 3500));
    loop_run_for(&w->loop, 4500); /* all that was sent to the master is answered */
    replicas_forget_reads(&cluster);
    cluster_ask(&cluster, replica, "CLIENT PAUSE 4000 ALL");
    assert_true(comes_to_be_read_from(w, items, tag, master, 3500));
    loop_run_for(&w->loop, 4500);
}

static const scenario_t scenarios[] = {
    SCENARIO(one_that_is_killed_is_gone_around_and_comes_back),
    SCENARIO(so_it_is_with_several_connections),
    SCENARIO(one_that_hangs_is_gone_around_and_comes_back),
    SCENARIO(the_first_reads_wait_for_a_replica),
    SCENARIO(without_one_reads_end_with_words),
    SCENARIO(whoever_answers_sooner_is_read_from),
};

int main(void)
{
    char url[1024];
    cluster_start(&cluster, NULL);
    snprintf(url, sizeof url, "%s",
             cluster_url(&cluster, "cluster=yes&reconnect_min_ms=1&reconnect_max_ms=50"));
    const int failures = SCENARIOS_RUN("redis: replicas that are lost", scenarios, url);
    cluster_stop(&cluster);
    return failures;
}
