/* A line on standard error that is written over and over: only if that is a terminal. */
#ifndef CAIRN_BENCH_PROGRESS_H
#define CAIRN_BENCH_PROGRESS_H

void progress_show(const char *format, ...) __attribute__((format(printf, 1, 2)));
void progress_clear(void);

#endif
