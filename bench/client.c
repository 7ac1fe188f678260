#include "client.h"
#include <stdio.h>
#include <string.h>

void client_describe(const cairn_options_t *options, char *text, size_t size)
{
    if (strcmp(options->scheme, "unix") == 0)
        snprintf(text, size, "%s", options->path);
    else if (strcmp(options->scheme, "memory") == 0)
        snprintf(text, size, "memory");
    else
        snprintf(text, size, "%s:%u", options->host, (unsigned)options->port);
}

const char *client_advice(const char *text)
{
    static const struct {
        const char *sign, *advice;
    } table[] = {
        {"onnection refused",
         "Is a redis-server running there? `cairn-bench compare` starts one of its own."},
        {"o such file", "Is a redis-server running with that --unixsocket?"},
        {"NOAUTH", "The server wants a password: --url redis://:password@host, or user:password."},
        {"WRONGPASS", "The user or password in the URL is not the server's."},
        {"unknown node", "Is the host's name in the URL spelled right?"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strstr(text, table[i].sign)) return table[i].advice;
    return "";
}
