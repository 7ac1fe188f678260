#include "check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Thread_local bool outside;

void check_outside(void)
{
    outside = true;
}

void check_fail_at(const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_error("%s\n", text);
    if (outside) {
        print_error("%s:%d\n", file, line);
        _exit(1);
    }
    _fail(file, line);
}

void assert_status_at(int actual, int expected, const char *file, int line)
{
    if (actual == expected) return;
    check_fail_at(file, line, "status is %s (%d), expected %s (%d)", cairn_err_name(actual), actual,
                  cairn_err_name(expected), expected);
}

void assert_contains_at(const char *text, const char *part, const char *file, int line)
{
    if (strstr(text, part)) return;
    check_fail_at(file, line, "\"%s\" does not contain \"%s\"", text, part);
}

void assert_lacks_at(const char *text, const char *part, const char *file, int line)
{
    if (!strstr(text, part)) return;
    check_fail_at(file, line, "\"%s\" contains \"%s\"", text, part);
}

void assert_text_at(const char *found, const char *expected, const char *file, int line)
{
    if (strcmp(found, expected) == 0) return;
    print_error("found:    %s\nexpected: %s\n", found, expected);
    _fail(file, line);
}
