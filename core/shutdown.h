/* A close that waits. Private to core. */
#ifndef CAIRN_CORE_SHUTDOWN_H
#define CAIRN_CORE_SHUTDOWN_H

#include "core.h"

/* One request less, while a shutdown waits: closes, later, if it was the last. */
void shutdown_look(cairn_core_t *core);

#endif
