#include "progress.h"
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char clear_line[] = "\r\033[K";

void progress_show(const char *format, ...)
{
    if (!isatty(STDERR_FILENO)) return;
    va_list args;
    va_start(args, format);
    fputs(clear_line, stderr);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
}

void progress_clear(void)
{
    if (isatty(STDERR_FILENO)) fputs(clear_line, stderr);
}
