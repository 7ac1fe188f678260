/* cmocka with what it wants included first, and assertions that speak Cairn's language. */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <cairn/error.h>

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails the running test with words of its own. */
#define check_fail(...) check_fail_at(__FILE__, __LINE__, __VA_ARGS__)

/* From now on a failure in this thread, which is not the one that runs the tests, ends the program.
 */
void check_outside(void);

/* Two statuses are equal; a failure prints their names. */
#define assert_status(actual, expected) assert_status_at((actual), (expected), __FILE__, __LINE__)

/* `text` contains `part`; a failure prints both. */
#define assert_contains(text, part) assert_contains_at((text), (part), __FILE__, __LINE__)
#define assert_lacks(text, part) assert_lacks_at((text), (part), __FILE__, __LINE__)

CAIRN_PRINTF(3, 4) void check_fail_at(const char *file, int line, const char *format, ...);
void assert_status_at(int actual, int expected, const char *file, int line);
void assert_contains_at(const char *text, const char *part, const char *file, int line);
void assert_lacks_at(const char *text, const char *part, const char *file, int line);

/* As assert_string_equal, at the place of who calls; a failure prints one below the other. */
void assert_text_at(const char *found, const char *expected, const char *file, int line);

#endif
