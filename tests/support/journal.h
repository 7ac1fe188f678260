/* What happened, one line a happening, in order.
 *
 * Callbacks write into a journal and never assert: a failed assertion jumps out of the loop's own
 * frames. The test's body reads it, outside the loop. */
#ifndef TESTS_SUPPORT_JOURNAL_H
#define TESTS_SUPPORT_JOURNAL_H

#include <cairn/bytes.h>
#include <cairn/compiler.h>
#include <uv.h>

typedef struct journal {
    char **lines;
    size_t count;
    size_t room;
} journal_t;

void journal_free(journal_t *journal);

/* Returns the line; it lives as long as the journal. */
CAIRN_PRINTF(2, 3) const char *journal_add(journal_t *journal, const char *format, ...);

/* Lines that begin with `prefix`. */
size_t journal_count(const journal_t *journal, const char *prefix);

/* Index of the first line that begins with `prefix`, from `from` on; the count if there is none. */
size_t journal_find(const journal_t *journal, size_t from, const char *prefix);

/* Runs the loop until the journal holds what is listed, and fails the test unless it holds that,
 * in that order, and nothing else. */
#define journal_await(journal, loop, ...)                                                          \
    journal_await_at((journal), (loop), (const char *const[]){__VA_ARGS__, NULL}, __FILE__,        \
                     __LINE__)
void journal_await_at(journal_t *journal, uv_loop_t *loop, const char *const *lines,
                      const char *file, int line);

/* Runs the loop until `count` lines begin with `prefix`. */
#define journal_await_count(journal, loop, prefix, count)                                          \
    journal_await_count_at((journal), (loop), (prefix), (count), __FILE__, __LINE__)
void journal_await_count_at(journal_t *journal, uv_loop_t *loop, const char *prefix, size_t count,
                            const char *file, int line);

/* Bytes as text: printable ones as they are, others as \xNN, long ones cut. */
#define JOURNAL_TEXT 160
typedef char journal_text_t[JOURNAL_TEXT];
const char *journal_bytes(journal_text_t out, cairn_slice_t bytes);

#endif
