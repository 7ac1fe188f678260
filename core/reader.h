/* Reads that core makes for itself: pages of a stream's history for a tail, a feed or a watch. */
#ifndef CAIRN_CORE_READER_H
#define CAIRN_CORE_READER_H

#include <cairn/sys/stream.h>

typedef struct reader reader_t;

/* `page` is NULL, and `status` and `detail` say why, if there is none. */
typedef void (*reader_cb)(void *owner, int status, cairn_slice_t detail,
                          const cairn_stream_page_t *page);

/* Waits for ever: through outages too. NULL, and *status: the backend takes no more, or there is no
 * memory. Otherwise `done` is called once, later, unless the reader is abandoned. */
reader_t *reader_start(struct cairn_core *core, const cairn_stream_read_args_t *args,
                       reader_cb done, void *owner, int *status);

/* Nobody waits for it any more. */
void reader_abandon(reader_t *reader);

#endif
