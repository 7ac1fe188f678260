#include "alloc_fault.h"
#include "check.h"
#include "list.h"
#include "random.h"
#include "topics.h"

#include <stdio.h>

static topics_t topics;

static int begin(void **state)
{
    (void)state;
    alloc_watch();
    topics_init(&topics);
    return 0;
}

static int end(void **state)
{
    (void)state;
    topics_free(&topics);
    size_t live = alloc_live();
    alloc_unwatch();
    return live == 0 ? 0 : -1;
}

static topic_t *find(const char *name)
{
    return topics_find(&topics, false, cairn_str(name));
}

static topic_t *add(const char *name)
{
    topic_t *topic = topics_add(&topics, false, cairn_str(name));
    assert_non_null(topic);
    return topic;
}

static void nothing_is_found_where_nothing_is(void **state)
{
    (void)state;
    assert_null(find("a"));
    assert_int_equal(alloc_total(), 0);
    topics_remove(&topics, add("a"));
    assert_null(find("a"));
}

static void a_topic_is_new_and_found_by_its_name(void **state)
{
    (void)state;
    topic_t *a = add("a");
    topic_t *b = add("b");
    assert_ptr_equal(find("a"), a);
    assert_ptr_equal(find("b"), b);
    assert_ptr_equal(find("b"), b);
    assert_null(find("c"));
    assert_int_equal(a->state, TOPIC_OPENING);
    assert_true(list_empty(&a->subs));
    assert_null(a->shared.data);
    assert_int_equal(a->shared.counter, 0);
    assert_false(a->shared.pattern);
}

static void names_are_copied(void **state)
{
    (void)state;
    char name[] = "news";
    topic_t *topic = add(name);
    name[0] = 'x';
    assert_true(cairn_slice_eq(topic->shared.name, cairn_str("news")));
    assert_ptr_equal(find("news"), topic);
    assert_null(find(name));
}

static void channel_and_pattern_of_one_name_are_two(void **state)
{
    (void)state;
    cairn_slice_t name = cairn_str("news*");
    topic_t *channel = topics_add(&topics, false, name);
    assert_null(topics_find(&topics, true, name));
    topic_t *pattern = topics_add(&topics, true, name);
    assert_ptr_not_equal(channel, pattern);
    assert_true(pattern->shared.pattern);
    assert_ptr_equal(topics_find(&topics, false, name), channel);
    assert_ptr_equal(topics_find(&topics, true, name), pattern);
    topics_remove(&topics, channel);
    assert_null(topics_find(&topics, false, name));
    assert_ptr_equal(topics_find(&topics, true, name), pattern);
}

/* Names that differ in one byte only, at every place and of every length about a word's. */
static void every_byte_of_a_name_counts(void **state)
{
    (void)state;
    char name[26] = {0};
    for (size_t len = 1; len < sizeof name; len++) {
        memset(name, 0, sizeof name);
        topic_t *zeroes = topics_add(&topics, false, cairn_slice(name, len));
        for (size_t at = 0; at < len; at++) {
            name[at] = 1;
            assert_null(topics_find(&topics, false, cairn_slice(name, len)));
            topic_t *one = topics_add(&topics, false, cairn_slice(name, len));
            assert_ptr_equal(topics_find(&topics, false, cairn_slice(name, len)), one);
            name[at] = 0;
        }
        assert_ptr_equal(topics_find(&topics, false, cairn_slice(name, len)), zeroes);
    }
}

/* One step of the hash in name_table.c, which can be undone: so equal hashes are easy to make. */
static uint64_t hash_step(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}

static void names_of_one_hash_are_told_apart(void **state)
{
    (void)state;
    uint64_t seed = 16 * 0x9e3779b97f4a7c15u;
    uint64_t one[2] = {1, 2};
    uint64_t other[2] = {3, 0};
    other[1] = hash_step(seed, other[0]) ^ hash_step(seed, one[0]) ^ one[1];
    topic_t *a = topics_add(&topics, false, cairn_slice(one, sizeof one));
    assert_null(topics_find(&topics, false, cairn_slice(other, sizeof other)));
    topic_t *b = topics_add(&topics, false, cairn_slice(other, sizeof other));
    /* If not, the hash is another, and this test needs another. */
    assert_true(a->in_names.hash == b->in_names.hash);
    assert_ptr_equal(topics_find(&topics, false, cairn_slice(one, sizeof one)), a);
    assert_ptr_equal(topics_find(&topics, false, cairn_slice(other, sizeof other)), b);
    topics_remove(&topics, b);
    assert_ptr_equal(topics_find(&topics, false, cairn_slice(one, sizeof one)), a);
    assert_null(topics_find(&topics, false, cairn_slice(other, sizeof other)));
}

static void what_was_found_last_and_removed_is_not_found_again(void **state)
{
    (void)state;
    topic_t *a = add("a");
    topic_t *b = add("b");
    assert_ptr_equal(find("a"), a);
    topics_remove(&topics, a);
    assert_null(find("a"));
    assert_ptr_equal(find("b"), b);
    topic_t *again = add("a");
    assert_ptr_equal(find("a"), again);
}

static void all_are_listed_in_the_order_they_were_added(void **state)
{
    (void)state;
    static topic_t *added[1000];
    char name[24];
    for (size_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "channel:%zu", i);
        added[i] = add(name);
    }
    for (size_t i = 0; i < 1000; i += 3) topics_remove(&topics, added[i]);
    const cairn_link_t *at = topics.names.all.next;
    for (size_t i = 0; i < 1000; i++) {
        if (i % 3 == 0) continue;
        assert_ptr_equal(CONTAINER_OF(at, topic_t, in_names.all), added[i]);
        at = at->next;
    }
    assert_ptr_equal(at, &topics.names.all);
}

/* ---- out of memory ---- */

static void a_topic_that_finds_no_memory_leaves_all_as_it_was(void **state)
{
    (void)state;
    char name[24];
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "channel:%zu", i);
        for (size_t nth = 1; nth <= 2; nth++) {
            alloc_fail(ALLOC_FAIL_ONCE, nth);
            topic_t *topic = topics_add(&topics, false, cairn_str(name));
            if (!alloc_fault_fired()) {
                assert_non_null(topic);
                break;
            }
            assert_null(topic);
            assert_int_equal(topics.names.count, i);
            assert_null(find(name));
        }
        alloc_fail(ALLOC_FAIL_ONCE, 0);
        if (!find(name)) add(name);
    }
    for (size_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "channel:%zu", i);
        assert_non_null(find(name));
    }
}

/* ---- against a plain array ---- */

#define MODEL_NAMES 700

typedef struct model {
    topic_t *topic[2][MODEL_NAMES];
    size_t count;
} model_t;

/* Short and long names, with any byte. */
static cairn_slice_t name_of(size_t number, char *out)
{
    size_t len = 1 + number % 31;
    memset(out, (int)(number % 7), len);
    out[0] = (char)(number / 256);
    out[len - 1] = (char)(out[len - 1] ^ (char)number);
    if (len < 3) return cairn_slice(out, (size_t)snprintf(out, 16, "%zu", number));
    out[len / 2] = (char)(number >> 3);
    return cairn_slice(out, len);
}

static void it_does_what_an_array_does(void **state)
{
    (void)state;
    static model_t model;
    memset(&model, 0, sizeof model);
    uint64_t random = 5;
    char room[64];
    for (int step = 0; step < 60000; step++) {
        size_t number = random_below(&random, MODEL_NAMES);
        bool pattern = random_below(&random, 2);
        topic_t **topic = &model.topic[pattern][number];
        cairn_slice_t name = name_of(number, room);
        topic_t *found = topics_find(&topics, pattern, name);
        assert_ptr_equal(found, *topic);
        if (!found && random_below(&random, 3)) {
            *topic = topics_add(&topics, pattern, name);
            assert_non_null(*topic);
            model.count++;
        } else if (found && random_below(&random, 3) == 0) {
            topics_remove(&topics, found);
            *topic = NULL;
            model.count--;
        }
        assert_int_equal(topics.names.count, model.count);
    }
    assert_true(model.count > MODEL_NAMES / 2);
}

static void names_of_the_model_differ(void **state)
{
    (void)state;
    char a[64], b[64];
    for (size_t i = 0; i < MODEL_NAMES; i++)
        for (size_t j = 0; j < i; j++)
            if (cairn_slice_eq(name_of(i, a), name_of(j, b))) check_fail("%zu is %zu", i, j);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_found_where_nothing_is),
        TEST(a_topic_is_new_and_found_by_its_name),
        TEST(names_are_copied),
        TEST(channel_and_pattern_of_one_name_are_two),
        TEST(every_byte_of_a_name_counts),
        TEST(names_of_one_hash_are_told_apart),
        TEST(what_was_found_last_and_removed_is_not_found_again),
        TEST(all_are_listed_in_the_order_they_were_added),
        TEST(a_topic_that_finds_no_memory_leaves_all_as_it_was),
        TEST(names_of_the_model_differ),
        TEST(it_does_what_an_array_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
