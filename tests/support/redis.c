#include "redis.h"

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void redis_start(redis_t *redis, const server_options_t *options)
{
    memset(redis, 0, sizeof *redis);
    if (server_start(&redis->server, options) == 0) return;
    fprintf(stderr, "no server to test with: %s\n", redis->server.error);
    exit(1);
}

void redis_stop(redis_t *redis)
{
    server_stop(&redis->server);
}

void redis_restart(redis_t *redis)
{
    if (server_restart(&redis->server) < 0) check_fail("restart: %s", redis->server.error);
}

void redis_pause(redis_t *redis)
{
    if (server_pause(&redis->server) < 0) check_fail("pause: %s", redis->server.error);
}

void redis_resume(redis_t *redis)
{
    if (server_resume(&redis->server) < 0) check_fail("resume: %s", redis->server.error);
}

const char *redis_ask(redis_t *redis, const char *command)
{
    if (server_ask(&redis->server, command, redis->reply, sizeof redis->reply) < 0)
        check_fail("%s: %s", command, redis->server.error);
    return redis->reply;
}

static char *next_url(redis_t *redis)
{
    return redis->urls[redis->next_url++ % (sizeof redis->urls / sizeof *redis->urls)];
}

const char *redis_url(redis_t *redis, const char *user, const char *rest)
{
    char *url = next_url(redis);
    snprintf(url, sizeof redis->urls[0], "redis://%s%s127.0.0.1:%d%s", user ? user : "",
             user ? "@" : "", redis->server.port, rest ? rest : "");
    return url;
}

const char *redis_tls_url(redis_t *redis, const char *host, const char *user, const char *rest)
{
    char *url = next_url(redis);
    int len = snprintf(url, sizeof redis->urls[0], "rediss://%s%s%s:%d?tls_ca_file=%s%s%s",
                       user ? user : "", user ? "@" : "", host, redis->server.tls_port,
                       redis->server.options.tls_ca, rest ? "&" : "", rest ? rest : "");
    if (len >= (int)sizeof redis->urls[0]) check_fail("the URL is too long");
    return url;
}

const char *redis_unix_url(redis_t *redis, const char *rest)
{
    char *url = next_url(redis);
    snprintf(url, sizeof redis->urls[0], "unix://%s%s", redis->server.unix_path, rest ? rest : "");
    return url;
}

bool redis_is_at_least(redis_t *redis, int major, int minor)
{
    const char *line = strstr(redis_ask(redis, "INFO server"), "redis_version:");
    int found_major = 0;
    int found_minor = 0;
    if (!line || sscanf(line, "redis_version:%d.%d", &found_major, &found_minor) != 2) return false;
    return found_major > major || (found_major == major && found_minor >= minor);
}
