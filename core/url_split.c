/* The messages here quote nothing but the scheme: of a URL that is not well formed nobody can say
 * where the password is. For the same reason an '@' behind the authority is refused outright. It
 * may be what ends the user information, if that has a '/', '?' or '#' in it. */
#include "url_split.h"

#include "error_set.h"

#include <strings.h>

typedef struct known_scheme {
    const char *name;
    bool redis; /* hosts, of whatever they are */
    bool sentinel;
} known_scheme_t;

static const known_scheme_t known_schemes[] = {
    {"memory", false, false},       {"redis", true, false},
    {"unix", false, false},         {"rediss", true, false},
    {"redis+sentinel", true, true}, {"rediss+sentinel", true, true},
    {"redis+cluster", true, false}, {"rediss+cluster", true, false},
};

#define FORMS                                                                                      \
    "memory:, redis://, unix://, redis+sentinel:// or redis+cluster://, or rediss in place of "    \
    "redis"

static bool contains(cairn_slice_t text, char c)
{
    return text.len && memchr(text.ptr, c, text.len);
}

static cairn_slice_t behind(cairn_slice_t text, size_t at)
{
    return cairn_slice(text.ptr + at, text.len - at);
}

/* Cuts off and returns what stands before the first of `stops`, which stays. */
static cairn_slice_t take_until(cairn_slice_t *rest, const char *stops)
{
    size_t len = 0;
    while (len < rest->len && !strchr(stops, rest->ptr[len])) len++;
    cairn_slice_t taken = cairn_slice(rest->ptr, len);
    *rest = behind(*rest, len);
    return taken;
}

static bool eat(cairn_slice_t *rest, const char *prefix)
{
    size_t len = strlen(prefix);
    if (rest->len < len || memcmp(rest->ptr, prefix, len) != 0) return false;
    *rest = behind(*rest, len);
    return true;
}

static int check_bytes(cairn_slice_t url, cairn_error_t *error)
{
    for (size_t i = 0; i < url.len; i++)
        if ((unsigned char)url.ptr[i] <= ' ' || url.ptr[i] == 0x7f)
            return cairn_error_set(error, CAIRN_EURL,
                                   "URL contains a space or a control character");
    return 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_scheme(cairn_slice_t name)
{
    if (name.len == 0 || !is_letter(name.ptr[0])) return false;
    for (size_t i = 1; i < name.len; i++) {
        char c = name.ptr[i];
        if (!is_letter(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.')
            return false;
    }
    return true;
}

static const known_scheme_t *find_scheme(cairn_slice_t name)
{
    for (size_t i = 0; i < sizeof known_schemes / sizeof *known_schemes; i++) {
        const char *known = known_schemes[i].name;
        if (strlen(known) == name.len && strncasecmp(known, name.ptr, name.len) == 0)
            return &known_schemes[i];
    }
    return NULL;
}

/* Leaves `rest` behind the scheme's colon. */
static int split_scheme(cairn_slice_t *rest, url_parts_t *parts, cairn_error_t *error)
{
    cairn_slice_t name = take_until(rest, ":/?#@");
    if (!eat(rest, ":") || !is_scheme(name))
        return cairn_error_set(error, CAIRN_EURL, "URL does not begin with " FORMS);

    const known_scheme_t *known = find_scheme(name);
    if (known) {
        parts->scheme = known->name;
        parts->sentinel = known->sentinel;
        return 0;
    }
    /* Without the slashes it may as well be a user's name before a password. */
    if (rest->len < 2 || memcmp(rest->ptr, "//", 2) != 0)
        return cairn_error_set(error, CAIRN_EURL, "URL does not begin with " FORMS);
    return cairn_error_set(error, CAIRN_ESCHEME, "scheme \"%.*s\" is unknown; there are " FORMS,
                           name.len < 32 ? (int)name.len : 32, name.ptr);
}

/* Cuts what the last '@' ends off the front of `authority`. */
static int split_user_info(cairn_slice_t *authority, url_parts_t *parts, cairn_error_t *error)
{
    size_t len = authority->len;
    while (len > 0 && authority->ptr[len - 1] != '@') len--;
    if (len == 0) return 0;

    cairn_slice_t info = cairn_slice(authority->ptr, len - 1);
    *authority = behind(*authority, len);
    if (info.len == 0) return cairn_error_set(error, CAIRN_EURL, "nothing stands before the '@'");
    parts->has_user_info = true;
    parts->user = take_until(&info, ":");
    if (!eat(&info, ":"))
        return cairn_error_set(error, CAIRN_EURL, "the user information is without a password");
    if (info.len == 0) return cairn_error_set(error, CAIRN_EURL, "the password is empty");
    parts->password = info;
    return 0;
}

static int split_host(cairn_slice_t rest, url_host_t *host, cairn_error_t *error)
{
    *host = (url_host_t){.has_brackets = eat(&rest, "[")};
    host->name = take_until(&rest, host->has_brackets ? "]" : ":");
    if (host->has_brackets && !eat(&rest, "]"))
        return cairn_error_set(error, CAIRN_EURL, "the host has a '[' without a ']'");
    if (rest.len == 0) return 0;
    if (!eat(&rest, ":"))
        return cairn_error_set(error, CAIRN_EURL, "the ']' of the host is followed by something");
    if (contains(rest, ':'))
        return cairn_error_set(error, CAIRN_EURL,
                               "the host contains more than one ':'; an IPv6 address stands in "
                               "brackets");
    if (host->name.len == 0)
        return cairn_error_set(error, CAIRN_EURL, "there is no host before the ':'");
    host->has_port = true;
    host->port = rest;
    return 0;
}

int url_split_host(cairn_slice_t *hosts, url_host_t *host, cairn_error_t *error)
{
    cairn_slice_t first = take_until(hosts, ",");
    bool more = eat(hosts, ",");
    if ((more && hosts->len == 0) || first.len == 0)
        return cairn_error_set(error, CAIRN_EURL, "a host of the list is missing");
    return split_host(first, host, error);
}

static int split_hosts(cairn_slice_t authority, url_parts_t *parts, cairn_error_t *error)
{
    parts->has_more_hosts = contains(authority, ',');
    parts->hosts = authority;
    if (!parts->has_more_hosts) return split_host(authority, &parts->host, error);
    return url_split_host(&authority, &parts->host, error);
}

/* Whether each scheme has the parts that it needs, and no others. */
static int check_shape(const url_parts_t *parts, cairn_error_t *error)
{
    bool has_host = parts->hosts.len > 0;
    if (find_scheme(cairn_str(parts->scheme))->redis) return 0;
    if (strcmp(parts->scheme, "unix") == 0) {
        if (has_host)
            return cairn_error_set(error, CAIRN_EURL,
                                   "a unix URL has no host; the path begins with a third '/'");
        if (parts->path.len < 2)
            return cairn_error_set(error, CAIRN_EURL, "the path of the socket is missing");
        return 0;
    }
    if (has_host || parts->has_user_info || parts->path.len)
        return cairn_error_set(error, CAIRN_EURL, "a memory URL has nothing but parameters");
    return 0;
}

int url_split(cairn_slice_t url, url_parts_t *parts, cairn_error_t *error)
{
    *parts = (url_parts_t){0};
    cairn_slice_t rest = url;
    int rc = check_bytes(url, error);
    if (rc == 0) rc = split_scheme(&rest, parts, error);
    if (rc < 0) return rc;

    bool has_authority = eat(&rest, "//");
    if (!has_authority && strcmp(parts->scheme, "memory") != 0)
        return cairn_error_set(error, CAIRN_EURL, "\"%s:\" is not followed by \"//\"",
                               parts->scheme);
    cairn_slice_t authority = {rest.ptr, 0};
    if (has_authority) authority = take_until(&rest, "/?#");
    if (contains(rest, '@'))
        return cairn_error_set(error, CAIRN_EURL,
                               "an '@' stands behind a '/', '?' or '#'; in user and password these "
                               "are written %%2F, %%3F and %%23, and elsewhere '@' is %%40");
    if (contains(rest, '#'))
        return cairn_error_set(error, CAIRN_EURL, "URL has a fragment; a '#' is written %%23");

    rc = split_user_info(&authority, parts, error);
    if (rc == 0) rc = split_hosts(authority, parts, error);
    if (rc < 0) return rc;
    parts->path = take_until(&rest, "?");
    parts->has_query = eat(&rest, "?");
    parts->query = rest;
    return check_shape(parts, error);
}
