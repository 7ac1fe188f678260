#include "report.h"
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

/* Every function here that makes a value may return NULL for want of memory; json_pack and
 * json_object_set_new take that as an error and pass it on. */

static json_t *figure(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *count_of(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *ratios(const row_t *row)
{
    if (isnan(row->rate_ratio) && isnan(row->cpu_ratio) && isnan(row->p50_ratio))
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o}", "rate", figure(row->rate_ratio), "cpu",
                     figure(row->cpu_ratio), "server_cpu", figure(row->server_cpu_ratio), "p50",
                     figure(row->p50_ratio));
}

static json_t *row_object(const row_t *row)
{
    bool messages = row->unit == ROW_MESSAGES;
    json_t *work =
        json_pack("{s:s, s:s?, s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                  "workload", row->workload, "note", row->note, "client", row->client, "backend",
                  row->backend, "transport", row->transport, "shared", row->shared, "payload",
                  count_of(row->payload), "publishers", count_of(row->publishers), "subscribers",
                  count_of(row->subscribers), "channels", count_of(row->channels), "threads",
                  count_of(row->threads), "ttl_ms", count_of(row->ttl_ms), "inflight",
                  count_of(row->inflight), "rate", figure(row->rate_wanted));
    json_t *figures = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        messages ? "msgs_per_s" : "ops_per_s", figure(row->msgs_per_s), "mb_per_s",
        figure(row->mb_per_s), "p50_us", figure(row->p50_us), "p90_us", figure(row->p90_us),
        "p99_us", figure(row->p99_us), "p999_us", figure(row->p999_us), "max_us",
        figure(row->max_us), "lag_p99_us", figure(row->lag_p99_us), "loop_lag_ms",
        figure(row->loop_lag_ms), messages ? "client_cpu_us_per_msg" : "client_cpu_us_per_op",
        figure(row->client_cpu_us_per_msg),
        messages ? "server_cpu_us_per_msg" : "server_cpu_us_per_op",
        figure(row->server_cpu_us_per_msg), "lost", count_of(row->lost), "duplicated",
        count_of(row->duplicated), "reordered", count_of(row->reordered), "vs_hiredis",
        ratios(row));
    if (!work || !figures || json_object_update(work, figures) < 0) {
        json_decref(work);
        work = NULL;
    }
    json_decref(figures);
    return work;
}

static json_t *rows_array(const row_t *rows, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++) {
        if (json_array_append_new(array, row_object(&rows[i])) == 0) continue;
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *env_object(const env_t *env)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o}", "date",
                     env->date, "cpu", env->cpu, "cores", env->cores, "kernel", env->kernel,
                     "compiler", env->compiler, "flags", env->flags, "commit", env->commit, "cairn",
                     env->cairn, "libuv", env->libuv, "hiredis", env->hiredis, "server",
                     env->server[0] ? env->server : NULL, "wakeup_us", figure(env->wakeup_us));
}

int report_json(const env_t *env, const row_t *rows, int count, const char *path)
{
    json_t *report =
        json_pack("{s:o, s:o}", "env", env_object(env), "rows", rows_array(rows, count));
    if (!report) {
        errno = ENOMEM;
        return -1;
    }
    size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(9);
    int status;
    if (strcmp(path, "-") == 0) {
        status = json_dumpf(report, stdout, flags);
        putchar('\n');
    } else {
        status = json_dump_file(report, path, flags);
    }
    json_decref(report);
    return status;
}
