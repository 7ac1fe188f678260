/* One round trip an operation, and what is sent in it: seen where the server sees it. A transaction
 * is one round trip: it is sent at once, and its answers are waited for once. */
#include "keyspace.h"
#include "monitor.h"
#include "redis.h"
#include "saver_client.h"

#include <stdio.h>

static redis_t redis;

static void clear(void)
{
    redis_ask(&redis, "FLUSHALL");
}

/* A saver whose connection is up and whose scripts the server knows. */
static saver_client_t *open_watched(world_t *w, const cairn_saver_options_t *options,
                                    monitor_t *monitor)
{
    saver_client_t *s = saver_open(w, options);
    saver_put(s, "c0", "a@0=x", .thread = "warm", .run_id = "warm");
    saver_delete_thread(s, "warm");
    monitor_start(monitor, &redis);
    return s;
}

/* What was sent, command by command, and in how many round trips: each of them the server has read
 * as one. */
#define assert_sent(monitor, trips, names)                                                         \
    assert_sent_at((monitor), (trips), (names), __FILE__, __LINE__)
static void assert_sent_at(monitor_t *monitor, size_t trips, const char *names, const char *file,
                           int line)
{
    monitor_read(monitor);
    if (strcmp(monitor->names, names) != 0)
        check_fail_at(file, line, "sent were %s, expected %s", monitor->names, names);
    if (monitor->trips != trips || monitor->reads != trips)
        check_fail_at(file, line, "%zu round trips and %zu reads, expected %zu", monitor->trips,
                      monitor->reads, trips);
}

#define WARM "MULTI EVALSHA HMGET MGET LRANGE EXEC"
#define WARM_BY_ID "MULTI HMGET MGET LRANGE EXEC"

/* ---- put, put_writes ---- */

static void a_put_is_one_transaction(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_put(s, "c1", "a@1=x b@1=y c@1! d@1~", .run_id = "r1", .metadata = "{\"k\":1}");
    assert_sent(&m, 1, "MULTI COPY HSET SET SET SET SET EVALSHA EXEC");
    saver_put(s, "c2", "a@1 b@2=z", .parent = "c1");
    assert_sent(&m, 1, "MULTI COPY HSET SET EVALSHA EXEC");
    saver_put(s, "c2", "a@1 b@2", .parent = "c1");
    assert_sent(&m, 1, "MULTI COPY HSET EVALSHA EXEC");
    saver_put(s, "c1", "a@2=x", .run_id = "r2");
    assert_sent(&m, 1, "MULTI COPY HSET SET EVALSHA EXEC");
    monitor_stop(&m);
}

/* And where somebody else did what makes a difference, the script comes after. */
static void a_put_behind_the_latest_is_one_transaction_of_plain_commands(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *t = saver_open(w, NULL);
    assert_none(t, thread("none"));
    monitor_read(&m);
    saver_put(s, "c1", "a@1=x b@1=y");
    assert_sent(&m, 1, "MULTI COPY HSET SET SET EVALSHA EXEC");
    saver_put(s, "c2", "a@2=x b@1", .parent = "c1");
    assert_sent(&m, 1, "MULTI COPY HSET SET RPUSH ZADD ZADD EXISTS EXEC");
    saver_set_ttl(t, at("c1"), 100000);
    monitor_read(&m);
    saver_put(s, "c3", "a@2 b@1", .parent = "c2");
    assert_sent(&m, 2, "MULTI COPY HSET RPUSH ZADD ZADD EXISTS EXEC EVALSHA");
    saver_put(t, "c4", "a@3=t b@2=t", .parent = "c3");
    saver_write(t, "c5", "t1", "a=1");
    monitor_read(&m);
    saver_put(s, "c4", "a@4=s b@1", .parent = "c3");
    saver_put(s, "c5", "a@4 b@1", .parent = "c4");
    assert_get(t, at("c4"), "c4 <c3 a@4=s b@1=y");
    assert_get(t, latest(), "c5 <c4 a@4=s b@1=y [t1.0 a=1]");
    monitor_stop(&m);
    keyspace_t found;
    keyspace_check(&redis, &found);
    assert_int_equal(found.orphans, 0);
}

/* The same where nothing expires: then only the new one's own keys say so. */
static void a_put_of_what_somebody_else_has_put_meanwhile_replaces_it(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *t = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    saver_put(t, "c2", "a@2=t b@1=t", .parent = "c1");
    saver_write(t, "c3", "t1", "a=1");
    monitor_read(&m);
    saver_put(s, "c2", "a@3=s");
    assert_sent(&m, 2, "MULTI COPY HSET SET RPUSH ZADD ZADD EXISTS EXEC EVALSHA");
    assert_get(t, at("c2"), "c2 a@3=s");
    monitor_read(&m);
    saver_put(s, "c3", "a@3", .parent = "c2");
    assert_sent(&m, 2, "MULTI COPY HSET RPUSH ZADD ZADD EXISTS EXEC EVALSHA");
    assert_get(s, latest(), "c3 <c2 a@3=s [t1.0 a=1]"); /* which it now knows to be the latest */
    monitor_read(&m);
    saver_put(s, "c4", "a@3", .parent = "c3");
    assert_sent(&m, 1, "MULTI COPY HSET RPUSH ZADD ZADD EXISTS EXEC");
    monitor_stop(&m);
    keyspace_assert_whole(&redis);
}

/* Another handle, which has put and read nothing yet. */
static saver_client_t *open_cold(world_t *w, monitor_t *monitor)
{
    saver_client_t *s = saver_open(w, NULL);
    assert_none(s, thread("none"));
    monitor_read(monitor);
    return s;
}

static void put_writes_of_a_checkpoint_that_is_known_is_one_command(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_put(s, "c2", "a@1=x");
    monitor_read(&m);
    saver_write(s, "c2", "t1", "a=1 b=2 __error__=e");
    assert_sent(&m, 1, "RPUSHX");
    saver_write(s, "c2", "t1", "");
    assert_sent(&m, 0, "");
    saver_client_t *reader = open_cold(w, &m);
    assert_get(reader, latest(), "c2 a@1=x [t1.-1 __error__=e] [t1.0 a=1] [t1.1 b=2]");
    monitor_read(&m);
    saver_write(reader, "c2", "t2", "a=1");
    assert_sent(&m, 1, "RPUSHX");
    monitor_stop(&m);
}

static void put_writes_of_others_is_one_transaction(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_write(s, "c3", "t1", "a=1");
    assert_sent(&m, 1, "MULTI EVALSHA RPUSHX EXEC");
    saver_write(s, "c3", "t1", "a=1");
    assert_sent(&m, 1, "MULTI EVALSHA RPUSHX EXEC");
    saver_put(s, "c3", "a@1=x");
    assert_sent(&m, 1, "MULTI COPY HSET SET EVALSHA EXEC");
    saver_write(s, "c3", "t1", "a=1");
    assert_sent(&m, 1, "RPUSHX");
    saver_write(s, "c3", "t1", "a=1", .ttl = cairn_ttl_ms(100000));
    assert_sent(&m, 1, "MULTI EVALSHA RPUSHX EXEC");
    saver_client_t *cold = open_cold(w, &m);
    saver_write(cold, "c3", "t1", "a=1");
    assert_sent(&m, 1, "MULTI EVALSHA RPUSHX EXEC");
    monitor_stop(&m);
}

/* They come to nothing, and are sent again behind the script that makes their object. */
static void put_writes_of_what_was_deleted_elsewhere_are_sent_twice(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *other = open_cold(w, &m);
    saver_put(s, "c3", "a@1=x");
    saver_delete_thread(other, "t");
    monitor_read(&m);
    saver_write(s, "c3", "t1", "a=1");
    assert_sent(&m, 2, "RPUSHX MULTI EVALSHA RPUSHX EXEC");
    saver_put(s, "c3", "a@1=x");
    assert_get(s, latest(), "c3 a@1=x [t1.0 a=1]");
    monitor_stop(&m);
}

static void a_put_with_a_ttl_is_one_transaction(world_t *w)
{
    static const cairn_saver_options_t checkpoints = {.default_ttl = {true, 100000}};
    static const cairn_saver_options_t threads = {.default_ttl = {true, 100000},
                                                  .ttl_scope = CAIRN_SCOPE_THREAD};
    monitor_t m;
    saver_client_t *s = open_watched(w, &checkpoints, &m);
    saver_client_t *t = saver_beside(s, &threads);
    saver_put(s, "c1", "a@1=x b@1=y");
    assert_sent(&m, 1, "MULTI COPY HSET SET SET EVALSHA EXEC");
    saver_write(s, "c1", "t1", "a=1");
    assert_sent(&m, 1, "RPUSHX");
    saver_put(t, "c2", "a@1 b@1", .parent = "c1");
    assert_sent(&m, 1, "MULTI COPY HSET EVALSHA EXEC");
    saver_write(t, "c2", "t1", "a=1");
    assert_sent(&m, 1, "MULTI EVALSHA RPUSHX EXEC");
    monitor_stop(&m);
}

static void a_shallow_put_is_one_transaction(world_t *w)
{
    static const cairn_saver_options_t shallow = {.shallow = true};
    monitor_t m;
    saver_client_t *s = open_watched(w, &shallow, &m);
    for (int i = 0; i < 5; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "a@1=x");
        assert_sent(&m, 1, "MULTI COPY HSET SET EVALSHA EXEC");
    }
    monitor_stop(&m);
}

/* ---- get ---- */

static void put_two(saver_client_t *s)
{
    saver_put(s, "c1", "a@1=x b@1=y", .ttl = cairn_ttl_ms(100000));
    saver_put(s, "c2", "a@1 b@1 c@1=z", .ttl = cairn_ttl_ms(100000));
    saver_write(s, "c2", "t1", "a=1");
}

static const char second[] = "c2 a@1=x b@1=y c@1=z [t1.0 a=1]";

static void a_cold_get_is_one_script(world_t *w)
{
    monitor_t m;
    put_two(open_watched(w, NULL, &m));
    saver_client_t *s = open_cold(w, &m);
    assert_get(s, at("c2"), second);
    assert_sent(&m, 1, "EVALSHA");
    assert_get(s, at("c1"), "c1 a@1=x b@1=y");
    assert_sent(&m, 1, "EVALSHA");
    assert_none(s, at("c9"));
    assert_sent(&m, 1, "EVALSHA");
    assert_none(s, thread("nobody"));
    assert_sent(&m, 1, "EVALSHA");
    assert_get(s, latest(), second);
    assert_sent(&m, 1, "EVALSHA");
    monitor_stop(&m);
}

static void a_warm_get_is_one_transaction_of_plain_reads(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    put_two(s);
    monitor_read(&m);
    assert_get(s, latest(), second);
    assert_sent(&m, 1, WARM);
    assert_get(s, at("c2"), second);
    assert_sent(&m, 1, WARM_BY_ID);
    assert_get(s, at("c1"), "c1 a@1=x b@1=y");
    assert_sent(&m, 1, "EVALSHA");
    saver_put(s, "c3", "");
    monitor_read(&m);
    assert_get(s, latest(), "c3");
    assert_sent(&m, 1, "MULTI EVALSHA HMGET LRANGE EXEC");
    saver_client_t *reader = open_cold(w, &m);
    assert_get(reader, latest(), "c3");
    assert_sent(&m, 1, "EVALSHA");
    assert_get(reader, latest(), "c3");
    assert_sent(&m, 1, "MULTI EVALSHA HMGET LRANGE EXEC");
    monitor_stop(&m);
}

/* What a handle believes to be the latest is not: the script in the transaction gives what is. */
static void a_get_that_believes_wrong_is_one_transaction(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *other = open_cold(w, &m);
    put_two(s);
    saver_put(other, "c3", "a@1");
    monitor_read(&m);
    assert_get(s, latest(), "c3 a@1=x");
    assert_sent(&m, 1, WARM);
    assert_get(s, latest(), "c3 a@1=x");
    assert_sent(&m, 1, "MULTI EVALSHA HMGET MGET LRANGE EXEC");
    saver_delete_thread(other, "t");
    monitor_read(&m);
    assert_none(s, latest());
    assert_sent(&m, 1, WARM);
    assert_none(s, at("c3"));
    assert_sent(&m, 1, WARM_BY_ID);
    monitor_stop(&m);
}

/* Only where the very checkpoint was put anew by somebody else, with other channels, is it asked
 * for twice. */
static void a_get_of_what_was_replaced_elsewhere_asks_again(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *other = open_cold(w, &m);
    put_two(s);
    saver_put(other, "c2", "a@1 d@1=new");
    monitor_read(&m);
    assert_get(s, latest(), "c2 a@1=x d@1=new [t1.0 a=1]");
    assert_sent(&m, 2, WARM " EVALSHA");
    assert_get(s, latest(), "c2 a@1=x d@1=new [t1.0 a=1]");
    assert_sent(&m, 1, WARM);
    monitor_stop(&m);
}

static void a_get_of_headers_or_with_a_refresh_is_one_script(world_t *w)
{
    static const cairn_saver_get_options_t refresh = {.refresh = CAIRN_REFRESH_YES};
    static const cairn_saver_get_options_t headers = {.headers_only = true};
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    put_two(s);
    monitor_read(&m);
    saver_get_with(s, latest(), &refresh);
    assert_sent(&m, 1, "EVALSHA");
    saver_get_with(s, at("c1"), &refresh);
    assert_sent(&m, 1, "EVALSHA");
    saver_get_with(s, latest(), &headers);
    assert_sent(&m, 1, "EVALSHA");
    monitor_stop(&m);
}

/* ---- what a script does not read: values of more than 256 KiB ---- */

enum {
    LARGE = 262144,
    BEHIND = sizeof "a@1=" - 1,
    OVERHEAD = 1 + 4 + sizeof TEXT_TYPE - 1 /* of a value in its key */
};

/* "a@1=xxxxx", whose key has `size` bytes. */
static const char *words_of(size_t size)
{
    static char words[BEHIND + LARGE + 2] = "a@1=";
    memset(words + BEHIND, 'x', size - OVERHEAD);
    words[BEHIND + size - OVERHEAD] = '\0';
    return words;
}

static void assert_whole(saver_client_t *s, cairn_checkpoint_ref_t of, const char *id,
                         const char *words)
{
    const char *found = saver_get(s, of);
    if (strncmp(found, id, strlen(id)) != 0 || strcmp(found + strlen(id) + 1, words) != 0)
        check_fail("%s is not whole: %.40s", id, found);
}

static void a_get_of_a_large_value_is_a_script_and_then_plain_reads(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *cold = open_cold(w, &m);
    static const char *const ids[] = {"c2", "c:"}; /* which is escaped in keys */
    saver_put(s, "c1", words_of(LARGE));
    monitor_read(&m);
    assert_whole(cold, at("c1"), "c1", words_of(LARGE));
    assert_sent(&m, 1, "EVALSHA");
    for (int i = 0; i < 2; i++) {
        saver_put(s, ids[i], words_of(LARGE + 1), .thread = ids[i]);
        monitor_read(&m);
        assert_whole(cold, ref(ids[i], NULL, ids[i]), i ? "c\\x3a//c\\x3a" : "c2//c2",
                     words_of(LARGE + 1));
        assert_sent(&m, 2, "EVALSHA " WARM_BY_ID);
        assert_whole(cold, thread(ids[i]), i ? "c\\x3a//c\\x3a" : "c2//c2", words_of(LARGE + 1));
        assert_sent(&m, 2, "EVALSHA " WARM_BY_ID);
    }
    monitor_stop(&m);
}

/* And where the caller believed another one to be the latest. */
static void a_get_that_believes_wrong_of_a_large_value_reads_it_then(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_client_t *other = open_cold(w, &m);
    saver_put(s, "c1", "b@1=y");
    saver_put(other, "c2", words_of(LARGE + 1));
    monitor_read(&m);
    assert_whole(s, latest(), "c2", words_of(LARGE + 1));
    assert_sent(&m, 2, WARM " " WARM_BY_ID);
    monitor_stop(&m);
}

static bool has_run_a_script(void *unused)
{
    (void)unused;
    return strstr(redis_ask(&redis, "INFO commandstats"), "cmdstat_evalsha:") != NULL;
}

/* Between the two trips it goes. Whoever asked for the latest gets what is the latest then. */
static void what_goes_before_it_is_read_is_not_the_latest(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    for (int i = 0; i < 2; i++) {
        saver_put(s, "c1", "b@1=y");
        saver_put(s, "c2", words_of(LARGE + 1));
        saver_client_t *cold = saver_open(w, NULL);
        assert_none(cold, thread("none"));
        redis_ask(&redis, "CONFIG RESETSTAT");
        assert_status(ask_get(cold->own, i ? at("c2") : latest(), NULL), 0);
        loop_turns(&w->loop, 1);
        const uint64_t since_ns = uv_hrtime();
        while (!has_run_a_script(NULL) && uv_hrtime() - since_ns < UINT64_C(20000000000)) {
        }
        redis_ask(&redis,
                  "UNLINK langgraph:checkpoint:{t}:%:c2 langgraph:checkpoint_write:{t}:%:c2");
        text_clear(&cold->own->text);
        ask_await(cold->own, 0);
        assert_string_equal(text_chars(&cold->own->text), i ? "none" : "c1 b@1=y");
        clear();
    }
}

/* ---- the rest ---- */

static void assert_pages(monitor_t *monitor, const saver_client_t *s, uint32_t rows, uint32_t size)
{
    monitor_read(monitor);
    assert_int_equal(s->pages, (rows + size - 1) / size);
    assert_int_equal(monitor->commands, s->pages);
    assert_int_equal(monitor->reads, s->pages);
}

static void list_is_one_command_a_page(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    for (int i = 0; i < 20; i++) {
        char id[] = {'c', (char)('a' + i), '\0'};
        saver_put(s, id, "a@1=x", .thread = i % 2 ? "t" : "u", .ns = i % 3 ? "" : "n");
        saver_write(s, id, "t1", "a=1", .thread = i % 2 ? "t" : "u", .ns = i % 3 ? "" : "n");
    }
    monitor_read(&m);
    static const uint32_t sizes[] = {100, 20, 5, 3};
    for (int i = 0; i < 4; i++) {
        cairn_saver_query_t query = {.paging.page_size = sizes[i]};
        saver_list(s, &query);
        assert_pages(&m, s, 20, sizes[i]);
        query.thread_id = cairn_str("t");
        saver_list(s, &query);
        assert_pages(&m, s, 10, sizes[i]);
        query.checkpoint_ns = cairn_str("n");
        saver_list(s, &query);
        assert_pages(&m, s, 3, sizes[i]);
    }
    monitor_stop(&m);
}

static void history_and_ttls_are_one_command(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    saver_put(s, "c1", "d@1=x e@1=y");
    saver_write(s, "c1", "t1", "d=1 e=1");
    saver_put(s, "c2", "d@2~ e@2~", .parent = "c1");
    saver_put(s, "c3", "d@3~ e@3~", .parent = "c2");
    monitor_read(&m);
    assert_string_equal(saver_history(s, latest(), "d e"), "d=x [t1.0 d=1] e=y [t1.1 e=1]");
    assert_sent(&m, 1, "EVALSHA");
    saver_set_ttl(s, at("c1"), 100000);
    assert_sent(&m, 1, "EVALSHA");
    saver_pin(s, at("c1"));
    assert_sent(&m, 1, "EVALSHA");
    saver_ttl(s, at("c1"));
    assert_sent(&m, 1, "EVALSHA");
    saver_thread_ttl(s, "t");
    assert_sent(&m, 1, "EVALSHA");
    saver_set_thread_ttl(s, "t", 100000);
    assert_sent(&m, 1, "EVALSHA");
    monitor_stop(&m);
}

static void deletes_of_what_is_small_are_one_command(world_t *w)
{
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    for (int i = 0; i < 10; i++) {
        char id[] = {'c', (char)('0' + i), '\0'};
        saver_put(s, id, "a@1=x", .run_id = i % 2 ? "r1" : "r2");
        saver_write(s, id, "t1", "a=1");
    }
    monitor_read(&m);
    saver_prune(s, "t", 6);
    assert_sent(&m, 1, "EVALSHA");
    saver_delete_run(s, "r1");
    assert_sent(&m, 1, "EVALSHA");
    saver_delete_thread(s, "t");
    assert_sent(&m, 1, "EVALSHA");
    saver_delete_thread(s, "t");
    assert_sent(&m, 1, "EVALSHA");
    monitor_stop(&m);
}

static void many_in_flight_are_still_one_transaction_each(world_t *w)
{
    enum {
        MANY = 1000,
        COMMANDS = 6 /* MULTI COPY HSET SET EVALSHA EXEC */
    };
    monitor_t m;
    saver_client_t *s = open_watched(w, NULL, &m);
    static ask_t *asks[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[32];
        snprintf(name, sizeof name, "thread-%d", i);
        asks[i] = saver_ask(s);
        put_words_t words = {.id = "c", .channels = "a@1=x", .thread = name};
        assert_status(ask_put(asks[i], &words), 0);
    }
    for (int i = 0; i < MANY; i++) ask_await(asks[i], 0);
    monitor_read(&m);
    assert_int_equal(m.trips, MANY);
    assert_int_equal(m.commands, COMMANDS * MANY);
    monitor_stop(&m);
}

/* ---- scripts ---- */

static void a_server_that_has_forgotten_the_scripts_is_told_again(world_t *w)
{
    saver_client_t *s = saver_open(w, NULL);
    saver_put(s, "c1", "a@1=x");
    redis_ask(&redis, "SCRIPT FLUSH");
    saver_put(s, "c2", "a@1", .parent = "c1");
    redis_ask(&redis, "SCRIPT FLUSH");
    assert_get(s, latest(), "c2 <c1 a@1=x");
    redis_ask(&redis, "SCRIPT FLUSH");
    assert_list(s, "c2 c1", .thread_id = cairn_str("t"));
    redis_ask(&redis, "SCRIPT FLUSH");
    assert_int_equal(saver_delete_thread(s, "t"), 2);
    saver_assert_empty(s);
}

/* Of those in flight when the scripts go, each takes effect once and in order. */
static void scripts_forgotten_under_load_lose_no_request_and_no_order(world_t *w)
{
    enum {
        ROUNDS = 20,
        EACH = 20
    };
    saver_client_t *s = saver_open(w, NULL);
    ask_t *asks[2 * EACH];
    for (int i = 0; i < 2 * EACH; i++) asks[i] = saver_ask(s);
    for (int round = 0; round < ROUNDS; round++) {
        char values[EACH][32];
        for (int i = 0; i < EACH; i++) {
            snprintf(values[i], sizeof values[i], "a@%d=%d", round * EACH + i, i);
            assert_status(ask_put(asks[2 * i], &(put_words_t){.id = "c", .channels = values[i]}),
                          0);
            assert_status(ask_get(asks[2 * i + 1], latest(), NULL), 0);
            if (i == round) redis_ask(&redis, "SCRIPT FLUSH");
            if (i == round) loop_turns(&w->loop, 2);
        }
        for (int i = 0; i < EACH; i++) {
            char expected[64];
            snprintf(expected, sizeof expected, "c %.31s", values[i]);
            ask_await(asks[2 * i], 0);
            ask_await(asks[2 * i + 1], 0);
            assert_string_equal(text_chars(&asks[2 * i + 1]->text), expected);
        }
    }
}

static const scenario_t scenarios[] = {
    SCENARIO(a_put_is_one_transaction),
    SCENARIO(a_put_behind_the_latest_is_one_transaction_of_plain_commands),
    SCENARIO(a_put_of_what_somebody_else_has_put_meanwhile_replaces_it),
    SCENARIO(put_writes_of_a_checkpoint_that_is_known_is_one_command),
    SCENARIO(put_writes_of_others_is_one_transaction),
    SCENARIO(put_writes_of_what_was_deleted_elsewhere_are_sent_twice),
    SCENARIO(a_put_with_a_ttl_is_one_transaction),
    SCENARIO(a_shallow_put_is_one_transaction),
    SCENARIO(a_cold_get_is_one_script),
    SCENARIO(a_warm_get_is_one_transaction_of_plain_reads),
    SCENARIO(a_get_that_believes_wrong_is_one_transaction),
    SCENARIO(a_get_of_what_was_replaced_elsewhere_asks_again),
    SCENARIO(a_get_of_headers_or_with_a_refresh_is_one_script),
    SCENARIO(a_get_of_a_large_value_is_a_script_and_then_plain_reads),
    SCENARIO(a_get_that_believes_wrong_of_a_large_value_reads_it_then),
    SCENARIO(what_goes_before_it_is_read_is_not_the_latest),
    SCENARIO(list_is_one_command_a_page),
    SCENARIO(history_and_ttls_are_one_command),
    SCENARIO(deletes_of_what_is_small_are_one_command),
    SCENARIO(many_in_flight_are_still_one_transaction_each),
    SCENARIO(a_server_that_has_forgotten_the_scripts_is_told_again),
    SCENARIO(scripts_forgotten_under_load_lose_no_request_and_no_order),
};

int main(void)
{
    redis_start(&redis, NULL);
    saver_backend.clear = clear;
    int failures = SCENARIOS_RUN("redis: saver's round trips", scenarios,
                                 redis_url(&redis, NULL, "?keepalive_ms=0"));
    redis_stop(&redis);
    return failures;
}
