/* Numbered messages, in any order with everything else that can happen to a subscription, inside
 * its callbacks too: each number is heard once and in order, or lies in a gap; nothing that can be
 * delivered stays behind; and whatever is told comes in an order that makes sense. */
#include "ears.h"
#include "random.h"

static struct {
    uint64_t random;
    int sent;     /* the number of the newest message */
    int heard;    /* the newest heard */
    int lost;     /* told since */
    bool unknown; /* among them an unknown number */
    bool linked;
    bool is_down;  /* told */
    bool inside;   /* a callback */
    bool offering; /* a message from the socket: nothing else arrives meanwhile */
    unsigned gaps, slows, links, messages;
    char trouble[128]; /* the first */
} model;

static void act(void);

static void trouble(const char *line)
{
    if (!model.trouble[0]) snprintf(model.trouble, sizeof model.trouble, "%s", line);
}

static void hear_message(const char *line, int number)
{
    int expected = model.heard + model.lost + 1;
    if (number < expected || (number > expected && !model.unknown)) trouble(line);
    model.heard = number;
    model.lost = 0;
    model.unknown = false;
    model.messages++;
}

static void hear(const char *line)
{
    int number = 0;
    if (is_numbered(line, "a message ", &number)) hear_message(line, number);
    if (is_numbered(line, "a gap ", &number)) {
        model.gaps++;
        if (number == 0 || number < -1) trouble(line);
        if (number < 0) model.unknown = true;
        if (number > 0) model.lost += number;
    }
    model.slows += is_line(line, "a slow");
    bool is_down = is_line(line, "a disconnected"), is_up = is_line(line, "a resubscribed");
    if ((is_down && model.is_down) || (is_up && !model.is_down)) trouble(line);
    model.is_down = (model.is_down || is_down) && !is_up;
    model.links += is_up;
    if (model.inside || random_below(&model.random, 3)) return;
    model.inside = true;
    act();
    model.inside = false;
}

static void offer_next(bool at_once)
{
    char text[80];
    if (model.offering) return;
    size_t len = (size_t)snprintf(text, sizeof text, "%d ", ++model.sent);
    size_t more = random_below(&model.random, 60);
    memset(text + len, '.', more);
    text[len + more] = '\0';
    model.offering = at_once && !model.inside;
    if (offer("x", text, model.offering) == 0) trouble("not taken");
    model.offering = false;
}

static void flap(void)
{
    if (model.inside) return; /* the backend's calls do not come inside one another */
    model.linked = !model.linked;
    if (model.linked)
        up("x");
    else
        down();
}

static void act(void)
{
    switch (random_below(&model.random, 12)) {
    case 0:
        stop(&a);
        break;
    case 1:
        start(&a);
        break;
    case 2:
        credit(&a, (uint32_t)random_below(&model.random, 8));
        break;
    case 3:
        if (random_below(&model.random, 8) == 0) flap();
        break;
    case 4:
    case 5:
        if (!model.inside) loop_turns(&stage.loop, 1);
        break;
    default:
        if (model.linked) offer_next(random_below(&model.random, 2));
        break;
    }
}

/* Lets everything out that can be delivered. */
static void settle(void)
{
    model.inside = true; /* no more reactions */
    if (!model.linked) {
        model.inside = false;
        flap();
        model.inside = true;
    }
    start(&a);
    credit(&a, 1000000);
    loop_turns(&stage.loop, 10);
}

static void play(uint64_t seed, const cairn_broker_sub_options_t *options)
{
    memset(&model, 0, sizeof model);
    model.random = seed;
    assert_int_equal(ears_begin(NULL), 0);
    subscribed(&a, "x", options);
    model.linked = true;
    stage.react = hear;
    for (int i = 0; i < 4000; i++) {
        act();
        if (i % 64 == 0) stage_forget();
    }
    settle();
    assert_string_equal(model.trouble, "");
    assert_int_equal(cairn_broker_buffered(&a.sub), 0);
    assert_false(model.is_down);
    if (!model.unknown) assert_int_equal(model.heard + model.lost, model.sent);
    assert_int_equal(stage_stats().delivered, model.messages);
    assert_true(model.messages > 100);
    assert_true(model.gaps > 10 && model.slows > 10 && model.links > 10);
    assert_int_equal(stage_end(NULL), 0);
}

static void every_number_is_heard_or_lies_in_a_gap(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        cairn_broker_sub_options_t options = {.policy = CAIRN_DROP_OLDEST, .max_messages = 5};
        play(seed, &options);
        options.policy = CAIRN_DROP_NEWEST;
        play(seed, &options);
        options = (cairn_broker_sub_options_t){.max_bytes = 400};
        play(seed, &options);
        options = (cairn_broker_sub_options_t){.credit = 3, .max_messages = 8};
        play(seed, &options);
        options.policy = CAIRN_DROP_NEWEST;
        play(seed, &options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_is_heard_or_lies_in_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
