/* Run streams on the stub backend: every operation with arguments that are right, what arrives, and
 * what comes back. */
#ifndef TESTS_CORE_STREAM_FIXTURE_H
#define TESTS_CORE_STREAM_FIXTURE_H

#include "stub_backend.h"

#include <cairn/group.h>
#include <stdio.h>

/* ---- a backend's streams that keep their arguments ---- */

static struct {
    cairn_stream_append_args_t append;
    cairn_slice_t event; /* of the last entry */
    cairn_stream_read_args_t read;
    cairn_stream_copy_args_t copy;
    cairn_group_create_args_t create;
    cairn_group_ack_args_t ack;
    cairn_group_read_args_t group_read;
    cairn_slice_t stream, group;
    int64_t ttl_ms;
    const char *called;
} seen;

static int take_append(void *self, cairn_stream_append_t *req,
                       const cairn_stream_append_args_t *args)
{
    (void)self;
    seen.called = "append";
    seen.append = *args;
    seen.event = args->entries[args->count - 1].event;
    return stub_take(&req->req);
}

static int take_read(void *self, cairn_stream_read_t *req, const cairn_stream_read_args_t *args)
{
    (void)self;
    seen.called = "read";
    seen.read = *args;
    return stub_take(&req->req);
}

static int take_clear(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    (void)self;
    seen.called = "clear";
    seen.stream = stream;
    return stub_take(&req->req);
}

static int take_length(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    (void)self;
    seen.called = "length";
    seen.stream = stream;
    return stub_take(&req->req);
}

static int take_exists(void *self, cairn_stream_count_t *req, cairn_slice_t stream)
{
    (void)self;
    seen.called = "exists";
    seen.stream = stream;
    return stub_take(&req->req);
}

static int take_copy(void *self, cairn_stream_count_t *req, const cairn_stream_copy_args_t *args)
{
    (void)self;
    seen.called = "copy";
    seen.copy = *args;
    return stub_take(&req->req);
}

static int take_info(void *self, cairn_stream_info_t *req, cairn_slice_t stream)
{
    (void)self;
    seen.called = "info";
    seen.stream = stream;
    return stub_take(&req->req);
}

static int take_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream)
{
    (void)self;
    seen.called = "ttl";
    seen.stream = stream;
    return stub_take(&req->req);
}

static int take_set_ttl(void *self, cairn_stream_ttl_t *req, cairn_slice_t stream, int64_t ttl_ms)
{
    (void)self;
    seen.called = "set_ttl";
    seen.stream = stream;
    seen.ttl_ms = ttl_ms;
    return stub_take(&req->req);
}

static int take_create(void *self, cairn_group_change_t *req, const cairn_group_create_args_t *args)
{
    (void)self;
    seen.called = "group_create";
    seen.create = *args;
    return stub_take(&req->req);
}

static int take_destroy(void *self, cairn_group_change_t *req, cairn_slice_t stream,
                        cairn_slice_t group)
{
    (void)self;
    seen.called = "group_destroy";
    seen.stream = stream;
    seen.group = group;
    return stub_take(&req->req);
}

static int take_ack(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    (void)self;
    seen.called = "group_ack";
    seen.ack = *args;
    return stub_take(&req->req);
}

static int take_nak(void *self, cairn_group_change_t *req, const cairn_group_ack_args_t *args)
{
    (void)self;
    seen.called = "group_nak";
    seen.ack = *args;
    return stub_take(&req->req);
}

static int take_group_read(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    (void)self;
    seen.called = "group_read";
    seen.group_read = *args;
    return stub_take(&req->req);
}

static int take_claim(void *self, cairn_group_read_t *req, const cairn_group_read_args_t *args)
{
    (void)self;
    seen.called = "group_claim";
    seen.group_read = *args;
    return stub_take(&req->req);
}

static int take_group_info(void *self, cairn_group_info_t *req, cairn_slice_t stream,
                           cairn_slice_t group)
{
    (void)self;
    seen.called = "group_info";
    seen.stream = stream;
    seen.group = group;
    return stub_take(&req->req);
}

static const cairn_stream_ops_t every_op = {
    .size = sizeof(cairn_stream_ops_t),
    .append = take_append,
    .read = take_read,
    .clear = take_clear,
    .length = take_length,
    .exists = take_exists,
    .copy = take_copy,
    .info = take_info,
    .ttl = take_ttl,
    .set_ttl = take_set_ttl,
    .group_create = take_create,
    .group_destroy = take_destroy,
    .group_ack = take_ack,
    .group_nak = take_nak,
    .group_read = take_group_read,
    .group_claim = take_claim,
    .group_info = take_group_info,
};

static inline const cairn_stream_done_t *up(void)
{
    return stub.host->api->stream;
}

/* ---- callbacks: what they were told ---- */

static struct {
    unsigned calls;
    int status;
    char detail[64];
    bool has_result;
    uint64_t count;
    int64_t ttl_ms;
    cairn_position_t position;
} told;

static void tell(const cairn_req_t *req, int status, const void *result)
{
    told.calls++;
    told.status = status;
    told.has_result = result != NULL;
    snprintf(told.detail, sizeof told.detail, "%.*s", (int)req->detail.len,
             req->detail.len ? req->detail.ptr : "");
}

static void on_appended(cairn_stream_append_t *req, int status,
                        const cairn_stream_appended_t *appended)
{
    tell(&req->req, status, appended);
    if (!appended) return;
    told.count = appended->count;
    told.position = appended->position;
}

static void on_page(cairn_stream_read_t *req, int status, const cairn_stream_page_t *page)
{
    tell(&req->req, status, page);
    if (page) told.count = page->count;
}

static void on_count(cairn_stream_count_t *req, int status, uint64_t events)
{
    tell(&req->req, status, NULL);
    told.count = events;
}

static void on_info(cairn_stream_info_t *req, int status, const cairn_stream_facts_t *facts)
{
    tell(&req->req, status, facts);
    if (facts) told.count = facts->length;
}

static void on_ttl(cairn_stream_ttl_t *req, int status, int64_t ttl_ms)
{
    tell(&req->req, status, NULL);
    told.ttl_ms = ttl_ms;
}

static void on_change(cairn_group_change_t *req, int status, uint64_t count)
{
    tell(&req->req, status, NULL);
    told.count = count;
}

static void on_deliveries(cairn_group_read_t *req, int status, const cairn_delivery_t *deliveries,
                          size_t count)
{
    tell(&req->req, status, deliveries);
    told.count = count;
}

static void on_group_info(cairn_group_info_t *req, int status, const cairn_group_facts_t *facts)
{
    tell(&req->req, status, facts);
    if (facts) told.count = facts->held;
}

/* ---- every operation, with arguments that are right ---- */

static cairn_streams_t streams;
static cairn_stream_append_t append_req;
static cairn_stream_read_t read_req;
static cairn_stream_count_t count_req;
static cairn_stream_info_t info_req;
static cairn_stream_ttl_t ttl_req;
static cairn_group_change_t change_req;
static cairn_group_read_t group_read_req;
static cairn_group_info_t group_info_req;

static cairn_slice_t stream, target, group, member;
static cairn_stream_entry_t entries[2];
static size_t entry_count;
static cairn_stream_append_options_t append_options;
static cairn_stream_range_t range;
static cairn_ttl_t ttl;
static cairn_group_options_t group_options;
static cairn_position_t positions[2];
static size_t position_count;
static uint32_t most, wait_ms;
static uint64_t delay_ms;

static void arguments_are_right(void)
{
    stream = S("run");
    target = S("copy");
    group = S("");
    member = S("worker");
    entries[0] = (cairn_stream_entry_t){S("messages"), {S("json"), S("1")}, S("dedup")};
    entries[1] = (cairn_stream_entry_t){S(CAIRN_STREAM_END), {ABSENT, ABSENT}, ABSENT};
    entry_count = 2;
    append_options = (cairn_stream_append_options_t){.expected_last = &positions[0]};
    range = (cairn_stream_range_t){.page_size = 10};
    ttl = cairn_ttl_ms(5);
    group_options = (cairn_group_options_t){
        .from = CAIRN_FROM_ALL, .max_deliveries = 3, .dead_letter = S("dead")};
    positions[0] = (cairn_position_t){1, 0};
    positions[1] = (cairn_position_t){2, 0};
    position_count = 2;
    most = 10;
    wait_ms = 100;
    delay_ms = 1000;
}

static int do_append(void)
{
    return cairn_stream_append(&streams, &append_req, stream, entries, entry_count, &append_options,
                               on_appended);
}

static int do_end(void)
{
    return cairn_stream_end(&streams, &append_req, stream, entries[0].data, on_appended);
}

static int do_error(void)
{
    return cairn_stream_error(&streams, &append_req, stream, entries[0].data, on_appended);
}

static int do_cancel(void)
{
    return cairn_stream_cancel(&streams, &append_req, stream, entries[0].data, on_appended);
}

static int do_read(void)
{
    return cairn_stream_read(&streams, &read_req, stream, &range, on_page);
}

static int do_clear(void)
{
    return cairn_stream_clear(&streams, &count_req, stream, on_count);
}

static int do_copy(void)
{
    return cairn_stream_copy(&streams, &count_req, stream, target, ttl, on_count);
}

static int do_length(void)
{
    return cairn_stream_length(&streams, &count_req, stream, on_count);
}

static int do_exists(void)
{
    return cairn_stream_exists(&streams, &count_req, stream, on_count);
}

static int do_info(void)
{
    return cairn_stream_info(&streams, &info_req, stream, on_info);
}

static int do_ttl(void)
{
    return cairn_stream_ttl(&streams, &ttl_req, stream, on_ttl);
}

static int do_set_ttl(void)
{
    return cairn_stream_set_ttl(&streams, &ttl_req, stream, ttl, on_ttl);
}

static int do_create(void)
{
    return cairn_group_create(&streams, &change_req, stream, group, &group_options, on_change);
}

static int do_destroy(void)
{
    return cairn_group_destroy(&streams, &change_req, stream, group, on_change);
}

static int do_ack(void)
{
    return cairn_group_ack(&streams, &change_req, stream, group, positions, position_count,
                           on_change);
}

static int do_nak(void)
{
    return cairn_group_nak(&streams, &change_req, stream, group, positions, position_count,
                           delay_ms, on_change);
}

static int do_group_read(void)
{
    return cairn_group_read(&streams, &group_read_req, stream, group, member, most, wait_ms,
                            on_deliveries);
}

static int do_claim(void)
{
    return cairn_group_claim(&streams, &group_read_req, stream, group, member, most, delay_ms,
                             on_deliveries);
}

static int do_group_info(void)
{
    return cairn_group_info(&streams, &group_info_req, stream, group, on_group_info);
}

typedef struct operation {
    int (*submit)(void);
    cairn_req_t *req;
    const char *slot;
} operation_t;

static const operation_t operations[] = {
    {do_append, &append_req.req, "append"},
    {do_end, &append_req.req, "append"},
    {do_error, &append_req.req, "append"},
    {do_cancel, &append_req.req, "append"},
    {do_read, &read_req.req, "read"},
    {do_clear, &count_req.req, "clear"},
    {do_copy, &count_req.req, "copy"},
    {do_length, &count_req.req, "length"},
    {do_exists, &count_req.req, "exists"},
    {do_info, &info_req.req, "info"},
    {do_ttl, &ttl_req.req, "ttl"},
    {do_set_ttl, &ttl_req.req, "set_ttl"},
    {do_create, &change_req.req, "group_create"},
    {do_destroy, &change_req.req, "group_destroy"},
    {do_ack, &change_req.req, "group_ack"},
    {do_nak, &change_req.req, "group_nak"},
    {do_group_read, &group_read_req.req, "group_read"},
    {do_claim, &group_read_req.req, "group_claim"},
    {do_group_info, &group_info_req.req, "group_info"},
};

/* The first operation on a group. */
#define FIRST_OF_GROUPS 12

static int fresh(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof seen);
    memset(&told, 0, sizeof told);
    for (size_t i = 0; i < COUNT_OF(operations); i++)
        memset(operations[i].req, 0, sizeof *operations[i].req);
    arguments_are_right();
    return cairn_streams_init(&streams, &stub.cairn, NULL);
}

static void open_with(const cairn_stream_ops_t *table)
{
    stub.backend.stream = table;
    stub_open("stub", CAIRN_CAP_STREAMS | CAIRN_CAP_STREAM_GROUPS, 0);
}

static inline void assert_submit_refused(int (*submit)(void), int status, const char *words)
{
    for (size_t i = 0; i < COUNT_OF(operations); i++) {
        if (operations[i].submit != submit) continue;
        assert_refused(submit(), status, operations[i].req, words);
        return;
    }
    check_fail("no such operation");
}

#define WRONG(change, submit, status, words)                                                       \
    do {                                                                                           \
        change;                                                                                    \
        assert_submit_refused((submit), (status), (words));                                        \
        arguments_are_right();                                                                     \
    } while (0)

static const cairn_slice_t broken = {NULL, 3};

#endif
