#include "report.h"
#include "table.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum column {
    WORK,
    VIA,
    CLIENT,
    IN_FLIGHT,
    RATE,
    MB,
    P50,
    P90,
    P99,
    P999,
    MAX,
    CPU,
    SERVER_CPU,
    FAULTS,
    RATE_RATIO,
    CPU_RATIO,
    SERVER_RATIO,
    P50_RATIO,
    COLUMNS
} column_t;

static const char *const titles[COLUMNS] = {
    [WORK] = "<work",    [VIA] = "<via",        [CLIENT] = "<client", [IN_FLIGHT] = "in flight",
    [MB] = "MB/s",       [P50] = "p50",         [P90] = "p90",        [P99] = "p99",
    [P999] = "p99.9",    [MAX] = "max",         [CPU] = "cpu",        [SERVER_CPU] = "server",
    [FAULTS] = "faults", [RATE_RATIO] = "rate", [CPU_RATIO] = "cpu",  [SERVER_RATIO] = "server",
    [P50_RATIO] = "p50",
};

/* What the rows of one unit show: the columns, up to `ratios` if there are none. */
typedef struct layout {
    const char *rate;
    column_t columns[COLUMNS];
    int count, ratios;
    const char *legend, *ratios_legend;
} layout_t;

static const layout_t layouts[] = {
    [ROW_MESSAGES] =
        {
            .rate = "msgs/s",
            .columns = {WORK, VIA, CLIENT, IN_FLIGHT, RATE, MB, P50, P90, P99, P999, MAX, CPU,
                        FAULTS, RATE_RATIO, CPU_RATIO, P50_RATIO},
            .count = 16,
            .ratios = 13,
            .legend = "p50 to max: latency from publish to delivery, us. cpu: of the client, us a "
                      "message. faults:\n"
                      "messages lost/duplicated/reordered.\n",
            .ratios_legend =
                "On the right, cairn's rate, cpu and p50 over plain hiredis's at the same work: "
                "the median of\n"
                "runs taken in turns.\n",
        },
    [ROW_OPERATIONS] =
        {
            .rate = "ops/s",
            .columns = {WORK, VIA, CLIENT, IN_FLIGHT, RATE, MB, P50, P90, P99, P999, MAX, CPU,
                        SERVER_CPU, RATE_RATIO, CPU_RATIO, SERVER_RATIO, P50_RATIO},
            .count = 17,
            .ratios = 13,
            .legend =
                "Work: channels of a checkpoint, or operations of a batch, x bytes of each. ops/s: "
                "operations,\n"
                "of which a step of the agent takes five. p50 to max: latency of an operation, or "
                "of a whole step of the "
                "agent, us.\n"
                "cpu, server: processor time of the client and of the server, us an operation.\n",
            .ratios_legend =
                "On the right, cairn's over those of raw commands by plain hiredis at the same "
                "work: the median\n"
                "of runs taken in turns.\n",
        },
};

typedef char cell_t[TABLE_CELL_MAX];

static void put(cell_t cell, double value, int decimals, const char *unit)
{
    if (isnan(value))
        snprintf(cell, TABLE_CELL_MAX, "-");
    else
        snprintf(cell, TABLE_CELL_MAX, "%.*f%s", decimals, value, unit);
}

/* One decimal where it tells something. */
static void put_us(cell_t cell, double value)
{
    put(cell, value, value < 1000 ? 1 : 0, "");
}

/* A ratio that does not apply leaves its cell empty, so that those there are stand out. */
static void put_ratio(cell_t cell, double value)
{
    if (!isnan(value)) put(cell, value, 2, "x");
}

/* "1234567" becomes "1,234,567". */
static void put_count(cell_t cell, double value)
{
    char digits[TABLE_CELL_MAX];
    size_t used = 0;
    put(digits, value, 0, "");
    size_t len = strlen(digits);
    for (size_t i = 0; i < len && used + 2 < TABLE_CELL_MAX; i++) {
        if (i > 0 && (len - i) % 3 == 0) cell[used++] = ',';
        cell[used++] = digits[i];
    }
    cell[used] = '\0';
}

static void put_in_flight(cell_t cell, const row_t *row)
{
    if (row->inflight >= 0)
        snprintf(cell, TABLE_CELL_MAX, "%" PRId64, row->inflight);
    else
        snprintf(cell, TABLE_CELL_MAX, "-");
}

static void put_faults(cell_t cell, const row_t *row)
{
    if (row->lost < 0)
        snprintf(cell, TABLE_CELL_MAX, "-");
    else if (row->lost + row->duplicated + row->reordered == 0)
        snprintf(cell, TABLE_CELL_MAX, "0");
    else
        snprintf(cell, TABLE_CELL_MAX, "%" PRId64 "/%" PRId64 "/%" PRId64, row->lost,
                 row->duplicated, row->reordered);
}

static void put_operation(cell_t cell, const row_t *row)
{
    int used = snprintf(cell, TABLE_CELL_MAX, "%s %" PRId64 "x%" PRId64 "%s", row->workload,
                        row->channels, row->payload, row->ttl_ms > 0 ? ", TTL" : "");
    if (isnan(row->rate_wanted) || used < 0 || used >= TABLE_CELL_MAX) return;
    snprintf(cell + used, TABLE_CELL_MAX - (size_t)used, " %.0f/s", row->rate_wanted);
}

static void put_work(cell_t cell, const row_t *row)
{
    const bool has_tails = strncmp(row->workload, "stream.", 7) == 0 && row->subscribers > 0;
    if (row->unit == ROW_OPERATIONS)
        put_operation(cell, row);
    else if (has_tails && !isnan(row->rate_wanted))
        snprintf(cell, TABLE_CELL_MAX, "%s to %" PRId64 " %.0f/s", row->workload, row->subscribers,
                 row->rate_wanted);
    else if (isnan(row->rate_wanted))
        snprintf(cell, TABLE_CELL_MAX, "%s", row->workload);
    else
        snprintf(cell, TABLE_CELL_MAX, "%s %.0f/s", row->workload, row->rate_wanted);
}

static void put_via(cell_t cell, const row_t *row)
{
    const char *handle = row->shared && strcmp(row->backend, "memory") != 0 ? ", one handle" : "";
    if (strcmp(row->backend, row->transport) == 0)
        snprintf(cell, TABLE_CELL_MAX, "%s", row->backend);
    else
        snprintf(cell, TABLE_CELL_MAX, "%s, %s%s", row->backend, row->transport, handle);
}

static void put_row(cell_t *shown, const layout_t *layout, const row_t *row)
{
    cell_t cells[COLUMNS] = {{0}};
    put_work(cells[WORK], row);
    put_via(cells[VIA], row);
    snprintf(cells[CLIENT], TABLE_CELL_MAX, "%s", row->client);
    put_in_flight(cells[IN_FLIGHT], row);
    put_count(cells[RATE], row->msgs_per_s);
    put(cells[MB], row->mb_per_s, 1, "");
    put_us(cells[P50], row->p50_us);
    put_us(cells[P90], row->p90_us);
    put_us(cells[P99], row->p99_us);
    put_us(cells[P999], row->p999_us);
    put_us(cells[MAX], row->max_us);
    put(cells[CPU], row->client_cpu_us_per_msg, 3, "");
    put(cells[SERVER_CPU], row->server_cpu_us_per_msg, 1, "");
    put_faults(cells[FAULTS], row);
    put_ratio(cells[RATE_RATIO], row->rate_ratio);
    put_ratio(cells[CPU_RATIO], row->cpu_ratio);
    put_ratio(cells[SERVER_RATIO], row->server_cpu_ratio);
    put_ratio(cells[P50_RATIO], row->p50_ratio);
    for (int i = 0; i < layout->count; i++)
        memcpy(shown[i], cells[layout->columns[i]], sizeof(cell_t));
}

/* Each once. */
static void print_notes(const row_t *rows, int count, FILE *out)
{
    for (int i = 0; i < count; i++) {
        bool is_said = !rows[i].note;
        for (int k = 0; k < i && !is_said; k++)
            is_said = rows[k].note && strcmp(rows[k].note, rows[i].note) == 0;
        if (!is_said) fprintf(out, "%s: %s.\n", rows[i].client, rows[i].note);
    }
}

void report_table(const row_t *rows, int count, FILE *out)
{
    table_t *table = malloc(sizeof *table);
    if (!table) return;
    bool ratios = false;
    const layout_t *layout = &layouts[count > 0 ? rows[0].unit : ROW_MESSAGES];
    const char *shown[COLUMNS];
    for (int i = 0; i < layout->count; i++)
        shown[i] = layout->columns[i] == RATE ? layout->rate : titles[layout->columns[i]];
    for (int i = 0; i < count; i++)
        ratios = ratios || !isnan(rows[i].rate_ratio) || !isnan(rows[i].p50_ratio);
    table_init(table, shown, ratios ? layout->count : layout->ratios);
    for (int i = 0; i < count; i++) put_row(table_add_row(table), layout, &rows[i]);
    table_print(table, out);
    free(table);
    fprintf(out, "\n%s%s", layout->legend, ratios ? layout->ratios_legend : "");
    print_notes(rows, count, out);
    for (int i = 0; i < count; i++)
        if (!isnan(rows[i].loop_lag_ms))
            fprintf(out, "%s: the loop's longest turn took %.2f ms\n", rows[i].client,
                    rows[i].loop_lag_ms);
}

void report_env(const env_t *env, FILE *out)
{
    fprintf(out, "cairn %s (commit %s), hiredis %s, libuv %s%s%s\n", env->cairn, env->commit,
            env->hiredis, env->libuv, env->server[0] ? ", server: " : "", env->server);
    fprintf(out, "%s, %d cores, %s\n", env->cpu, env->cores, env->kernel);
    fprintf(out, "%s, flags %s, %s\n", env->compiler, env->flags, env->date);
    fprintf(out,
            "waking a sleeping thread takes %.1f us here; one message at a time is mostly "
            "that\n\n",
            env->wakeup_us);
}
