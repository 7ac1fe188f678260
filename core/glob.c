#include <cairn/sys/glob.h>

/* Whether `c` is of the class that begins at pattern[*at]; moves *at behind it. As in Redis: the
 * end of the pattern closes a class; `[]` is empty, not a class with a bracket in it; a range may
 * be written backwards; bytes in it order as this platform's char does. */
static bool match_class(cairn_slice_t pattern, size_t *at, char c)
{
    const char *p = pattern.ptr;
    size_t i = *at + 1;
    bool negated = i < pattern.len && p[i] == '^';
    if (negated) i++;

    bool found = false;
    while (i < pattern.len && p[i] != ']') {
        if (p[i] == '\\' && i + 1 < pattern.len) {
            found |= p[i + 1] == c;
            i += 2;
        } else if (i + 2 < pattern.len && p[i + 1] == '-') {
            char low = p[i] < p[i + 2] ? p[i] : p[i + 2];
            char high = p[i] < p[i + 2] ? p[i + 2] : p[i];
            found |= low <= c && c <= high;
            i += 3;
        } else {
            found |= p[i] == c;
            i++;
        }
    }
    *at = i < pattern.len ? i + 1 : i;
    return found != negated;
}

/* Whether `c` matches what stands at pattern[*at], which is no star; moves *at behind it. */
static bool match_one(cairn_slice_t pattern, size_t *at, char c)
{
    char first = pattern.ptr[*at];
    if (first == '[') return match_class(pattern, at, c);
    if (first == '\\' && *at + 1 < pattern.len) ++*at;
    bool matches = first == '?' || pattern.ptr[*at] == c;
    ++*at;
    return matches;
}

static size_t skip_stars(cairn_slice_t pattern, size_t at)
{
    while (at < pattern.len && pattern.ptr[at] == '*') at++;
    return at;
}

bool cairn_glob_match(cairn_slice_t pattern, cairn_slice_t text)
{
    /* In Redis not even a star matches the empty text. */
    if (text.len == 0) return pattern.len == 0;

    size_t p = 0, t = 0;
    size_t behind_star = 0; /* of the last star met; 0: none was */
    size_t star_end = 0;    /* what it swallows ends here in the text */
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            p = behind_star = skip_stars(pattern, p);
            if (p == pattern.len) return true;
            star_end = t;
        } else if (p < pattern.len && match_one(pattern, &p, text.ptr[t])) {
            t++;
        } else if (behind_star) {
            /* Only the last star need swallow more: whatever an earlier one could gain by it, the
             * last one can gain too. */
            t = ++star_end;
            p = behind_star;
        } else {
            return false;
        }
    }
    return skip_stars(pattern, p) == pattern.len;
}
