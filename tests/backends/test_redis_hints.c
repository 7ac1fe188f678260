/* What a saver believes to be the latest: one for each hash, and only ever an id that is not less.
 */
#include "alloc_fault.h"
#include "check.h"
#include "redis_hints.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW UINT64_C(1000)
#define FOR_EVER UINT64_MAX

static redis_hints_t hints;

static int begin(void **state)
{
    (void)state;
    alloc_watch();
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_hints_free(&hints);
    assert_null(hints.slots);
    assert_int_equal(alloc_live(), 0);
    alloc_unwatch();
    return 0;
}

static void set(const char *thread, const char *ns, const char *id, const char *list)
{
    redis_hints_set(&hints, cairn_str(thread), cairn_str(ns), cairn_str(id), cairn_str(list),
                    FOR_EVER);
}

static const redis_hint_t *get(const char *thread, const char *ns)
{
    return redis_hints_get(&hints, cairn_str(thread), cairn_str(ns), NOW);
}

#define assert_slice(slice, expected)                                                              \
    assert_true(cairn_slice_eq((slice), cairn_slice((expected), strlen(expected))))

#define assert_hint(thread, ns, id, list)                                                          \
    do {                                                                                           \
        const redis_hint_t *hint_ = get((thread), (ns));                                           \
        assert_non_null(hint_);                                                                    \
        assert_slice(redis_hint_id(hint_), (id));                                                  \
        assert_slice(redis_hint_list(hint_), (list));                                              \
    } while (0)

static void what_was_set_is_found(void **state)
{
    (void)state;
    assert_null(get("t", ""));
    set("t", "", "c1", "a:1 b:2");
    set("t", "n", "c2", "");
    assert_hint("t", "", "c1", "a:1 b:2");
    assert_hint("t", "n", "c2", "");
    assert_null(get("u", ""));
    assert_null(get("", "t"));
    assert_null(get("", "tn"));
    assert_null(get("tn", ""));
}

static void the_empty_ids_are_ids(void **state)
{
    (void)state;
    set("", "", "", "");
    assert_hint("", "", "", "");
    redis_hints_set(&hints, cairn_slice(NULL, 0), cairn_slice(NULL, 0), cairn_str("c"),
                    cairn_slice(NULL, 0), FOR_EVER);
    assert_hint("", "", "c", "");
}

static void a_lesser_id_changes_nothing_and_an_equal_one_the_list(void **state)
{
    (void)state;
    set("t", "", "c2", "a:2");
    set("t", "", "c1", "a:1");
    assert_hint("t", "", "c2", "a:2");
    set("t", "", "c", "a:0");
    assert_hint("t", "", "c2", "a:2");
    set("t", "", "c2", "a:2 b:1");
    assert_hint("t", "", "c2", "a:2 b:1");
    set("t", "", "c20", "a:3");
    assert_hint("t", "", "c20", "a:3");
    set("t", "", "\xff", "z:1");
    assert_hint("t", "", "\xff", "z:1");
}

/* More than there are slots: whoever is found is whole, and who came last is there. */
static void a_newcomer_takes_the_slot_over(void **state)
{
    (void)state;
    enum {
        MANY = 20000
    };
    size_t lost = 0;
    for (int i = 0; i < MANY; i++) {
        char thread[32], id[32];
        snprintf(thread, sizeof thread, "thread%d", i);
        snprintf(id, sizeof id, "c%05d", MANY - i); /* lesser, and of another thread */
        set(thread, "n", id, thread);
        assert_hint(thread, "n", id, thread);
    }
    for (int i = 0; i < MANY; i++) {
        char thread[32], id[32];
        snprintf(thread, sizeof thread, "thread%d", i);
        snprintf(id, sizeof id, "c%05d", MANY - i);
        if (get(thread, "n"))
            assert_hint(thread, "n", id, thread);
        else
            lost++;
    }
    assert_in_range(lost, MANY - 4096, MANY - 1);
    assert_in_range(alloc_live(), 2, 1 + 4096); /* the table, and one for each slot */
}

static void what_is_too_long_leaves_what_was_known(void **state)
{
    (void)state;
    enum {
        MOST = 4096
    };
    static char list[MOST + 1];
    memset(list, 'x', MOST);
    set("t", "", "c1", "a:1");
    redis_hints_set(&hints, cairn_str("t"), cairn_str(""), cairn_str("c2"),
                    cairn_slice(list, MOST - 2), FOR_EVER); /* with the ids one too many */
    assert_hint("t", "", "c1", "a:1");
    redis_hints_set(&hints, cairn_str("t"), cairn_str(""), cairn_str("c2"),
                    cairn_slice(list, MOST - 3), FOR_EVER);
    assert_slice(redis_hint_id(get("t", "")), "c2");
    assert_int_equal(redis_hint_list(get("t", "")).len, MOST - 3);
    set("t", "", "c3", "b:1"); /* in the room of the longer one */
    assert_hint("t", "", "c3", "b:1");
}

static void fail_each(const char *thread, const char *id, const char *list, const char *known)
{
    for (size_t nth = 1;; nth++) {
        alloc_fail(ALLOC_FAIL_ONCE, nth);
        set(thread, "", id, list);
        bool fired = alloc_fault_fired();
        alloc_fail(ALLOC_FAIL_ONCE, 0);
        if (!fired) {
            assert_hint(thread, "", id, list);
            return;
        }
        if (known)
            assert_hint(thread, "", known, "a:1");
        else
            assert_null(get(thread, ""));
    }
}

static void without_memory_what_is_known_stays(void **state)
{
    (void)state;
    fail_each("t", "c1", "a:1", NULL);
    fail_each("t", "c2", "a:1 and much more than there was room for", "c1");
}

/* ---- what may be gone ---- */

static void set_until(const char *id, uint64_t sure_until_ms)
{
    redis_hints_set(&hints, cairn_str("t"), cairn_str("n"), cairn_str(id), cairn_str("a:1"),
                    sure_until_ms);
}

static bool is_known_at(uint64_t now_ms)
{
    return redis_hints_get(&hints, cairn_str("t"), cairn_str("n"), now_ms) != NULL;
}

static void one_is_known_until_its_time(void **state)
{
    (void)state;
    set_until("c1", NOW);
    assert_true(is_known_at(0));
    assert_true(is_known_at(NOW - 1));
    assert_false(is_known_at(NOW));
    assert_false(is_known_at(FOR_EVER));
    set_until("c1", NOW + 1);
    assert_true(is_known_at(NOW));
    set_until("c2", 0);
    assert_false(is_known_at(0));
}

static void after_a_doubt_nothing_is_known_until_it_is_set_anew(void **state)
{
    (void)state;
    set_until("c2", FOR_EVER);
    set("u", "", "c9", "a:1");
    redis_hints_doubt(&hints);
    assert_null(get("t", "n"));
    assert_null(get("u", ""));
    set_until("c1", FOR_EVER); /* lesser than one that may be gone */
    assert_hint("t", "n", "c1", "a:1");
    assert_null(get("u", ""));
    set_until("c0", FOR_EVER);
    assert_hint("t", "n", "c1", "a:1");
}

static void nothing_is_kept_after_it_is_freed(void **state)
{
    (void)state;
    set("t", "", "c1", "a:1");
    redis_hints_free(&hints);
    assert_null(get("t", ""));
    set("t", "", "c0", "a:0");
    assert_hint("t", "", "c0", "a:0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_set_is_found, begin, end),
        cmocka_unit_test_setup_teardown(the_empty_ids_are_ids, begin, end),
        cmocka_unit_test_setup_teardown(a_lesser_id_changes_nothing_and_an_equal_one_the_list,
                                        begin, end),
        cmocka_unit_test_setup_teardown(a_newcomer_takes_the_slot_over, begin, end),
        cmocka_unit_test_setup_teardown(what_is_too_long_leaves_what_was_known, begin, end),
        cmocka_unit_test_setup_teardown(without_memory_what_is_known_stays, begin, end),
        cmocka_unit_test_setup_teardown(one_is_known_until_its_time, begin, end),
        cmocka_unit_test_setup_teardown(after_a_doubt_nothing_is_known_until_it_is_set_anew, begin,
                                        end),
        cmocka_unit_test_setup_teardown(nothing_is_kept_after_it_is_freed, begin, end),
    };
    return cmocka_run_group_tests_name("redis: hints", tests, NULL, NULL);
}
