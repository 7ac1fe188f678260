#include "redis_greeting.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/* ---- what is said first ---- */

static void hello_asks_for_resp3_and_gives_a_name(void **state)
{
    (void)state;
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    assert_said("*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" NAME);
    assert_string_equal(hello.server, "redis");
    assert_false(hello.greeted);
}

static void hello_asks_for_what_is_wanted(void **state)
{
    (void)state;
    options.protocol = 2;
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    assert_said("*4\r\n$5\r\nHELLO\r\n$1\r\n2\r\n" NAME);
    options.protocol = 3;
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    assert_said("*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n" NAME);
}

static void hello_carries_the_password(void **state)
{
    (void)state;
    options.password = "sesame";
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    assert_said(
        "*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$6\r\nsesame\r\n" NAME);
    options.username = "ali";
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    assert_said("*7\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$3\r\nali\r\n$6\r\nsesame\r\n" NAME);
}

static void hello_finds_no_memory(void **state)
{
    (void)state;
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_status(redis_hello_begin(&hello, &options, &out), UV_ENOMEM);
}

/* ---- the usual way ---- */

static bool tells_of_vector_sets(const char *modules)
{
    char bytes[512];
    snprintf(bytes, sizeof bytes, "%%2\r\n$7\r\nmodules\r\n%s$6\r\nserver\r\n$3\r\nfox\r\n",
             modules);
    greet();
    assert_int_equal(answer(bytes), 0);
    assert_string_equal(hello.server, "fox");
    return hello.vector_sets;
}

#define NAMED(name) "$4\r\nname\r\n" name
#define SETS NAMED("$9\r\nvectorset\r\n")

static void a_server_tells_whether_it_has_vector_sets(void **state)
{
    (void)state;
    assert_true(tells_of_vector_sets("*1\r\n%2\r\n" SETS "$3\r\nver\r\n:1\r\n"));
    assert_true(tells_of_vector_sets("*2\r\n*2\r\n" NAMED("$2\r\nbf\r\n") "*2\r\n" SETS));
    assert_true(tells_of_vector_sets("*1\r\n*4\r\n$4\r\nargs\r\n*1\r\n:1\r\n" SETS));
    assert_false(tells_of_vector_sets("*0\r\n"));
    assert_false(tells_of_vector_sets("$-1\r\n"));
    assert_false(tells_of_vector_sets("*2\r\n" SETS));
    assert_false(tells_of_vector_sets("*1\r\n*2\r\n" NAMED("$10\r\nvectorsets\r\n")));
    assert_false(tells_of_vector_sets("*1\r\n*2\r\n:1\r\n*2\r\n" SETS));
}

static void a_resp3_server_is_ready_after_two_rounds(void **state)
{
    (void)state;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_int_equal(hello.protocol, 3);
    assert_string_equal(hello.server, "redis 7.0.15");
    assert_said(LIB_NAME LIB_VER);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
    assert_said("");
}

static void a_resp2_greeting_is_read_alike(void **state)
{
    (void)state;
    options.protocol = 2;
    greet();
    assert_int_equal(answer(GREETING_2), 0);
    assert_int_equal(hello.protocol, 2);
    assert_string_equal(hello.server, "valkey 8.1.0");
    assert_said(LIB_NAME LIB_VER);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
}

static void a_database_is_selected_first(void **state)
{
    (void)state;
    options.db = 1048576;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_said("*2\r\n$6\r\nSELECT\r\n$7\r\n1048576\r\n" LIB_NAME LIB_VER);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
}

static void courtesies_may_be_refused(void **state)
{
    (void)state;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_int_equal(answer("-NOPERM this user has no permissions to run this\r\n"), 0);
    assert_int_equal(answer("-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n"), 1);
}

static void a_connection_that_is_lost_begins_anew(void **state)
{
    (void)state;
    options.db = 1;
    greet();
    assert_int_equal(answer("-NOPROTO unsupported protocol version\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    greet();
    assert_false(hello.greeted);
    assert_int_equal(answer(GREETING_3), 0);
    assert_int_equal(hello.protocol, 3);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
}

/* ---- old servers ---- */

static void assert_falls_back(const char *refusal)
{
    options.username = NULL;
    options.password = "sesame";
    options.db = 7;
    greet();
    assert_int_equal(answer(refusal), 0);
    assert_int_equal(hello.protocol, 2);
    assert_said("*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n" SET_NAME
                "*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n" //
                LIB_NAME LIB_VER);
    for (int i = 0; i < 4; i++) assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
    assert_string_equal(hello.server, "redis");
}

static void old_servers_are_spoken_to_in_their_way(void **state)
{
    (void)state;
    assert_falls_back("-NOPROTO unsupported protocol version\r\n");
    assert_falls_back("-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n");
    assert_falls_back("-ERR unknown command 'HELLO'\r\n");
    options.protocol = 2;
    assert_falls_back("-ERR unknown command 'HELLO'\r\n");
}

static void old_servers_need_no_password_and_no_database(void **state)
{
    (void)state;
    greet();
    assert_int_equal(answer("-ERR unknown command 'HELLO'\r\n"), 0);
    assert_said(SET_NAME LIB_NAME LIB_VER);
    assert_int_equal(answer("-ERR unknown command 'CLIENT'\r\n"), 0);
    assert_int_equal(answer("-ERR unknown command 'CLIENT'\r\n"), 0);
    assert_int_equal(answer("-ERR unknown command 'CLIENT'\r\n"), 1);
}

static void the_user_goes_with_the_password(void **state)
{
    (void)state;
    options.username = "ali";
    options.password = "sesame";
    greet();
    assert_int_equal(answer("-NOPROTO unsupported protocol version\r\n"), 0);
    assert_said("*3\r\n$4\r\nAUTH\r\n$3\r\nali\r\n$6\r\nsesame\r\n" SET_NAME LIB_NAME LIB_VER);
}

static void who_insists_on_resp3_does_not_fall_back(void **state)
{
    (void)state;
    options.protocol = 3;
    greet();
    assert_status(answer("-NOPROTO unsupported protocol version\r\n"), CAIRN_ESERVER);
    assert_contains(hello.detail, "RESP3");
    assert_contains(hello.detail, "NOPROTO");
    assert_said("");
}

/* Some proxies take HELLO 3 and go on in RESP2; they say so. */
static void the_protocol_is_what_the_server_says_it_is(void **state)
{
    (void)state;
    greet();
    assert_int_equal(answer(GREETING_2), 0);
    assert_int_equal(hello.protocol, 2);
    assert_said(LIB_NAME LIB_VER);
    options.protocol = 3;
    greet();
    assert_status(answer(GREETING_2), CAIRN_ESERVER);
    assert_contains(hello.detail, "RESP3");
}

/* ---- refusals ---- */

typedef struct refusal {
    const char *says;
    int status;
} refusal_t;

static void refusals_are_told_in_the_servers_words(void **state)
{
    (void)state;
    static const refusal_t refusals[] = {
        {"WRONGPASS invalid username-password pair or user is disabled.", CAIRN_EAUTH},
        {"NOAUTH HELLO must be called with the client already authenticated", CAIRN_EAUTH},
        {"NOPERM this user has no permissions to run the 'hello' command", CAIRN_EDENIED},
        {"DENIED Redis is running in protected mode", CAIRN_EDENIED},
        {"LOADING Redis is loading the dataset in memory", CAIRN_ELOADING},
        {"ERR max number of clients reached", CAIRN_EBUSY},
        {"ERR something else", CAIRN_ESERVER},
        {"", CAIRN_ESERVER},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        char bytes[128];
        snprintf(bytes, sizeof bytes, "-%s\r\n", refusals[i].says);
        greet();
        assert_status(answer(bytes), refusals[i].status);
        assert_contains(hello.detail, "HELLO");
        assert_contains(hello.detail, refusals[i].says);
        assert_said("");
    }
}

static void errors_of_resp3s_long_kind_are_errors_too(void **state)
{
    (void)state;
    greet();
    assert_status(answer("!14\r\nWRONGPASS nope\r\n"), CAIRN_EAUTH);
    assert_contains(hello.detail, "WRONGPASS nope");
}

static void a_database_out_of_range_is_refused(void **state)
{
    (void)state;
    options.db = 99;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_status(answer("-ERR DB index is out of range\r\n"), CAIRN_ESERVER);
    assert_string_equal(hello.detail, "SELECT: ERR DB index is out of range");
}

static void an_old_server_may_refuse_the_password(void **state)
{
    (void)state;
    static const char *const refusals[] = {
        "ERR invalid password",
        "ERR Client sent AUTH, but no password is set",
        "WRONGPASS invalid username-password pair",
    };
    options.password = "sesame";
    for (size_t i = 0; i < 3; i++) {
        char bytes[128];
        snprintf(bytes, sizeof bytes, "-%s\r\n", refusals[i]);
        greet();
        assert_int_equal(answer("-ERR unknown command 'HELLO'\r\n"), 0);
        assert_status(answer(bytes), CAIRN_EAUTH);
        assert_contains(hello.detail, "AUTH: ");
        assert_contains(hello.detail, refusals[i]);
    }
}

static void an_answer_to_nothing_is_refused(void **state)
{
    (void)state;
    greet();
    assert_int_equal(answer(GREETING_3), 0);
    assert_int_equal(answer("+OK\r\n"), 0);
    assert_int_equal(answer("+OK\r\n"), 1);
    assert_status(answer("+OK\r\n"), CAIRN_EPROTOCOL);
    assert_contains(hello.detail, "nothing");
    assert_status(answer("+OK\r\n"), CAIRN_EPROTOCOL);
}

static void a_greeting_that_is_no_map_is_refused(void **state)
{
    (void)state;
    static const char *const greetings[] = {
        "+OK\r\n", ":1\r\n", "$2\r\nhi\r\n", "$-1\r\n", "*-1\r\n", "_\r\n", "#t\r\n", ",1.5\r\n",
    };
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        greet();
        assert_status(answer(greetings[i]), CAIRN_EPROTOCOL);
        assert_contains(hello.detail, "HELLO");
        assert_said("");
    }
}

/* ---- odd greetings: not worth failing for ---- */

static void assert_server(const char *greeting, const char *server)
{
    greet();
    assert_int_equal(answer(greeting), 0);
    assert_string_equal(hello.server, server);
    assert_int_equal(hello.protocol, 3);
    assert_said(LIB_NAME LIB_VER);
}

static void what_a_server_does_not_tell_is_not_missed(void **state)
{
    (void)state;
    assert_server("%0\r\n", "redis");
    assert_server("*0\r\n", "redis");
    assert_server("%1\r\n+server\r\n+dragonfly\r\n", "dragonfly");
    assert_server("%1\r\n$7\r\nversion\r\n$3\r\n6.2\r\n", "redis 6.2");
    assert_server("%2\r\n+server\r\n$0\r\n\r\n+version\r\n$0\r\n\r\n", "redis");
}

static void fields_of_another_type_are_left_out(void **state)
{
    (void)state;
    assert_server("%2\r\n+server\r\n:5\r\n+version\r\n+7.2\r\n", "redis 7.2");
    assert_server("%2\r\n+server\r\n*2\r\n+a\r\n+b\r\n+version\r\n+7.2\r\n", "redis 7.2");
    assert_server("%2\r\n+server\r\n_\r\n+version\r\n,7.2\r\n", "redis");
    assert_server("%2\r\n+version\r\n$-1\r\n+server\r\n+keydb\r\n", "keydb");
    assert_server("%2\r\n:1\r\n+x\r\n+server\r\n+keydb\r\n", "keydb");
    assert_server("%2\r\n*1\r\n+server\r\n+x\r\n+server\r\n+keydb\r\n", "keydb");
    assert_server("%1\r\n+proto\r\n+three\r\n", "redis");
    assert_server("%1\r\n+proto\r\n:4\r\n", "redis");
}

static void a_key_without_a_value_is_left_out(void **state)
{
    (void)state;
    assert_server("*3\r\n+server\r\n+keydb\r\n+version\r\n", "keydb");
    assert_server("*1\r\n+server\r\n", "redis");
}

static void attributes_are_left_out(void **state)
{
    (void)state;
    assert_server("|1\r\n+ttl\r\n:5\r\n%1\r\n+server\r\n|1\r\n+a\r\n+b\r\n+keydb\r\n", "keydb");
}

static void long_names_are_cut(void **state)
{
    (void)state;
    enum {
        LONG = 70000
    };
    char *greeting = malloc(2 * LONG + 200);
    size_t len = (size_t)sprintf(greeting, "%%2\r\n+server\r\n$%d\r\n", LONG);
    memset(greeting + len, 's', LONG);
    len += LONG;
    len += (size_t)sprintf(greeting + len, "\r\n+version\r\n$%d\r\n", LONG);
    memset(greeting + len, 'v', LONG);
    len += LONG;
    len += (size_t)sprintf(greeting + len, "\r\n");
    greet();
    assert_int_equal(answer_bytes(greeting, len), 0);
    assert_string_equal(hello.server, "ssssssssssssssssssss vvvvvvvvvvvvvvvvvvvv");
    free(greeting);
}

static void a_nul_ends_a_name(void **state)
{
    (void)state;
    static const char greeting[] = "%1\r\n+server\r\n$5\r\nke\0db\r\n";
    greet();
    assert_int_equal(answer_bytes(greeting, sizeof greeting - 1), 0);
    assert_string_equal(hello.server, "ke");
}

static void a_greeting_cut_off_is_refused_and_not_read_beyond(void **state)
{
    (void)state;
    static const char greeting[] = GREETING_3;
    for (size_t len = 0; len < sizeof greeting - 1; len++) {
        char *exact = malloc(len ? len : 1); /* so that a sanitizer sees the end */
        memcpy(exact, greeting, len);
        greet();
        assert_status(answer_bytes(exact, len), CAIRN_EPROTOCOL);
        free(exact);
    }
}

/* ---- the password stays here ---- */

static void assert_hides(const char *refusal)
{
    greet();
    options.protocol = 3;
    assert_true(answer(refusal) < 0);
    assert_lacks(hello.detail, "sesame");
    assert_lacks(hello.detail, "sesam");

    options.protocol = 0;
    greet();
    assert_int_equal(answer("-ERR unknown command 'HELLO'\r\n"), 0);
    assert_true(answer(refusal) < 0);
    assert_lacks(hello.detail, "sesam");
}

static void a_password_quoted_by_the_server_is_hidden(void **state)
{
    (void)state;
    options.password = "sesame";
    assert_hides("-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, "
                 "`sesame`, `SETNAME`, `plane`, \r\n");
    assert_hides("-ERR unknown command `AUTH`, with args beginning with: `sesame`, \r\n");
    assert_hides("-ERR sesame is not the password, sesamesesame is\r\n");
    assert_contains(hello.detail, "is not the password");
    assert_hides("-NOPROTO sesame\r\n");
}

/* Servers quote only the first hundred or so bytes, and put spaces for what would end the line. */
static void a_password_quoted_in_part_is_hidden(void **state)
{
    (void)state;
    options.password = "sesame-0123456789-0123456789";
    assert_hides("-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, "
                 "`sesame-0123456789-01`, \r\n");
    options.password = "sesame\r\n0123456789";
    assert_hides(
        "-ERR unknown command 'AUTH', with args beginning with: 'sesame  0123456789' \r\n");
}

static void a_short_password_leaves_the_words_readable(void **state)
{
    (void)state;
    options.password = "a";
    greet();
    assert_status(answer("-WRONGPASS invalid username\r\n"), CAIRN_EAUTH);
    assert_lacks(strchr(hello.detail, ':'), "a");
    assert_contains(hello.detail, "WRONGPASS inv");
}

static void long_words_are_cut(void **state)
{
    (void)state;
    static char refusal[4000];
    snprintf(refusal, sizeof refusal, "-ERR %03900d\r\n", 0);
    for (size_t len = 0; len < 40; len++) {
        static char password[64];
        memset(password, '0', len + 1);
        options.password = password;
        greet();
        assert_status(answer(refusal), CAIRN_ESERVER);
        assert_contains(hello.detail, "HELLO: ERR ***");
        assert_true(strlen(hello.detail) < sizeof hello.detail);
    }
    options.password = NULL;
    greet();
    assert_status(answer(refusal), CAIRN_ESERVER);
    assert_in_range(strlen(hello.detail), 200, sizeof hello.detail - 1);
}

/* ---- out of memory ---- */

static void the_second_round_finds_no_memory(void **state)
{
    (void)state;
    static char name[6000];
    memset(name, 'n', sizeof name - 1);
    greet();
    options.client_name = name; /* longer than what the first round left room for */
    alloc_fail(ALLOC_FAIL_ONCE, 1);
    assert_status(answer("-ERR unknown command 'HELLO'\r\n"), UV_ENOMEM);
    assert_true(alloc_fault_fired());
    assert_true(hello.detail[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hello_asks_for_resp3_and_gives_a_name),
        TEST(hello_asks_for_what_is_wanted),
        TEST(hello_carries_the_password),
        TEST(hello_finds_no_memory),
        TEST(a_server_tells_whether_it_has_vector_sets),
        TEST(a_resp3_server_is_ready_after_two_rounds),
        TEST(a_resp2_greeting_is_read_alike),
        TEST(a_database_is_selected_first),
        TEST(courtesies_may_be_refused),
        TEST(a_connection_that_is_lost_begins_anew),
        TEST(old_servers_are_spoken_to_in_their_way),
        TEST(old_servers_need_no_password_and_no_database),
        TEST(the_user_goes_with_the_password),
        TEST(who_insists_on_resp3_does_not_fall_back),
        TEST(the_protocol_is_what_the_server_says_it_is),
        TEST(refusals_are_told_in_the_servers_words),
        TEST(errors_of_resp3s_long_kind_are_errors_too),
        TEST(a_database_out_of_range_is_refused),
        TEST(an_old_server_may_refuse_the_password),
        TEST(an_answer_to_nothing_is_refused),
        TEST(a_greeting_that_is_no_map_is_refused),
        TEST(what_a_server_does_not_tell_is_not_missed),
        TEST(fields_of_another_type_are_left_out),
        TEST(a_key_without_a_value_is_left_out),
        TEST(attributes_are_left_out),
        TEST(long_names_are_cut),
        TEST(a_nul_ends_a_name),
        TEST(a_greeting_cut_off_is_refused_and_not_read_beyond),
        TEST(a_password_quoted_by_the_server_is_hidden),
        TEST(a_password_quoted_in_part_is_hidden),
        TEST(a_short_password_leaves_the_words_readable),
        TEST(long_words_are_cut),
        TEST(the_second_round_finds_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
