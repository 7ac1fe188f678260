/* What nodes of a cluster say: recorded ones of real servers (fuzz/corpus/redis_slots), and what no
 * honest server says. */
#include "redis_slots.h"

#include "alloc_fault.h"
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum {
    ROOM = 16384
};

static const redis_asked_t plain = {.host = {"asked", 5}, .port = 7000};
static const redis_asked_t over_tls = {.host = {"asked", 5}, .port = 7000, .tls = true};
static const redis_asked_t over_unix = {.port = 0};

static redis_slot_map_t map;

static int setup(void **state)
{
    (void)state;
    redis_slot_map_init(&map);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    redis_slot_map_free(&map);
    return 0;
}

/* ---- recorded ---- */

/* The first byte is the fuzzer's. */
static cairn_slice_t recorded(const char *name, char room[ROOM])
{
    char path[512];
    const char *folder = getenv("CAIRN_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/fuzz/corpus/redis_slots/%s", folder ? folder : ".", name);
    FILE *file = fopen(path, "rb");
    if (!file) check_fail("cannot read %s", path);
    const size_t len = fread(room, 1, ROOM, file);
    fclose(file);
    assert_in_range(len, 2, ROOM - 1);
    return cairn_slice(room + 1, len - 1);
}

static void read_recorded(const char *name, const redis_asked_t *asked)
{
    char room[ROOM];
    const cairn_slice_t bytes = recorded(name, room);
    redis_reply_t reply;
    redis_reply_init(&reply, bytes.ptr, bytes.len);
    const bool shards = strncmp(name, "shards", 6) == 0;
    assert_status(shards ? redis_slots_read_shards(&reply, asked, &map)
                         : redis_slots_read_slots(&reply, asked, &map),
                  0);
    assert_true(redis_reply_done(&reply));
}

/* "host:port" of who owns it. */
static const char *owner_of(unsigned slot)
{
    static redis_address_text_t text;
    const redis_node_t *node = redis_slot_map_owner(&map, slot);
    return node ? redis_address_text(text, &node->place) : "nobody";
}

static const redis_node_t *node_at(const char *host, uint16_t port)
{
    redis_address_t place;
    assert_true(redis_address_set(&place, cairn_str(host), port));
    const uint16_t node = redis_slot_map_find(&map, &place);
    if (node == REDIS_NO_NODE) check_fail("there is no %s:%u", host, (unsigned)port);
    return &map.nodes[node];
}

static const char *const calm[] = {
    "shards-calm-resp2-7.0",        "shards-calm-resp3-7.0",       "slots-calm-resp2-7.0",
    "slots-calm-resp3-7.0",         "shards-calm-resp2-8.0",       "slots-calm-resp3-8.0",
    "shards-calm-resp2-valkey-8.1", "slots-calm-resp3-valkey-8.1",
};

static void of_a_calm_cluster_all_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calm / sizeof *calm; i++) {
        read_recorded(calm[i], &plain);
        assert_int_equal(map.covered, REDIS_SLOTS);
        assert_int_equal(map.shards, 2);
        assert_string_equal(owner_of(0), "127.0.0.1:7001");
        assert_string_equal(owner_of(5), "127.0.0.1:7002");
        assert_string_equal(owner_of(6), "127.0.0.1:7001");
        assert_string_equal(owner_of(8191), "127.0.0.1:7001");
        assert_string_equal(owner_of(8192), "127.0.0.1:7002");
        assert_string_equal(owner_of(16383), "127.0.0.1:7002");
        assert_int_equal(strlen(redis_slot_map_owner(&map, 0)->id), 40);
    }
}

static void replicas_are_of_their_master_s_shard(void **state)
{
    (void)state;
    static const char *const names[] = {"shards-calm-resp3-7.0", "slots-calm-resp3-valkey-8.1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        read_recorded(names[i], &plain);
        assert_int_equal(map.count, 4);
        for (uint16_t port = 7001; port <= 7004; port++)
            assert_int_equal(node_at("127.0.0.1", port)->replica, port > 7002);
        assert_int_equal(node_at("127.0.0.1", 7001)->shard, node_at("127.0.0.1", 7003)->shard);
        assert_int_equal(node_at("127.0.0.1", 7002)->shard, node_at("127.0.0.1", 7004)->shard);
        assert_int_not_equal(node_at("127.0.0.1", 7001)->shard, node_at("127.0.0.1", 7002)->shard);
    }
}

/* 7.0 has the master that failed in a shard of its own, later ones in that of who took over. */
static void after_a_failover_the_living_master_owns(void **state)
{
    (void)state;
    static const char *const names[] = {
        "shards-dead-resp2-7.0", "shards-dead-resp3-7.0",        "shards-dead-resp3-8.0",
        "slots-dead-resp3-7.0",  "shards-dead-resp3-valkey-8.1",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        read_recorded(names[i], &plain);
        assert_int_equal(map.covered, REDIS_SLOTS);
        assert_string_equal(owner_of(0), "127.0.0.1:7001");
        assert_string_equal(owner_of(5461), "127.0.0.1:7005");
        assert_string_equal(owner_of(10921), "127.0.0.1:7005");
        assert_string_equal(owner_of(10922), "127.0.0.1:7003");
        if (strncmp(names[i], "shards", 6) != 0) continue;
        assert_int_equal(map.count, 6);
        assert_int_equal(node_at("127.0.0.1", 7002)->health, REDIS_FAILED);
        assert_int_equal(node_at("127.0.0.1", 7005)->health, REDIS_ONLINE);
        assert_int_equal(node_at("127.0.0.1", 7006)->health, REDIS_LOADING);
    }
}

static void a_name_is_preferred_where_it_is_known(void **state)
{
    (void)state;
    static const char *const names[] = {"shards-names-resp2-7.0", "shards-names-resp3-7.0",
                                        "slots-names-resp2-7.0", "slots-names-resp3-7.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        read_recorded(names[i], &plain);
        assert_string_equal(owner_of(0), "n0.example:7001");
        assert_string_equal(owner_of(16383), "127.0.0.1:7002");
    }
}

static void an_unknown_endpoint_is_the_host_that_was_asked(void **state)
{
    (void)state;
    static const char *const names[] = {"shards-unknown-resp2-7.0", "shards-unknown-resp3-7.0",
                                        "slots-unknown-resp2-7.0", "slots-unknown-resp3-7.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        read_recorded(names[i], &plain);
        assert_string_equal(owner_of(0), "asked:7001");
        assert_string_equal(owner_of(16383), "asked:7002");
        read_recorded(names[i], &over_unix);
        assert_int_equal(map.count, 0);
        assert_int_equal(map.covered, 0);
    }
}

static void addresses_may_be_ipv6(void **state)
{
    (void)state;
    static const char *const names[] = {"shards-v6-resp2-7.0", "shards-v6-resp3-7.0",
                                        "slots-v6-resp2-7.0", "slots-v6-resp3-7.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        read_recorded(names[i], &plain);
        assert_string_equal(owner_of(0), "[::1]:7001");
        assert_string_equal(owner_of(16383), "[::1]:7002");
    }
}

static void a_node_alone_covers_nothing(void **state)
{
    (void)state;
    read_recorded("shards-fresh-resp2-7.0", &plain);
    assert_int_equal(map.count, 1);
    assert_int_equal(node_at("asked", 7001)->health, REDIS_ONLINE);
    assert_int_equal(map.covered, 0);
    read_recorded("slots-fresh-resp3-7.0", &plain);
    assert_int_equal(map.count, 0);
    assert_int_equal(map.covered, 0);
}

/* ---- made up ---- */

static int read_shards(const char *bytes, const redis_asked_t *asked)
{
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, strlen(bytes));
    return redis_slots_read_shards(&reply, asked, &map);
}

static int read_slots(const char *bytes)
{
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, strlen(bytes));
    return redis_slots_read_slots(&reply, &plain, &map);
}

#define SHARD(slots, nodes) "*4\r\n+slots\r\n" slots "+nodes\r\n" nodes
#define NODE(id, host, port)                                                                       \
    "*8\r\n+id\r\n+" id "\r\n+endpoint\r\n+" host "\r\n+port\r\n:" port "\r\n+role\r\n+master\r\n"
#define SICK(id, host, port, health)                                                               \
    "*10\r\n+id\r\n+" id "\r\n+endpoint\r\n+" host "\r\n+port\r\n:" port                           \
    "\r\n+role\r\n+master\r\n+health\r\n+" health "\r\n"
#define ALL "*2\r\n:0\r\n:16383\r\n"

static void of_two_masters_the_healthier_owns(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {SICK("a", "a", "1", "failed") SICK("b", "b", "1", "loading"), "b:1"},
        {SICK("a", "a", "1", "loading") SICK("b", "b", "1", "online"), "b:1"},
        {SICK("a", "a", "1", "fail") SICK("b", "b", "1", "merry"), "b:1"},
        {SICK("a", "a", "1", "online") SICK("b", "b", "1", "online"), "a:1"},
        {SICK("a", "a", "1", "fail") SICK("b", "b", "1", "failed"), "a:1"},
        {SICK("a", "a", "1", "loading") SICK("b", "b", "1", "fail"), "a:1"},
    };
    char bytes[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(bytes, sizeof bytes, "*1\r\n" SHARD(ALL, "*2\r\n%s"), cases[i][0]);
        assert_status(read_shards(bytes, &plain), 0);
        assert_string_equal(owner_of(7), cases[i][1]);
        assert_int_equal(map.shards, 1);
    }
}

static void the_order_of_fields_is_free(void **state)
{
    (void)state;
    assert_status(read_shards("*1\r\n*6\r\n+id\r\n+shard\r\n+nodes\r\n*1\r\n" NODE("a", "a", "1") //
                              "+slots\r\n*4\r\n:3\r\n:4\r\n:8\r\n:8\r\n",
                              &plain),
                  0);
    assert_string_equal(owner_of(2), "nobody");
    assert_string_equal(owner_of(3), "a:1");
    assert_string_equal(owner_of(8), "a:1");
    assert_int_equal(map.covered, 3);
}

static void without_an_endpoint_there_is_name_or_ip(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"%4\r\n+role\r\n+primary\r\n+port\r\n:1\r\n+ip\r\n+1.2.3.4\r\n+hostname\r\n+n\r\n", "n:1"},
        {"%4\r\n+role\r\n+master\r\n+port\r\n:1\r\n+ip\r\n+1.2.3.4\r\n+hostname\r\n_\r\n",
         "1.2.3.4:1"},
        {"%4\r\n+role\r\n+master\r\n+port\r\n:1\r\n+ip\r\n_\r\n+hostname\r\n+\r\n", "asked:1"},
        {"%4\r\n+role\r\n+master\r\n+port\r\n:1\r\n+ip\r\n_\r\n+endpoint\r\n+?\r\n", "asked:1"},
        {"%4\r\n+role\r\n+master\r\n+port\r\n:1\r\n+ip\r\n+1.2.3.4\r\n+endpoint\r\n_\r\n",
         "asked:1"},
    };
    char bytes[1024];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(bytes, sizeof bytes, "*1\r\n" SHARD(ALL, "*1\r\n%s"), cases[i][0]);
        assert_status(read_shards(bytes, &plain), 0);
        assert_string_equal(owner_of(7), cases[i][1]);
    }
}

static void over_tls_it_is_another_port(void **state)
{
    (void)state;
    static const char bytes[] =
        "*2\r\n" SHARD("*2\r\n:0\r\n:9\r\n", "*1\r\n%4\r\n+endpoint\r\n+a\r\n+port\r\n:1\r\n"
                                             "+tls-port\r\n:2\r\n+role\r\n+master\r\n") //
        SHARD("*2\r\n:10\r\n:19\r\n", "*1\r\n" NODE("b", "b", "1"));
    assert_status(read_shards(bytes, &plain), 0);
    assert_string_equal(owner_of(0), "a:1");
    assert_string_equal(owner_of(10), "b:1");
    assert_status(read_shards(bytes, &over_tls), 0);
    assert_string_equal(owner_of(0), "a:2");
    assert_string_equal(owner_of(10), "nobody");
    assert_int_equal(map.count, 1);
    assert_int_equal(map.covered, 10);
}

static void old_servers_say_little(void **state)
{
    (void)state;
    assert_status(read_slots("*2\r\n*4\r\n:0\r\n:9\r\n*2\r\n+a\r\n:1\r\n*2\r\n+b\r\n:2\r\n"
                             "*3\r\n:10\r\n:19\r\n*6\r\n+a\r\n:1\r\n+x\r\n*0\r\n+new\r\n:7\r\n"),
                  0);
    assert_string_equal(owner_of(0), "a:1");
    assert_string_equal(owner_of(10), "a:1");
    assert_int_equal(map.covered, 20);
    assert_true(node_at("b", 2)->replica);
}

static void a_replica_that_is_given_slots_is_a_master(void **state)
{
    (void)state;
    assert_status(read_slots("*2\r\n*4\r\n:0\r\n:9\r\n*2\r\n+a\r\n:1\r\n*2\r\n+b\r\n:2\r\n"
                             "*4\r\n:10\r\n:19\r\n*2\r\n+b\r\n:2\r\n*2\r\n+a\r\n:1\r\n"),
                  0);
    assert_int_equal(map.count, 2);
    assert_string_equal(owner_of(10), "b:2");
    assert_false(node_at("b", 2)->replica);
    assert_false(node_at("a", 1)->replica);
}

static void a_shard_without_a_master_owns_nothing(void **state)
{
    (void)state;
    assert_status(
        read_shards("*1\r\n" SHARD(ALL, "*1\r\n%3\r\n+endpoint\r\n+a\r\n+port\r\n:1\r\n+role\r\n"
                                        "+replica\r\n"),
                    &plain),
        0);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.covered, 0);
}

static const char *const lies[] = {
    "",
    "-ERR unknown subcommand\r\n",
    "_\r\n",
    ":1\r\n",
    "*1\r\n",
    "*1\r\n:1\r\n",
    "*99999999\r\n",
    "*1\r\n*1\r\n+slots\r\n",
    "*1\r\n%1\r\n:1\r\n*0\r\n",
    "*1\r\n%1\r\n+nodes\r\n:1\r\n",
    "*1\r\n%1\r\n+slots\r\n:1\r\n",
    "*1\r\n" SHARD("*1\r\n:0\r\n", "*0\r\n"),
    "*1\r\n" SHARD("*2\r\n:0\r\n+1\r\n", "*0\r\n"),
    "*1\r\n" SHARD("*2\r\n:-1\r\n:1\r\n", "*0\r\n"),
    "*1\r\n" SHARD("*2\r\n:2\r\n:1\r\n", "*0\r\n"),
    "*1\r\n" SHARD("*2\r\n:0\r\n:16384\r\n", "*1\r\n" NODE("a", "a", "1")),
    "*1\r\n" SHARD("*2\r\n:0\r\n:9223372036854775807\r\n", "*1\r\n" NODE("a", "a", "1")),
    "*1\r\n" SHARD("*4\r\n:0\r\n:5\r\n:5\r\n:6\r\n", "*1\r\n" NODE("a", "a", "1")),
    "*1\r\n" SHARD("*4\r\n:0\r\n:5\r\n:5\r\n:6\r\n", "*0\r\n"),
    "*2\r\n" SHARD(ALL, "*1\r\n" NODE("a", "a", "1")) SHARD("*2\r\n:7\r\n:7\r\n", "*0\r\n"),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("a", "a", "65536")),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("a", "a", "-1")),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("a", "a b", "1")),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("a", "a\x7f", "1")),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("i d", "a", "1")),
    "*1\r\n" SHARD(ALL, "*1\r\n" NODE("12345678901234567890123456789012345678901", "a", "1")),
    "*1\r\n" SHARD(ALL, "*1\r\n*1\r\n+id\r\n"),
    "*1\r\n" SHARD(ALL, "*1\r\n%1\r\n+port\r\n+1\r\n"),
    "*1\r\n" SHARD(ALL, "*1\r\n%1\r\n+role\r\n:1\r\n"),
    "*1\r\n" SHARD(ALL, "*1\r\n%1\r\n+health\r\n_\r\n"),
};

static const char *const lies_of_slots[] = {
    "-ERR no\r\n",
    "*1\r\n*2\r\n:0\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n+a\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n:7\r\n",
    "*1\r\n*3\r\n+0\r\n:1\r\n*2\r\n+a\r\n:1\r\n",
    "*1\r\n*3\r\n:1\r\n:0\r\n*2\r\n+a\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n+a\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n:1\r\n:1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n+1\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*4\r\n+a\r\n:1\r\n+x\r\n*1\r\n+ip\r\n",
    "*1\r\n*3\r\n:0\r\n:1\r\n*3\r\n+a\r\n:1\r\n_\r\n",
    "*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:1\r\n*3\r\n:1\r\n:2\r\n*2\r\n+a\r\n:1\r\n",
    "*2\r\n*3\r\n:0\r\n:1\r\n*2\r\n+a\r\n:0\r\n*3\r\n:1\r\n:2\r\n*2\r\n+a\r\n:1\r\n",
};

static void lies_leave_the_map_as_it_was(void **state)
{
    (void)state;
    assert_status(read_slots("*1\r\n*3\r\n:5\r\n:9\r\n*2\r\n+before\r\n:1\r\n"), 0);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        if (read_shards(lies[i], &plain) != CAIRN_EPROTOCOL) check_fail("taken: %s", lies[i]);
    for (size_t i = 0; i < sizeof lies_of_slots / sizeof *lies_of_slots; i++)
        if (read_slots(lies_of_slots[i]) != CAIRN_EPROTOCOL)
            check_fail("taken: %s", lies_of_slots[i]);
    assert_string_equal(owner_of(5), "before:1");
    assert_int_equal(map.covered, 5);
    assert_int_equal(map.count, 1);
}

/* Every beginning of a reply is refused, and none is read beyond. */
static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"shards-dead-resp2-7.0", "slots-names-resp3-7.0"};
    char room[ROOM];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cairn_slice_t bytes = recorded(names[i], room);
        for (size_t len = 0; len < bytes.len; len++) {
            char *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut, bytes.ptr, len);
            redis_reply_t reply;
            redis_reply_init(&reply, cut, len);
            assert_status(i == 0 ? redis_slots_read_shards(&reply, &plain, &map)
                                 : redis_slots_read_slots(&reply, &plain, &map),
                          CAIRN_EPROTOCOL);
            free(cut);
        }
    }
    assert_int_equal(map.count, 0);
}

static char *write_many(unsigned count)
{
    char *bytes = malloc(64 + count * 128);
    assert_non_null(bytes);
    size_t used = (size_t)sprintf(bytes, "*1\r\n" SHARD(ALL, "*%u\r\n"), count);
    for (unsigned i = 0; i < count; i++)
        used += (size_t)sprintf(bytes + used, NODE("n%u", "h", "%u"), i, i + 1);
    return bytes;
}

static void nodes_are_bounded(void **state)
{
    (void)state;
    char *bytes = write_many(REDIS_NODES_MAX);
    assert_status(read_shards(bytes, &plain), 0);
    assert_int_equal(map.count, REDIS_NODES_MAX);
    assert_int_equal(redis_slot_map_find_id(&map, "n1023"), 1023);
    free(bytes);
    bytes = write_many(REDIS_NODES_MAX + 1);
    assert_status(read_shards(bytes, &plain), CAIRN_EPROTOCOL);
    assert_int_equal(map.count, REDIS_NODES_MAX);
    free(bytes);
}

static void memory_may_be_gone(void **state)
{
    (void)state;
    alloc_watch();
    redis_slot_map_init(&map);
    for (size_t nth = 1; nth <= 2; nth++) {
        alloc_fail(ALLOC_FAIL_ONCE, nth);
        assert_status(read_slots("*1\r\n*3\r\n:5\r\n:9\r\n*2\r\n+a\r\n:1\r\n"), UV_ENOMEM);
        assert_int_equal(alloc_live(), 0);
        assert_int_equal(map.covered, 0);
    }
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    assert_status(read_slots("*1\r\n*3\r\n:5\r\n:9\r\n*2\r\n+a\r\n:1\r\n"), 0);
    redis_slot_map_free(&map);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

/* ---- redirects ---- */

static const char *redirected(const char *text, const redis_asked_t *asked)
{
    static char told[512];
    redis_redirect_t redirect;
    redis_address_text_t place;
    const int rc = redis_redirect_read(cairn_str(text), asked, &redirect);
    if (rc == 0) return "no";
    if (rc < 0) return cairn_strerror(rc);
    snprintf(told, sizeof told, "%s %u %s%s", redirect.ask ? "ask" : "moved",
             (unsigned)redirect.slot, redis_address_text(place, &redirect.place),
             redirect.guessed ? " perhaps" : "");
    return told;
}

static void redirects_name_slot_and_place(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"MOVED 3999 127.0.0.1:6381", "moved 3999 127.0.0.1:6381"},
        {"ASK 0 h:1", "ask 0 h:1"},
        {"MOVED 16383 ::1:65535", "moved 16383 [::1]:65535"},
        {"ASK 1 [fe80::1]:7000", "ask 1 [fe80::1]:7000"},
        {"MOVED 1 :7000", "moved 1 asked:7000"},
        {"MOVED 1 ?:7000", "moved 1 asked:7000 perhaps"},
        {"MOVEDX 1 h:1", "no"},
        {"ASKING 1 h:1", "no"},
        {"moved 1 h:1", "no"},
        {"ERR MOVED 1 h:1", "no"},
        {"", "no"},
        {"TRYAGAIN Multiple keys request during rehashing of slot", "no"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(redirected(cases[i][0], &plain), cases[i][1]);
}

static void redirects_of_real_servers_are_read(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"moved-7.0", "moved 12182 127.0.0.1:7002"},
        {"ask-7.0", "ask 12182 127.0.0.1:7001"},
        {"moved-names-7.0", "moved 12182 asked:7002 perhaps"},
        {"moved-unknown-7.0", "moved 12182 asked:7002"},
        {"moved-v6-7.0", "moved 12182 [::1]:7002"},
    };
    char room[ROOM];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cairn_slice_t text = recorded(cases[i][0], room);
        room[1 + text.len] = '\0';
        assert_string_equal(redirected(text.ptr, &plain), cases[i][1]);
    }
}

static void what_is_no_redirect_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "MOVED",        "MOVED ",          "MOVED 1",      "MOVED 1 ",        "MOVED 1 h",
        "MOVED 1 h:",   "MOVED 1 h:0",     "MOVED 1 h:x",  "MOVED 1 h:65536", "MOVED 1 h:-1",
        "MOVED  1 h:1", "MOVED 16384 h:1", "MOVED -1 h:1", "MOVED x h:1",     "MOVED 1 h h:1",
        "MOVED 1 h:1 ", "MOVED 1 h\n:1",   "ASK h:1",      "ASK 1 7000",      "ASK 4294967296 h:1",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(redirected(cases[i], &plain), cairn_strerror(CAIRN_EPROTOCOL)) != 0)
            check_fail("%s: %s", cases[i], redirected(cases[i], &plain));
    assert_string_equal(redirected("MOVED 1 :1", &over_unix), cairn_strerror(CAIRN_EPROTOCOL));
    char text[400];
    snprintf(text, sizeof text, "MOVED 1 %0256d:1", 0);
    assert_string_equal(redirected(text, &plain), cairn_strerror(CAIRN_EPROTOCOL));
}

#define WITH_MAP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MAP(of_a_calm_cluster_all_say_the_same),
        WITH_MAP(replicas_are_of_their_master_s_shard),
        WITH_MAP(after_a_failover_the_living_master_owns),
        WITH_MAP(a_name_is_preferred_where_it_is_known),
        WITH_MAP(an_unknown_endpoint_is_the_host_that_was_asked),
        WITH_MAP(addresses_may_be_ipv6),
        WITH_MAP(a_node_alone_covers_nothing),
        WITH_MAP(of_two_masters_the_healthier_owns),
        WITH_MAP(the_order_of_fields_is_free),
        WITH_MAP(without_an_endpoint_there_is_name_or_ip),
        WITH_MAP(over_tls_it_is_another_port),
        WITH_MAP(old_servers_say_little),
        WITH_MAP(a_replica_that_is_given_slots_is_a_master),
        WITH_MAP(a_shard_without_a_master_owns_nothing),
        WITH_MAP(lies_leave_the_map_as_it_was),
        WITH_MAP(what_is_cut_off_is_refused),
        WITH_MAP(nodes_are_bounded),
        cmocka_unit_test(memory_may_be_gone),
        cmocka_unit_test(redirects_name_slot_and_place),
        cmocka_unit_test(redirects_of_real_servers_are_read),
        cmocka_unit_test(what_is_no_redirect_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
