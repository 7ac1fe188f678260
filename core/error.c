#include "error_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

/* uv_strerror and uv_err_name allocate, and leak, for a number that libuv does not know; a table of
 * our own from the same list never does. */
const char *cairn_strerror(int status)
{
    switch (status) {
    case 0:
        return "ok";
#define TEXT(code, number, retryable, text)                                                        \
    case code:                                                                                     \
        return text;
        CAIRN_ERROR_MAP(TEXT)
#undef TEXT
#define TEXT(name, text)                                                                           \
    case UV_##name:                                                                                \
        return text;
        UV_ERRNO_MAP(TEXT)
#undef TEXT
    default:
        return "unknown error";
    }
}

const char *cairn_err_name(int status)
{
    switch (status) {
    case 0:
        return "OK";
#define NAME(code, number, retryable, text)                                                        \
    case code:                                                                                     \
        return #code;
        CAIRN_ERROR_MAP(NAME)
#undef NAME
#define NAME(name, text)                                                                           \
    case UV_##name:                                                                                \
        return "UV_" #name;
        UV_ERRNO_MAP(NAME)
#undef NAME
    default:
        return "UNKNOWN";
    }
}

bool cairn_err_retryable(int status)
{
    static const struct {
        int code;
        bool retryable;
    } ours[] = {
#define ROW(code, number, retryable, text) {code, retryable},
        CAIRN_ERROR_MAP(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i].code == status) return ours[i].retryable;

    switch (status) {
    /* Nothing was sent: there was no connection, or no memory or buffer to send from. */
    case UV_ECONNREFUSED:
    case UV_ENOTCONN:
    case UV_EAGAIN:
    case UV_ENOBUFS:
    case UV_ENOMEM:
        return true;
    /* All others may come after the request was sent, a deadline (UV_ETIMEDOUT) and a broken link
     * (UV_ECONNRESET, UV_EPIPE) above all, or will come again: it is the request that is wrong. */
    default:
        return false;
    }
}

int cairn_error_set(cairn_error_t *error, int code, const char *format, ...)
{
    if (!error) return code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    for (char *c = error->text; *c; c++) {
        if (*c < ' ' || *c > '~') *c = '?';
    }
    error->code = code;
    return code;
}
