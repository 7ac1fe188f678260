#include "check.h"
#include "list.h"

typedef struct item {
    int number;
    cairn_link_t link;
} item_t;

/* The list holds exactly these numbers, forwards and backwards. */
static void assert_numbers(const cairn_link_t *head, const int *numbers, size_t count)
{
    const cairn_link_t *forwards = head, *backwards = head;
    for (size_t i = 0; i < count; i++) {
        forwards = forwards->next;
        backwards = backwards->prev;
        assert_int_equal(CONTAINER_OF(forwards, item_t, link)->number, numbers[i]);
        assert_int_equal(CONTAINER_OF(backwards, item_t, link)->number, numbers[count - 1 - i]);
    }
    assert_ptr_equal(forwards->next, head);
    assert_ptr_equal(backwards->prev, head);
    assert_int_equal(list_empty(head), count == 0);
}

static void a_fresh_list_is_empty(void **state)
{
    (void)state;
    cairn_link_t head;
    list_init(&head);
    assert_true(list_empty(&head));
}

static void a_zeroed_link_is_in_no_list(void **state)
{
    (void)state;
    item_t item = {0};
    assert_false(list_linked(&item.link));
}

static void push_back_keeps_the_order(void **state)
{
    (void)state;
    cairn_link_t head;
    item_t items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&head);
    for (size_t i = 0; i < 3; i++) {
        list_push_back(&head, &items[i].link);
        assert_true(list_linked(&items[i].link));
        assert_numbers(&head, (int[]){1, 2, 3}, i + 1);
    }
}

static void remove_takes_out_any_item(void **state)
{
    (void)state;
    static const int left[3][2] = {{2, 3}, {1, 3}, {1, 2}};
    for (size_t removed = 0; removed < 3; removed++) {
        cairn_link_t head;
        item_t items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
        list_init(&head);
        for (size_t i = 0; i < 3; i++) list_push_back(&head, &items[i].link);

        list_remove(&items[removed].link);
        assert_false(list_linked(&items[removed].link));
        assert_null(items[removed].link.next);
        assert_null(items[removed].link.prev);
        assert_numbers(&head, left[removed], 2);
    }
}

static void a_removed_item_can_be_pushed_again(void **state)
{
    (void)state;
    cairn_link_t head;
    item_t items[] = {{.number = 1}, {.number = 2}};
    list_init(&head);
    list_push_back(&head, &items[0].link);
    list_push_back(&head, &items[1].link);
    list_remove(&items[0].link);
    list_push_back(&head, &items[0].link);
    assert_numbers(&head, (int[]){2, 1}, 2);
    list_remove(&items[0].link);
    list_remove(&items[1].link);
    assert_true(list_empty(&head));
}

static void splice_moves_all_to_the_end(void **state)
{
    (void)state;
    cairn_link_t to, from;
    item_t items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    list_init(&to);
    list_init(&from);
    list_splice_back(&to, &from);
    assert_numbers(&to, NULL, 0);

    list_push_back(&from, &items[0].link);
    list_push_back(&from, &items[1].link);
    list_splice_back(&to, &from);
    assert_numbers(&from, NULL, 0);
    assert_numbers(&to, (int[]){1, 2}, 2);

    list_push_back(&from, &items[2].link);
    list_splice_back(&to, &from);
    assert_numbers(&from, NULL, 0);
    assert_numbers(&to, (int[]){1, 2, 3}, 3);

    list_splice_back(&to, &from);
    assert_numbers(&to, (int[]){1, 2, 3}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_list_is_empty),
        cmocka_unit_test(a_zeroed_link_is_in_no_list),
        cmocka_unit_test(push_back_keeps_the_order),
        cmocka_unit_test(remove_takes_out_any_item),
        cmocka_unit_test(a_removed_item_can_be_pushed_again),
        cmocka_unit_test(splice_moves_all_to_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
