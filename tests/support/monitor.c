#include "monitor.h"

#ifdef CAIRN_WITH_REDIS

#include "check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

void monitor_start(monitor_t *monitor, redis_t *redis)
{
    *monitor = (monitor_t){.redis = redis};
    redisContext *link = redisConnectUnix(redis->server.unix_path);
    if (!link || link->err) check_fail("cannot connect to watch the server");
    redisReply *reply = redisCommand(link, "MONITOR");
    if (!reply || reply->type != REDIS_REPLY_STATUS) check_fail("the server cannot be watched");
    freeReplyObject(reply);
    monitor->link = link;
}

void monitor_stop(monitor_t *monitor)
{
    redisFree(monitor->link);
    monitor->link = NULL;
}

static size_t count_words(const char *words)
{
    size_t count = 1;
    for (const char *at = words; (at = strstr(at, "\" \"")); at++) count++;
    return count;
}

static void count_line(monitor_t *monitor, const char *line)
{
    const char *origin = strchr(line, '[');
    const char *words = origin ? strchr(origin, ']') : NULL;
    if (!words) return;
    if (strncmp(origin, "[0 lua", 6) != 0) {
        monitor->commands++;
        monitor->calls = monitor->arguments = 0;
        snprintf(monitor->last, sizeof monitor->last, "%s", words + 1);
        return;
    }
    monitor->calls++;
    monitor->arguments += count_words(words);
    if (monitor->calls > monitor->script_calls) monitor->script_calls = monitor->calls;
    if (monitor->arguments > monitor->script_arguments)
        monitor->script_arguments = monitor->arguments;
}

void monitor_read(monitor_t *monitor)
{
    char mark[64];
    snprintf(mark, sizeof mark, "ECHO mark-%u", ++monitor->marks);
    redis_ask(monitor->redis, mark);
    snprintf(mark, sizeof mark, "\"ECHO\" \"mark-%u\"", monitor->marks);
    monitor->commands = monitor->script_calls = monitor->script_arguments = 0;
    monitor->calls = monitor->arguments = 0;
    for (;;) {
        void *reply = NULL;
        if (redisGetReply(monitor->link, &reply) != REDIS_OK) check_fail("MONITOR has ended");
        const redisReply *line = reply;
        bool is_mark = line->str && strstr(line->str, mark);
        if (line->str && !is_mark) count_line(monitor, line->str);
        freeReplyObject(reply);
        if (is_mark) return;
    }
}

#endif
