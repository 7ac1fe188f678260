/* Lines for the application's log, made only if somebody reads them. Never a password or a value.
 */
#ifndef CAIRN_REDIS_LOG_H
#define CAIRN_REDIS_LOG_H

#include <cairn/sys/backend.h>

CAIRN_PRINTF(3, 4)
void redis_log(const cairn_host_t *host, cairn_log_level_t level, const char *format, ...);

#endif
