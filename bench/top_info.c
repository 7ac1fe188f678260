#include "top.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

static const char *const names[TOP_FIELD_COUNT] = {
#define NAME(name, title) #name,
    TOP_FIELDS(NAME)
#undef NAME
};

/* Whether the line is `name:...`; then *value is behind the colon. */
static bool is(const char *line, const char *name, const char **value)
{
    size_t len = strlen(name);
    *value = line + len + 1;
    return strncmp(line, name, len) == 0 && line[len] == ':';
}

static void copy_word(char *to, size_t size, const char *value)
{
    snprintf(to, size, "%.*s", (int)strcspn(value, "\r\n"), value);
}

static void read_line(const char *line, top_info_t *out)
{
    const char *value;
    unsigned db;
    uint64_t keys;
    if (is(line, "role", &value)) copy_word(out->role, sizeof out->role, value);
    if (is(line, "master_link_status", &value)) copy_word(out->link, sizeof out->link, value);
    if (sscanf(line, "db%u:keys=%" SCNu64, &db, &keys) == 2) out->keys += keys;
    for (size_t i = 0; i < TOP_FIELD_COUNT; i++)
        if (is(line, names[i], &value)) out->fields[i] = strtoull(value, NULL, 10);
}

void top_info_read(const char *text, top_info_t *out)
{
    *out = (top_info_t){.given = true};
    for (const char *line = text; *line;) {
        read_line(line, out);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

static void give_up(redisContext **link, top_info_t *out, const char *why)
{
    *out = (top_info_t){.given = false};
    snprintf(out->why, sizeof out->why, "%s", why);
    if (*link) redisFree(*link);
    *link = NULL;
}

void top_info_ask(redisContext **link, const char *url, top_info_t *out)
{
    static const struct timeval patience = {.tv_sec = 1};
    char error[LINK_ERROR_MAX];
    if (!*link && link_connect(url, link, error) < 0) {
        give_up(link, out, error);
        return;
    }
    redisSetTimeout(*link, patience);
    redisReply *reply = redisCommand(*link, "INFO");
    if (!reply) {
        snprintf(error, sizeof error, "INFO: %.200s", (*link)->errstr);
        give_up(link, out, error);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        snprintf(error, sizeof error, "INFO: %.200s", reply->str);
        give_up(link, out, error);
    } else {
        top_info_read(reply->str, out);
    }
    freeReplyObject(reply);
}
