#include "env.h"
#include <cairn/version.h>
#include "pin.h"
#include "wakeup.h"
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <uv.h>

#ifndef CAIRN_BENCH_FLAGS
#define CAIRN_BENCH_FLAGS "unknown"
#endif
#ifndef CAIRN_BENCH_COMMIT
#define CAIRN_BENCH_COMMIT "unknown"
#endif

#if defined(__clang__)
#define COMPILER __VERSION__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

static void read_cpu(char *cpu, size_t size)
{
    char line[256];
    snprintf(cpu, size, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(cpu, size, "%.127s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    fclose(file);
}

static void read_kernel(char *kernel, size_t size)
{
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(kernel, size, "%.40s %.60s %.40s", name.sysname, name.release, name.machine);
    else
        snprintf(kernel, size, "unknown");
}

static void read_date(char *date, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void env_read(env_t *env)
{
    *env = (env_t){
        .cores = pin_cores(),
        .compiler = COMPILER,
        .flags = CAIRN_BENCH_FLAGS,
        .commit = CAIRN_BENCH_COMMIT,
        .cairn = cairn_version(),
        .libuv = uv_version_string(),
    };
    snprintf(env->hiredis, sizeof env->hiredis, "%d.%d.%d", HIREDIS_MAJOR, HIREDIS_MINOR,
             HIREDIS_PATCH);
    read_date(env->date, sizeof env->date);
    read_cpu(env->cpu, sizeof env->cpu);
    read_kernel(env->kernel, sizeof env->kernel);
    env->wakeup_us = wakeup_us();
}
