#include "redis_error.h"

#include <cairn/error.h>

typedef struct meaning {
    cairn_slice_t begins; /* the sentence begins so, and the word ends there */
    int code;
} meaning_t;

#define MEANS(begins, code)                                                                        \
    {                                                                                              \
        {begins, sizeof(begins) - 1}, code                                                         \
    }

/* ERR is for all that has no word of its own; what older servers say of passwords, and any of
 * clients too many, is known by its sentence. */
static const meaning_t meanings[] = {
    MEANS("WRONGPASS", CAIRN_EAUTH),
    MEANS("NOAUTH", CAIRN_EAUTH),
    MEANS("ERR invalid password", CAIRN_EAUTH),
    MEANS("ERR AUTH <password> called without any password configured", CAIRN_EAUTH),
    MEANS("ERR Client sent AUTH, but no password is set", CAIRN_EAUTH),
    MEANS("NOPERM", CAIRN_EDENIED),
    MEANS("DENIED", CAIRN_EDENIED),
    MEANS("LOADING", CAIRN_ELOADING),
    MEANS("READONLY", CAIRN_EREADONLY),
    MEANS("OOM", CAIRN_EOOM),
    MEANS("BUSY", CAIRN_EBUSY),
    MEANS("TRYAGAIN", CAIRN_EBUSY),
    MEANS("ERR max number of clients", CAIRN_EBUSY),
    MEANS("CLUSTERDOWN", CAIRN_ECLUSTER),
    MEANS("MASTERDOWN", CAIRN_ECLUSTER),
    MEANS("MOVED", CAIRN_ECLUSTER),
    MEANS("ASK", CAIRN_ECLUSTER),
};

static bool begins_with(cairn_slice_t text, cairn_slice_t with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

static bool ends_word(cairn_slice_t text, size_t at)
{
    return at == text.len || text.ptr[at] == ' ';
}

static int find_meaning(cairn_slice_t text)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const meaning_t *meaning = &meanings[i];
        if (begins_with(text, meaning->begins) && ends_word(text, meaning->begins.len)) {
            return meaning->code;
        }
    }
    return CAIRN_ESERVER;
}

/* Before Redis 7 an error that ends a script is told inside another: "ERR Error running script
 * (call to f_<sha1>): @user_script:3: -OOM command not allowed ...", with or without the '-'. */
static int find_script_meaning(cairn_slice_t text)
{
    static const char mark[] = ": ";
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    int code = CAIRN_ESERVER;
    while (code == CAIRN_ESERVER) {
        at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
        if (!at) break;
        at += sizeof mark - 1;
        if (at < end && *at == '-') at++;
        code = find_meaning(cairn_slice(at, (size_t)(end - at)));
    }
    return code;
}

int redis_error_code(cairn_slice_t text)
{
    if (begins_with(text, cairn_str("ERR Error running script"))) return find_script_meaning(text);
    return find_meaning(text);
}
