/* What a server's error means: its sentence, as a code of ours. */
#ifndef CAIRN_REDIS_ERROR_H
#define CAIRN_REDIS_ERROR_H

#include <cairn/bytes.h>

/* `text` without its '-'. Never 0: what is not known is CAIRN_ESERVER. */
int redis_error_code(cairn_slice_t text);

#endif
