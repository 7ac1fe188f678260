/* Prometheus's text format, read strictly. */
#ifndef TESTS_SUPPORT_EXPOSITION_H
#define TESTS_SUPPORT_EXPOSITION_H

#include "check.h"

/* Fails the test unless `text` is right to the letter: each family told once, with its HELP and
 * TYPE before its samples and all of these together; names and labels well-formed; no sample twice;
 * counters end in _total; buckets ascend to +Inf, which is the count. Returns how many samples. */
size_t exposition_check(const char *text);

/* The value of `sample`, with its labels as they are written; fails if there is none. */
double exposition_value(const char *text, const char *sample);

#endif
