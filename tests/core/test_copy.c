/* Deep copies: everything that a struct points to is in the block, what is absent stays absent, and
 * no byte of the original is needed any more. */
#include "check.h"

#include <cairn/sys/copy.h>
#include <cairn/sys/saver.h>
#include <cairn/sys/store.h>
#include <stdlib.h>
#include <string.h>

/* A copy on the heap, of exactly as many bytes as were said. */
static void *copy_of(const cairn_shape_t *shape, const void *value)
{
    void *block = malloc(cairn_copy_size(shape, value));
    assert_non_null(block);
    assert_ptr_equal(cairn_copy(shape, value, block), block);
    return block;
}

#define assert_slice(slice, text)                                                                  \
    do {                                                                                           \
        assert_int_equal((slice).len, strlen(text));                                               \
        assert_memory_equal((slice).ptr, (text), strlen(text));                                    \
    } while (0)

static void a_slice_and_what_is_no_slice(void **state)
{
    (void)state;
    char key[] = "key", label[] = "users";
    cairn_slice_t labels[] = {cairn_str(label)};
    cairn_store_get_args_t args = {
        .size = sizeof args, .ns = {labels, 1}, .key = cairn_str(key), .refresh = true};
    cairn_store_get_args_t *copy = copy_of(&cairn_store_get_shape, &args);
    memset(key, 'x', sizeof key);
    memset(label, 'x', sizeof label);
    memset(labels, 0, sizeof labels);
    memset(&args, 0, sizeof args);
    assert_slice(copy->key, "key");
    assert_int_equal(copy->ns.count, 1);
    assert_slice(copy->ns.labels[0], "users");
    assert_true(copy->refresh);
    assert_int_equal(copy->size, sizeof args);
    free(copy);
}

static void absent_is_not_empty(void **state)
{
    (void)state;
    const cairn_saver_list_args_t args = {.thread_id = cairn_str(""), .most = 7};
    cairn_saver_list_args_t *copy = copy_of(&cairn_saver_list_shape, &args);
    assert_non_null(copy->thread_id.ptr);
    assert_int_equal(copy->thread_id.len, 0);
    assert_null(copy->checkpoint_ns.ptr);
    assert_null(copy->cursor.ptr);
    assert_int_equal(copy->most, 7);
    free(copy);
}

static void arrays_of_what_has_arrays(void **state)
{
    (void)state;
    char channel[] = "messages", bytes[] = "[1]", updated[] = "u";
    const cairn_channel_value_t values[] = {
        {.channel = cairn_str("a"), .version = cairn_str("1"), .kind = CAIRN_CHANNEL_EMPTY},
        {.channel = cairn_str(channel),
         .version = cairn_str("2"),
         .value = {.type = cairn_str("json"), .bytes = cairn_str(bytes)}},
    };
    const cairn_slice_t updates[] = {cairn_str(updated)};
    const cairn_checkpoint_t checkpoint = {.id = cairn_str("c1"),
                                           .v = 4,
                                           .channel_values = values,
                                           .channel_value_count = 2,
                                           .updated_channels = updates,
                                           .updated_channel_count = 1};
    const cairn_saver_put_args_t args = {.parent = {.thread_id = cairn_str("t")},
                                         .checkpoint = &checkpoint,
                                         .metadata = cairn_str("{}"),
                                         .terms = {.ttl_ms = 5}};
    cairn_saver_put_args_t *copy = copy_of(&cairn_saver_put_shape, &args);
    memset(channel, 'x', sizeof channel);
    memset(bytes, 'x', sizeof bytes);
    memset(updated, 'x', sizeof updated);
    assert_int_equal(copy->checkpoint->v, 4);
    assert_int_equal(copy->checkpoint->channel_values[0].kind, CAIRN_CHANNEL_EMPTY);
    assert_slice(copy->checkpoint->channel_values[1].channel, "messages");
    assert_slice(copy->checkpoint->channel_values[1].value.bytes, "[1]");
    assert_slice(copy->checkpoint->updated_channels[0], "u");
    assert_null(copy->checkpoint->versions_seen);
    assert_slice(copy->parent.thread_id, "t");
    assert_int_equal(copy->terms.ttl_ms, 5);
    free(copy);
}

static void one_or_none(void **state)
{
    (void)state;
    float values[] = {1.5f, -2};
    const cairn_vector_t near = {.index = cairn_str("i"), .values = values, .dimensions = 2};
    const cairn_store_search_args_t args = {.filter = cairn_str("{}"), .near = &near};
    const cairn_store_step_t steps[] = {{.type = CAIRN_STORE_SEARCH, .search = &args}};
    cairn_store_step_t *copy = copy_of(&cairn_store_step_shape, steps);
    values[0] = values[1] = 0;
    assert_null(copy->get);
    assert_null(copy->put);
    assert_null(copy->list);
    assert_slice(copy->search->filter, "{}");
    assert_int_equal(copy->search->near->dimensions, 2);
    assert_true(copy->search->near->values[0] == 1.5f && copy->search->near->values[1] == -2);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slice_and_what_is_no_slice),
        cmocka_unit_test(absent_is_not_empty),
        cmocka_unit_test(arrays_of_what_has_arrays),
        cmocka_unit_test(one_or_none),
    };
    return cmocka_run_group_tests_name("deep copies", tests, NULL, NULL);
}
