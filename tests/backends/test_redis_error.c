/* Servers' sentences, as they were met, and what they mean to us. */
#include "check.h"
#include "redis_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT "ERR Error running script (call to f_e0e1f9fabfc9d4800c877a703b823ac0578ff8db): "

typedef struct row {
    const char *text;
    int code;
} row_t;

static const row_t rows[] = {
    {"WRONGPASS invalid username-password pair or user is disabled.", CAIRN_EAUTH},
    {"NOAUTH Authentication required.", CAIRN_EAUTH},
    {"NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
     "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
     "RESP protocol version at the same time",
     CAIRN_EAUTH},
    {"ERR invalid password", CAIRN_EAUTH},
    {"ERR AUTH <password> called without any password configured for the default user. Are you "
     "sure your configuration is correct?",
     CAIRN_EAUTH},
    {"ERR Client sent AUTH, but no password is set", CAIRN_EAUTH},
    {"NOPERM this user has no permissions to run the 'flushall' command", CAIRN_EDENIED},
    {"NOPERM No permissions to access a key", CAIRN_EDENIED},
    {"DENIED Redis is running in protected mode because protected mode is enabled and no password "
     "is set for the default user.",
     CAIRN_EDENIED},
    {"LOADING Redis is loading the dataset in memory", CAIRN_ELOADING},
    {"READONLY You can't write against a read only replica.", CAIRN_EREADONLY},
    {"OOM command not allowed when used memory > 'maxmemory'.", CAIRN_EOOM},
    {"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
     CAIRN_EBUSY},
    {"TRYAGAIN Multiple keys request during rehashing of slot", CAIRN_EBUSY},
    {"ERR max number of clients reached", CAIRN_EBUSY},
    {"ERR max number of clients + cluster connections reached", CAIRN_EBUSY},
    {"CLUSTERDOWN The cluster is down", CAIRN_ECLUSTER},
    {"CLUSTERDOWN Hash slot not served", CAIRN_ECLUSTER},
    {"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
     CAIRN_ECLUSTER},
    {"MOVED 3999 127.0.0.1:6381", CAIRN_ECLUSTER},
    {"ASK 3999 127.0.0.1:6381", CAIRN_ECLUSTER},

    {"ERR unknown command 'FOO', with args beginning with: ", CAIRN_ESERVER},
    {"NOSCRIPT No matching script. Please use EVAL.", CAIRN_ESERVER},
    {"WRONGTYPE Operation against a key holding the wrong kind of value", CAIRN_ESERVER},
    {"EXECABORT Transaction discarded because of previous errors.", CAIRN_ESERVER},
    {"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to "
     "disk.",
     CAIRN_EUNSAFE},
    {"NOREPLICAS Not enough good replicas to write.", CAIRN_EUNSAFE},
    {"UNKILLABLE Sorry the script already executed write commands against the dataset.",
     CAIRN_ESERVER},
    {"NOPROTO unsupported protocol version", CAIRN_ESERVER},
    {"BUSYGROUP Consumer Group name already exists", CAIRN_ESERVER},
    {"BUSYKEY Target key name already exists.", CAIRN_ESERVER},
    {"CROSSSLOT Keys in request don't hash to the same slot", CAIRN_ESERVER},
    {"ERR AUTH", CAIRN_ESERVER},
    {"ERR LOADING", CAIRN_ESERVER},
    {"ASKING", CAIRN_ESERVER},
    {"MOVED_ON", CAIRN_ESERVER},
    {"oom", CAIRN_ESERVER},
    {" OOM", CAIRN_ESERVER},
    {"", CAIRN_ESERVER},
    {"E", CAIRN_ESERVER},

    {"OOM", CAIRN_EOOM},
    {"ASK", CAIRN_ECLUSTER},

    /* Redis 7 names a script behind its own word; before, the word stands inside. */
    {"OOM command not allowed when used memory > 'maxmemory'. script: "
     "e0e1f9fabfc9d4800c877a703b823ac0578ff8db, on @user_script:1.",
     CAIRN_EOOM},
    {SCRIPT "@user_script:1: @user_script: 1: -OOM command not allowed when used memory > "
            "'maxmemory'.",
     CAIRN_EOOM},
    {SCRIPT "@user_script:7: @user_script: 7: -READONLY You can't write against a read only "
            "replica.",
     CAIRN_EREADONLY},
    {SCRIPT "@user_script:1: WRONGTYPE Operation against a key holding the wrong kind of value",
     CAIRN_ESERVER},
    {SCRIPT "@user_script:1: NOPERM No permissions to access a key", CAIRN_EDENIED},
    {SCRIPT "@user_script:1: user_script:1: attempt to index a nil value", CAIRN_ESERVER},
    {SCRIPT "@user_script:1: the OOM killer", CAIRN_ESERVER},
    {"ERR Error running script", CAIRN_ESERVER},
    {"ERR Error running script: ", CAIRN_ESERVER},
    {"ERR Error running script: -", CAIRN_ESERVER},
    {"ERR no script: OOM", CAIRN_ESERVER},
};

/* Exactly the bytes, with no NUL behind. */
static int code_of(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    int code = redis_error_code(cairn_slice(copy, len));
    free(copy);
    return code;
}

static void knows_what_servers_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int code = code_of(rows[i].text, strlen(rows[i].text));
        if (code != rows[i].code) {
            check_fail("%s: %s", cairn_err_name(code), rows[i].text);
        }
    }
}

/* A sentence cut off says the same or less, and never something else. */
static void mistakes_no_beginning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool known = false;
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            int code = code_of(rows[i].text, len);
            assert_true(code == CAIRN_ESERVER || rows[i].code == CAIRN_ESERVER ||
                        code == rows[i].code);
            known = known || code == rows[i].code;
        }
        assert_true(known);
    }
}

static void takes_the_empty_slice(void **state)
{
    (void)state;
    assert_status(redis_error_code(cairn_slice(NULL, 0)), CAIRN_ESERVER);
}

/* ---- what is done about it ---- */

typedef struct remedy_row {
    const char *text;
    redis_effect_t effect;
    redis_remedy_t remedy;
} remedy_row_t;

static const remedy_row_t remedies[] = {
    {"LOADING Redis is loading the dataset in memory", REDIS_NEVER, REDIS_WAIT},
    {"BUSY Redis is busy running a script.", REDIS_NEVER, REDIS_WAIT},
    {"READONLY You can't write against a read only replica.", REDIS_NEVER, REDIS_LEAVE},
    {"MASTERDOWN Link with MASTER is down", REDIS_NEVER, REDIS_LEAVE},
    {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_NEVER, REDIS_ANSWER},
    {"MISCONF Redis is configured to save RDB snapshots", REDIS_NEVER, REDIS_ANSWER},
    {"NOREPLICAS Not enough good replicas to write.", REDIS_NEVER, REDIS_ANSWER},
    {"ERR unknown command 'FOO'", REDIS_MAYBE, REDIS_ANSWER},
    {"BUSYGROUP Consumer Group name already exists", REDIS_MAYBE, REDIS_ANSWER},
    /* A script may have written before it failed; but nothing on a read-only server. */
    {"OOM command not allowed. script: e0e1, on @user_script:1.", REDIS_MAYBE, REDIS_ANSWER},
    {"BUSY no. script: e0e1, on @user_script:1.", REDIS_MAYBE, REDIS_ANSWER},
    {"READONLY You can't write. script: e0e1, on @user_script:1.", REDIS_NEVER, REDIS_LEAVE},
    {SCRIPT "@user_script:1: @user_script: 1: -OOM command not allowed", REDIS_MAYBE, REDIS_ANSWER},
    {SCRIPT "@user_script:7: @user_script: 7: -READONLY no writes", REDIS_NEVER, REDIS_LEAVE},
};

static void knows_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        const remedy_row_t *row = &remedies[i];
        const redis_meaning_t meaning = redis_error_meaning(cairn_str(row->text));
        if (meaning.effect != row->effect || meaning.remedy != row->remedy)
            check_fail("effect %d, remedy %d: %s", meaning.effect, meaning.remedy, row->text);
        assert_int_equal(redis_error_passes(cairn_str(row->text)), row->remedy == REDIS_WAIT);
        if (meaning.remedy == REDIS_WAIT) assert_true(cairn_err_retryable(meaning.code));
    }
}

/* ---- the table that people read ---- */

static const char *remedy_words(redis_remedy_t remedy)
{
    static const char *const words[] = {
        [REDIS_ANSWER] = "told",
        [REDIS_WAIT] = "sent again after a pause",
        [REDIS_LEAVE] = "sent again on a new link",
        [REDIS_RELOAD] = "scripts loaded, sent again",
    };
    return words[remedy];
}

static char *read_manual(void)
{
    char path[512];
    const char *folder = getenv("CAIRN_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/backends/README.md", folder ? folder : ".");
    FILE *file = fopen(path, "r");
    if (!file) check_fail("cannot read %s", path);
    char *text = calloc(1, 1u << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1u << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void the_manual_shows_the_table(void **state)
{
    (void)state;
    char *manual = read_manual();
    const char *at = strstr(manual, "| server says |");
    assert_non_null(at);
    at = strchr(strchr(at, '\n') + 1, '\n') + 1;
    for (size_t i = 0; i < redis_meanings_count; i++) {
        const redis_meaning_t *meaning = &redis_meanings[i];
        char row[256];
        int len = snprintf(
            row, sizeof row, "| `%.*s` | `%s` | %s | %s | %s |\n", (int)meaning->begins.len,
            meaning->begins.ptr, cairn_err_name(meaning->code),
            meaning->effect == REDIS_NEVER ? "no" : "perhaps", remedy_words(meaning->remedy),
            cairn_err_retryable(meaning->code) ? "yes" : "no");
        if (strncmp(at, row, (size_t)len) != 0)
            check_fail("backends/README.md should say: %s", row);
        at += len;
    }
    assert_int_equal(strncmp(at, "| anything else |", 17), 0);
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_servers_say),     cmocka_unit_test(mistakes_no_beginning),
        cmocka_unit_test(takes_the_empty_slice),      cmocka_unit_test(knows_what_to_do),
        cmocka_unit_test(the_manual_shows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
