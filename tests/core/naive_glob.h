/* Redis's glob written for its shortness: what cairn_glob_match is compared with. Each star more
 * multiplies the time. */
#ifndef TESTS_CORE_NAIVE_GLOB_H
#define TESTS_CORE_NAIVE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes of a class are taken from the front of `p`, and whether `c` is in it. */
static inline size_t naive_class(const char *p, size_t len, char c, bool *in)
{
    bool negated = len > 1 && p[1] == '^', found = false;
    size_t i = negated ? 2 : 1;
    for (; i < len && p[i] != ']'; i++) {
        if (p[i] == '\\' && i + 1 < len) {
            i++;
            if (p[i] == c) found = true;
        } else if (len - i >= 3 && p[i + 1] == '-') {
            char from = p[i], to = p[i + 2];
            if ((from <= c && c <= to) || (to <= c && c <= from)) found = true;
            i += 2;
        } else if (p[i] == c) {
            found = true;
        }
    }
    *in = negated ? !found : found;
    return i < len ? i + 1 : len;
}

/* Every way to divide the text between the stars, one after another. */
static inline bool naive_match(const char *p, size_t p_len, const char *t, size_t t_len)
{
    if (p_len == 0) return t_len == 0;
    if (*p == '*') {
        for (size_t taken = 0; taken <= t_len; taken++)
            if (naive_match(p + 1, p_len - 1, t + taken, t_len - taken)) return true;
        return false;
    }
    if (t_len == 0) return false;
    size_t used = 1;
    bool matches = *p == '?' || *p == *t;
    if (*p == '[') used = naive_class(p, p_len, *t, &matches);
    if (*p == '\\' && p_len > 1) {
        used = 2;
        matches = p[1] == *t;
    }
    return matches && naive_match(p + used, p_len - used, t + 1, t_len - 1);
}

static inline bool naive_glob(const char *p, size_t p_len, const char *t, size_t t_len)
{
    if (t_len == 0) return p_len == 0; /* nor does a star match the empty text */
    return naive_match(p, p_len, t, t_len);
}

#endif
