/* A pattern, a newline, a text: the verdict is that of the naive matcher where it is quick enough,
 * and obeys some laws everywhere. */
#include "../core/naive_glob.h"

#include <cairn/sys/glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUIRE(condition) require((condition), #condition, __LINE__)

static void require(bool holds, const char *condition, int line)
{
    if (holds) return;
    fprintf(stderr, "fuzz_glob: line %d: %s\n", line, condition);
    abort();
}

/* In memory of its own, so that a sanitizer sees a read beyond it. */
static char *copy(const uint8_t *bytes, size_t size)
{
    char *memory = malloc(size ? size : 1);
    REQUIRE(memory != NULL);
    for (size_t i = 0; i < size; i++) memory[i] = (char)bytes[i];
    return memory;
}

static bool match_behind_star(cairn_slice_t pattern, size_t stars, cairn_slice_t text)
{
    size_t len = stars + pattern.len;
    char *longer = malloc(len);
    REQUIRE(longer != NULL);
    for (size_t i = 0; i < len; i++) longer[i] = i < stars ? '*' : pattern.ptr[i - stars];
    bool matches = cairn_glob_match(cairn_slice(longer, len), text);
    free(longer);
    return matches;
}

static bool matches_when_escaped(cairn_slice_t text)
{
    char *escaped = malloc(2 * text.len + 1);
    REQUIRE(escaped != NULL);
    for (size_t i = 0; i < text.len; i++) {
        escaped[2 * i] = '\\';
        escaped[2 * i + 1] = text.ptr[i];
    }
    bool matches = cairn_glob_match(cairn_slice(escaped, 2 * text.len), text);
    free(escaped);
    return matches;
}

static bool is_quick(cairn_slice_t pattern, cairn_slice_t text)
{
    size_t stars = 0;
    for (size_t i = 0; i < pattern.len; i++) stars += pattern.ptr[i] == '*';
    return stars <= 3 && text.len <= 20;
}

static void check(cairn_slice_t pattern, cairn_slice_t text)
{
    bool matches = cairn_glob_match(pattern, text);
    if (is_quick(pattern, text))
        REQUIRE(matches == naive_glob(pattern.ptr, pattern.len, text.ptr, text.len));
    if (matches && text.len) REQUIRE(match_behind_star(pattern, 1, text));
    REQUIRE(match_behind_star(pattern, 1, text) == match_behind_star(pattern, 2, text));
    REQUIRE(matches_when_escaped(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t pattern_len = 0;
    while (pattern_len < size && data[pattern_len] != '\n') pattern_len++;
    size_t text_at = pattern_len < size ? pattern_len + 1 : size;

    char *pattern = copy(data, pattern_len);
    char *text = copy(data + text_at, size - text_at);
    check(cairn_slice(pattern, pattern_len), cairn_slice(text, size - text_at));
    free(pattern);
    free(text);
    return 0;
}
