#include "timed.h"

#include <stdlib.h>

/* A server counts in whole milliseconds of a clock of its own. */
enum {
    CLOCK_SLACK_MS = 2,
    POLL_MS = 2,
    FAKE_ROUNDS_MOST = 100000
};

void timed_open(client_t *client, fake_clock_t *clock)
{
    if (clock) {
        clock->now_ms = 1000;
        client->cairn.clock = fake_clock_hook(clock);
    }
    client_open(client, NULL);
}

int64_t timed_brief(int64_t ms)
{
    const char *pace = getenv("CAIRN_TEST_PACE");
    return pace && *pace ? ms * strtoll(pace, NULL, 10) : ms;
}

uint64_t timed_now_ms(const fake_clock_t *clock)
{
    return clock ? clock->now_ms : uv_hrtime() / 1000000;
}

void timed_pass(client_t *client, fake_clock_t *clock, unsigned ms)
{
    if (clock)
        fake_clock_advance(clock, &client->cairn, ms);
    else
        loop_run_for(&client->world->loop, ms);
}

void timed_wait(client_t *client, fake_clock_t *clock, uint64_t since_ms, const char *what)
{
    uint64_t most = clock ? FAKE_ROUNDS_MOST : LOOP_DEADLINE_MS;
    timed_pass(client, clock, clock ? 1 : POLL_MS);
    if (timed_now_ms(clock) - since_ms > most) check_fail("waited in vain for %s", what);
}

void timed_check_left_at(const fake_clock_t *clock, int64_t left, moment_t asked, int64_t ttl_ms,
                         moment_t since, const char *file, int line)
{
    int64_t slack = clock ? 0 : CLOCK_SLACK_MS;
    int64_t least = ttl_ms - (int64_t)(asked.after_ms - since.before_ms) - slack;
    int64_t most = ttl_ms - (int64_t)(asked.before_ms - since.after_ms) + slack;
    if (most > ttl_ms) most = ttl_ms;
    if (left >= least && left <= most) return;
    check_fail_at(file, line, "%lld ms left, expected %lld to %lld", (long long)left,
                  (long long)least, (long long)most);
}
