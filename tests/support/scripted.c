#include "scripted.h"

#include "check.h"
#include "scripted_conn.h"
#include "server.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const char SCRIPTED_SILENCE[] = "silence";
const char SCRIPTED_HANGUP[] = "hang up";

/* ---- answers of its own ---- */

static void say(scripted_conn_t *conn, const char *text)
{
    scripted_conn_send(conn, text, strlen(text));
}

static bool is_word(cairn_slice_t word, const char *text)
{
    return word.len == strlen(text) && strncasecmp(word.ptr, text, word.len) == 0;
}

static void say_bulk(scripted_conn_t *conn, cairn_slice_t bytes)
{
    char head[32];
    snprintf(head, sizeof head, "$%zu\r\n", bytes.len);
    say(conn, head);
    scripted_conn_send(conn, bytes.ptr, bytes.len);
    say(conn, "\r\n");
}

static void say_array(scripted_conn_t *conn, bool push, size_t count)
{
    char head[32];
    snprintf(head, sizeof head, "%c%zu\r\n", push && conn->protocol == 3 ? '>' : '*', count);
    say(conn, head);
}

static void greet(scripted_conn_t *conn, const cairn_slice_t *words, size_t count)
{
    conn->protocol = count > 1 && is_word(words[1], "3") ? 3 : 2;
    say(conn, conn->protocol == 3 ? "%7\r\n" : "*14\r\n");
    say(conn, "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n");
    say(conn, conn->protocol == 3 ? ":3\r\n" : ":2\r\n");
    say(conn, "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n");
    say_bulk(conn, cairn_str(conn->server->mode ? conn->server->mode : "standalone"));
    say(conn, "$4\r\nrole\r\n$6\r\nmaster\r\n");
    say(conn, "$7\r\nmodules\r\n*0\r\n");
}

static void acknowledge(scripted_conn_t *conn, const char *kind, const cairn_slice_t *words,
                        size_t count)
{
    bool more = strstr(kind, "uns") == NULL;
    for (size_t i = 1; i < count; i++) {
        if (more)
            conn->subscriptions++;
        else if (conn->subscriptions > 0)
            conn->subscriptions--;
        char number[32];
        snprintf(number, sizeof number, ":%u\r\n", conn->subscriptions);
        say_array(conn, true, 3);
        say_bulk(conn, cairn_str(kind));
        say_bulk(conn, words[i]);
        say(conn, number);
    }
}

static void pong(scripted_conn_t *conn)
{
    bool as_message = conn->protocol == 2 && conn->subscriptions > 0;
    say(conn, as_message ? "*2\r\n$4\r\npong\r\n$0\r\n\r\n" : "+PONG\r\n");
}

static void answer(scripted_conn_t *conn, const cairn_slice_t *words, size_t count)
{
    static const char *const kinds[] = {"subscribe", "psubscribe", "unsubscribe", "punsubscribe"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!is_word(words[0], kinds[i])) continue;
        acknowledge(conn, kinds[i], words, count);
        return;
    }
    if (is_word(words[0], "HELLO"))
        greet(conn, words, count);
    else if (is_word(words[0], "PING"))
        pong(conn);
    else if (is_word(words[0], "PUBLISH"))
        say(conn, ":1\r\n");
    else if (is_word(words[0], "INFO"))
        say_bulk(conn, cairn_str("# Server\r\nredis_version:7.0.15\r\n"));
    else if (is_word(words[0], "AUTH") || is_word(words[0], "SELECT") ||
             is_word(words[0], "CLIENT"))
        say(conn, "+OK\r\n");
    else
        say(conn, "-ERR unknown command\r\n");
}

/* ---- rules ---- */

static bool is_for(const scripted_rule_t *rule, const cairn_slice_t *words, size_t count)
{
    const char *space = strchr(rule->command, ' ');
    if (!space) return is_word(words[0], rule->command);
    const size_t len = (size_t)(space - rule->command);
    return count > 1 && words[0].len == len && strncasecmp(words[0].ptr, rule->command, len) == 0 &&
           is_word(words[1], space + 1);
}

static const char *take_rule(scripted_t *server, const cairn_slice_t *words, size_t count,
                             bool once)
{
    for (scripted_rule_t **at = &server->rules; *at; at = &(*at)->next) {
        scripted_rule_t *rule = *at;
        if (rule->once != once || !is_for(rule, words, count)) continue;
        const char *reply = rule->reply;
        if (once) {
            *at = rule->next;
            free(rule);
        }
        return reply;
    }
    return NULL;
}

static void obey(scripted_conn_t *conn, cairn_slice_t name, const char *reply)
{
    if (reply == SCRIPTED_SILENCE) return;
    if (reply == SCRIPTED_HANGUP) {
        scripted_conn_end(conn);
        return;
    }
    if (is_word(name, "HELLO") && reply[0] == '%') conn->protocol = 3;
    say(conn, reply);
}

static void note(scripted_t *server, const cairn_slice_t *words, size_t count)
{
    char line[1024];
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof line - JOURNAL_TEXT - 1; i++) {
        journal_text_t word;
        journal_bytes(word, words[i]);
        for (char *at = word; i == 0 && *at; at++) *at = (char)toupper((unsigned char)*at);
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%s", i ? " " : "", word);
    }
    journal_add(&server->journal, "%s", line);
}

void scripted_command(scripted_conn_t *conn, const cairn_slice_t *words, size_t count)
{
    note(conn->server, words, count);
    const char *reply = take_rule(conn->server, words, count, true);
    if (!reply) reply = take_rule(conn->server, words, count, false);
    if (reply)
        obey(conn, words[0], reply);
    else
        answer(conn, words, count);
}

static void add_rule(scripted_t *server, const char *command, const char *reply, bool once)
{
    scripted_rule_t *rule = calloc(1, sizeof *rule);
    if (!rule) abort();
    snprintf(rule->command, sizeof rule->command, "%s", command);
    rule->reply = reply;
    rule->once = once;
    scripted_rule_t **at = &server->rules;
    while (*at) at = &(*at)->next;
    *at = rule;
}

void scripted_once(scripted_t *server, const char *command, const char *reply)
{
    add_rule(server, command, reply, true);
}

void scripted_always(scripted_t *server, const char *command, const char *reply)
{
    for (scripted_rule_t *rule = server->rules; rule; rule = rule->next) {
        if (rule->once || strcasecmp(rule->command, command) != 0) continue;
        rule->reply = reply;
        return;
    }
    add_rule(server, command, reply, false);
}

/* ---- the server ---- */

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0) scripted_conn_accept(listener->data);
}

void scripted_accept(scripted_t *server)
{
    struct sockaddr_in address;
    uv_tcp_init(server->loop, &server->listener);
    server->listener.data = server;
    uv_ip4_addr("127.0.0.1", server->port, &address);
    assert_int_equal(uv_tcp_bind(&server->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 128, on_connection), 0);
    server->listening = true;
}

static void on_listener_closed(uv_handle_t *handle)
{
    scripted_t *server = handle->data;
    server->listening = false;
}

void scripted_refuse(scripted_t *server)
{
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    while (server->listening) uv_run(server->loop, UV_RUN_NOWAIT);
}

void scripted_open(scripted_t *server, uv_loop_t *loop)
{
    signal(SIGPIPE, SIG_IGN); /* libuv writes to clients that may be gone */
    memset(server, 0, sizeof *server);
    server->loop = loop;
    server->port = server_free_port();
    assert_true(server->port > 0);
    snprintf(server->url, sizeof server->url, "redis://127.0.0.1:%d", server->port);
    scripted_accept(server);
}

void scripted_hangup(scripted_t *server)
{
    while (server->conns) scripted_conn_close(server->conns);
}

void scripted_close(scripted_t *server)
{
    scripted_hangup(server);
    if (server->listening) scripted_refuse(server);
    while (server->rules) {
        scripted_rule_t *rule = server->rules;
        server->rules = rule->next;
        free(rule);
    }
    journal_free(&server->journal);
}

static void close_with_world(world_t *world)
{
    scripted_close(world->data);
    free(world->data);
}

scripted_t *scripted_of(world_t *world)
{
    scripted_t *server = malloc(sizeof *server);
    if (!server) abort();
    scripted_open(server, &world->loop);
    world->url = server->url;
    world->data = server;
    world->at_end = close_with_world;
    return server;
}

/* ---- unasked ---- */

static scripted_conn_t *subscriber(const scripted_t *server)
{
    for (scripted_conn_t *conn = server->conns; conn; conn = conn->next)
        if (conn->subscriptions > 0) return conn;
    return NULL;
}

bool scripted_has_subscriber(const scripted_t *server)
{
    return subscriber(server) != NULL;
}

void scripted_push(scripted_t *server, const char *bytes, size_t len)
{
    scripted_conn_t *conn = subscriber(server);
    if (!conn) conn = server->conns;
    if (!conn) check_fail("the scripted server has no connection to push on");
    scripted_conn_send(conn, bytes, len);
}

void scripted_message(scripted_t *server, const char *channel, const char *payload)
{
    scripted_conn_t *conn = subscriber(server);
    if (!conn) check_fail("the scripted server has no subscriber");
    say_array(conn, true, 3);
    say_bulk(conn, cairn_str("message"));
    say_bulk(conn, cairn_str(channel));
    say_bulk(conn, cairn_str(payload));
}

static void read_all(scripted_t *server, bool on)
{
    for (scripted_conn_t *conn = server->conns; conn; conn = conn->next)
        scripted_conn_read(conn, on);
}

void scripted_pause(scripted_t *server)
{
    read_all(server, false);
}

void scripted_resume(scripted_t *server)
{
    read_all(server, true);
}

size_t scripted_sent(const scripted_t *server)
{
    return server->conns ? server->conns->sent : 0;
}
