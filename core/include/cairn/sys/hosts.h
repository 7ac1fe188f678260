/* Lists of addresses, as cairn_options_t.hosts has them: "h1:7000,h2,[::1]:7001". */
#ifndef CAIRN_SYS_HOSTS_H
#define CAIRN_SYS_HOSTS_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes the first address off the front of `list`: `host` without brackets, borrowed; `port` 0
 * where none is said. 1: taken; 0: there are none left; CAIRN_EOPTION: it is malformed. */
CAIRN_MUST_USE int cairn_hosts_next(cairn_slice_t *list, cairn_slice_t *host, uint16_t *port);

#ifdef __cplusplus
}
#endif
#endif
