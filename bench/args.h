/* The command line: what each command takes, and what is wrong with what it was given. */
#ifndef CAIRN_BENCH_ARGS_H
#define CAIRN_BENCH_ARGS_H

#include "check_command.h"
#include "compare.h"
#include "count.h"
#include "pubsub.h"
#include "saver.h"
#include "stream.h"
#include "top.h"

enum {
    ARGS_ERROR_MAX = 512
};

typedef struct pubsub_args {
    pubsub_config_t config;
    const char *json; /* NULL: none */
    int cpu;          /* -1: not pinned */
} pubsub_args_t;

typedef struct saver_args {
    saver_config_t config;
    const char *json; /* NULL: none */
    int cpu;          /* -1: not pinned */
} saver_args_t;

typedef struct stream_args {
    stream_config_t config;
    const char *json; /* NULL: none */
} stream_args_t;

typedef struct compare_args {
    compare_config_t config;
    bool saver; /* rather than publish and subscribe */
    bool store; /* the same */
    bool cluster;
    const char *json;
} compare_args_t;

/* argv[0] is the command's name. 0, or -1 with a sentence in `error` (of ARGS_ERROR_MAX). Texts
 * stay those of argv. */
int args_pubsub(int argc, char **argv, pubsub_args_t *args, char *error);
int args_saver(int argc, char **argv, saver_args_t *args, char *error);
int args_stream(int argc, char **argv, stream_args_t *args, char *error);
int args_compare(int argc, char **argv, compare_args_t *args, char *error);
int args_count(int argc, char **argv, count_config_t *config, char *error);
int args_top(int argc, char **argv, top_config_t *config, char *error);
int args_check(int argc, char **argv, check_config_t *config, char *error);

#endif
