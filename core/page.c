#include "page.h"

#include <cairn/sys/alloc.h>

enum {
    LEFT_SIZE = 8
};

static uint64_t read_left(const char *bytes)
{
    uint64_t left = 0;
    for (int i = 0; i < LEFT_SIZE; i++) left = left << 8 | (unsigned char)bytes[i];
    return left;
}

static void verify_cursor(verify_t *check, cairn_slice_t cursor)
{
    verify_bytes(check, "paging.cursor", cursor);
    if (cursor.len <= LEFT_SIZE) verify_wrong(check, UV_EINVAL, "paging.cursor", "is none of ours");
}

void page_verify(verify_t *check, const cairn_paging_t *paging, page_ask_t *ask)
{
    *ask = (page_ask_t){.left = paging->limit.given ? paging->limit.count : PAGE_NO_LIMIT};
    verify_number(check, "paging.page_size", paging->page_size, 0, CAIRN_PAGE_MAX);
    if (paging->cursor.len > 0) verify_cursor(check, paging->cursor);
    if (check->status < 0) return;
    if (paging->cursor.len > 0) {
        ask->left = read_left(paging->cursor.ptr);
        ask->cursor = cairn_slice(paging->cursor.ptr + LEFT_SIZE, paging->cursor.len - LEFT_SIZE);
    }
    ask->most = paging->page_size ? paging->page_size : CAIRN_PAGE_DEFAULT;
    if (ask->most > ask->left) ask->most = (uint32_t)ask->left;
}

static uint64_t left_after(uint64_t left, size_t count)
{
    if (left == PAGE_NO_LIMIT) return left;
    return left > count ? left - count : 0;
}

size_t page_cursor_size(uint64_t left, size_t count, cairn_slice_t cursor)
{
    if (cursor.len == 0 || left_after(left, count) == 0) return 0;
    return LEFT_SIZE + cursor.len;
}

void page_cursor_write(uint64_t left, size_t count, cairn_slice_t cursor, char *out)
{
    uint64_t rest = left_after(left, count);
    for (int i = LEFT_SIZE - 1; i >= 0; i--, rest >>= 8) out[i] = (char)(rest & 0xff);
    memcpy(out + LEFT_SIZE, cursor.ptr, cursor.len);
}

int page_cursor_wrap(uint64_t left, size_t count, cairn_slice_t *cursor, char **memory)
{
    size_t size = page_cursor_size(left, count, *cursor);
    *memory = NULL;
    if (size > 0) {
        *memory = cairn_malloc(size);
        if (!*memory) return UV_ENOMEM;
        page_cursor_write(left, count, *cursor, *memory);
    }
    *cursor = cairn_slice(*memory, size);
    return 0;
}
