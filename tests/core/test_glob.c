#include "check.h"
#include "naive_glob.h"
#include "random.h"

#include <cairn/sys/glob.h>

typedef struct row {
    const char *pattern, *text;
    bool matches;
} row_t;

/* Each verdict is a Redis server's: PSUBSCRIBE pattern, PUBLISH text. */
static const row_t rows[] = {
    {"", "", true},
    {"", "a", false},
    {"a", "", false},
    {"*", "", false},
    {"a", "a", true},
    {"a", "A", false},
    {"abc", "abc", true},
    {"abc", "ab", false},
    {"ab", "abc", false},

    {"*", "a", true},
    {"**", "a", true},
    {"*", "anything/at:all", true},
    {"a*", "a", true},
    {"a**", "a", true},
    {"*a", "a", true},
    {"*a", "ba", true},
    {"*a", "ab", false},
    {"a*c", "abbbc", true},
    {"a*c", "abcbd", false},
    {"a*b*c", "aXbYbZc", true},
    {"*ab*cd*", "xxabyycdzz", true},
    {"*ab*cd*", "xxcdyyab", false},
    {"*aab", "aaaaab", true},
    {"run:*:events", "run:42:events", true},
    {"run:*:events", "run::events", true},
    {"run:*:events", "run:42:event", false},

    {"?", "a", true},
    {"?", "", false},
    {"?", "ab", false},
    {"h?llo", "hello", true},
    {"*?", "a", true},
    {"?*", "a", true},
    {"*??", "a", false},

    {"h[ae]llo", "hallo", true},
    {"h[ae]llo", "hillo", false},
    {"[a-c]", "b", true},
    {"[a-c]", "d", false},
    {"[c-a]", "b", true},
    {"[^a-c]", "b", false},
    {"[^a-c]", "d", true},
    {"[a-cx-z]", "y", true},
    {"[!a]", "!", true},
    {"[!a]", "b", false},
    {"[a^]", "^", true},
    {"[]", "]", false},
    {"[]", "a", false},
    {"[]a]", "a]", false},
    {"[^]", "a", true},
    {"[^]a]", "xa]", true},
    {"[-a]", "-", true},
    {"[a-]", "a", true},
    {"[a-]", "^", true},
    {"[a-]", "-", false},
    {"[*]", "*", true},
    {"[*]", "a", false},
    {"[?]", "a", false},
    {"[\\]]", "]", true},
    {"[\\^a]", "^", true},
    {"[a\\-c]", "b", false},
    {"[a\\-c]", "-", true},
    {"[\\a-c]", "b", false},
    {"[a-\\]", "a", true},
    {"*[ab]", "xyb", true},
    {"*[ab]*c", "xaybzc", true},

    {"[", "[", false},
    {"[", "a", false},
    {"[^", "a", true},
    {"[abc", "b", true},
    {"[abc", "d", false},
    {"[^abc", "d", true},
    {"[a-", "a", true},
    {"[a-", "-", true},
    {"[a-", "b", false},
    {"[a-c", "b", true},
    {"[\\", "\\", true},
    {"[\\a", "a", true},
    {"x[*", "x*", true},
    {"]", "]", true},
    {"a]", "a]", true},

    {"\\*", "*", true},
    {"\\*", "a", false},
    {"\\?", "?", true},
    {"\\?", "a", false},
    {"\\[a]", "[a]", true},
    {"\\[a]", "a", false},
    {"\\a", "a", true},
    {"\\\\", "\\", true},
    {"\\", "\\", true},
    {"a\\", "a\\", true},
    {"a\\", "a", false},
    {"*\\*", "ab*", true},
    {"*\\", "ab\\", true},
};

static void a_server_s_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row_t *row = &rows[i];
        if (cairn_glob_match(cairn_str(row->pattern), cairn_str(row->text)) != row->matches)
            check_fail("pattern \"%s\", text \"%s\": not %d", row->pattern, row->text,
                       row->matches);
    }
}

static void any_byte_is_legal(void **state)
{
    (void)state;
    assert_true(cairn_glob_match(cairn_slice("a\0*", 3), cairn_slice("a\0b", 3)));
    assert_false(cairn_glob_match(cairn_slice("a\0*", 3), cairn_slice("ab", 2)));
    assert_true(cairn_glob_match(cairn_slice("?\0", 2), cairn_slice("\0\0", 2)));
    assert_true(cairn_glob_match(cairn_slice("[\0-\2]", 5), cairn_slice("\1", 1)));
    assert_true(cairn_glob_match(cairn_str("[\xe0-\xef]\xff"), cairn_str("\xe5\xff")));
    assert_false(cairn_glob_match(cairn_str("[\xe0-\xef]"), cairn_str("\xf0")));
}

static void empty_slices_may_be_null(void **state)
{
    (void)state;
    cairn_slice_t empty = {NULL, 0};
    assert_true(cairn_glob_match(empty, empty));
    assert_false(cairn_glob_match(empty, cairn_str("a")));
    assert_false(cairn_glob_match(cairn_str("*"), empty));
}

/* ---- against a naive matcher ---- */

static size_t random_text(uint64_t *random, const char *letters, char *out, size_t most)
{
    size_t len = random_below(random, most + 1);
    for (size_t i = 0; i < len; i++) out[i] = letters[random_below(random, strlen(letters))];
    return len;
}

static void agrees_with_a_naive_matcher(void **state)
{
    (void)state;
    uint64_t random = 1;
    unsigned matched = 0;
    for (unsigned i = 0; i < 200000; i++) {
        char pattern[10], text[8];
        size_t pattern_len = random_text(&random, "aabc**??[]^-\\", pattern, sizeof pattern);
        size_t text_len = random_text(&random, "aabbc]^-\\[*", text, sizeof text);
        bool expected = naive_glob(pattern, pattern_len, text, text_len);
        if (cairn_glob_match(cairn_slice(pattern, pattern_len), cairn_slice(text, text_len)) !=
            expected)
            check_fail("pattern \"%.*s\", text \"%.*s\": not %d", (int)pattern_len, pattern,
                       (int)text_len, text, expected);
        matched += expected;
    }
    assert_in_range(matched, 5000, 100000);
}

/* Backtracking into every star would take longer than the universe has. */
static void many_stars_take_bounded_time(void **state)
{
    (void)state;
    static char pattern[4001], text[10000];
    const size_t stars_len = sizeof pattern - 1;
    for (size_t i = 0; i < stars_len; i++) pattern[i] = i % 2 ? 'a' : '*';
    pattern[stars_len] = 'b';
    memset(text, 'a', sizeof text);
    cairn_slice_t all = cairn_slice(text, sizeof text);
    assert_false(cairn_glob_match(cairn_slice(pattern, sizeof pattern), all));
    assert_true(cairn_glob_match(cairn_slice(pattern, stars_len), all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_s_verdicts),
        cmocka_unit_test(any_byte_is_legal),
        cmocka_unit_test(empty_slices_may_be_null),
        cmocka_unit_test(agrees_with_a_naive_matcher),
        cmocka_unit_test(many_stars_take_bounded_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
