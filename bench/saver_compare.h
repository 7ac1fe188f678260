/* cairn's saver and raw commands over plain hiredis at the same work, in turns, on a server of the
 * bench's own. */
#ifndef CAIRN_BENCH_SAVER_COMPARE_H
#define CAIRN_BENCH_SAVER_COMPARE_H

#include "compare.h"

/* As compare_run; of `config` only `quick` counts. */
int saver_compare_run(const compare_config_t *config, compare_result_t *result, char *error);

#endif
