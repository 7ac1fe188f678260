#include "redis_hello.h"

#include "redis_cmd.h"
#include "redis_error.h"

#include <cairn/version.h>
#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

#define MOST_ARGS 8

/* Encodes one command of NUL-terminated arguments, NULL ending them. */
static int say(redis_out_t *out, const char *const *args)
{
    size_t count = 0, payload = 0;
    for (; args[count]; count++) payload += strlen(args[count]);
    char *to = redis_out_reserve(out, redis_cmd_bound(count, payload));
    if (!to) return UV_ENOMEM;
    to = redis_cmd_begin(to, count);
    for (size_t i = 0; i < count; i++) to = redis_cmd_arg(to, cairn_str(args[i]));
    out->tail = (size_t)(to - out->buf);
    return 0;
}

static int say_step(redis_hello_t *hello, redis_out_t *out, redis_hello_step_t step,
                    const char *const *args)
{
    hello->steps[hello->step_count++] = (uint8_t)step;
    int rc = say(out, args);
    if (rc < 0) snprintf(hello->detail, sizeof hello->detail, "handshake: %s", uv_strerror(rc));
    return rc;
}

/* A precision for printf. */
static int clip(size_t len, int most)
{
    return len < (size_t)most ? (int)len : most;
}

/* Servers quote the beginning of a command they do not understand, which may be the beginning of
 * the password, too. */
static cairn_slice_t before_quotes(cairn_slice_t reason)
{
    static const char mark[] = ", with args";
    const char *quotes = reason.len ? memmem(reason.ptr, reason.len, mark, sizeof mark - 1) : NULL;
    return quotes ? cairn_slice(reason.ptr, (size_t)(quotes - reason.ptr)) : reason;
}

static void append_without(char *out, size_t room, cairn_slice_t text, cairn_slice_t secret)
{
    size_t used = 0;
    for (size_t i = 0; i < text.len && used + 4 < room;) {
        bool hit = secret.len > 0 && text.len - i >= secret.len &&
                   memcmp(text.ptr + i, secret.ptr, secret.len) == 0;
        memcpy(out + used, hit ? "***" : text.ptr + i, hit ? 3 : 1);
        used += hit ? 3 : 1;
        i += hit ? secret.len : 1;
    }
    out[used] = '\0';
}

static int fail(redis_hello_t *hello, const redis_hello_options_t *options, int status,
                const char *what, cairn_slice_t reason)
{
    int used = snprintf(hello->detail, sizeof hello->detail, "%s: ", what);
    append_without(hello->detail + used, sizeof hello->detail - (size_t)used, before_quotes(reason),
                   cairn_str(options->password));
    return status;
}

int redis_hello_begin(redis_hello_t *hello, const redis_hello_options_t *options, redis_out_t *out)
{
    memset(hello, 0, sizeof *hello);
    hello->begun = true;
    snprintf(hello->server, sizeof hello->server, "redis");
    hello->protocol = options->protocol == 2 ? 2 : 3;
    const char *args[MOST_ARGS] = {"HELLO", hello->protocol == 2 ? "2" : "3"};
    size_t count = 2;
    if (options->password) {
        args[count++] = "AUTH";
        args[count++] = options->username ? options->username : "default";
        args[count++] = options->password;
    }
    args[count++] = "SETNAME";
    args[count++] = options->client_name;
    return say(out, args);
}

static int say_auth(redis_hello_t *hello, const redis_hello_options_t *options, redis_out_t *out)
{
    if (!options->password) return 0;
    const char *const with_user[] = {"AUTH", options->username, options->password, NULL};
    const char *const without[] = {"AUTH", options->password, NULL};
    return say_step(hello, out, HELLO_STEP_AUTH, options->username ? with_user : without);
}

static int say_rest(redis_hello_t *hello, const redis_hello_options_t *options, redis_out_t *out)
{
    char db[24];
    snprintf(db, sizeof db, "%llu", (unsigned long long)options->db);
    int rc = 0;
    if (options->master_only && !hello->is_master)
        rc = say_step(hello, out, HELLO_STEP_ROLE, (const char *const[]){"ROLE", NULL});
    if (rc == 0 && options->asks_mode && !hello->says_mode)
        rc = say_step(hello, out, HELLO_STEP_MODE, (const char *const[]){"CLUSTER", "INFO", NULL});
    if (rc == 0 && options->reads_only)
        rc = say_step(hello, out, HELLO_STEP_READONLY, (const char *const[]){"READONLY", NULL});
    if (rc == 0 && options->db > 0)
        rc = say_step(hello, out, HELLO_STEP_SELECT, (const char *const[]){"SELECT", db, NULL});
    if (rc == 0)
        rc = say_step(hello, out, HELLO_STEP_COURTESY,
                      (const char *const[]){"CLIENT", "SETINFO", "LIB-NAME", "cairn", NULL});
    if (rc == 0)
        rc = say_step(
            hello, out, HELLO_STEP_COURTESY,
            (const char *const[]){"CLIENT", "SETINFO", "LIB-VER", CAIRN_VERSION_STRING, NULL});
    return rc;
}

/* HELLO is not understood, or RESP3 is not: the way of old servers. */
static int fall_back(redis_hello_t *hello, const redis_hello_options_t *options, redis_out_t *out)
{
    hello->protocol = 2;
    int rc = say_auth(hello, options, out);
    if (rc == 0)
        rc = say_step(hello, out, HELLO_STEP_COURTESY,
                      (const char *const[]){"CLIENT", "SETNAME", options->client_name, NULL});
    return rc == 0 ? say_rest(hello, options, out) : rc;
}

static bool starts_with(cairn_slice_t text, const char *prefix)
{
    size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.ptr, prefix, len) == 0;
}

/* Reads a text if one is next; steps over anything else. */
static int read_if_text(redis_reply_t *reply, cairn_slice_t *text)
{
    cairn_slice_t found;
    if (redis_reply_string(reply, &found) < 0) return redis_reply_skip(reply);
    *text = found;
    return 0;
}

static int read_if_int(redis_reply_t *reply, int64_t *value)
{
    int64_t found;
    if (redis_reply_int(reply, &found) < 0) return redis_reply_skip(reply);
    *value = found;
    return 0;
}

/* {name, path, ...} of each; what makes no sense there says nothing. */
static bool lists_vector_sets(redis_reply_t modules)
{
    size_t count, fields;
    if (redis_reply_array(&modules, &count) < 0) return false;
    for (; count > 0; count--) {
        if (redis_reply_array(&modules, &fields) < 0) return false;
        for (; fields > 1; fields -= 2) {
            cairn_slice_t key = {NULL, 0}, value = {NULL, 0};
            if (read_if_text(&modules, &key) < 0 || read_if_text(&modules, &value) < 0)
                return false;
            if (cairn_slice_eq(key, cairn_str("name")) &&
                cairn_slice_eq(value, cairn_str("vectorset")))
                return true;
        }
    }
    return false;
}

static int check_role(redis_hello_t *hello, const redis_hello_options_t *options,
                      cairn_slice_t role)
{
    hello->is_master = cairn_slice_eq(role, cairn_str("master"));
    if (!options->master_only || hello->is_master || role.len == 0) return 0;
    return fail(hello, options, CAIRN_EREADONLY, "the server is not the master but", role);
}

/* The first of what ROLE says. */
static int answer_role(redis_hello_t *hello, const redis_hello_options_t *options,
                       redis_reply_t *reply)
{
    size_t count;
    cairn_slice_t role;
    if (redis_reply_array(reply, &count) < 0 || count == 0 ||
        redis_reply_string(reply, &role) < 0 || role.len == 0)
        return fail(hello, options, CAIRN_EPROTOCOL, "ROLE", cairn_str("the answer says no role"));
    return check_role(hello, options, role);
}

/* What a server that is no node of a cluster says is an error. */
static void answer_mode(redis_hello_t *hello, redis_reply_t *reply)
{
    static const char begin[] = "cluster_";
    cairn_slice_t text;
    hello->says_mode = true;
    hello->is_cluster = redis_reply_string(reply, &text) == 0 && starts_with(text, begin);
}

/* Reads what the server says of itself; anything unexpected in it is not worth failing for. */
static int read_greeting(redis_hello_t *hello, const redis_hello_options_t *options,
                         redis_reply_t *reply)
{
    size_t count;
    cairn_slice_t name = {NULL, 0}, version = {NULL, 0}, role = {NULL, 0}, mode = {NULL, 0};
    int64_t protocol = hello->protocol;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = 0; rc == 0 && i + 1 < count; i += 2) {
        cairn_slice_t key = {NULL, 0};
        rc = read_if_text(reply, &key);
        if (rc < 0) break;
        if (cairn_slice_eq(key, cairn_str("server"))) {
            rc = read_if_text(reply, &name);
        } else if (cairn_slice_eq(key, cairn_str("version"))) {
            rc = read_if_text(reply, &version);
        } else if (cairn_slice_eq(key, cairn_str("role"))) {
            rc = read_if_text(reply, &role);
        } else if (cairn_slice_eq(key, cairn_str("mode"))) {
            rc = read_if_text(reply, &mode);
        } else if (cairn_slice_eq(key, cairn_str("proto"))) {
            rc = read_if_int(reply, &protocol);
        } else if (cairn_slice_eq(key, cairn_str("modules"))) {
            hello->vector_sets = lists_vector_sets(*reply);
            rc = redis_reply_skip(reply);
        } else {
            rc = redis_reply_skip(reply);
        }
    }
    if (rc < 0) return fail(hello, options, rc, "HELLO", cairn_str("the answer is not a map"));
    if (protocol == 2) hello->protocol = 2; /* as proxies do that take any HELLO */
    hello->says_mode = mode.len > 0;
    hello->is_cluster = cairn_slice_eq(mode, cairn_str("cluster"));
    if (name.len == 0) name = cairn_str("redis");
    snprintf(hello->server, sizeof hello->server, "%.*s%s%.*s", clip(name.len, 20), name.ptr,
             version.len ? " " : "", clip(version.len, 20), version.len ? version.ptr : "");
    return check_role(hello, options, role);
}

static int answer_greeting(redis_hello_t *hello, const redis_hello_options_t *options,
                           redis_reply_t *reply, redis_out_t *out)
{
    hello->greeted = true;
    cairn_slice_t text;
    if (!redis_reply_error(reply, &text)) {
        int rc = read_greeting(hello, options, reply);
        if (rc < 0) return rc;
        if (options->protocol != 3 || hello->protocol == 3) return say_rest(hello, options, out);
        return fail(hello, options, CAIRN_ESERVER, "server has no RESP3", cairn_str("proto 2"));
    }
    bool not_understood = starts_with(text, "ERR unknown command") || starts_with(text, "NOPROTO");
    if (!not_understood) return fail(hello, options, redis_error_code(text), "HELLO", text);
    if (options->protocol == 3)
        return fail(hello, options, CAIRN_ESERVER, "server has no RESP3", text);
    return fall_back(hello, options, out);
}

int redis_hello_answer(redis_hello_t *hello, const redis_hello_options_t *options,
                       redis_reply_t *reply, redis_out_t *out)
{
    if (!hello->begun)
        return fail(hello, options, CAIRN_EPROTOCOL, "handshake",
                    cairn_str("the server spoke first"));
    if (!hello->greeted) return answer_greeting(hello, options, reply, out);
    if (hello->step == hello->step_count)
        return fail(hello, options, CAIRN_EPROTOCOL, "handshake",
                    cairn_str("an answer to nothing"));

    redis_hello_step_t step = (redis_hello_step_t)hello->steps[hello->step++];
    cairn_slice_t text;
    static const char *const names[] = {[HELLO_STEP_AUTH] = "AUTH",
                                        [HELLO_STEP_SELECT] = "SELECT",
                                        [HELLO_STEP_READONLY] = "READONLY",
                                        [HELLO_STEP_ROLE] = "ROLE"};
    const bool may_fail = step == HELLO_STEP_COURTESY || step == HELLO_STEP_MODE;
    if (step == HELLO_STEP_MODE) answer_mode(hello, reply);
    if (!may_fail && redis_reply_error(reply, &text))
        return fail(hello, options, redis_error_code(text), names[step], text);
    int rc = step == HELLO_STEP_ROLE ? answer_role(hello, options, reply) : 0;
    if (rc < 0) return rc;
    return hello->step == hello->step_count;
}
