#include "check.h"

#include <cairn/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cairn_options_t options;
static cairn_error_t error;

static int fresh(void **state)
{
    (void)state;
    memset(&error, 0, sizeof error);
    cairn_options_init(&options);
    return 0;
}

static void assert_text(const char *actual, const char *expected)
{
    if (!expected) {
        assert_null(actual);
        return;
    }
    assert_non_null(actual);
    assert_string_equal(actual, expected);
}

static void read_url(const char *url)
{
    int rc = cairn_options_from_url(&options, url, &error);
    if (rc != 0) check_fail("%s: %s: %s", url, cairn_err_name(rc), error.text);
    assert_status(cairn_options_check(&options, NULL), 0);
}

/* ---- what is accepted ---- */

typedef struct where {
    const char *url, *scheme, *user, *password, *host;
    uint16_t port;
    const char *path;
    uint64_t db;
} where_t;

#define LOCAL "localhost", 6379

static const where_t wheres[] = {
    {"memory:", "memory", NULL, NULL, LOCAL, NULL, 0},
    {"memory://", "memory", NULL, NULL, LOCAL, NULL, 0},
    {"memory:?db=3", "memory", NULL, NULL, LOCAL, NULL, 3},
    {"memory://?db=3", "memory", NULL, NULL, LOCAL, NULL, 3},
    {"MeMoRy:", "memory", NULL, NULL, LOCAL, NULL, 0},

    {"redis://", "redis", NULL, NULL, LOCAL, NULL, 0},
    {"redis:///", "redis", NULL, NULL, LOCAL, NULL, 0},
    {"redis:///2", "redis", NULL, NULL, LOCAL, NULL, 2},
    {"REDIS://h", "redis", NULL, NULL, "h", 6379, NULL, 0},
    {"redis://h", "redis", NULL, NULL, "h", 6379, NULL, 0},
    {"redis://h/", "redis", NULL, NULL, "h", 6379, NULL, 0},
    {"redis://h:7000", "redis", NULL, NULL, "h", 7000, NULL, 0},
    {"redis://h:1", "redis", NULL, NULL, "h", 1, NULL, 0},
    {"redis://h:65535/15", "redis", NULL, NULL, "h", 65535, NULL, 15},
    {"redis://h:06379", "redis", NULL, NULL, "h", 6379, NULL, 0},
    {"redis://h/1048576", "redis", NULL, NULL, "h", 6379, NULL, 1048576},
    {"redis://h?db=4", "redis", NULL, NULL, "h", 6379, NULL, 4},
    {"redis://h/?db=4", "redis", NULL, NULL, "h", 6379, NULL, 4},
    {"redis://h/%31%32", "redis", NULL, NULL, "h", 6379, NULL, 12},
    {"redis://10.0.0.1:6380", "redis", NULL, NULL, "10.0.0.1", 6380, NULL, 0},
    {"redis://cache-1.my_net.example.", "redis", NULL, NULL, "cache-1.my_net.example.", 6379, NULL,
     0},
    {"redis://%68%4Fst", "redis", NULL, NULL, "hOst", 6379, NULL, 0},
    {"redis://b\xc3\xbc"
     "cher.example",
     "redis", NULL, NULL,
     "b\xc3\xbc"
     "cher.example",
     6379, NULL, 0},

    {"redis://[::1]", "redis", NULL, NULL, "::1", 6379, NULL, 0},
    {"redis://[::1]:7000/1", "redis", NULL, NULL, "::1", 7000, NULL, 1},
    {"redis://[2001:db8::10.0.0.1]", "redis", NULL, NULL, "2001:db8::10.0.0.1", 6379, NULL, 0},
    {"redis://[fe80::1%25eth0]:7000", "redis", NULL, NULL, "fe80::1%eth0", 7000, NULL, 0},
    {"redis://:pw@[::1]:7000", "redis", NULL, "pw", "::1", 7000, NULL, 0},

    {"redis://alice:pw@h", "redis", "alice", "pw", "h", 6379, NULL, 0},
    {"redis://:pw@h:7000/2", "redis", NULL, "pw", "h", 7000, NULL, 2},
    {"redis://:pw@", "redis", NULL, "pw", LOCAL, NULL, 0},
    {"redis://:pw@/2", "redis", NULL, "pw", LOCAL, NULL, 2},
    {"redis://alice:p@ss@h", "redis", "alice", "p@ss", "h", 6379, NULL, 0},
    {"redis://alice:p:w:@h", "redis", "alice", "p:w:", "h", 6379, NULL, 0},
    {"redis://:@@h", "redis", NULL, "@", "h", 6379, NULL, 0},
    {"redis://a@b:c@d:e@h:1", "redis", "a@b", "c@d:e", "h", 1, NULL, 0},
    {"redis://al%3Aice:a%2fb%3f%23%40%25@h", "redis", "al:ice", "a/b?#@%", "h", 6379, NULL, 0},
    {"redis://u:%20%01%ff@h", "redis", "u", " \x01\xff", "h", 6379, NULL, 0},
    {"redis://u:[!$&'()*+,;=]@h", "redis", "u", "[!$&'()*+,;=]", "h", 6379, NULL, 0},

    {"redis+cluster://:pw@h:7000", "redis+cluster", NULL, "pw", "h", 7000, NULL, 0},
    {"Rediss+Cluster://h,i:1", "rediss+cluster", NULL, NULL, "h", 6379, NULL, 0},

    {"unix:///run/redis.sock", "unix", NULL, NULL, LOCAL, "/run/redis.sock", 0},
    {"unix:///run/redis.sock?db=2", "unix", NULL, NULL, LOCAL, "/run/redis.sock", 2},
    {"unix://alice:pw@/a%40b/c%25d", "unix", "alice", "pw", LOCAL, "/a@b/c%d", 0},
    {"unix://:pw@/r.sock", "unix", NULL, "pw", LOCAL, "/r.sock", 0},
};

static void every_form_is_read(void **state)
{
    for (size_t i = 0; i < sizeof wheres / sizeof *wheres; i++) {
        const where_t *where = &wheres[i];
        fresh(state);
        read_url(where->url);
        assert_text(options.scheme, where->scheme);
        assert_text(options.username, where->user);
        assert_text(options.password, where->password);
        assert_text(options.host, where->host);
        assert_int_equal(options.port, where->port);
        assert_text(options.path, where->path);
        assert_int_equal(options.db, where->db);
    }
}

static void every_number_is_a_parameter(void **state)
{
#define NUMBER(name, fallback, least, most, help)                                                  \
    {                                                                                              \
        char url[100];                                                                             \
        fresh(state);                                                                              \
        options.reconnect_max_ms = 3600000;                                                        \
        snprintf(url, sizeof url, "memory:?" #name "=%llu", (unsigned long long)(most)-1);         \
        read_url(url);                                                                             \
        assert_int_equal(options.name, (most)-1);                                                  \
    }
    CAIRN_OPTION_NUMBERS(NUMBER)
#undef NUMBER
}

static void every_text_is_a_parameter(void **state)
{
#define TEXT(name, help)                                                                           \
    fresh(state);                                                                                  \
    read_url("memory:?" #name "=a%3db");                                                           \
    assert_text(options.name, "a=b");
    CAIRN_OPTION_TEXTS(TEXT)
#undef TEXT
}

static void parameters_come_in_any_number_and_order(void **state)
{
    (void)state;
    read_url("redis://h/7?timeout_ms=%35%30&client_name=plan+=ner&protocol=2&max_inflight=1");
    assert_int_equal(options.db, 7);
    assert_int_equal(options.timeout_ms, 50);
    assert_int_equal(options.protocol, 2);
    assert_int_equal(options.max_inflight, 1);
    assert_string_equal(options.client_name, "plan+=ner");
    assert_int_equal(options.max_connections, 2);
}

/* ---- what is refused ---- */

typedef struct refused {
    const char *url;
    int code;
    const char *text;
} refused_t;

#define FORMS                                                                                      \
    "memory:, redis://, unix://, redis+sentinel:// or redis+cluster://, or rediss in place of "    \
    "redis"
#define NO_SCHEME "URL does not begin with " FORMS
#define MISPLACED_AT                                                                               \
    "an '@' stands behind a '/', '?' or '#'; in user and password these are written %2F, %3F and " \
    "%23, and elsewhere '@' is %40"

static const refused_t refusals[] = {
    {NULL, CAIRN_EURL, "URL is NULL"},
    {"", CAIRN_EURL, NO_SCHEME},
    {"localhost", CAIRN_EURL, NO_SCHEME},
    {"localhost:6379", CAIRN_EURL, NO_SCHEME},
    {"alice:secret@h", CAIRN_EURL, NO_SCHEME},
    {"://h", CAIRN_EURL, NO_SCHEME},
    {"//h", CAIRN_EURL, NO_SCHEME},
    {"1redis://h", CAIRN_EURL, NO_SCHEME},
    {"re_dis://h", CAIRN_EURL, NO_SCHEME},
    {"@redis://h", CAIRN_EURL, NO_SCHEME},
    {"http://h", CAIRN_ESCHEME, "scheme \"http\" is unknown; there are " FORMS},
    {"abcdefghijklmnopqrstuvwxyzabcdefghijkl://h", CAIRN_ESCHEME,
     "scheme \"abcdefghijklmnopqrstuvwxyzabcdef\" is unknown; there are " FORMS},
    {"rediss+sentinel://h", CAIRN_EOPTION, "sentinel_service is missing"},
    {"redis+sentinel:h", CAIRN_EURL, "\"redis+sentinel:\" is not followed by \"//\""},
    {"redis+sentinel://h", CAIRN_EOPTION, "sentinel_service is missing"},
    {"redis+sentinel://h//1", CAIRN_EOPTION, "sentinel_service is missing"},
    {"redis+sentinel://h/a%20b", CAIRN_EOPTION,
     "sentinel_service contains a space or a control character"},
    {"redis+sentinel://h/s/x", CAIRN_EOPTION, "db=\"x\" is not a whole number"},
    {"redis+sentinel://h/s?sentinel_service=s", CAIRN_EOPTION,
     "parameter \"sentinel_service\" is repeated"},
    {"redis+sentinel://h/s?sentinel_password=", CAIRN_EOPTION, "sentinel_password is empty"},
    {"redis+sentinel://h/s?sentinel_username=u", CAIRN_EOPTION,
     "sentinel_username is set without a sentinel_password"},
    {"redis+cluster:h", CAIRN_EURL, "\"redis+cluster:\" is not followed by \"//\""},
    {"REDIS+CLUSTER://h/s", CAIRN_EOPTION, "db=\"s\" is not a whole number"},
    {"redis:", CAIRN_EURL, "\"redis:\" is not followed by \"//\""},
    {"redis:/h", CAIRN_EURL, "\"redis:\" is not followed by \"//\""},
    {"redis:secret", CAIRN_EURL, "\"redis:\" is not followed by \"//\""},
    {"unix:/run/r.sock", CAIRN_EURL, "\"unix:\" is not followed by \"//\""},
    {" redis://h", CAIRN_EURL, "URL contains a space or a control character"},
    {"redis://h\n", CAIRN_EURL, "URL contains a space or a control character"},
    {"redis://u:p w@h", CAIRN_EURL, "URL contains a space or a control character"},
    {"redis://h\x7f", CAIRN_EURL, "URL contains a space or a control character"},

    {"memory:x", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory:/", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory://h", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory://h:1", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory://[]", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory:///2", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"memory://u:p@", CAIRN_EURL, "a memory URL has nothing but parameters"},

    {"unix://", CAIRN_EURL, "the path of the socket is missing"},
    {"unix:///", CAIRN_EURL, "the path of the socket is missing"},
    {"unix://?db=1", CAIRN_EURL, "the path of the socket is missing"},
    {"unix://run/r.sock", CAIRN_EURL, "a unix URL has no host; the path begins with a third '/'"},
    {"unix://u:p@h/r.sock", CAIRN_EURL, "a unix URL has no host; the path begins with a third '/'"},
    {"unix://[]/r.sock", CAIRN_EURL, "a unix URL has no host; the path begins with a third '/'"},
    {"unix:///a%20b", CAIRN_EURL, "the path has an escaped space or control character"},
    {"unix:///a%00b", CAIRN_EURL, "the path has a NUL (%00)"},
    {"unix:///a%2", CAIRN_EURL, "the path has a '%' without two hexadecimal digits"},
    {"unix:///a@b", CAIRN_EURL, MISPLACED_AT},

    {"redis://@h", CAIRN_EURL, "nothing stands before the '@'"},
    {"redis://@", CAIRN_EURL, "nothing stands before the '@'"},
    {"redis://alice@h", CAIRN_EURL, "the user information is without a password"},
    {"redis://alice:@h", CAIRN_EURL, "the password is empty"},
    {"redis://:@h", CAIRN_EURL, "the password is empty"},
    {"redis://u:p/w@h", CAIRN_EURL, MISPLACED_AT},
    {"redis://u:p?w@h", CAIRN_EURL, MISPLACED_AT},
    {"redis://u:p#w@h", CAIRN_EURL, MISPLACED_AT},
    {"redis://u:p@h/0?client_name=a@b", CAIRN_EURL, MISPLACED_AT},
    {"redis://u:p%@h", CAIRN_EURL, "the password has a '%' without two hexadecimal digits"},
    {"redis://u:p%4@h", CAIRN_EURL, "the password has a '%' without two hexadecimal digits"},
    {"redis://u:p%4gx@h", CAIRN_EURL, "the password has a '%' without two hexadecimal digits"},
    {"redis://u:p%g4x@h", CAIRN_EURL, "the password has a '%' without two hexadecimal digits"},
    {"redis://u:p%%34@h", CAIRN_EURL, "the password has a '%' without two hexadecimal digits"},
    {"redis://u%:p@h", CAIRN_EURL, "the user has a '%' without two hexadecimal digits"},
    {"redis://u:p%00@h", CAIRN_EURL, "the password has a NUL (%00)"},
    {"redis://u%00:p@h", CAIRN_EURL, "the user has a NUL (%00)"},
    {"redis://u%0A:p@h", CAIRN_EURL, "the user has an escaped space or control character"},
    {"redis://u%20:p@h", CAIRN_EURL, "the user has an escaped space or control character"},

    {"redis://h%20x", CAIRN_EURL, "the host has an escaped space or control character"},
    {"redis://h%7f", CAIRN_EURL, "the host has an escaped space or control character"},
    {"redis://h%00", CAIRN_EURL, "the host has a NUL (%00)"},
    {"redis://h%", CAIRN_EURL, "the host has a '%' without two hexadecimal digits"},
    {"redis://h,", CAIRN_EURL, "a host of the list is missing"},
    {"redis://,h", CAIRN_EURL, "a host of the list is missing"},
    {"redis://h,,i", CAIRN_EURL, "a host of the list is missing"},
    {"redis://h,:1", CAIRN_EURL, "there is no host before the ':'"},
    {"redis://h,i:0", CAIRN_EURL, "port \"0\" is out of range 1..65535"},
    {"redis://h,i:secret", CAIRN_EURL, "the port is not a number"},
    {"redis://h,[i]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://h,i%2cj", CAIRN_EURL, "the host contains a character that host names do not have"},
    {"unix://h,i/r.sock", CAIRN_EURL, "a unix URL has no host; the path begins with a third '/'"},
    {"memory://h,i", CAIRN_EURL, "a memory URL has nothing but parameters"},
    {"redis://h%2fi", CAIRN_EURL, "the host contains a character that host names do not have"},
    {"redis://h]", CAIRN_EURL, "the host contains a character that host names do not have"},
    {"redis://::1", CAIRN_EURL,
     "the host contains more than one ':'; an IPv6 address stands in brackets"},
    {"redis://h:1:2", CAIRN_EURL,
     "the host contains more than one ':'; an IPv6 address stands in brackets"},
    {"redis://[::1", CAIRN_EURL, "the host has a '[' without a ']'"},
    {"redis://[::1]x", CAIRN_EURL, "the ']' of the host is followed by something"},
    {"redis://[::1]7000", CAIRN_EURL, "the ']' of the host is followed by something"},
    {"redis://[]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[h]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[10.0.0.1]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[::1::]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[fe80::1%25]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[%25eth0]", CAIRN_EURL, "in the brackets is no IPv6 address"},
    {"redis://[fe80::1%eth0]", CAIRN_EURL, "the host has a '%' without two hexadecimal digits"},

    {"redis://:7000", CAIRN_EURL, "there is no host before the ':'"},
    {"redis://[]:7000", CAIRN_EURL, "there is no host before the ':'"},
    {"redis://h:", CAIRN_EURL, "port \"\" is out of range 1..65535"},
    {"redis://h:0", CAIRN_EURL, "port \"0\" is out of range 1..65535"},
    {"redis://h:65536", CAIRN_EURL, "port \"65536\" is out of range 1..65535"},
    {"redis://h:70000", CAIRN_EURL, "port \"70000\" is out of range 1..65535"},
    {"redis://h:123456", CAIRN_EURL, "port is out of range 1..65535"},
    {"redis://h:4294973675", CAIRN_EURL, "port is out of range 1..65535"},
    {"redis://h:secret", CAIRN_EURL, "the port is not a number"},
    {"redis://h:+1", CAIRN_EURL, "the port is not a number"},
    {"redis://h:%31", CAIRN_EURL, "the port is not a number"},

    {"redis://h/x", CAIRN_EOPTION, "db=\"x\" is not a whole number"},
    {"redis://h/1/", CAIRN_EOPTION, "db=\"1/\" is not a whole number"},
    {"redis://h//", CAIRN_EOPTION, "db=\"/\" is not a whole number"},
    {"redis://h/-1", CAIRN_EOPTION, "db=\"-1\" is not a whole number"},
    {"redis://h/1048577", CAIRN_EOPTION, "db=1048577 is out of range 0..1048576"},
    {"redis://h/1%", CAIRN_EURL, "db has a '%' without two hexadecimal digits"},
    {"redis://h/1?db=1", CAIRN_EOPTION, "parameter \"db\" is repeated"},
    {"redis://h?db=1&db=1", CAIRN_EOPTION, "parameter \"db\" is repeated"},
    {"redis://h?client_name=a&client_name=b", CAIRN_EOPTION,
     "parameter \"client_name\" is repeated"},

    {"redis://h#", CAIRN_EURL, "URL has a fragment; a '#' is written %23"},
    {"redis://h/0#x", CAIRN_EURL, "URL has a fragment; a '#' is written %23"},
    {"redis://h?db=1#x", CAIRN_EURL, "URL has a fragment; a '#' is written %23"},
    {"memory:#", CAIRN_EURL, "URL has a fragment; a '#' is written %23"},

    {"redis://h?", CAIRN_EURL, "a parameter has no name"},
    {"redis://h?db=1&", CAIRN_EURL, "a parameter has no name"},
    {"redis://h?&db=1", CAIRN_EURL, "a parameter has no name"},
    {"redis://h?=1", CAIRN_EURL, "a parameter has no name"},
    {"redis://h?db", CAIRN_EURL, "parameter \"db\" has no value"},
    {"redis://h?db=", CAIRN_EOPTION, "db=\"\" is not a whole number"},
    {"redis://h?db=1?", CAIRN_EOPTION, "db=\"1?\" is not a whole number"},
    {"redis://h?db=1;protocol=2", CAIRN_EOPTION, "db=\"1;protocol=2\" is not a whole number"},
    {"redis://h?db=1%00", CAIRN_EURL, "db has a NUL (%00)"},
    {"redis://h?timeout=1", CAIRN_EOPTION,
     "parameter \"timeout\" is unknown; did you mean \"timeout_ms\"?"},
    {"redis://h?DB=1", CAIRN_EOPTION, "parameter \"DB\" is unknown"},
    {"redis://h?%64b=1", CAIRN_EOPTION, "parameter \"%64b\" is unknown"},
    {"redis://h?password=secret", CAIRN_EOPTION, "parameter \"password\" is unknown"},
    {"redis://h?shallow=1", CAIRN_EOPTION, "parameter \"shallow\" is unknown"},
    {"redis://h?timeout_ms=0", CAIRN_EOPTION, "timeout_ms=0 is out of range 1..86400000"},
    {"redis://h?timeout_ms=86400001", CAIRN_EOPTION,
     "timeout_ms=86400001 is out of range 1..86400000"},
    {"redis://h?timeout_ms=1e3", CAIRN_EOPTION, "timeout_ms=\"1e3\" is not a whole number"},
    {"redis://h?protocol=1", CAIRN_EOPTION, "protocol=1 is not 0, 2 or 3"},
    {"redis://h?reconnect_min_ms=6000", CAIRN_EOPTION,
     "reconnect_min_ms=6000 is more than reconnect_max_ms=5000"},
    {"redis://h?client_name=", CAIRN_EOPTION, "client_name is missing"},
    {"redis://h?client_name=a%20b", CAIRN_EOPTION,
     "client_name contains a space or a control character"},
    {"redis://h?client_name=a%c3%a4", CAIRN_EOPTION, "client_name is not ASCII"},
};

static void every_refusal_has_its_words(void **state)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refused_t *refused = &refusals[i];
        fresh(state);
        cairn_options_t before = options;
        int rc = cairn_options_from_url(&options, refused->url, &error);
        if (rc != refused->code || strcmp(error.text, refused->text) != 0)
            check_fail("%s: %s: \"%s\"", refused->url, cairn_err_name(rc), error.text);
        assert_status(error.code, rc);
        assert_memory_equal(&options, &before, sizeof options);
        assert_status(cairn_options_from_url(&options, refused->url, NULL), rc);
    }
}

/* Something is wrong with each, and what follows is the secret, or may be. */
static void a_secret_is_never_in_a_message(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "swordfish",
        "swordfish@h",
        "swordfish:swordfish@h",
        "swordfish:6379",
        "http://swordfish@h",
        "http://u:swordfish@h",
        "redis+clusters://u:swordfish@h",
        "redis:u:swordfish@h",
        "redis:/u:swordfish@h",
        "redis://:swordfish",
        "redis://u:swordfish",
        "redis://swordfish@h",
        "redis://swordfish:@h",
        "redis://:swordfish/@h",
        "redis://:/swordfish@h",
        "redis://:/swordfish@h:1/2?db=3",
        "redis://u:?swordfish@h",
        "redis://u:?swordfish=1@h",
        "redis://u:p?db=swordfish@h",
        "redis://u:p#swordfish@h",
        "redis://u:#swordfish@h",
        "redis://u:%swordfish@h",
        "redis://u:swordfish%@h",
        "redis://u:swordfish%00@h",
        "redis://swordfish%00:p@h",
        "redis://u:swordfish@h:x",
        "redis://u:swordfish@h:99999",
        "redis://u:swordfish@h:1:1",
        "redis://u:swordfish@[h]",
        "redis://u:swordfish@[h",
        "redis://u:swordfish@h,",
        "redis://u:swordfish@h/x",
        "redis://u:swordfish@h/1?db=1",
        "redis://u:swordfish@h?x=1",
        "redis://u:swordfish@h?password=1",
        "redis://h?password=swordfish",
        "redis://h?auth=swordfish",
        "redis://u:swordfish@h#",
        "redis://u:swordfish h@h",
        "redis://[swordfish",
        "redis://[swordfish]",
        "redis://swordfish,",
        "redis://swordfish:1:1",
        "redis://h:swordfish",
        "memory://swordfish",
        "memory:swordfish",
        "memory://u:swordfish@",
        "unix://swordfish/r.sock",
        "unix://u:swordfish@",
        "unix://u:swordfish@h/r.sock",
        "unix://u:swordfish/@/r.sock",
        "redis://u:swordfish,h",
        "redis://h,u:swordfish",
        "redis://h,swordfish,",
        "redis+sentinel://u:swordfish@h",
        "redis+sentinel://h/s?sentinel_password=swordfish%",
        "redis+sentinel://h/s?sentinel_password=swordfish&sentinel_password=swordfish",
        "redis+sentinel://h/?sentinel_password=swordfish",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        int rc = cairn_options_from_url(&options, urls[i], &error);
        if (rc == 0) check_fail("%s was accepted", urls[i]);
        assert_lacks(error.text, "swordfish");
    }
}

static void a_number_that_may_be_a_password_is_not_quoted(void **state)
{
    (void)state;
    assert_status(cairn_options_from_url(&options, "redis://u:31415926", &error), CAIRN_EURL);
    assert_lacks(error.text, "31415926");
}

static void a_long_name_is_cut(void **state)
{
    (void)state;
    char url[4000] = "redis://h?";
    memset(url + strlen(url), 'n', sizeof url - strlen(url) - 1);
    assert_status(cairn_options_from_url(&options, url, &error), CAIRN_EOPTION);
    assert_string_equal(error.text,
                        "parameter \"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\" is unknown");
}

static void a_socket_s_path_must_fit(void **state)
{
    (void)state;
    char url[200];
    snprintf(url, sizeof url, "unix:///%0106d", 0);
    read_url(url);
    assert_int_equal(strlen(options.path), 107);
    snprintf(url, sizeof url, "unix:///%0107d", 0);
    assert_status(cairn_options_from_url(&options, url, &error), CAIRN_EOPTION);
    assert_string_equal(error.text, "path is longer than 107 bytes");
}

/* ---- the longest ---- */

/* `begin`, zeros and `end`: `len` bytes together. */
static char *long_url(const char *begin, size_t len, const char *end)
{
    char *url = malloc(len + 1);
    assert_non_null(url);
    int zeros = (int)(len - strlen(begin) - strlen(end));
    assert_int_equal(snprintf(url, len + 1, "%s%0*d%s", begin, zeros, 0, end), len);
    return url;
}

static void a_url_has_less_than_url_max_bytes(void **state)
{
    (void)state;
    char *url = long_url("redis://u:", CAIRN_URL_MAX - 1, "@h?client_name=n");
    read_url(url);
    assert_int_equal(strlen(options.password),
                     CAIRN_URL_MAX - 1 - strlen("redis://u:@h?client_name=n"));
    assert_string_equal(options.client_name, "n");
    free(url);

    url = long_url("redis://u:", CAIRN_URL_MAX, "@h");
    assert_status(cairn_options_from_url(&options, url, &error), CAIRN_EURL);
    assert_string_equal(error.text, "URL is longer than 8191 bytes");
    free(url);
}

static void texts_kept_from_another_url_need_room(void **state)
{
    (void)state;
    enum {
        NAME = 5000,
        PASSWORD = CAIRN_URL_MAX - (NAME + 1) - (int)sizeof "h" - 1
    };
    char *name = long_url("redis://h?client_name=", strlen("redis://h?client_name=") + NAME, "");
    char *fits = long_url("redis://:", strlen("redis://:@h") + PASSWORD, "@h");
    char *too_long = long_url("redis://:", strlen("redis://:@h") + PASSWORD + 1, "@h");
    read_url(name);
    cairn_options_t before = options;
    assert_status(cairn_options_from_url(&options, too_long, &error), CAIRN_EURL);
    assert_string_equal(error.text, "URL is too long beside the texts kept from another");
    assert_memory_equal(&options, &before, sizeof options);

    /* What is said again is not kept, so that reading a URL many times takes no more room. */
    for (int i = 0; i < 5; i++) {
        read_url(fits);
        assert_int_equal(strlen(options.password), PASSWORD);
        assert_int_equal(strlen(options.client_name), NAME);
    }
    free(name);
    free(fits);
    free(too_long);
}

/* ---- one after another ---- */

static void what_a_url_does_not_say_stays(void **state)
{
    (void)state;
    options.timeout_ms = 77;
    options.client_name = "mine";
    options.db = 3;
    options.shallow = 1;
    read_url("redis://h?protocol=2");
    assert_int_equal(options.timeout_ms, 77);
    assert_string_equal(options.client_name, "mine");
    assert_int_equal(options.db, 3);
    assert_int_equal(options.shallow, 1);
    assert_int_equal(options.protocol, 2);
}

static void a_text_of_an_earlier_url_stays(void **state)
{
    (void)state;
    read_url("redis://alice:secret@a?client_name=mine");
    for (int i = 0; i < 3; i++) {
        read_url("redis://bob:other@bb:7000?timeout_ms=9");
        assert_string_equal(options.client_name, "mine");
        assert_string_equal(options.username, "bob");
        assert_string_equal(options.password, "other");
        assert_string_equal(options.host, "bb");
    }
    read_url("memory:");
    assert_string_equal(options.client_name, "mine");
}

/* The password of one server must not reach another. */
static void where_to_is_replaced_as_a_whole(void **state)
{
    (void)state;
    read_url("unix://alice:secret@/r.sock");
    read_url("redis://h");
    assert_null(options.username);
    assert_null(options.password);
    assert_null(options.path);
    read_url("redis://alice:secret@other:7000");
    read_url("redis://:pw@h");
    assert_null(options.username);
    assert_string_equal(options.password, "pw");
    assert_int_equal(options.port, 6379);
    read_url("redis://");
    assert_null(options.password);
    assert_string_equal(options.host, "localhost");
}

static void the_url_may_go(void **state)
{
    (void)state;
    char url[] = "redis://alice:secret@host:7000/2?client_name=mine";
    read_url(url);
    memset(url, 'x', sizeof url - 1);
    assert_string_equal(options.username, "alice");
    assert_string_equal(options.password, "secret");
    assert_string_equal(options.host, "host");
    assert_string_equal(options.client_name, "mine");
}

static void the_url_may_be_one_of_the_texts(void **state)
{
    (void)state;
    read_url("redis://:redis%3A%2F%2F:pw%40inner@outer");
    assert_string_equal(options.password, "redis://:pw@inner");
    read_url(options.password);
    assert_string_equal(options.password, "pw");
    assert_string_equal(options.host, "inner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read),
        cmocka_unit_test(every_number_is_a_parameter),
        cmocka_unit_test(every_text_is_a_parameter),
        cmocka_unit_test_setup(parameters_come_in_any_number_and_order, fresh),
        cmocka_unit_test(every_refusal_has_its_words),
        cmocka_unit_test_setup(a_secret_is_never_in_a_message, fresh),
        cmocka_unit_test_setup(a_number_that_may_be_a_password_is_not_quoted, fresh),
        cmocka_unit_test_setup(a_long_name_is_cut, fresh),
        cmocka_unit_test_setup(a_socket_s_path_must_fit, fresh),
        cmocka_unit_test_setup(a_url_has_less_than_url_max_bytes, fresh),
        cmocka_unit_test_setup(texts_kept_from_another_url_need_room, fresh),
        cmocka_unit_test_setup(what_a_url_does_not_say_stays, fresh),
        cmocka_unit_test_setup(a_text_of_an_earlier_url_stays, fresh),
        cmocka_unit_test_setup(where_to_is_replaced_as_a_whole, fresh),
        cmocka_unit_test_setup(the_url_may_go, fresh),
        cmocka_unit_test_setup(the_url_may_be_one_of_the_texts, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
