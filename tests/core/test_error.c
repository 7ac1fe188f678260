#include "check.h"
#include "error_set.h"

#include <string.h>
#include <uv.h>

static void zero_is_ok(void **state)
{
    (void)state;
    assert_string_equal(cairn_strerror(0), "ok");
    assert_string_equal(cairn_err_name(0), "OK");
    assert_false(cairn_err_retryable(0));
}

static void our_own_have_number_name_and_text(void **state)
{
    (void)state;
#define ROW(code, number, retryable, text)                                                         \
    assert_int_equal(code, number);                                                                \
    assert_string_equal(cairn_err_name(number), #code);                                            \
    assert_string_equal(cairn_strerror(number), text);                                             \
    assert_int_equal(cairn_err_retryable(number), retryable);
    CAIRN_ERROR_MAP(ROW)
#undef ROW
    assert_string_equal(cairn_err_name(-20006), "CAIRN_EFULL");
    assert_true(cairn_err_retryable(CAIRN_EFULL));
    assert_false(cairn_err_retryable(CAIRN_EMAYBE));
}

static void libuv_s_are_as_libuv_says(void **state)
{
    (void)state;
#define ROW(name, text)                                                                            \
    assert_string_equal(cairn_err_name(UV_##name), "UV_" #name);                                   \
    assert_string_equal(cairn_err_name(UV_##name) + strlen("UV_"), uv_err_name(UV_##name));        \
    assert_string_equal(cairn_strerror(UV_##name), uv_strerror(UV_##name));
    UV_ERRNO_MAP(ROW)
#undef ROW
    assert_string_equal(cairn_err_name(UV_ETIMEDOUT), "UV_ETIMEDOUT");
}

static void ours_and_libuv_s_do_not_meet(void **state)
{
    (void)state;
#define ROW(name, text) assert_not_in_range(-(int)UV_##name, 20001, -(int)CAIRN_ERRNO_END);
    UV_ERRNO_MAP(ROW)
#undef ROW
}

static void any_other_number_is_unknown(void **state)
{
    (void)state;
    static const int others[] = {1,       42,        -20000,   -20998, CAIRN_ERRNO_END,
                                 -999999, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_string_equal(cairn_err_name(others[i]), "UNKNOWN");
        assert_string_equal(cairn_strerror(others[i]), "unknown error");
        assert_false(cairn_err_retryable(others[i]));
    }
}

/* Only what was certainly not carried out, and may be possible later. */
static void of_libuv_s_few_are_retryable(void **state)
{
    (void)state;
    static const int retryable[] = {UV_ECONNREFUSED, UV_ENOTCONN, UV_EAGAIN, UV_ENOBUFS, UV_ENOMEM};
    size_t count = 0;
#define ROW(name, text) count += cairn_err_retryable(UV_##name);
    UV_ERRNO_MAP(ROW)
#undef ROW
    assert_int_equal(count, sizeof retryable / sizeof *retryable);
    for (size_t i = 0; i < count; i++) assert_true(cairn_err_retryable(retryable[i]));
}

static void set_fills_and_returns_the_code(void **state)
{
    (void)state;
    cairn_error_t error;
    assert_status(cairn_error_set(&error, CAIRN_EURL, "%s %d", "port", 7), CAIRN_EURL);
    assert_status(error.code, CAIRN_EURL);
    assert_string_equal(error.text, "port 7");
    assert_status(cairn_error_set(NULL, UV_EINVAL, "unread"), UV_EINVAL);
}

static void set_cuts_what_is_too_long(void **state)
{
    (void)state;
    cairn_error_t error;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cairn_error_set(&error, CAIRN_EURL, "%s", text);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void set_leaves_nothing_unprintable(void **state)
{
    (void)state;
    cairn_error_t error;
    cairn_error_set(&error, CAIRN_EURL, "a\nb\x1b[1m\x7f\xc3\xa4~ ");
    assert_string_equal(error.text, "a?b?[1m???~ ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_is_ok),
        cmocka_unit_test(our_own_have_number_name_and_text),
        cmocka_unit_test(libuv_s_are_as_libuv_says),
        cmocka_unit_test(ours_and_libuv_s_do_not_meet),
        cmocka_unit_test(any_other_number_is_unknown),
        cmocka_unit_test(of_libuv_s_few_are_retryable),
        cmocka_unit_test(set_fills_and_returns_the_code),
        cmocka_unit_test(set_cuts_what_is_too_long),
        cmocka_unit_test(set_leaves_nothing_unprintable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
