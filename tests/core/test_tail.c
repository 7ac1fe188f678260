#include "stub_backend.h"

#include <cairn/stream.h>

static cairn_streams_t streams;
static cairn_stream_tail_t tail;
static cairn_stream_watch_t watch;
static unsigned calls;

static void on_event(cairn_stream_tail_t *unused, const cairn_stream_event_t *event)
{
    (void)unused;
    (void)event;
    calls++;
}

static void on_notice(cairn_stream_tail_t *unused, const cairn_tail_notice_t *notice)
{
    (void)unused;
    (void)notice;
    calls++;
}

static void on_tail_closed(cairn_stream_tail_t *unused)
{
    (void)unused;
    calls++;
}

static void on_drained(cairn_stream_tail_t *unused, int64_t left)
{
    (void)unused;
    (void)left;
    calls++;
}

static void on_cancel(cairn_stream_watch_t *unused, int status, const cairn_stream_event_t *event)
{
    (void)unused;
    (void)status;
    (void)event;
    calls++;
}

static void on_watch_closed(cairn_stream_watch_t *unused)
{
    (void)unused;
    calls++;
}

static int fresh(void **state)
{
    (void)state;
    tail = (cairn_stream_tail_t){.on_notice = on_notice};
    watch = (cairn_stream_watch_t){0};
    calls = 0;
    return cairn_streams_init(&streams, &stub.cairn, NULL);
}

static int open_tail(cairn_slice_t stream, const cairn_stream_tail_options_t *options)
{
    return cairn_stream_tail_open(&streams, &tail, stream, options, on_event);
}

static void a_backend_without_streams_or_feeds_refuses(void **state)
{
    (void)state;
    const cairn_stream_ops_t none = {.size = sizeof none};
    const uint64_t capabilities[] = {0, CAIRN_CAP_STREAMS};
    for (size_t i = 0; i < COUNT_OF(capabilities); i++) {
        stub.backend.stream = &none;
        stub_open("stub", capabilities[i], 0);
        assert_status(open_tail(S("run"), NULL), UV_ENOTSUP);
        assert_status(cairn_stream_watch_open(&streams, &watch, S("run"), on_cancel), UV_ENOTSUP);
        assert_null(tail.tail);
        assert_null(watch.watch);
        stub_close();
    }
    assert_int_equal(calls, 0);
}

static void arguments_are_checked_first(void **state)
{
    (void)state;
    stub_open("memory", 0, 0);
    const cairn_stream_tail_options_t wrong = {.from = (cairn_tail_from_t)4};
    assert_status(open_tail(ABSENT, NULL), UV_EINVAL);
    assert_status(open_tail(too_long(), NULL), CAIRN_ETOOBIG);
    assert_status(open_tail(S("run"), &wrong), UV_EINVAL);
    assert_status(cairn_stream_tail_open(&streams, &tail, S("run"), NULL, NULL), UV_EINVAL);
    assert_status(cairn_stream_watch_open(&streams, &watch, ABSENT, on_cancel), UV_EINVAL);
    assert_status(cairn_stream_watch_open(&streams, &watch, too_long(), on_cancel), CAIRN_ETOOBIG);
    assert_status(cairn_stream_watch_open(&streams, &watch, S("run"), NULL), UV_EINVAL);
    stub_close();
}

static void a_closed_handle_refuses(void **state)
{
    (void)state;
    assert_status(open_tail(S("run"), NULL), CAIRN_ECLOSED);
    assert_status(cairn_stream_watch_open(&streams, &watch, S("run"), on_cancel), CAIRN_ECLOSED);
    stub_open("memory", 0, 0);
    cairn_close(&stub.cairn, stub_on_closed);
    assert_status(open_tail(S("run"), NULL), CAIRN_ECLOSED);
    assert_status(cairn_stream_watch_open(&streams, &watch, S("run"), on_cancel), CAIRN_ECLOSED);
    stub_close();
}

static void a_closed_tail_takes_everything(void **state)
{
    (void)state;
    cairn_stream_tail_stop(&tail);
    cairn_stream_tail_start(&tail);
    cairn_stream_tail_credit(&tail, 5);
    cairn_position_t position = cairn_stream_tail_position(&tail);
    assert_int_equal(cairn_position_cmp(position, (cairn_position_t){0}), 0);
    assert_status(cairn_stream_tail_drain(&tail, 5, on_drained), UV_EALREADY);
    cairn_stream_tail_close(&tail, on_tail_closed);
    cairn_stream_watch_close(&watch, on_watch_closed);
    assert_int_equal(calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_backend_without_streams_or_feeds_refuses, fresh),
        cmocka_unit_test_setup(arguments_are_checked_first, fresh),
        cmocka_unit_test_setup(a_closed_handle_refuses, fresh),
        cmocka_unit_test_setup(a_closed_tail_takes_everything, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
