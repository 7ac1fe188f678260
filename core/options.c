#include <cairn/options.h>

#include "error_set.h"
#include "option_rows.h"

#include <cairn/sys/hosts.h>
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>
#include <sys/un.h>

#define LONGEST_HOST 255 /* what name resolvers take */
#define LONGEST_SOCKET_PATH (sizeof((struct sockaddr_un *)NULL)->sun_path - 1)

const option_row_t option_rows[OPTION_ROWS] = {
#define NUMBER(name, fallback, least, most, help)                                                  \
    {#name, offsetof(cairn_options_t, name), false, fallback, least, most},
    CAIRN_OPTION_NUMBERS(NUMBER)
#undef NUMBER
#define TEXT(name, help) {#name, offsetof(cairn_options_t, name), true, 0, 0, 0},
        CAIRN_OPTION_TEXTS(TEXT)
#undef TEXT
};

void cairn_options_init(cairn_options_t *options)
{
    memset(options, 0, sizeof *options);
    options->scheme = "memory";
    options->host = "localhost";
    options->port = 6379;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const option_row_t *row = &option_rows[i];
        if (!row->is_text) *option_number(options, row) = row->fallback;
    }
}

/* ---- finding a row ---- */

const option_row_t *option_row(cairn_slice_t name)
{
    for (size_t i = 0; i < OPTION_ROWS; i++)
        if (cairn_slice_eq(name, cairn_str(option_rows[i].name))) return &option_rows[i];
    return NULL;
}

#define LONGEST_NAME 32

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be added, dropped or changed to make one of the other. */
static size_t edit_distance(cairn_slice_t a, cairn_slice_t b)
{
    size_t row[LONGEST_NAME + 1];
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t changed = diagonal + (a.ptr[i] != b.ptr[j]);
            diagonal = row[j + 1];
            row[j + 1] = least_of(changed, row[j] + 1, row[j + 1] + 1);
        }
    }
    return row[b.len];
}

const option_row_t *option_row_like(cairn_slice_t name)
{
    if (name.len > LONGEST_NAME) return NULL;
    const option_row_t *likest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        cairn_slice_t other = cairn_str(option_rows[i].name);
        size_t distance = edit_distance(other, name);
        size_t longer = other.len > name.len ? other.len : name.len;
        if (distance * 2 > longer || distance >= least) continue;
        likest = &option_rows[i];
        least = distance;
    }
    return likest;
}

/* ---- numbers ---- */

static bool is_protocol_1(const option_row_t *row, uint64_t value)
{
    return row->offset == offsetof(cairn_options_t, protocol) && value == 1;
}

/* `text` is how the value was written. */
static int check_number(const option_row_t *row, const char *label, uint64_t value,
                        cairn_slice_t text, cairn_error_t *error)
{
    int len = text.len < 40 ? (int)text.len : 40;
    if (value < row->least || value > row->most)
        return cairn_error_set(error, CAIRN_EOPTION,
                               "%s=%.*s is out of range %" PRIu64 "..%" PRIu64, label, len,
                               text.ptr, row->least, row->most);
    if (is_protocol_1(row, value))
        return cairn_error_set(error, CAIRN_EOPTION, "%s=1 is not 0, 2 or 3", label);
    return 0;
}

int option_parse(const option_row_t *row, const char *label, cairn_slice_t text, uint64_t *out,
                 cairn_error_t *error)
{
    uint64_t value = 0;
    bool digits = text.len > 0;
    for (size_t i = 0; i < text.len && digits; i++) {
        digits = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        uint64_t digit = digits ? (uint64_t)(text.ptr[i] - '0') : 0;
        value = value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : value * 10 + digit;
    }
    if (!digits) {
        int len = text.len < 40 ? (int)text.len : 40;
        return cairn_error_set(error, CAIRN_EOPTION, "%s=\"%.*s\" is not a whole number", label,
                               len, text.ptr);
    }
    int rc = check_number(row, label, value, text, error);
    if (rc == 0) *out = value;
    return rc;
}

/* ---- the whole ---- */

static int check_numbers(const cairn_options_t *options, cairn_error_t *error)
{
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const option_row_t *row = &option_rows[i];
        if (row->is_text) continue;
        uint64_t value;
        memcpy(&value, (const char *)options + row->offset, sizeof value);
        char text[21];
        snprintf(text, sizeof text, "%" PRIu64, value);
        int rc = check_number(row, row->name, value, cairn_str(text), error);
        if (rc < 0) return rc;
    }
    if (options->reconnect_min_ms > options->reconnect_max_ms)
        return cairn_error_set(error, CAIRN_EOPTION,
                               "reconnect_min_ms=%" PRIu64
                               " is more than reconnect_max_ms=%" PRIu64,
                               options->reconnect_min_ms, options->reconnect_max_ms);
    return 0;
}

/* Bytes that are neither spaces nor control characters; beyond ASCII they may be any. */
static int check_text(const char *name, const char *text, size_t longest, cairn_error_t *error)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0) return cairn_error_set(error, CAIRN_EOPTION, "%s is missing", name);
    if (len > longest)
        return cairn_error_set(error, CAIRN_EOPTION, "%s is longer than %zu bytes", name, longest);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return cairn_error_set(error, CAIRN_EOPTION,
                                   "%s contains a space or a control character", name);
    return 0;
}

static int check_credentials(const cairn_options_t *options, cairn_error_t *error)
{
    if (options->credentials.ask && (options->username || options->password))
        return cairn_error_set(error, CAIRN_EOPTION,
                               "a user or password is set beside a provider of credentials");
    if (options->password && !*options->password)
        return cairn_error_set(error, CAIRN_EOPTION, "password is empty");
    if (!options->username) return 0;
    if (!options->password)
        return cairn_error_set(error, CAIRN_EOPTION, "username is set without a password");
    return check_text("username", options->username, SIZE_MAX, error);
}

/* A list of hosts, each as long as one alone may be. */
static int check_hosts(const char *hosts, cairn_error_t *error)
{
    int rc = check_text("hosts", hosts, SIZE_MAX, error);
    if (rc < 0) return rc;
    cairn_slice_t list = cairn_str(hosts), host;
    uint16_t port;
    size_t count = 0;
    while ((rc = cairn_hosts_next(&list, &host, &port)) > 0) {
        if (host.len > LONGEST_HOST)
            return cairn_error_set(error, CAIRN_EOPTION, "hosts has one longer than %d bytes",
                                   LONGEST_HOST);
        if (++count > CAIRN_HOSTS_MAX)
            return cairn_error_set(error, CAIRN_EOPTION, "hosts are more than %d", CAIRN_HOSTS_MAX);
    }
    if (rc == 0) return 0;
    return cairn_error_set(error, CAIRN_EOPTION,
                           "hosts has something that is neither host nor host:port");
}

static int check_sentinel(const cairn_options_t *options, cairn_error_t *error)
{
    static const char suffix[] = "+sentinel";
    const size_t len = strlen(options->scheme), suffix_len = sizeof suffix - 1;
    if (len <= suffix_len || strcasecmp(options->scheme + len - suffix_len, suffix) != 0) return 0;
    if (options->sentinel_password && !*options->sentinel_password)
        return cairn_error_set(error, CAIRN_EOPTION, "sentinel_password is empty");
    if (options->sentinel_username && !options->sentinel_password)
        return cairn_error_set(error, CAIRN_EOPTION,
                               "sentinel_username is set without a sentinel_password");
    return check_text("sentinel_service", options->sentinel_service, SIZE_MAX, error);
}

static bool is_secret(const option_row_t *row)
{
    return row->offset == offsetof(cairn_options_t, sentinel_password);
}

/* Names of files may be anything. */
static bool is_file_name(const option_row_t *row)
{
    return row->offset == offsetof(cairn_options_t, tls_ca_file) ||
           row->offset == offsetof(cairn_options_t, tls_ca_dir) ||
           row->offset == offsetof(cairn_options_t, tls_cert_file) ||
           row->offset == offsetof(cairn_options_t, tls_key_file);
}

static int check_texts(const cairn_options_t *options, cairn_error_t *error)
{
    for (size_t i = 0; i < OPTION_ROWS; i++) {
        const option_row_t *row = &option_rows[i];
        if (!row->is_text || is_secret(row)) continue;
        const char *text;
        memcpy(&text, (const char *)options + row->offset, sizeof text);
        if (!text || (*text && is_file_name(row))) continue;
        int rc = check_text(row->name, text, SIZE_MAX, error);
        if (rc < 0) return rc;
        for (const char *c = text; *c; c++)
            if (*c & 0x80)
                return cairn_error_set(error, CAIRN_EOPTION, "%s is not ASCII", row->name);
    }
    return 0;
}

int cairn_options_check(const cairn_options_t *options, cairn_error_t *error)
{
    int rc = check_text("scheme", options->scheme, SIZE_MAX, error);
    if (rc == 0) rc = check_text("host", options->host, LONGEST_HOST, error);
    if (rc == 0 && options->port == 0)
        rc = cairn_error_set(error, CAIRN_EOPTION, "port=0 is out of range 1..65535");
    if (rc == 0 && options->hosts) rc = check_hosts(options->hosts, error);
    if (rc == 0 && strcasecmp(options->scheme, "unix") == 0)
        rc = check_text("path", options->path, LONGEST_SOCKET_PATH, error);
    if (rc == 0) rc = check_credentials(options, error);
    if (rc == 0) rc = check_numbers(options, error);
    if (rc == 0) rc = check_texts(options, error);
    if (rc == 0) rc = check_sentinel(options, error);
    if (rc == 0 && options->shallow != 0 && options->shallow != 1)
        rc = cairn_error_set(error, CAIRN_EOPTION, "shallow=%d is out of range 0..1",
                             options->shallow);
    return rc;
}
