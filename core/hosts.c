#include <cairn/sys/hosts.h>

#include <cairn/error.h>

static cairn_slice_t behind(cairn_slice_t text, size_t at)
{
    return cairn_slice(text.ptr + at, text.len - at);
}

/* Where the first `c` stands, or the length. */
static size_t find(cairn_slice_t text, char c)
{
    const char *found = text.len > 0 ? memchr(text.ptr, c, text.len) : NULL;
    return found ? (size_t)(found - text.ptr) : text.len;
}

static int read_port(cairn_slice_t text, uint16_t *port)
{
    uint32_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return CAIRN_EOPTION;
        value = value * 10 + (uint32_t)(text.ptr[i] - '0');
        if (value > UINT16_MAX) return CAIRN_EOPTION;
    }
    *port = (uint16_t)value;
    return value > 0 ? 0 : CAIRN_EOPTION;
}

static int read_address(cairn_slice_t text, cairn_slice_t *host, uint16_t *port)
{
    const bool in_brackets = text.len > 0 && text.ptr[0] == '[';
    if (in_brackets) text = behind(text, 1);
    const size_t len = find(text, in_brackets ? ']' : ':');
    *host = cairn_slice(text.ptr, len);
    *port = 0;
    if (len == 0 || (in_brackets && len == text.len)) return CAIRN_EOPTION;
    cairn_slice_t rest = behind(text, in_brackets ? len + 1 : len);
    if (rest.len == 0) return 0;
    return rest.ptr[0] == ':' ? read_port(behind(rest, 1), port) : CAIRN_EOPTION;
}

int cairn_hosts_next(cairn_slice_t *list, cairn_slice_t *host, uint16_t *port)
{
    if (list->len == 0) return 0;
    const size_t len = find(*list, ',');
    const bool is_last = len == list->len;
    const cairn_slice_t text = cairn_slice(list->ptr, len);
    *list = behind(*list, is_last ? len : len + 1);
    if (!is_last && list->len == 0) return CAIRN_EOPTION;
    int rc = read_address(text, host, port);
    return rc < 0 ? rc : 1;
}
