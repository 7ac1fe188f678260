#include "alloc_life.h"

#include "check.h"
#include "loop.h"
#include "redis.h"

#include <stdio.h>
#include <string.h>

#define MOST_ALLOCATIONS 2000

alloc_life_t alloc_life;

static redis_t redis;
static void (*live)(void);
static const alloc_life_place_t *place;
static void (*over)(void);

bool alloc_life_accepts(int rc)
{
    if (rc != 0) assert_status(rc, UV_ENOMEM);
    alloc_life.accepted += rc == 0;
    return rc == 0;
}

bool alloc_life_ends(int status)
{
    alloc_life.ended++;
    return status == 0;
}

void alloc_life_expect(bool is_so, const char *what)
{
    if (!is_so) alloc_life.flaw = what;
}

static bool all_have_ended(void *unused)
{
    (void)unused;
    return alloc_life.ended == alloc_life.accepted;
}

void alloc_life_await(void)
{
    loop_run_until(&alloc_life.loop, "all to end", all_have_ended, NULL);
}

static void on_closed(cairn_t *cairn)
{
    (void)cairn;
    alloc_life.closed = true;
}

static bool is_closed(void *unused)
{
    (void)unused;
    return alloc_life.closed;
}

static void live_once(void *url)
{
    alloc_life = (alloc_life_t){.fault = alloc_life.fault, .url = url};
    place->clear();
    assert_int_equal(uv_loop_init(&alloc_life.loop), 0);
    int rc = cairn_open_url(&alloc_life.cairn, &alloc_life.loop, url, NULL);
    if (rc == 0) {
        live();
        alloc_life_await();
        cairn_close(&alloc_life.cairn, on_closed);
        loop_run_until(&alloc_life.loop, "the handle to close", is_closed, NULL);
        assert_int_equal(alloc_life.ended, alloc_life.accepted);
        if (over) over();
    } else {
        assert_status(rc, UV_ENOMEM);
    }
    loop_finish(&alloc_life.loop);
    if (alloc_life.flaw) check_fail("%s", alloc_life.flaw);
}

static void check(alloc_fault_t fault, const char *more)
{
    char url[512];
    char query[128];
    alloc_life.fault = fault;
    snprintf(query, sizeof query, "timeout_ms=300&reconnect_min_ms=1&reconnect_max_ms=5&%s", more);
    snprintf(url, sizeof url, "%s", place->url(query));
    alloc_fault_each(fault, MOST_ALLOCATIONS, live_once, url);
}

#define A_POOL "max_connections=4&spread_after=1"

static void each_allocation_may_fail(void **state)
{
    (void)state;
    check(ALLOC_FAIL_ONCE, A_POOL);
    if (place->brief) return;
    check(ALLOC_FAIL_ONCE, "protocol=3");
    check(ALLOC_FAIL_ONCE, "protocol=2");
}

static void memory_may_be_gone_from_any_allocation_on(void **state)
{
    (void)state;
    check(ALLOC_FAIL_FROM, "protocol=3");
    if (!place->brief) check(ALLOC_FAIL_FROM, A_POOL);
}

static const char *own_url(const char *rest)
{
    char query[160];
    snprintf(query, sizeof query, "?%s", rest);
    return redis_url(&redis, NULL, query);
}

static void clear_own(void)
{
    redis_ask(&redis, "FLUSHALL");
}

int alloc_life_run_at(const alloc_life_place_t *at, const char *name, void (*live_fn)(void))
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(memory_may_be_gone_from_any_allocation_on),
    };
    place = at;
    live = live_fn;
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int alloc_life_run(const char *name, void (*live_fn)(void), void (*over_fn)(void))
{
    static const alloc_life_place_t own = {own_url, clear_own, false};
    over = over_fn;
    redis_start(&redis, NULL);
    int failures = alloc_life_run_at(&own, name, live_fn);
    redis_stop(&redis);
    return failures;
}
