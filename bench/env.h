/* Where and with what the figures were taken. */
#ifndef CAIRN_BENCH_ENV_H
#define CAIRN_BENCH_ENV_H

typedef struct env {
    char date[32]; /* ISO 8601, UTC */
    char cpu[128];
    int cores; /* that this process may use */
    char kernel[160];
    char compiler[96];
    const char *flags;
    const char *commit;
    const char *cairn;
    const char *libuv;
    char hiredis[32];
    char server[64]; /* "redis 7.0.15"; "" if there was none */
    double wakeup_us;
} env_t;

/* All but the server. Takes 50 ms. */
void env_read(env_t *env);

#endif
