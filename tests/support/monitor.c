#include "monitor.h"

#ifdef CAIRN_WITH_REDIS

#include "check.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext *connect_to(redis_t *redis)
{
    redisContext *link = redisConnectUnix(redis->server.unix_path);
    if (!link || link->err) check_fail("cannot connect to watch the server");
    return link;
}

static redisReply *ask(redisContext *link, const char *command)
{
    redisReply *reply = redisCommand(link, command);
    if (!reply || reply->type == REDIS_REPLY_ERROR) check_fail("%s: no answer", command);
    return reply;
}

void monitor_start(monitor_t *monitor, redis_t *redis)
{
    *monitor = (monitor_t){.link = connect_to(redis), .asks = connect_to(redis)};
    freeReplyObject(ask(monitor->link, "MONITOR"));
    monitor_read(monitor);
}

void monitor_stop(monitor_t *monitor)
{
    redisFree(monitor->link);
    redisFree(monitor->asks);
    monitor->link = monitor->asks = NULL;
}

static size_t count_words(const char *words)
{
    size_t count = 1;
    for (const char *at = words; (at = strstr(at, "\" \"")); at++) count++;
    return count;
}

/* words: "NAME" "argument" ... */
static void count_command(monitor_t *monitor, const char *words)
{
    const char *name = words + strspn(words, " \"");
    const int len = (int)strcspn(name, "\"");
    const size_t used = strlen(monitor->names);
    monitor->commands++;
    monitor->calls = monitor->arguments = 0;
    snprintf(monitor->last, sizeof monitor->last, "%s", words);
    snprintf(monitor->names + used, sizeof monitor->names - used, "%s%.*s", used > 0 ? " " : "",
             len, name);
    if (strncmp(name, "MULTI\"", 6) == 0) monitor->in_transaction = true;
    if (strncmp(name, "EXEC\"", 5) == 0) monitor->in_transaction = false;
    if (!monitor->in_transaction) monitor->trips++;
}

static void count_line(monitor_t *monitor, const char *line)
{
    const char *origin = strchr(line, '[');
    const char *words = origin ? strchr(origin, ']') : NULL;
    if (!words) return;
    if (strncmp(origin, "[0 lua", 6) != 0) {
        count_command(monitor, words + 1);
        return;
    }
    monitor->calls++;
    monitor->arguments += count_words(words);
    if (monitor->calls > monitor->script_calls) monitor->script_calls = monitor->calls;
    if (monitor->arguments > monitor->script_arguments)
        monitor->script_arguments = monitor->arguments;
}

static void count_reads(monitor_t *monitor)
{
    enum {
        OWN = 2 /* the mark, and this */
    };
    static const char name[] = "total_reads_processed:";
    redisReply *info = ask(monitor->asks, "INFO stats");
    const char *line = strstr(info->str, name);
    if (!line) check_fail("the server does not say how often it read");
    const long long total = strtoll(line + sizeof name - 1, NULL, 10);
    monitor->reads = (size_t)(total - monitor->total_reads - OWN);
    monitor->total_reads = total;
    freeReplyObject(info);
}

void monitor_read(monitor_t *monitor)
{
    char mark[64];
    snprintf(mark, sizeof mark, "ECHO mark-%u", ++monitor->marks);
    freeReplyObject(ask(monitor->asks, mark));
    snprintf(mark, sizeof mark, "\"ECHO\" \"mark-%u\"", monitor->marks);
    count_reads(monitor);
    monitor->commands = monitor->trips = monitor->script_calls = monitor->script_arguments = 0;
    monitor->calls = monitor->arguments = 0;
    monitor->names[0] = '\0';
    for (;;) {
        void *reply = NULL;
        if (redisGetReply(monitor->link, &reply) != REDIS_OK) check_fail("MONITOR has ended");
        const redisReply *line = reply;
        bool is_mark = line->str && strstr(line->str, mark);
        bool is_own = line->str && strstr(line->str, "\"INFO\" \"stats\"");
        bool is_clock = line->str && strstr(line->str, "\"TIME\"");
        if (line->str && !is_mark && !is_own && !is_clock) count_line(monitor, line->str);
        freeReplyObject(reply);
        if (is_mark) return;
    }
}

#endif
