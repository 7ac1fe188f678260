/* The variables are LangGraph's. REDIS_MAX_CONNECTIONS counts for more than a parameter in
 * REDIS_URL: it is the more particular of the two. */
#include "error_set.h"
#include "option_rows.h"

#include <cairn/options.h>
#include <stdlib.h>
#include <strings.h>

typedef enum checkpoint_type {
    TYPE_UNSET,
    TYPE_MEMORY,
    TYPE_REDIS,
    TYPE_SHALLOW_REDIS
} checkpoint_type_t;

static const char *const type_names[] = {
    [TYPE_MEMORY] = "memory",
    [TYPE_REDIS] = "redis",
    [TYPE_SHALLOW_REDIS] = "shallow/redis",
};

/* NULL if unset or empty. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Whether a value may be quoted: what could be a URL, or a part of one, may hold a password. */
static bool is_word(const char *value)
{
    return strlen(value) <= 32 && value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                      "0123456789_-+./")] == '\0';
}

static int read_type(checkpoint_type_t *out, cairn_error_t *error)
{
    *out = TYPE_UNSET;
    const char *value = variable("CHECKPOINT_TYPE");
    if (!value) return 0;
    for (checkpoint_type_t type = TYPE_MEMORY; type <= TYPE_SHALLOW_REDIS; type++) {
        if (strcmp(value, type_names[type]) != 0) continue;
        *out = type;
        return 0;
    }
    bool quoted = is_word(value);
    return cairn_error_set(error, CAIRN_EOPTION,
                           "CHECKPOINT_TYPE%s%s%s is none of memory, redis and shallow/redis",
                           quoted ? "=\"" : "", quoted ? value : "", quoted ? "\"" : "");
}

/* Leaves `out` as it is if the variable is unset; 0 is no legal value. */
static int read_max_connections(uint64_t *out, cairn_error_t *error)
{
    static const char name[] = "REDIS_MAX_CONNECTIONS";
    const char *value = variable(name);
    if (!value) return 0;
    if (!is_word(value))
        return cairn_error_set(error, CAIRN_EOPTION, "%s is not a whole number", name);
    return option_parse(option_row(cairn_str("max_connections")), name, cairn_str(value), out,
                        error);
}

static int read_redis_url(cairn_options_t *options, cairn_error_t *error)
{
    const char *url = variable("REDIS_URL");
    if (!url)
        return cairn_error_set(error, CAIRN_EOPTION,
                               "CHECKPOINT_TYPE asks for redis, but REDIS_URL is not set");
    if (strncasecmp(url, "memory:", strlen("memory:")) == 0)
        return cairn_error_set(error, CAIRN_EOPTION, "REDIS_URL is no URL of a Redis server");
    cairn_error_t detail;
    int rc = cairn_options_from_url(options, url, &detail);
    return rc < 0 ? cairn_error_set(error, rc, "REDIS_URL: %s", detail.text) : 0;
}

int cairn_options_from_env(cairn_options_t *options, cairn_error_t *error)
{
    checkpoint_type_t type;
    uint64_t max_connections = 0;
    int rc = read_type(&type, error);
    if (rc == 0) rc = read_max_connections(&max_connections, error);
    if (rc < 0) return rc;

    /* Both are all or nothing, so this is too. */
    bool memory = type == TYPE_MEMORY || (type == TYPE_UNSET && !variable("REDIS_URL"));
    rc =
        memory ? cairn_options_from_url(options, "memory:", error) : read_redis_url(options, error);
    if (rc < 0) return rc;
    if (max_connections) options->max_connections = max_connections;
    if (type != TYPE_UNSET) options->shallow = type == TYPE_SHALLOW_REDIS;
    return 0;
}
