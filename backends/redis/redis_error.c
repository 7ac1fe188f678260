#include "redis_error.h"

#include <cairn/error.h>

#define MEANING(begins, code, effect, remedy) {{begins, sizeof(begins) - 1}, code, effect, remedy},

const redis_meaning_t redis_meanings[] = {REDIS_ERRORS(MEANING)};
const size_t redis_meanings_count = sizeof redis_meanings / sizeof *redis_meanings;

static const redis_meaning_t unknown = {{NULL, 0}, CAIRN_ESERVER, REDIS_MAYBE, REDIS_ANSWER};

static bool begins_with(cairn_slice_t text, cairn_slice_t with)
{
    return text.len >= with.len && memcmp(text.ptr, with.ptr, with.len) == 0;
}

static bool ends_word(cairn_slice_t text, size_t at)
{
    return at == text.len || text.ptr[at] == ' ';
}

static const redis_meaning_t *find_meaning(cairn_slice_t text)
{
    for (size_t i = 0; i < redis_meanings_count; i++) {
        const redis_meaning_t *meaning = &redis_meanings[i];
        if (begins_with(text, meaning->begins) && ends_word(text, meaning->begins.len))
            return meaning;
    }
    return &unknown;
}

/* Before Redis 7 an error that ends a script is told inside another: "ERR Error running script
 * (call to f_<sha1>): @user_script:3: -OOM command not allowed ...", with or without the '-'. */
static const redis_meaning_t *find_script_meaning(cairn_slice_t text)
{
    static const char mark[] = ": ";
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    const redis_meaning_t *meaning = &unknown;
    while (meaning->code == CAIRN_ESERVER) {
        at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1);
        if (!at) break;
        at += sizeof mark - 1;
        if (at < end && *at == '-') at++;
        meaning = find_meaning(cairn_slice(at, (size_t)(end - at)));
    }
    return meaning;
}

/* From Redis 7 on the sentence begins as any, and then names the script. */
static bool names_script(cairn_slice_t text)
{
    static const char mark[] = " script: ";
    return text.len > 0 && memmem(text.ptr, text.len, mark, sizeof mark - 1);
}

static redis_meaning_t inside_script(redis_meaning_t meaning)
{
    if (meaning.code == CAIRN_EREADONLY) return meaning;
    meaning.effect = REDIS_MAYBE;
    meaning.remedy = REDIS_ANSWER;
    return meaning;
}

redis_meaning_t redis_error_meaning(cairn_slice_t text)
{
    if (begins_with(text, cairn_str("ERR Error running script")))
        return inside_script(*find_script_meaning(text));
    const redis_meaning_t *meaning = find_meaning(text);
    return names_script(text) ? inside_script(*meaning) : *meaning;
}

int redis_error_code(cairn_slice_t text)
{
    return redis_error_meaning(text).code;
}

bool redis_error_passes(cairn_slice_t text)
{
    return redis_error_meaning(text).remedy == REDIS_WAIT;
}

bool redis_error_is_of_cluster(cairn_slice_t text)
{
    static const char *const words[] = {"MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t len = strlen(words[i]);
        if (text.len >= len && memcmp(text.ptr, words[i], len) == 0) return true;
    }
    return false;
}
