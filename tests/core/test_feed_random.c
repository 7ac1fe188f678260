/* Tails on a backend that keeps its streams whole but loses, repeats and reorders what it pushes,
 * loses its link, answers reads late or refuses them: they see every event once in order all the
 * same. CAIRN_SEED runs one seed alone. */
#include "alloc_fault.h"
#include "check.h"
#include "fake_clock.h"
#include "loop.h"

#include <cairn/sys/backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum {
    SEEDS = 60,
    STEPS = 1500,
    EVENTS_MOST = 4000,
    PUSHES_MOST = 8,
    READS_MOST = 64,
    TAILS = 6,
    WATCHES = 2
};

/* ---- a backend of one stream ---- */

static struct {
    const cairn_host_t *host;
    cairn_feed_t *feed; /* NULL: nobody follows */
    bool up;
    uint64_t first, last; /* low words of the positions held; last < first: none */
    bool ended;
    uint64_t pushes[PUSHES_MOST]; /* under way */
    size_t push_count;
    cairn_stream_read_t *reads[READS_MOST];
    cairn_stream_read_args_t asked[READS_MOST];
    bool carried_out[READS_MOST];
    cairn_stream_page_t pages[READS_MOST];
    size_t read_count;
    uint64_t random;
    uint64_t served;
} fake;

static uint64_t roll(void)
{
    fake.random ^= fake.random << 13;
    fake.random ^= fake.random >> 7;
    fake.random ^= fake.random << 17;
    return fake.random >> 11;
}

static const cairn_stream_event_t *event_at(uint64_t low)
{
    static cairn_stream_event_t events[EVENTS_MOST + 1];
    cairn_stream_event_t *event = &events[low];
    event->position = (cairn_position_t){1, low};
    bool is_end = fake.ended && low == fake.last;
    event->event = cairn_str(is_end ? CAIRN_STREAM_CANCEL : "m");
    return event;
}

static int fake_open(const cairn_host_t *host, const cairn_options_t *options, void **self,
                     cairn_error_t *error)
{
    (void)options;
    (void)error;
    fake.host = host;
    *self = &fake;
    return 0;
}

static void fake_close(void *self, void (*closed)(const cairn_host_t *))
{
    (void)self;
    closed(fake.host);
}

static void take_out(size_t at)
{
    fake.read_count--;
    memmove(&fake.reads[at], &fake.reads[at + 1], (fake.read_count - at) * sizeof *fake.reads);
    memmove(&fake.asked[at], &fake.asked[at + 1], (fake.read_count - at) * sizeof *fake.asked);
    memmove(&fake.pages[at], &fake.pages[at + 1], (fake.read_count - at) * sizeof *fake.pages);
    memmove(&fake.carried_out[at], &fake.carried_out[at + 1],
            (fake.read_count - at) * sizeof *fake.carried_out);
}

static void fake_forget(void *self, cairn_req_t *req)
{
    (void)self;
    for (size_t i = 0; i < fake.read_count; i++) {
        if (&fake.reads[i]->req != req) continue;
        if (fake.carried_out[i]) free((void *)(uintptr_t)fake.pages[i].events);
        take_out(i);
        return;
    }
}

static int fake_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    (void)self;
    if (fake.read_count == READS_MOST || roll() % 16 == 0) return CAIRN_EFULL;
    fake.reads[fake.read_count] = req;
    fake.asked[fake.read_count] = *args;
    fake.carried_out[fake.read_count++] = false;
    return 0;
}

static int fake_feed_open(void *self, cairn_feed_t *feed)
{
    (void)self;
    fake.feed = feed;
    return 0;
}

static void fake_feed_close(void *self, cairn_feed_t *feed)
{
    (void)self;
    fake.feed = NULL;
    fake.up = false;
    fake.push_count = 0;
    fake.host->api->feeds->feed_closed(fake.host, feed);
}

static const cairn_stream_ops_t fake_ops = {
    .size = sizeof(cairn_stream_ops_t),
    .read = fake_read,
    .feed_open = fake_feed_open,
    .feed_close = fake_feed_close,
};

static const cairn_backend_t fake_backend = {
    .magic = CAIRN_BACKEND_MAGIC,
    .abi_major = CAIRN_ABI_MAJOR,
    .abi_minor = CAIRN_ABI_MINOR,
    .size = sizeof(cairn_backend_t),
    .name = "fake",
    .version = "1",
    .schemes = (const char *const[]){"fake", NULL},
    .capabilities = CAIRN_CAP_STREAMS,
    .open = fake_open,
    .close = fake_close,
    .forget = fake_forget,
    .stream = &fake_ops,
};

/* ---- what it does of itself ---- */

static void append(void)
{
    if (fake.last < EVENTS_MOST && !fake.ended) fake.last++;
    if (!fake.up || fake.push_count == PUSHES_MOST) return; /* the link would break before */
    fake.pushes[fake.push_count++] = fake.last;
}

static void push_one(size_t at)
{
    uint64_t low = fake.pushes[at];
    cairn_position_t previous = {low > 1 ? 1 : 0, low - 1};
    fake.host->api->feeds->feed_event(fake.host, fake.feed, previous, event_at(low));
}

/* In order, mostly; the newest is never lost for good but with the link. */
static void push(void)
{
    if (!fake.up || fake.push_count == 0) return;
    size_t at = roll() % 5 == 0 ? (size_t)(roll() % fake.push_count) : 0;
    bool lose = fake.push_count > 1 && at + 1 < fake.push_count && roll() % 8 == 0;
    bool again = roll() % 8 == 0;
    if (!lose) push_one(at);
    if (again && !lose) push_one(at);
    if (!fake.up) return;
    fake.push_count--;
    memmove(&fake.pushes[at], &fake.pushes[at + 1], (fake.push_count - at) * sizeof *fake.pushes);
}

static void carry_out(size_t at)
{
    const cairn_stream_read_args_t *args = &fake.asked[at];
    uint64_t from = args->after.high >= 1 ? args->after.low + 1 : fake.first;
    if (from < fake.first) from = fake.first;
    uint64_t to =
        args->until.high >= 1 && args->until.low < fake.last ? args->until.low : fake.last;
    uint64_t count = to + 1 > from ? to + 1 - from : 0;
    cairn_stream_page_t page = {.more = count > args->most, .ended = fake.ended};
    if (page.more) count = args->most;
    if (args->newest) from = to + 1 - count;
    cairn_stream_event_t *events = malloc((count + 1) * sizeof *events);
    assert_non_null(events);
    for (uint64_t i = 0; i < count; i++) events[i] = *event_at(from + i);
    page.events = events;
    page.count = (size_t)count;
    if (fake.last > 0) page.last = (cairn_position_t){1, fake.last};
    fake.pages[at] = page;
    fake.carried_out[at] = true;
}

static void answer(void)
{
    if (fake.read_count == 0) return;
    size_t at = (size_t)(roll() % fake.read_count);
    if (!fake.carried_out[at]) carry_out(at);
    if (roll() % 2 == 0) return; /* the answer is on its way */
    cairn_stream_read_t *req = fake.reads[at];
    cairn_stream_page_t page = fake.pages[at];
    take_out(at);
    fake.served++;
    if (roll() % 16 == 0)
        (fake.host->api->fail)(&req->req, UV_ETIMEDOUT, cairn_str(NULL));
    else
        fake.host->api->stream->read_done(req, &page);
    free((void *)(uintptr_t)page.events);
}

static void lose_link(void)
{
    if (!fake.up) return;
    fake.up = false;
    fake.push_count = 0;
    fake.host->api->feeds->feeds_down(fake.host, UV_ECONNRESET, cairn_str("lost"));
}

static void find_link(void)
{
    if (fake.up || !fake.feed) return;
    fake.up = true;
    fake.host->api->feeds->feed_up(fake.host, fake.feed);
}

/* ---- those who follow ---- */

typedef struct one {
    cairn_stream_tail_t tail;
    uint64_t seen;
    bool any; /* the next may be any */
    bool open, ended, closing;
    char trouble[80];
} one_t;

static struct {
    uv_loop_t loop;
    fake_clock_t clock;
    cairn_t cairn;
    cairn_streams_t streams;
    one_t tails[TAILS];
    cairn_stream_watch_t watches[WATCHES];
    unsigned cancels;
    bool closed;
    bool short_of_memory;
} scene;

static void on_event(cairn_stream_tail_t *tail, const cairn_stream_event_t *event)
{
    one_t *one = tail->data;
    uint64_t low = event->position.low;
    if (!one->any && low != one->seen + 1)
        snprintf(one->trouble, sizeof one->trouble, "%llu behind %llu", (unsigned long long)low,
                 (unsigned long long)one->seen);
    one->any = false;
    one->seen = low;
    if (roll() % 16 == 0) cairn_stream_tail_stop(tail);
}

static void on_notice(cairn_stream_tail_t *tail, const cairn_tail_notice_t *notice)
{
    one_t *one = tail->data;
    bool legal = notice->type != CAIRN_TAIL_GAP && notice->type != CAIRN_TAIL_CLEARED;
    if (notice->type == CAIRN_TAIL_FAILED && notice->status != UV_ECANCELED) legal = false;
    if (!legal)
        snprintf(one->trouble, sizeof one->trouble, "notice %d, %s", (int)notice->type,
                 cairn_err_name(notice->status));
    if (notice->type == CAIRN_TAIL_ENDED) one->ended = true;
}

static void on_closed(cairn_stream_tail_t *tail)
{
    one_t *one = tail->data;
    one->open = false;
    one->closing = false;
}

static void on_cancel(cairn_stream_watch_t *watch, int status, const cairn_stream_event_t *event)
{
    (void)watch;
    if (status == 0 && cairn_slice_eq(event->event, cairn_str(CAIRN_STREAM_CANCEL)))
        scene.cancels++;
}

static void open_tail(one_t *one)
{
    cairn_stream_tail_options_t options = {
        .from = CAIRN_FROM_AFTER, .max_events = roll() % 2 ? 0 : 1 + (uint32_t)(roll() % 5)};
    if (one->seen > 0) options.after = (cairn_position_t){1, one->seen};
    if (one->seen == 0 && roll() % 2 == 0) {
        options.from = roll() % 2 ? CAIRN_FROM_NEW : CAIRN_FROM_LAST;
        options.last = roll() % 20;
        one->any = true;
    }
    one->tail.data = one;
    one->tail.on_notice = on_notice;
    one->ended = false;
    int rc =
        cairn_stream_tail_open(&scene.streams, &one->tail, cairn_str("run"), &options, on_event);
    if (rc != UV_ENOMEM || !scene.short_of_memory) assert_status(rc, 0);
    one->open = rc == 0;
}

static void use_tail(one_t *one)
{
    if (!one->open) {
        open_tail(one);
    } else if (!one->closing && roll() % 12 == 0) {
        one->closing = true;
        cairn_stream_tail_close(&one->tail, on_closed);
    } else if (roll() % 4 == 0) {
        cairn_stream_tail_stop(&one->tail);
    } else {
        cairn_stream_tail_start(&one->tail);
    }
}

/* ---- the whole ---- */

static void on_handle_closed(cairn_t *cairn)
{
    (void)cairn;
    scene.closed = true;
}

static void begin(uint64_t seed)
{
    static const cairn_backend_t *backends[] = {&fake_backend, NULL};
    memset(&fake, 0, sizeof fake);
    memset(&scene, 0, sizeof scene);
    fake.first = 1;
    fake.random = seed * 0x9e3779b97f4a7c15u + 1;
    alloc_watch();
    assert_int_equal(uv_loop_init(&scene.loop), 0);
    cairn_options_t options;
    cairn_options_init(&options);
    options.scheme = "fake";
    options.backends = backends;
    scene.clock.now_ms = 1000;
    scene.cairn.clock = fake_clock_hook(&scene.clock);
    assert_status(cairn_open(&scene.cairn, &scene.loop, &options, NULL), 0);
    assert_status(cairn_streams_init(&scene.streams, &scene.cairn, NULL), 0);
    fake.host->api->connected(fake.host, CAIRN_CAP_STREAMS, "fake 1");
    for (int i = 0; i < WATCHES; i++)
        assert_status(
            cairn_stream_watch_open(&scene.streams, &scene.watches[i], cairn_str("run"), on_cancel),
            0);
}

static void step(void)
{
    if (scene.short_of_memory) alloc_fail(ALLOC_FAIL_ONCE, roll() % 4);
    switch (roll() % 8) {
    case 0:
    case 1:
        append();
        break;
    case 2:
    case 3:
        push();
        break;
    case 4:
        answer();
        break;
    case 5:
        use_tail(&scene.tails[roll() % TAILS]);
        break;
    case 6:
        if (roll() % 24 == 0) lose_link();
        if (roll() % 3 == 0) find_link();
        break;
    default:
        fake_clock_advance(&scene.clock, &scene.cairn, roll() % 60);
        loop_turns(&scene.loop, 1);
    }
}

static bool all_there(void)
{
    for (int i = 0; i < TAILS; i++)
        if (!scene.tails[i].ended || scene.tails[i].seen != fake.last) return false;
    return scene.cancels == WATCHES;
}

/* The stream ends; in good times everybody comes to the end. */
static void finish(void)
{
    alloc_fail(ALLOC_FAIL_ONCE, 0);
    fake.last++;
    fake.ended = true;
    if (fake.up && fake.push_count < PUSHES_MOST) fake.pushes[fake.push_count++] = fake.last;
    if (fake.pushes[fake.push_count ? fake.push_count - 1 : 0] != fake.last) lose_link();
    for (int rounds = 0; rounds < 20000 && !all_there(); rounds++) {
        find_link();
        push();
        answer();
        for (int i = 0; i < TAILS; i++) {
            one_t *one = &scene.tails[i];
            if (!one->open) open_tail(one);
            cairn_stream_tail_start(&one->tail);
            if (one->any && one->ended) one->seen = fake.last; /* it began behind the end */
        }
        fake_clock_advance(&scene.clock, &scene.cairn, 20);
        loop_turns(&scene.loop, 1);
    }
}

static void run_seed(uint64_t seed, bool short_of_memory)
{
    begin(seed);
    scene.short_of_memory = short_of_memory;
    for (int i = 0; i < STEPS; i++) step();
    finish();
    bool there = all_there();
    uint64_t seen = 0;
    for (int i = 0; i < TAILS; i++) {
        if (scene.tails[i].trouble[0])
            check_fail("CAIRN_SEED=%llu: tail %d: %s", (unsigned long long)seed, i,
                       scene.tails[i].trouble);
        seen += scene.tails[i].seen;
    }
    if (!there)
        check_fail("CAIRN_SEED=%llu: not all came to the end, %llu; %u cancels",
                   (unsigned long long)seed, (unsigned long long)fake.last, scene.cancels);
    assert_true(seen > 0);
    cairn_close(&scene.cairn, on_handle_closed);
    loop_finish(&scene.loop);
    assert_true(scene.closed);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
}

static void run_seeds(bool short_of_memory)
{
    const char *replayed = getenv("CAIRN_SEED");
    if (replayed) {
        run_seed(strtoull(replayed, NULL, 10), short_of_memory);
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) run_seed(seed, short_of_memory);
    uint64_t fresh = uv_hrtime();
    print_message("CAIRN_SEED=%llu\n", (unsigned long long)fresh);
    run_seed(fresh, short_of_memory);
}

static void every_tail_sees_every_event_once_in_order(void **state)
{
    (void)state;
    run_seeds(false);
}

static void and_so_they_do_when_memory_runs_out_now_and_then(void **state)
{
    (void)state;
    run_seeds(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tail_sees_every_event_once_in_order),
        cmocka_unit_test(and_so_they_do_when_memory_runs_out_now_and_then),
    };
    return cmocka_run_group_tests_name("feeds at random", tests, NULL, NULL);
}
