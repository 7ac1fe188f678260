/* Which shard of a cluster's directory a namespace is in, and what is remembered of having
 * registered it. */
#include "redis_directory.h"

#include "check.h"
#include "store_text.h"

#include <stdio.h>

static unsigned shard_of(const char *path)
{
    char encoded[128];
    const cairn_namespace_t space = ns(path);
    cairn_namespace_encode(space, encoded);
    return redis_directory_shard(cairn_slice(encoded, cairn_namespace_encoded_size(space)));
}

static bool is_in_one(const char *path)
{
    char encoded[128];
    const cairn_namespace_t space = ns(path);
    cairn_namespace_encode(space, encoded);
    return redis_directory_is_one(cairn_slice(encoded, cairn_namespace_encoded_size(space)));
}

static void the_first_two_labels_say_which_shard(void **state)
{
    (void)state;
    char path[32];
    bool used[REDIS_SPACE_SHARDS] = {false};
    for (int i = 0; i < 200; i++) {
        snprintf(path, sizeof path, "memories/%d", i);
        const unsigned shard = shard_of(path);
        assert_in_range(shard, 0, REDIS_SPACE_SHARDS - 1);
        used[shard] = true;
        snprintf(path, sizeof path, "memories/%d/facts", i);
        assert_int_equal(shard_of(path), shard);
        snprintf(path, sizeof path, "memories/%d/facts/old", i);
        assert_int_equal(shard_of(path), shard);
    }
    for (unsigned i = 0; i < REDIS_SPACE_SHARDS; i++) assert_true(used[i]);
}

static void below_fewer_labels_all_shards_are_asked(void **state)
{
    (void)state;
    assert_false(is_in_one(NULL));
    assert_false(is_in_one("memories"));
    assert_true(is_in_one("memories/ada"));
    assert_true(is_in_one("memories/ada/facts"));
}

/* ---- what is remembered ---- */

static uint64_t now_ms;

static uint64_t tell_now(const cairn_host_t *host)
{
    (void)host;
    return now_ms;
}

static const cairn_host_api_t api = {.now_ms = tell_now};
static const cairn_host_t host = {.api = &api};

enum {
    MINUTE_MS = 60000
};
#define SPACE UINT64_C(0x123456789)

static void what_was_registered_is_known_for_ten_minutes(void **state)
{
    (void)state;
    redis_backend_t redis = {.host = &host};
    now_ms = 5 * MINUTE_MS;
    assert_false(redis_directory_knows(&redis, SPACE, CAIRN_TTL_PERSIST));
    redis_directory_registered(&redis, SPACE, CAIRN_TTL_PERSIST);
    assert_true(redis_directory_knows(&redis, SPACE, CAIRN_TTL_PERSIST));
    assert_true(redis_directory_knows(&redis, SPACE, MINUTE_MS));
    assert_false(redis_directory_knows(&redis, SPACE + 2, CAIRN_TTL_PERSIST));
    now_ms += 9 * MINUTE_MS;
    assert_true(redis_directory_knows(&redis, SPACE, CAIRN_TTL_PERSIST));
    now_ms += 2 * MINUTE_MS;
    assert_false(redis_directory_knows(&redis, SPACE, CAIRN_TTL_PERSIST));
    redis_beliefs_free(&redis.registered);
}

static void for_a_ttl_it_is_not_known_for_a_longer_one(void **state)
{
    (void)state;
    redis_backend_t redis = {.host = &host};
    redis_directory_registered(&redis, SPACE, MINUTE_MS);
    assert_true(redis_directory_knows(&redis, SPACE, MINUTE_MS));
    assert_false(redis_directory_knows(&redis, SPACE, 3 * MINUTE_MS));
    assert_false(redis_directory_knows(&redis, SPACE, CAIRN_TTL_PERSIST));
    redis_beliefs_free(&redis.registered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_two_labels_say_which_shard),
        cmocka_unit_test(below_fewer_labels_all_shards_are_asked),
        cmocka_unit_test(what_was_registered_is_known_for_ten_minutes),
        cmocka_unit_test(for_a_ttl_it_is_not_known_for_a_longer_one),
    };
    return cmocka_run_group_tests_name("redis: directory", tests, NULL, NULL);
}
