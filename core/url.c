/* A URL says all of where to: its host, port, socket and user replace what was there, also where
 * they are left out and mean the default, so that no password meets another server. Of the options
 * it says only those that it names. */
#include "error_set.h"
#include "option_rows.h"
#include "url_split.h"

#include <cairn/options.h>
#include <stdio.h>
#include <uv.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

/* The longest port number quoted: a longer one may be a password that lacks its '@'. */
#define QUOTED_PORT 5

/* Everything goes into a copy, whose texts live in the copy until it is moved into place. */
typedef struct staging {
    cairn_options_t options;
    const cairn_options_t *before;
    bool said[OPTION_ROWS];
    cairn_error_t *error;
} staging_t;

/* ---- texts ---- */

enum {
    WHERE_TEXTS = 5,
    TEXTS_MAX = WHERE_TEXTS + OPTION_ROWS
};

/* Fills `out` with the fields of all texts that may live inside the options; returns how many. */
static size_t text_fields(cairn_options_t *options, const char **out[TEXTS_MAX])
{
    out[0] = &options->host;
    out[1] = &options->path;
    out[2] = &options->username;
    out[3] = &options->password;
    out[4] = &options->hosts;
    size_t count = WHERE_TEXTS;
    for (size_t i = 0; i < OPTION_ROWS; i++)
        if (option_rows[i].is_text) out[count++] = option_text(options, &option_rows[i]);
    return count;
}

static bool lives_in(const char *text, const cairn_options_t *options)
{
    uintptr_t at = (uintptr_t)text, begin = (uintptr_t)options->text;
    return at >= begin && at < begin + sizeof options->text;
}

/* Room for a text of that length and its NUL, or NULL. */
static char *reserve(staging_t *staging, size_t len)
{
    cairn_options_t *options = &staging->options;
    if (len >= sizeof options->text - options->text_used) {
        cairn_error_set(staging->error, CAIRN_EURL,
                        "URL is too long beside the texts kept from another");
        return NULL;
    }
    char *room = options->text + options->text_used;
    options->text_used += len + 1;
    return room;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* One byte from the front of `raw`, or -1 if its escape is not whole. */
static int decode_byte(cairn_slice_t *raw)
{
    size_t taken = raw->ptr[0] == '%' ? 3 : 1;
    if (taken > raw->len) return -1;
    int byte = (unsigned char)raw->ptr[0];
    if (taken == 3) {
        int high = hex_digit(raw->ptr[1]), low = hex_digit(raw->ptr[2]);
        byte = high < 0 || low < 0 ? -1 : high * 16 + low;
    }
    *raw = cairn_slice(raw->ptr + taken, raw->len - taken);
    return byte;
}

static int decode(staging_t *staging, const char *what, cairn_slice_t raw, const char **out)
{
    char *text = reserve(staging, raw.len);
    if (!text) return CAIRN_EURL;
    *out = text;
    while (raw.len) {
        int byte = decode_byte(&raw);
        if (byte < 0)
            return cairn_error_set(staging->error, CAIRN_EURL,
                                   "%s has a '%%' without two hexadecimal digits", what);
        if (byte == 0)
            return cairn_error_set(staging->error, CAIRN_EURL, "%s has a NUL (%%00)", what);
        *text++ = (char)byte;
    }
    *text = '\0';
    return 0;
}

/* Decodes, and refuses spaces and control characters. */
static int decode_plain(staging_t *staging, const char *what, cairn_slice_t raw, const char **out)
{
    int rc = decode(staging, what, raw, out);
    if (rc < 0) return rc;
    for (const char *c = *out; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return cairn_error_set(staging->error, CAIRN_EURL,
                                   "%s has an escaped space or control character", what);
    return 0;
}

/* ---- where to ---- */

static int read_user_info(staging_t *staging, const url_parts_t *parts)
{
    cairn_options_t *options = &staging->options;
    options->username = NULL;
    options->password = NULL;
    if (!parts->has_user_info) return 0;
    if (parts->user.len) {
        int rc = decode_plain(staging, "the user", parts->user, &options->username);
        if (rc < 0) return rc;
    }
    return decode(staging, "the password", parts->password, &options->password);
}

static int check_ipv6(staging_t *staging, const char *host)
{
    const char *zone = strchr(host, '%');
    struct in6_addr address;
    if (uv_inet_pton(AF_INET6, host, &address) == 0 && !(zone && zone[1] == '\0')) return 0;
    return cairn_error_set(staging->error, CAIRN_EURL, "in the brackets is no IPv6 address");
}

static int check_host_name(staging_t *staging, const char *host)
{
    for (const char *c = host; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c & 0x80);
        bool digit = *c >= '0' && *c <= '9';
        if (!letter && !digit && !strchr("-._~", *c))
            return cairn_error_set(staging->error, CAIRN_EURL,
                                   "the host contains a character that host names do not have");
    }
    return 0;
}

static int read_name(staging_t *staging, const url_host_t *host, const char **name)
{
    int rc = decode_plain(staging, "the host", host->name, name);
    if (rc < 0) return rc;
    return host->has_brackets ? check_ipv6(staging, *name) : check_host_name(staging, *name);
}

static int read_port(staging_t *staging, const url_host_t *host, uint16_t *out)
{
    uint32_t port = 0;
    for (size_t i = 0; i < host->port.len; i++) {
        char c = host->port.ptr[i];
        if (c < '0' || c > '9')
            return cairn_error_set(staging->error, CAIRN_EURL, "the port is not a number");
        if (port <= UINT16_MAX) port = port * 10 + (uint32_t)(c - '0');
    }
    if (port < 1 || port > UINT16_MAX) {
        bool quoted = host->port.len <= QUOTED_PORT;
        return cairn_error_set(staging->error, CAIRN_EURL, "port%s%.*s%s is out of range 1..65535",
                               quoted ? " \"" : "", quoted ? (int)host->port.len : 0,
                               host->port.ptr, quoted ? "\"" : "");
    }
    *out = (uint16_t)port;
    return 0;
}

static int read_first_host(staging_t *staging, const url_parts_t *parts)
{
    cairn_options_t *options = &staging->options;
    options->host = "localhost";
    options->port = parts->sentinel ? SENTINEL_PORT : REDIS_PORT;
    if (parts->hosts.len == 0) return 0;
    int rc = read_name(staging, &parts->host, &options->host);
    if (rc == 0 && parts->host.has_port) rc = read_port(staging, &parts->host, &options->port);
    return rc;
}

/* Writes one at *at. What it takes is no more than it took in the URL. */
static int list_host(staging_t *staging, const url_host_t *host, char **at)
{
    const char *name;
    uint16_t port = 0;
    size_t used = staging->options.text_used;
    int rc = read_name(staging, host, &name);
    if (rc == 0 && host->has_port) rc = read_port(staging, host, &port);
    if (rc < 0) return rc;
    *at += snprintf(*at, host->name.len + 3, host->has_brackets ? "[%s]" : "%s", name);
    if (host->has_port) *at += snprintf(*at, QUOTED_PORT + 2, ":%u", (unsigned)port);
    staging->options.text_used = used;
    return 0;
}

/* All of them, if there are several. */
static int read_hosts(staging_t *staging, const url_parts_t *parts)
{
    staging->options.hosts = NULL;
    int rc = read_first_host(staging, parts);
    if (rc < 0 || !parts->has_more_hosts) return rc;
    char *at = reserve(staging, parts->hosts.len);
    if (!at) return CAIRN_EURL;
    staging->options.hosts = at;
    cairn_slice_t rest = parts->hosts;
    for (;;) {
        url_host_t host;
        rc = url_split_host(&rest, &host, staging->error);
        if (rc == 0) rc = list_host(staging, &host, &at);
        if (rc < 0 || rest.len == 0) return rc;
        *at++ = ',';
    }
}

/* ---- options ---- */

static int read_option(staging_t *staging, const option_row_t *row, cairn_slice_t raw)
{
    cairn_options_t *options = &staging->options;
    staging->said[row - option_rows] = true;
    if (row->is_text) return decode(staging, row->name, raw, option_text(options, row));

    const char *digits;
    int rc = decode(staging, row->name, raw, &digits);
    if (rc < 0) return rc;
    return option_parse(row, row->name, cairn_str(digits), option_number(options, row),
                        staging->error);
}

static int read_named(staging_t *staging, const char *name, cairn_slice_t raw)
{
    return read_option(staging, option_row(cairn_str(name)), raw);
}

/* Service and database. */
static int read_sentinel_path(staging_t *staging, cairn_slice_t path)
{
    const char *slash = memchr(path.ptr, '/', path.len);
    size_t len = slash ? (size_t)(slash - path.ptr) : path.len;
    int rc = read_named(staging, "sentinel_service", cairn_slice(path.ptr, len));
    if (rc < 0 || !slash || len + 1 == path.len) return rc;
    return read_named(staging, "db", cairn_slice(slash + 1, path.len - len - 1));
}

/* The database of a redis URL, the socket of a unix URL; a memory URL has no path. */
static int read_path(staging_t *staging, const url_parts_t *parts)
{
    staging->options.path = NULL;
    if (strcmp(parts->scheme, "unix") == 0)
        return decode_plain(staging, "the path", parts->path, &staging->options.path);
    if (parts->path.len < 2) return 0;
    cairn_slice_t rest = cairn_slice(parts->path.ptr + 1, parts->path.len - 1);
    return parts->sentinel ? read_sentinel_path(staging, rest) : read_named(staging, "db", rest);
}

static int unknown_parameter(staging_t *staging, cairn_slice_t name)
{
    int len = name.len < 40 ? (int)name.len : 40;
    const option_row_t *like = option_row_like(name);
    if (!like)
        return cairn_error_set(staging->error, CAIRN_EOPTION, "parameter \"%.*s\" is unknown", len,
                               name.ptr);
    return cairn_error_set(staging->error, CAIRN_EOPTION,
                           "parameter \"%.*s\" is unknown; did you mean \"%s\"?", len, name.ptr,
                           like->name);
}

static int read_parameter(staging_t *staging, cairn_slice_t parameter)
{
    const char *equals = parameter.len ? memchr(parameter.ptr, '=', parameter.len) : NULL;
    size_t name_len = equals ? (size_t)(equals - parameter.ptr) : parameter.len;
    cairn_slice_t name = cairn_slice(parameter.ptr, name_len);
    if (name.len == 0)
        return cairn_error_set(staging->error, CAIRN_EURL, "a parameter has no name");
    const option_row_t *row = option_row(name);
    if (!row) return unknown_parameter(staging, name);
    if (!equals)
        return cairn_error_set(staging->error, CAIRN_EURL, "parameter \"%s\" has no value",
                               row->name);
    if (staging->said[row - option_rows])
        return cairn_error_set(staging->error, CAIRN_EOPTION, "parameter \"%s\" is repeated",
                               row->name);
    return read_option(staging, row, cairn_slice(equals + 1, parameter.len - name_len - 1));
}

static int read_query(staging_t *staging, const url_parts_t *parts)
{
    if (!parts->has_query) return 0;
    cairn_slice_t rest = parts->query;
    for (;;) {
        const char *end = rest.len ? memchr(rest.ptr, '&', rest.len) : NULL;
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;
        int rc = read_parameter(staging, cairn_slice(rest.ptr, len));
        if (rc < 0 || !end) return rc;
        rest = cairn_slice(end + 1, rest.len - len - 1);
    }
}

/* ---- the whole ---- */

/* Takes along what an earlier URL said and this one does not. */
static int keep_texts(staging_t *staging)
{
    const char **fields[TEXTS_MAX];
    size_t count = text_fields(&staging->options, fields);
    for (size_t i = 0; i < count; i++) {
        const char *text = *fields[i];
        if (!lives_in(text, staging->before)) continue;
        size_t len = strlen(text);
        char *room = reserve(staging, len);
        if (!room) return CAIRN_EURL;
        *fields[i] = memcpy(room, text, len + 1);
    }
    return 0;
}

static int stage(staging_t *staging, const url_parts_t *parts)
{
    staging->options.scheme = parts->scheme;
    staging->options.text_used = 0;
    staging->options.sentinel_service = NULL;
    staging->options.sentinel_username = NULL;
    staging->options.sentinel_password = NULL;
    int rc = read_user_info(staging, parts);
    if (rc == 0) rc = read_hosts(staging, parts);
    if (rc == 0) rc = read_path(staging, parts);
    if (rc == 0) rc = read_query(staging, parts);
    if (rc == 0) rc = keep_texts(staging);
    if (rc == 0) rc = cairn_options_check(&staging->options, staging->error);
    return rc;
}

static void move_into_place(cairn_options_t *options, const cairn_options_t *staged)
{
    *options = *staged;
    const char **fields[TEXTS_MAX];
    size_t count = text_fields(options, fields);
    for (size_t i = 0; i < count; i++)
        if (lives_in(*fields[i], staged)) *fields[i] = options->text + (*fields[i] - staged->text);
}

int cairn_options_from_url(cairn_options_t *options, const char *url, cairn_error_t *error)
{
    if (!url) return cairn_error_set(error, CAIRN_EURL, "URL is NULL");
    size_t len = strnlen(url, CAIRN_URL_MAX);
    if (len == CAIRN_URL_MAX)
        return cairn_error_set(error, CAIRN_EURL, "URL is longer than %d bytes", CAIRN_URL_MAX - 1);
    url_parts_t parts;
    int rc = url_split(cairn_slice(url, len), &parts, error);
    if (rc < 0) return rc;

    staging_t staging = {.options = *options, .before = options, .error = error};
    rc = stage(&staging, &parts);
    if (rc == 0) move_into_place(options, &staging.options);
    return rc;
}
