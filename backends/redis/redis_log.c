#include "redis_log.h"

#include <stdarg.h>
#include <stdio.h>

void redis_log(const cairn_host_t *host, cairn_log_level_t level, const char *format, ...)
{
    char line[640];
    va_list args;
    if (!host->api->logs(host)) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    host->api->log(host, level, line);
}
