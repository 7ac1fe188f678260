#include "check_command.h"
#include <cairn/options.h>
#include "client.h"
#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/time.h>

/* ---- connecting ---- */

static int fail(char *error, const char *what, const char *why)
{
    const char *advice = client_advice(why);
    snprintf(error, SAVER_CHECK_TEXT, "%.100s: %.90s%s%s", what, why, *advice ? ". " : "", advice);
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

static int connect_to(const char *url, redisContext **out, char *error)
{
    cairn_options_t options;
    cairn_error_t refused = {0};
    char where[SAVER_CHECK_TEXT];
    cairn_options_init(&options);
    if (cairn_options_from_url(&options, url, &refused) < 0)
        return fail(error, "the URL is not right", refused.text);
    const bool local = strcmp(options.scheme, "unix") == 0;
    if (!local && strcmp(options.scheme, "redis") != 0)
        return fail(error, url, "only a Redis server can be looked at");
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

int check_run(const check_config_t *config, saver_check_t *found, char error[SAVER_CHECK_TEXT])
{
    redisContext *link;
    if (connect_to(config->url, &link, error) < 0) return -1;
    int rc = saver_check_run(link, found, error);
    redisFree(link);
    return rc;
}

/* ---- reporting ---- */

bool check_is_good(const check_config_t *config, const saver_check_t *found)
{
    return found->orphans == 0 && (!config->ttl || found->without_ttl == 0);
}

static void print_few(FILE *out, const char (*texts)[SAVER_CHECK_TEXT], size_t count)
{
    for (size_t i = 0; i < count && i < SAVER_CHECK_FEW; i++) fprintf(out, "  %s\n", texts[i]);
    if (count > SAVER_CHECK_FEW) fprintf(out, "  ... and %zu more\n", count - SAVER_CHECK_FEW);
}

void check_report(const check_config_t *config, const saver_check_t *found, FILE *out)
{
    fprintf(out, "keys %zu\nkeys of others %zu\nkeys without TTL %zu\n", found->keys, found->others,
            found->without_ttl);
    if (config->ttl) print_few(out, found->persistent, found->without_ttl);
    fprintf(out, "orphans %zu\n", found->orphans);
    print_few(out, found->orphan, found->orphans);
}
