#include "link.h"
#include <cairn/options.h>
#include "client.h"
#include "link_place.h"
#include "link_tls.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

static int fail(char *error, const char *what, const char *why)
{
    const char *advice = client_advice(why);
    snprintf(error, LINK_ERROR_MAX, "%.100s: %.90s%s%s", what, why, *advice ? ". " : "", advice);
    return -1;
}

static int command(redisContext *link, char *error, int count, const char **words)
{
    redisReply *reply = redisCommandArgv(link, count, words, NULL);
    int rc = 0;
    if (!reply)
        rc = fail(error, words[0], link->errstr);
    else if (reply->type == REDIS_REPLY_ERROR)
        rc = fail(error, words[0], reply->str);
    freeReplyObject(reply);
    return rc;
}

static int shake_hands(redisContext *link, const cairn_options_t *options, char *error)
{
    char db[24];
    const char *named[] = {"AUTH", options->username, options->password};
    const char *unnamed[] = {"AUTH", options->password};
    const char *select[] = {"SELECT", db};
    int rc = 0;
    snprintf(db, sizeof db, "%llu", (unsigned long long)options->db);
    if (options->password && options->username)
        rc = command(link, error, 3, named);
    else if (options->password)
        rc = command(link, error, 2, unnamed);
    return rc == 0 && options->db > 0 ? command(link, error, 2, select) : rc;
}

static bool is_one_of(const char *scheme, const char *const *schemes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(scheme, schemes[i]) == 0) return true;
    return false;
}

static int find_place(const cairn_options_t *options, link_place_t *place, char *error)
{
    if (options->hosts || strchr(options->scheme, '+'))
        return link_place_find(options, place, error);
    snprintf(place->host, sizeof place->host, "%s", options->host);
    place->port = (int)options->port;
    return 0;
}

static int secure(redisContext *link, const cairn_options_t *options, const link_place_t *place,
                  struct timeval patience, char *error)
{
    if (strncmp(options->scheme, "rediss", strlen("rediss")) != 0) return 0;
    redisSetTimeout(link, patience);
    return link_tls_begin(link, options, place->host, error);
}

/* place->port 0: where the options say. */
static int connect_at(const cairn_options_t *options, link_place_t place, redisContext **out,
                      char *error)
{
    char where[LINK_ERROR_MAX];
    const bool local = strcmp(options->scheme, "unix") == 0;
    const struct timeval patience = {.tv_sec = (time_t)(options->connect_timeout_ms / 1000),
                                     .tv_usec = (int)(options->connect_timeout_ms % 1000) * 1000};
    if (!local && place.port == 0 && find_place(options, &place, error) < 0) return -1;
    if (local)
        client_describe(options, where, sizeof where);
    else
        snprintf(where, sizeof where, "%s:%d", place.host, place.port);
    redisContext *link = local ? redisConnectUnixWithTimeout(options->path, patience)
                               : redisConnectWithTimeout(place.host, place.port, patience);
    *out = link;
    if (!link) return fail(error, where, "out of memory");
    if (link->err) return fail(error, where, link->errstr);
    return secure(link, options, &place, patience, error);
}

static int connect_by(const char *url, link_place_t place, redisContext **out, char *error)
{
    static const char *const schemes[] = {"redis",          "rediss",          "unix",
                                          "redis+sentinel", "rediss+sentinel", "redis+cluster",
                                          "rediss+cluster"};
    cairn_options_t options;
    cairn_error_t refused = {0};
    *out = NULL;
    cairn_options_init(&options);
    if (cairn_options_from_url(&options, url, &refused) < 0)
        return fail(error, "the URL is not right", refused.text);
    if (!is_one_of(options.scheme, schemes, sizeof schemes / sizeof *schemes))
        return fail(error, options.scheme, "only a Redis server can be looked at");
    int rc = connect_at(&options, place, out, error);
    if (rc == 0) rc = shake_hands(*out, &options, error);
    if (rc == 0) return 0;
    if (*out) redisFree(*out);
    *out = NULL;
    return rc;
}

int link_connect(const char *url, redisContext **out, char error[LINK_ERROR_MAX])
{
    return connect_by(url, (link_place_t){{0}, 0}, out, error);
}

int link_connect_to(const char *url, const char *host, int port, redisContext **out,
                    char error[LINK_ERROR_MAX])
{
    link_place_t place = {.port = port};
    snprintf(place.host, sizeof place.host, "%s", host);
    return connect_by(url, place, out, error);
}
