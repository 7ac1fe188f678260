#include "check.h"
#include "option_rows.h"

#include <string.h>

static cairn_options_t options;
static cairn_error_t error;

static int fresh(void **state)
{
    (void)state;
    memset(&options, 0xff, sizeof options);
    memset(&error, 0, sizeof error);
    cairn_options_init(&options);
    return 0;
}

static void assert_refused(const char *text)
{
    error.code = 0;
    assert_status(cairn_options_check(&options, &error), CAIRN_EOPTION);
    assert_status(error.code, CAIRN_EOPTION);
    assert_string_equal(error.text, text);
    assert_status(cairn_options_check(&options, NULL), CAIRN_EOPTION);
}

static void assert_accepted(void)
{
    assert_status(cairn_options_check(&options, &error), 0);
}

static void the_defaults_are_as_documented(void **state)
{
    (void)state;
    assert_string_equal(options.scheme, "memory");
    assert_string_equal(options.host, "localhost");
    assert_int_equal(options.port, 6379);
    assert_null(options.path);
    assert_null(options.username);
    assert_null(options.password);
    assert_int_equal(options.timeout_ms, 5000);
    assert_int_equal(options.max_connections, 2);
    assert_int_equal(options.shallow, 0);
    assert_null(options.backends);
#define NUMBER(name, fallback, least, most, help) assert_int_equal(options.name, fallback);
    CAIRN_OPTION_NUMBERS(NUMBER)
#undef NUMBER
#define TEXT(name, help) assert_null(options.name);
    CAIRN_OPTION_TEXTS(TEXT)
#undef TEXT
    assert_accepted();
}

static void the_table_is_the_map(void **state)
{
    (void)state;
    size_t i = 0;
#define NUMBER(field, fallback_, least_, most_, help)                                              \
    assert_string_equal(option_rows[i].name, #field);                                              \
    assert_ptr_equal(option_number(&options, &option_rows[i]), &options.field);                    \
    assert_int_equal(option_rows[i].least, least_);                                                \
    assert_int_equal(option_rows[i].most, most_);                                                  \
    assert_false(option_rows[i++].is_text);
    CAIRN_OPTION_NUMBERS(NUMBER)
#undef NUMBER
#define TEXT(field, help)                                                                          \
    assert_string_equal(option_rows[i].name, #field);                                              \
    assert_ptr_equal(option_text(&options, &option_rows[i]), &options.field);                      \
    assert_true(option_rows[i++].is_text);
    CAIRN_OPTION_TEXTS(TEXT)
#undef TEXT
    assert_int_equal(i, OPTION_ROWS);
}

static void every_number_has_its_range(void **state)
{
    (void)state;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const option_row_t *row = &option_rows[i];
        if (row->is_text) continue;
        /* So that neither bound of the backoff is beyond the other. */
        cairn_options_init(&options);
        if (strcmp(row->name, "reconnect_max_ms") == 0) options.reconnect_min_ms = 1;
        options.reconnect_max_ms = 3600000;

        uint64_t *field = option_number(&options, row);
        *field = row->least;
        assert_accepted();
        *field = row->most;
        assert_accepted();
        *field = row->most + 1;
        assert_status(cairn_options_check(&options, &error), CAIRN_EOPTION);
        assert_contains(error.text, row->name);
        assert_contains(error.text, "out of range");
        if (row->least == 0) continue;
        *field = row->least - 1;
        assert_status(cairn_options_check(&options, &error), CAIRN_EOPTION);
        assert_contains(error.text, row->name);
    }
}

static void a_number_out_of_range_is_named(void **state)
{
    (void)state;
    options.timeout_ms = 0;
    assert_refused("timeout_ms=0 is out of range 1..86400000");
    options.timeout_ms = UINT64_MAX;
    assert_refused("timeout_ms=18446744073709551615 is out of range 1..86400000");
}

static void protocol_is_not_1(void **state)
{
    (void)state;
    options.protocol = 1;
    assert_refused("protocol=1 is not 0, 2 or 3");
    options.protocol = 2;
    assert_accepted();
    options.db = 1;
    assert_accepted();
}

static void backoff_begins_no_later_than_it_ends(void **state)
{
    (void)state;
    options.reconnect_min_ms = 5001;
    assert_refused("reconnect_min_ms=5001 is more than reconnect_max_ms=5000");
    options.reconnect_max_ms = 5001;
    assert_accepted();
}

static void where_to_must_be_there(void **state)
{
    (void)state;
    options.scheme = NULL;
    assert_refused("scheme is missing");
    options.scheme = "";
    assert_refused("scheme is missing");
    options.scheme = "redis";
    options.host = NULL;
    assert_refused("host is missing");
    options.host = "";
    assert_refused("host is missing");
    options.host = "a b";
    assert_refused("host contains a space or a control character");
    options.host = "fe80::1%eth0";
    options.port = 0;
    assert_refused("port=0 is out of range 1..65535");
    options.port = 65535;
    assert_accepted();
}

static void a_host_has_at_most_255_bytes(void **state)
{
    (void)state;
    char host[257];
    memset(host, 'h', 256);
    host[256] = '\0';
    options.host = host;
    assert_refused("host is longer than 255 bytes");
    host[255] = '\0';
    assert_accepted();
}

static void hosts_are_a_list_of_addresses(void **state)
{
    (void)state;
    static const char *const lists[] = {"h", "h:1", "h,i:65535", "[::1],[::1]:7,10.0.0.1"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        options.hosts = lists[i];
        assert_accepted();
    }
    static const char *const malformed[] = {
        ",",    "h,",    ",h",      "h,,i", ":1", "h:",   "h:0",    "h:x",
        "h:1x", "h:1:2", "h:65536", "[",    "[]", "[::1", "[::1]1", "[::1]:"};
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        options.hosts = malformed[i];
        assert_refused("hosts has something that is neither host nor host:port");
    }
    options.hosts = "";
    assert_refused("hosts is missing");
    options.hosts = "h, i";
    assert_refused("hosts contains a space or a control character");
    char host[300] = "h,";
    memset(host + 2, 'h', 256);
    options.hosts = host;
    assert_refused("hosts has one longer than 255 bytes");
}

static void sentinels_need_a_service(void **state)
{
    (void)state;
    options.scheme = "Redis+Sentinel";
    assert_refused("sentinel_service is missing");
    options.sentinel_service = "s";
    assert_accepted();
    options.sentinel_username = "u";
    assert_refused("sentinel_username is set without a sentinel_password");
    options.sentinel_password = "";
    assert_refused("sentinel_password is empty");
    options.sentinel_password = "any thing\xff";
    assert_accepted();
}

static void a_unix_socket_needs_a_path_that_fits(void **state)
{
    (void)state;
    char path[109];
    memset(path, '/', 108);
    path[108] = '\0';
    options.scheme = "unix";
    assert_refused("path is missing");
    options.path = "";
    assert_refused("path is missing");
    options.path = "/tmp/a\nb";
    assert_refused("path contains a space or a control character");
    options.path = path;
    assert_refused("path is longer than 107 bytes");
    path[107] = '\0';
    assert_accepted();
    path[107] = '/';
    options.scheme = "redis";
    assert_accepted();
}

static void credentials_are_whole(void **state)
{
    (void)state;
    options.username = "alice";
    assert_refused("username is set without a password");
    options.password = "";
    assert_refused("password is empty");
    options.password = "any \x01 byte";
    assert_accepted();
    options.username = "";
    assert_refused("username is missing");
    options.username = "al ice";
    assert_refused("username contains a space or a control character");
    options.username = NULL;
    assert_accepted();
}

static void a_client_name_is_printable_ascii(void **state)
{
    (void)state;
    options.client_name = "!planner~";
    assert_accepted();
    options.client_name = "";
    assert_refused("client_name is missing");
    options.client_name = "a b";
    assert_refused("client_name contains a space or a control character");
    options.client_name = "a\x7f";
    assert_refused("client_name contains a space or a control character");
    options.client_name = "a\xc3\xa4";
    assert_refused("client_name is not ASCII");
}

static void shallow_is_a_truth_value(void **state)
{
    (void)state;
    options.shallow = 1;
    assert_accepted();
    options.shallow = 2;
    assert_refused("shallow=2 is out of range 0..1");
}

static void rows_are_found_by_their_whole_name(void **state)
{
    (void)state;
    assert_string_equal(option_row(cairn_str("db"))->name, "db");
    assert_string_equal(option_row(cairn_str("client_name"))->name, "client_name");
    assert_null(option_row(cairn_str("d")));
    assert_null(option_row(cairn_str("dbx")));
    assert_null(option_row(cairn_str("DB")));
    assert_null(option_row(cairn_str("")));
}

static void assert_like(const char *name, const char *expected)
{
    const option_row_t *row = option_row_like(cairn_str(name));
    if (!expected) {
        assert_null(row);
        return;
    }
    assert_non_null(row);
    assert_string_equal(row->name, expected);
}

static void a_mistyped_name_finds_what_was_meant(void **state)
{
    (void)state;
    assert_like("timeout", "timeout_ms");
    assert_like("timeoutms", "timeout_ms");
    assert_like("connect_timeout", "connect_timeout_ms");
    assert_like("max_conections", "max_connections");
    assert_like("clientname", "client_name");
    assert_like("protocoll", "protocol");
    assert_like("Protocol", "protocol");
    assert_like("dbs", "db");
    assert_like("password", NULL);
    assert_like("x", NULL);
    assert_like("", NULL);
    assert_like("timeout_ms_timeout_ms_timeout_ms_", NULL);
}

static void assert_parsed(const char *text, int status, uint64_t value, const char *message)
{
    const option_row_t *row = option_row(cairn_str("max_queue_bytes"));
    uint64_t out = 7;
    error.text[0] = '\0';
    assert_status(option_parse(row, "label", cairn_str(text), &out, &error), status);
    assert_int_equal(out, value);
    assert_string_equal(error.text, message);
}

static void only_digits_are_a_number(void **state)
{
    (void)state;
    assert_parsed("65536", 0, 65536, "");
    assert_parsed("0065536", 0, 65536, "");
    assert_parsed("1099511627776", 0, (uint64_t)1 << 40, "");
    assert_parsed("1099511627777", CAIRN_EOPTION, 7,
                  "label=1099511627777 is out of range 65536..1099511627776");
    /* 2^64 and more, which must not come round to something small again. */
    assert_parsed("18446744073709551616", CAIRN_EOPTION, 7,
                  "label=18446744073709551616 is out of range 65536..1099511627776");
    assert_parsed("18446744073709617152", CAIRN_EOPTION, 7,
                  "label=18446744073709617152 is out of range 65536..1099511627776");
    assert_parsed("184467440737095516160000065536", CAIRN_EOPTION, 7,
                  "label=184467440737095516160000065536 is out of range 65536..1099511627776");
    assert_parsed("", CAIRN_EOPTION, 7, "label=\"\" is not a whole number");
    assert_parsed("+65536", CAIRN_EOPTION, 7, "label=\"+65536\" is not a whole number");
    assert_parsed("-1", CAIRN_EOPTION, 7, "label=\"-1\" is not a whole number");
    assert_parsed("65536k", CAIRN_EOPTION, 7, "label=\"65536k\" is not a whole number");
    assert_parsed("0x10000", CAIRN_EOPTION, 7, "label=\"0x10000\" is not a whole number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_defaults_are_as_documented, fresh),
        cmocka_unit_test_setup(the_table_is_the_map, fresh),
        cmocka_unit_test_setup(every_number_has_its_range, fresh),
        cmocka_unit_test_setup(a_number_out_of_range_is_named, fresh),
        cmocka_unit_test_setup(protocol_is_not_1, fresh),
        cmocka_unit_test_setup(backoff_begins_no_later_than_it_ends, fresh),
        cmocka_unit_test_setup(where_to_must_be_there, fresh),
        cmocka_unit_test_setup(a_host_has_at_most_255_bytes, fresh),
        cmocka_unit_test_setup(hosts_are_a_list_of_addresses, fresh),
        cmocka_unit_test_setup(sentinels_need_a_service, fresh),
        cmocka_unit_test_setup(a_unix_socket_needs_a_path_that_fits, fresh),
        cmocka_unit_test_setup(credentials_are_whole, fresh),
        cmocka_unit_test_setup(a_client_name_is_printable_ascii, fresh),
        cmocka_unit_test_setup(shallow_is_a_truth_value, fresh),
        cmocka_unit_test_setup(rows_are_found_by_their_whole_name, fresh),
        cmocka_unit_test_setup(a_mistyped_name_finds_what_was_meant, fresh),
        cmocka_unit_test_setup(only_digits_are_a_number, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
