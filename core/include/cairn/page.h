/* Lists come in pages. Ask, and while the page you are given has a cursor, ask again with it:
 *
 *     query.paging.limit = cairn_limit(500);
 *     ...
 *     static void on_page(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
 *     {
 *         ...
 *         query.paging.cursor = page->cursor;  (submitted again before the callback returns)
 *     }
 */
#ifndef CAIRN_PAGE_H
#define CAIRN_PAGE_H

#include <cairn/bytes.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Rows in a page whose size is not said, and the most that can be asked for. */
#define CAIRN_PAGE_DEFAULT 100
#define CAIRN_PAGE_MAX 10000

/* Zeroed: without limit. A limit of 0 gives nothing. */
typedef struct cairn_limit {
    bool given;
    uint64_t count;
} cairn_limit_t;

static inline cairn_limit_t cairn_limit(uint64_t count)
{
    cairn_limit_t limit = {true, count};
    return limit;
}

/* Zeroed: everything, from the beginning, in pages of CAIRN_PAGE_DEFAULT. */
typedef struct cairn_paging {
    cairn_limit_t limit;  /* over all pages; the cursor remembers what is left of it */
    uint32_t page_size;   /* 0: CAIRN_PAGE_DEFAULT; above CAIRN_PAGE_MAX: CAIRN_ETOOBIG. A page may
                             hold fewer rows than that: only a page without cursor is the last */
    cairn_slice_t cursor; /* empty: from the beginning. Opaque bytes, good for the same question;
                             anything else in its place is UV_EINVAL or a wrong page, never worse */
} cairn_paging_t;

#ifdef __cplusplus
}
#endif
#endif
