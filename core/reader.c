#include "reader.h"

#include "core.h"
#include "interfaces.h"
#include "list.h"

#include <cairn/sys/alloc.h>

struct reader {
    cairn_stream_read_t read;
    reader_cb done; /* NULL: abandoned */
    void *owner;
};

static void on_page(cairn_stream_read_t *read, int status, const cairn_stream_page_t *page)
{
    reader_t *reader = CONTAINER_OF(read, reader_t, read);
    read->req.core->own_reads--;
    if (reader->done) reader->done(reader->owner, status, read->req.detail, page);
    cairn_free(reader);
}

reader_t *reader_start(cairn_core_t *core, const cairn_stream_read_args_t *args, reader_cb done,
                       void *owner, int *status)
{
    reader_t *reader = cairn_calloc(1, sizeof *reader);
    if (!reader) {
        *status = UV_ENOMEM;
        return NULL;
    }
    reader->done = done;
    reader->owner = owner;
    reader->read.req.core = core;
    reader->read.req.timeout_ms = CAIRN_NO_TIMEOUT;
    reader->read.req.flags = CAIRN_REQ_IDEMPOTENT;
    *status = stream_read_start(core, &reader->read, args, on_page);
    core->own_reads += *status == 0;
    if (*status == 0) return reader;
    cairn_free(reader);
    return NULL;
}

void reader_abandon(reader_t *reader)
{
    reader->done = NULL;
    int rc = cairn_cancel(&reader->read.req);
    (void)rc; /* the handle closes: it is ending already */
}
