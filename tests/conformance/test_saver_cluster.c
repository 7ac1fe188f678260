/* The Redis backend's saver over a real cluster, plain and over TLS. */
#include "cluster_suite.h"
#include "saver_suite.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
    MASTERS = 3,
    PATIENCE_S = 2
};

static cluster_t cluster;

static void clear(void)
{
    for (int node = 0; node < MASTERS; node++) (void)cluster_ask(&cluster, node, "FLUSHALL");
}

static size_t keys_left(char *one, size_t size)
{
    size_t count = 0;
    for (int node = 0; node < MASTERS; node++) {
        redisReply *reply = cluster_command(&cluster, node, "KEYS *");
        count += reply->elements;
        if (reply->elements > 0) snprintf(one, size, "%s", reply->element[0]->str);
        freeReplyObject(reply);
    }
    return count;
}

/* Soon if not now: what expires goes when it goes. */
static void assert_empty(void)
{
    char key[256];
    const uint64_t deadline = uv_hrtime() + PATIENCE_S * UINT64_C(1000000000);
    size_t left;
    do {
        left = keys_left(key, sizeof key);
    } while (left > 0 && uv_hrtime() < deadline);
    if (left > 0) check_fail("%zu keys are left, as %s", left, key);
}

static void a_copy_may_stay_in_the_slot_or_go_to_another(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    cluster_tag_t tag;
    cluster_tag(tag, cluster_slot("t"));
    saver_put(s, "c1", "a@1=x", .run_id = "r");
    saver_write(s, "c1", "t1", "a=1");
    const char *const targets[] = {tag, "elsewhere"};
    for (int i = 0; i < 2; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "%s//c1 a@1=x [t1.0 a=1]", targets[i]);
        assert_int_equal(saver_copy(s, "t", targets[i]), 1);
        assert_get(s, thread(targets[i]), expected);
    }
    assert_int_equal(cluster_slot(tag), cluster_slot("t"));
    assert_int_not_equal(cluster_slot("elsewhere"), cluster_slot("t"));
    assert_int_equal(saver_delete_run(s, "r"), 3);
    assert_int_equal(saver_delete_thread(s, "t"), 0);
    saver_assert_empty(s);
}

/* More than a call copies, and of more bytes; both threads are changed afterwards. */
static void a_copy_to_another_slot_takes_as_many_calls_as_it_needs(world_t *w)
{
    enum {
        MANY = 150,
        BYTES = 100000
    };
    static char large[BYTES + 16];
    memcpy(large, "a@1=", 4);
    memset(large + 4, 'x', BYTES);
    saver_client_t *s = saver_open(w, NULL);
    saver_put_many(s, MANY, "a@1=x b@2=y");
    for (int i = 0; i < 5; i++) {
        char id[16];
        snprintf(id, sizeof id, "d%d", i);
        large[2] = (char)('1' + i);
        saver_put(s, id, large);
    }
    assert_int_equal(saver_copy(s, "t", "elsewhere"), MANY + 5);
    assert_int_equal(saver_delete_thread(s, "t"), MANY + 5);
    assert_get(s, ref("elsewhere", NULL, "c00007"), "elsewhere//c00007 a@1=x b@2=y");
    char *expected = malloc(BYTES + 64);
    snprintf(expected, BYTES + 64, "elsewhere//d4 %s", large);
    assert_get(s, thread("elsewhere"), expected);
    free(expected);
    assert_int_equal(saver_delete_thread(s, "elsewhere"), MANY + 5);
    saver_assert_empty(s);
}

/* Every key is where the hash tag says: the node that has it would not have taken it otherwise.
 * What the list of all and that of the run say is in the thread's slot. */
static void all_keys_of_a_thread_are_in_its_slot(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .run_id = "r", .ttl = cairn_ttl_ms(60000));
    saver_write(s, "c1", "t1", "a=1");
    const unsigned slot = cluster_slot("t");
    size_t all = 0;
    for (int node = 0; node < MASTERS; node++)
        all += (size_t)strtoull(cluster_ask(&cluster, node, "DBSIZE"), NULL, 10);
    char command[64];
    snprintf(command, sizeof command, "CLUSTER COUNTKEYSINSLOT %u", slot);
    const int owner = cluster_owner(&cluster, slot);
    assert_true(all >= 8);
    assert_int_equal(strtoull(cluster_ask(&cluster, owner, command), NULL, 10), all);
}

/* The handle's map is old when it asks. */
static void what_moves_is_listed_and_dropped(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x", .run_id = "r");
    saver_put(s, "c2", "a@1=x", .thread = "u", .run_id = "r");
    const unsigned slot = cluster_slot("t");
    const int from = cluster_owner(&cluster, slot), to = (from + 1) % MASTERS;
    cluster_move(&cluster, slot, slot, to);
    assert_list(s, "u//c2 c1", .headers_only = true);
    cluster_move(&cluster, slot, slot, from);
    assert_int_equal(saver_delete_run(s, "r"), 2);
    saver_assert_empty(s);
}

static const scenario_t own_scenarios[] = {
    SCENARIO(a_copy_may_stay_in_the_slot_or_go_to_another),
    SCENARIO(a_copy_to_another_slot_takes_as_many_calls_as_it_needs),
    SCENARIO(all_keys_of_a_thread_are_in_its_slot),
    SCENARIO(what_moves_is_listed_and_dropped),
};

/* rediss+cluster:// for rediss:// */
static const char *tls_url(const char *url)
{
    static char out[1200];
    snprintf(out, sizeof out, "rediss+cluster%s", strchr(url, ':'));
    return out;
}

int main(int argc, char **argv)
{
    const cluster_options_t options = {.masters = MASTERS, .replicas = -1};
    cluster_suite_start(&cluster, &options, argc, argv);
    const saver_backend_t backend = {.clear = clear, .assert_empty = assert_empty};
    const char *pool = cluster_suite_url(&cluster, "max_connections=8&spread_after=1");
    saver_backend = backend;
    int failures =
        SCENARIOS_RUN(cluster_suite_name(&cluster, "saver: cluster, pool"), own_scenarios, pool);
    if (cluster.options.tls_cert)
        failures += SCENARIOS_RUN("saver: cluster by its scheme, TLS", own_scenarios,
                                  tls_url(cluster_url(&cluster, NULL)));
    else
        failures += SCENARIOS_RUN("saver: cluster RESP2", own_scenarios,
                                  cluster_suite_url(&cluster, "protocol=2"));
    const saver_factory_t factory = {cluster_suite_name(&cluster, "saver: cluster"),
                                     cluster_suite_url(&cluster, NULL), backend, NULL};
    failures += saver_suite_run(&factory);
    cluster_suite_stop(&cluster);
    return failures;
}
