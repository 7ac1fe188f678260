#include "exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAMILIES_MOST = 64,
    SAMPLES_MOST = 512,
    NAME_MOST = 96,
    LINE_MOST = 512
};

typedef struct reading {
    char families[FAMILIES_MOST][NAME_MOST];
    size_t family_count;
    char type[16]; /* of the last family */
    char samples[SAMPLES_MOST][LINE_MOST];
    size_t sample_count;
    size_t of_family;
    double bucket_le, bucket_value, count;
} reading_t;

static const char *family(const reading_t *r)
{
    return r->family_count ? r->families[r->family_count - 1] : "";
}

static size_t name_length(const char *at)
{
    size_t len = 0;
    if (isdigit((unsigned char)*at)) return 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == ':') len++;
    return len;
}

/* ---- a family's end, and the next one's beginning ---- */

static void end_family(const reading_t *r)
{
    if (r->family_count == 0) return;
    if (r->of_family == 0) check_fail("%s has no sample", family(r));
    if (strcmp(r->type, "histogram") != 0) return;
    if (!isinf(r->bucket_le)) check_fail("%s has no bucket +Inf", family(r));
    if (r->bucket_value != r->count) check_fail("%s: +Inf is not the count", family(r));
}

static void begin_family(reading_t *r, const char *line)
{
    end_family(r);
    char name[NAME_MOST];
    int used = 0;
    if (sscanf(line, "# HELP %95s %n", name, &used) != 1 || !line[used])
        check_fail("no HELP: %s", line);
    if (name_length(name) != strlen(name)) check_fail("a bad name: %s", name);
    for (size_t i = 0; i < r->family_count; i++)
        if (strcmp(r->families[i], name) == 0) check_fail("%s is told twice", name);
    assert_true(r->family_count < FAMILIES_MOST);
    strcpy(r->families[r->family_count++], name);
    r->type[0] = '\0';
    r->of_family = 0;
    r->bucket_le = r->bucket_value = -1;
    r->count = -2;
}

static void take_type(reading_t *r, const char *line)
{
    char expected[LINE_MOST];
    if (r->type[0] || r->of_family) check_fail("a second TYPE: %s", line);
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(expected, sizeof expected, "# TYPE %s %s", family(r), types[i]);
        if (strcmp(line, expected) == 0) strcpy(r->type, types[i]);
    }
    if (!r->type[0]) check_fail("not the TYPE of %s: %s", family(r), line);
    size_t len = strlen(family(r));
    bool is_total = len > 6 && strcmp(family(r) + len - 6, "_total") == 0;
    if (is_total != (strcmp(r->type, "counter") == 0)) check_fail("_total or not: %s", line);
}

/* ---- samples ---- */

/* Behind {name="value",...}; `le` is set if it is among them. */
static const char *skip_labels(const char *at, double *le)
{
    if (*at != '{') return at;
    do {
        size_t len = name_length(++at);
        if (len == 0 || strncmp(at + len, "=\"", 2) != 0) check_fail("a bad label: %s", at);
        bool is_le = len == 2 && strncmp(at, "le", 2) == 0;
        at += len + 2;
        if (is_le) *le = strncmp(at, "+Inf", 4) == 0 ? INFINITY : strtod(at, NULL);
        for (; *at != '"'; at++) {
            if (!*at) check_fail("a label without an end");
            if (*at == '\\' && !strchr("\\\"n", *++at)) check_fail("a bad escape: %s", at);
        }
        at++;
    } while (*at == ',');
    if (*at != '}') check_fail("labels without an end: %s", at);
    return at + 1;
}

static void take_histogram(reading_t *r, const char *suffix, double le, double value)
{
    if (strcmp(suffix, "_bucket") == 0) {
        if (le <= r->bucket_le || value < r->bucket_value)
            check_fail("%s: bucket %g does not ascend", family(r), le);
        r->bucket_le = le;
        r->bucket_value = value;
    } else if (strcmp(suffix, "_count") == 0) {
        r->count = value;
    } else if (strcmp(suffix, "_sum") != 0) {
        check_fail("not of a histogram: %s%s", family(r), suffix);
    }
}

static void take_sample(reading_t *r, const char *line)
{
    const size_t len = name_length(line), own = strlen(family(r));
    double le = NAN;
    char *end;
    if (!r->type[0] || strncmp(line, family(r), own) != 0 || len < own)
        check_fail("not of %s: %s", family(r), line);
    const char *at = skip_labels(line + len, &le);
    for (size_t i = 0; i < r->sample_count; i++)
        if (strncmp(r->samples[i], line, (size_t)(at - line) + 1) == 0)
            check_fail("told twice: %s", line);
    if (*at != ' ') check_fail("no blank before the value: %s", line);
    const double value = strtod(at + 1, &end);
    if (end == at + 1 || *end || value < 0) check_fail("a bad value: %s", line);
    char suffix[NAME_MOST];
    snprintf(suffix, sizeof suffix, "%.*s", (int)(len - own), line + own);
    if (strcmp(r->type, "histogram") == 0) {
        take_histogram(r, suffix, le, value);
    } else if (suffix[0]) {
        check_fail("not of %s: %s", family(r), line);
    }
    assert_true(r->sample_count < SAMPLES_MOST);
    snprintf(r->samples[r->sample_count++], LINE_MOST, "%s", line);
    r->of_family++;
}

size_t exposition_check(const char *text)
{
    static reading_t r;
    memset(&r, 0, sizeof r);
    for (const char *at = text; *at;) {
        char line[LINE_MOST];
        const char *end = strchr(at, '\n');
        if (!end) check_fail("the last line has no end: %s", at);
        assert_true((size_t)(end - at) < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
        at = end + 1;
        if (strncmp(line, "# HELP ", 7) == 0) {
            begin_family(&r, line);
        } else if (line[0] == '#') {
            take_type(&r, line);
        } else {
            take_sample(&r, line);
        }
    }
    end_family(&r);
    return r.sample_count;
}

double exposition_value(const char *text, const char *sample)
{
    const size_t len = strlen(sample);
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        if (strncmp(at, sample, len) == 0 && at[len] == ' ') return strtod(at + len + 1, NULL);
    }
    check_fail("there is no %s in:\n%s", sample, text);
    return NAN;
}
