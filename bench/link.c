#include "link.h"
#include <cairn/options.h>
#include "client.h"
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

int link_connect(const char *url, redisContext **out, char error[LINK_ERROR_MAX])
{
    cairn_options_t options;
    cairn_error_t refused = {0};
    char where[LINK_ERROR_MAX];
    cairn_options_init(&options);
    if (cairn_options_from_url(&options, url, &refused) < 0)
        return fail(error, "the URL is not right", refused.text);
    const bool local = strcmp(options.scheme, "unix") == 0;
    if (!local && strcmp(options.scheme, "redis") != 0)
        return fail(error, options.scheme, "only a Redis server can be looked at");
    const struct timeval patience = {.tv_sec = (time_t)(options.connect_timeout_ms / 1000),
                                     .tv_usec = (int)(options.connect_timeout_ms % 1000) * 1000};
    client_describe(&options, where, sizeof where);
    redisContext *link = local ? redisConnectUnixWithTimeout(options.path, patience)
                               : redisConnectWithTimeout(options.host, options.port, patience);
    int rc = 0;
    if (!link)
        rc = fail(error, where, "out of memory");
    else if (link->err)
        rc = fail(error, where, link->errstr);
    if (rc == 0) rc = shake_hands(link, &options, error);
    if (rc < 0 && link) redisFree(link);
    *out = rc == 0 ? link : NULL;
    return rc;
}
