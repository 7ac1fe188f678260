/* Limits and cursors of lists that come in pages. Private to core.
 *
 * The cursor that an application holds is what is left of its limit, in eight bytes, and the
 * backend's own cursor behind them. */
#ifndef CAIRN_CORE_PAGE_H
#define CAIRN_CORE_PAGE_H

#include "verify.h"

#include <cairn/page.h>

/* `left` where there is no limit. */
#define PAGE_NO_LIMIT UINT64_MAX

/* What is asked of the backend. */
typedef struct page_ask {
    uint64_t left; /* rows still to be given, this page included */
    uint32_t most; /* rows in this page */
    cairn_slice_t cursor;
} page_ask_t;

void page_verify(verify_t *check, const cairn_paging_t *paging, page_ask_t *ask);

/* Bytes of the cursor to give after a page of `count` rows, or 0 if that was the last. */
size_t page_cursor_size(uint64_t left, size_t count, cairn_slice_t cursor);

/* Writes it. */
void page_cursor_write(uint64_t left, size_t count, cairn_slice_t cursor, char *out);

/* Puts it in the place of the backend's, in memory that is the caller's to free with cairn_free.
 * UV_ENOMEM. */
CAIRN_MUST_USE int page_cursor_wrap(uint64_t left, size_t count, cairn_slice_t *cursor,
                                    char **memory);

#endif
