/* Events and what is published of them, as bytes: written and read again, and everything that is no
 * such thing refused, without a look beyond its end. */
#include "check.h"
#include "redis_stream.h"

#include <stdio.h>
#include <stdlib.h>

#define S cairn_str

static void assert_same(const cairn_stream_entry_t *entry, const cairn_stream_event_t *event)
{
    assert_true(cairn_slice_eq(entry->event, event->event));
    assert_true(cairn_slice_eq(entry->data.type, event->data.type));
    assert_true(cairn_slice_eq(entry->data.bytes, event->data.bytes));
    assert_int_equal(entry->id.ptr != NULL, event->id.ptr != NULL);
    if (entry->id.ptr) assert_true(cairn_slice_eq(entry->id, event->id));
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static char long_name[20000];
    memset(long_name, 'n', sizeof long_name);
    const cairn_slice_t large = cairn_slice(long_name, sizeof long_name);
    const cairn_slice_t odd = cairn_slice("\0\r\n \xff", 5);
    const cairn_stream_entry_t entries[] = {
        {.event = S("m"), .data = {S("json"), S("{}")}},
        {.event = S("m"), .data = {S(""), S("")}, .id = S("")},
        {.event = odd, .data = {odd, odd}, .id = odd},
        {.event = large, .data = {large, large}, .id = large},
        {.event = S(CAIRN_STREAM_END), .data = {S("json"), S("x")}, .id = S("1")},
        {.event = S(CAIRN_STREAM_CANCEL), .data = {S("json"), S("")}},
    };
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const size_t size = redis_event_size(&entries[i]);
        char *bytes = malloc(size);
        assert_non_null(bytes);
        assert_ptr_equal(redis_event_write(bytes, &entries[i]), bytes + size);
        cairn_stream_event_t event;
        assert_status(redis_event_read(cairn_slice(bytes, size), &event), 0);
        assert_same(&entries[i], &event);
        assert_int_equal(bytes[0] == 'e' || bytes[0] == 'f', cairn_stream_ends(event.event));
        free(bytes);
    }
}

/* In memory of its own, so that a look beyond the end is seen. */
static int read_copy(const char *bytes, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    cairn_stream_event_t event;
    int rc = redis_event_read(cairn_slice(copy, size), &event);
    free(copy);
    return rc;
}

static void what_is_cut_off_is_refused(void **state)
{
    (void)state;
    const cairn_stream_entry_t entry = {
        .event = S("name"), .data = {S("type"), S("")}, .id = S("id")};
    char bytes[64];
    const size_t size = redis_event_size(&entry);
    redis_event_write(bytes, &entry);
    assert_status(read_copy(bytes, size), 0);
    for (size_t cut = 0; cut < size; cut++) assert_status(read_copy(bytes, cut), CAIRN_EPROTOCOL);
    bytes[0] = '?';
    assert_status(read_copy(bytes, size), CAIRN_EPROTOCOL);
    assert_status(read_copy("n\xff\xff\xff\xff\xff\xff\xff\x7f", 9), CAIRN_EPROTOCOL);
    assert_status(read_copy("n\xff\xff\xff\xff\x0f", 6), CAIRN_EPROTOCOL);
}

/* Reads events to their end: how many there are, or why there are none. */
static int count_all(redis_pushed_t *pushed)
{
    cairn_position_t previous;
    cairn_stream_event_t event;
    int count = 0, rc;
    while ((rc = redis_pushed_next(pushed, &previous, &event)) > 0) count++;
    return rc < 0 ? rc : count;
}

static int count_pushed(const char *message, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, message, size);
    redis_pushed_t pushed;
    int rc = redis_pushed_begin(&pushed, cairn_slice(copy, size));
    if (rc == 0) rc = count_all(&pushed);
    free(copy);
    return rc;
}

static void assert_at(cairn_position_t position, uint64_t high, uint64_t low)
{
    assert_int_equal(position.high, high);
    assert_int_equal(position.low, low);
}

static void what_is_published_is_taken_apart(void **state)
{
    (void)state;
    static const char message[] = "a41 5 n\x01m\x01j0 6 n\x01m\x01jx";
    redis_pushed_t pushed;
    cairn_position_t previous;
    cairn_stream_event_t event;
    assert_status(redis_pushed_begin(&pushed, cairn_slice(message, sizeof message - 1)), 0);
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 1);
    assert_at(previous, 1, 40);
    assert_at(event.position, 1, 41);
    assert_true(cairn_slice_eq(event.event, S("m")));
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 1);
    assert_at(previous, 1, 41);
    assert_at(event.position, 1, 42);
    assert_null(event.event.ptr);
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 1);
    assert_at(previous, 1, 42);
    assert_true(cairn_slice_eq(event.data.bytes, S("x")));
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 0);
}

static void the_first_of_a_stream_has_no_predecessor(void **state)
{
    (void)state;
    redis_pushed_t pushed;
    cairn_position_t previous;
    cairn_stream_event_t event;
    assert_status(redis_pushed_begin(&pushed, S("b7 0 0 ")), 0);
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 1);
    assert_at(previous, 0, 0);
    assert_at(event.position, 1, 7);
    assert_int_equal(redis_pushed_next(&pushed, &previous, &event), 1);
    assert_at(previous, 1, 7);
}

static void events_may_be_announced(void **state)
{
    (void)state;
    redis_pushed_t pushed;
    assert_status(redis_pushed_announced(&pushed, S("hb7 3 ")), 0);
    assert_true(pushed.begins);
    assert_int_equal(count_all(&pushed), 0);
    pushed.rest = S("0 0 ");
    assert_int_equal(count_all(&pushed), 2);
    pushed.rest = S("0 0 "); /* more than there are to be */
    assert_int_equal(count_all(&pushed), 1);
    assert_int_equal(pushed.next, 10);
}

static void a_message_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a",
                                      "a1",
                                      "ax ",
                                      "a ",
                                      "b0 ",
                                      "c1 ",
                                      "a1 2",
                                      "a1 -1 n",
                                      "a1 9 n",
                                      "a1  n",
                                      "a1 1 n",
                                      "a1 0 7",
                                      "a1 x ",
                                      "a99999999999999999999 ",
                                      "a1 99999999999999 n"};
    static const char *const no_announcement[] = {"h",      "ha",     "ha1",     "ha1 ",   "ha1 2",
                                                  "hc1 2 ", "ha0 2 ", "ha1 2 x", "ha1 - ", "h1 2 "};
    redis_pushed_t pushed;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(count_pushed(bad[i], strlen(bad[i])), CAIRN_EPROTOCOL);
    for (size_t i = 0; i < sizeof no_announcement / sizeof *no_announcement; i++)
        assert_status(redis_pushed_announced(&pushed, S(no_announcement[i])), CAIRN_EPROTOCOL);
    assert_int_equal(count_pushed("a1 ", 3), 0);
    assert_int_equal(count_pushed("a1 0 ", 5), 1);
}

static void any_bytes_are_safe(void **state)
{
    (void)state;
    static const char alphabet[] = "nief0123456789- \x01\x02\x7f\x80\xff";
    uint64_t random = 88172645463325252u;
    char bytes[40];
    int whole = 0;
    for (int i = 0; i < 50000; i++) {
        bytes[0] = 'a';
        for (size_t k = 1; k < sizeof bytes; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            bytes[k] = alphabet[(random >> 11) % (sizeof alphabet - 1)];
        }
        if (i % 2) memcpy(bytes, "a12 20 n", 8);
        whole += count_pushed(bytes, 1 + (random >> 20) % sizeof bytes) > 0;
        whole += read_copy(bytes + 7, sizeof bytes - 7) == 0;
    }
    assert_in_range(whole, 1, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_cut_off_is_refused),
        cmocka_unit_test(what_is_published_is_taken_apart),
        cmocka_unit_test(the_first_of_a_stream_has_no_predecessor),
        cmocka_unit_test(events_may_be_announced),
        cmocka_unit_test(a_message_that_is_none_is_refused),
        cmocka_unit_test(any_bytes_are_safe),
    };
    return cmocka_run_group_tests_name("stream events as bytes", tests, NULL, NULL);
}
