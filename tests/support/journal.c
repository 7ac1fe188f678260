#include "journal.h"

#include "check.h"
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

void journal_free(journal_t *journal)
{
    for (size_t i = 0; i < journal->count; i++) free(journal->lines[i]);
    free(journal->lines);
    memset(journal, 0, sizeof *journal);
}

const char *journal_add(journal_t *journal, const char *format, ...)
{
    if (journal->count == journal->room) {
        journal->room = journal->room ? journal->room * 2 : 16;
        journal->lines = realloc(journal->lines, journal->room * sizeof *journal->lines);
        if (!journal->lines) abort();
    }
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) abort();
    va_end(arguments);
    journal->lines[journal->count++] = text;
    return text;
}

static bool begins_with(const char *line, const char *prefix)
{
    return strncmp(line, prefix, strlen(prefix)) == 0;
}

size_t journal_count(const journal_t *journal, const char *prefix)
{
    size_t count = 0;
    for (size_t i = 0; i < journal->count; i++) count += begins_with(journal->lines[i], prefix);
    return count;
}

size_t journal_find(const journal_t *journal, size_t from, const char *prefix)
{
    while (from < journal->count && !begins_with(journal->lines[from], prefix)) from++;
    return from;
}

typedef struct expectation {
    const journal_t *journal;
    const char *const *lines;
    size_t checked;
} expectation_t;

static bool has_mismatch(const expectation_t *e)
{
    return e->checked < e->journal->count &&
           (!e->lines[e->checked] || strcmp(e->lines[e->checked], e->journal->lines[e->checked]));
}

static bool is_decided(void *ctx)
{
    expectation_t *e = ctx;
    while (e->checked < e->journal->count) {
        if (has_mismatch(e)) return true;
        e->checked++;
    }
    return e->lines[e->checked] == NULL;
}

void journal_await_at(journal_t *journal, uv_loop_t *loop, const char *const *lines,
                      const char *file, int line)
{
    expectation_t e = {journal, lines, 0};
    bool decided = loop_try_until(loop, is_decided, &e);
    if (decided && !has_mismatch(&e)) return;
    print_error("line %zu is wrong or missing. Expected:\n", e.checked + 1);
    for (const char *const *at = lines; *at; at++) print_error("    %s\n", *at);
    print_error("happened:\n");
    for (size_t i = 0; i < journal->count && i < 200; i++)
        print_error("    %s\n", journal->lines[i]);
    _fail(file, line);
}

typedef struct tally {
    const journal_t *journal;
    const char *prefix;
    size_t wanted;
    size_t read;
    size_t found;
} tally_t;

static bool has_enough(void *ctx)
{
    tally_t *t = ctx;
    for (; t->read < t->journal->count; t->read++)
        t->found += begins_with(t->journal->lines[t->read], t->prefix);
    return t->found >= t->wanted;
}

void journal_await_count_at(journal_t *journal, uv_loop_t *loop, const char *prefix, size_t count,
                            const char *file, int line)
{
    tally_t t = {journal, prefix, count, 0, 0};
    if (loop_try_until(loop, has_enough, &t)) return;
    size_t from = journal->count > 40 ? journal->count - 40 : 0;
    for (size_t i = from; i < journal->count; i++) print_error("    %s\n", journal->lines[i]);
    check_fail_at(file, line, "%zu of %zu times in vain waited for: %s", t.found, count, prefix);
}

const char *journal_bytes(journal_text_t out, cairn_slice_t bytes)
{
    size_t used = 0;
    size_t i = 0;
    for (; i < bytes.len && used < JOURNAL_TEXT - 40; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        int printable = byte >= ' ' && byte < 0x7f && byte != '\\';
        int n = snprintf(out + used, JOURNAL_TEXT - used, printable ? "%c" : "\\x%02x", byte);
        used += (size_t)n;
    }
    if (i < bytes.len)
        snprintf(out + used, JOURNAL_TEXT - used, "... (%zu bytes)", bytes.len);
    else
        out[used] = '\0';
    return out;
}
