/* A real redis-server for a test program, with assertions around bench/server.h. */
#ifndef TESTS_SUPPORT_REDIS_H
#define TESTS_SUPPORT_REDIS_H

#include "server.h"

#include <stddef.h>

typedef struct redis {
    server_t server;
    char reply[8192]; /* of redis_ask */
    char urls[8][512];
    unsigned next_url;
} redis_t;

/* Starts it, or ends the program with a message. `options` may be NULL. */
void redis_start(redis_t *redis, const server_options_t *options);
void redis_stop(redis_t *redis);

void redis_restart(redis_t *redis);
void redis_pause(redis_t *redis);
void redis_resume(redis_t *redis);

/* The server's reply to one command; fails the test if there is none or it is an error. */
const char *redis_ask(redis_t *redis, const char *command);

/* redis://[user@]127.0.0.1:port[rest]; `user` with its password, or NULL. Good for eight more
 * calls. */
const char *redis_url(redis_t *redis, const char *user, const char *rest);

/* rediss://[user@]host:port?tls_ca_file=...[&rest], of a server with options->tls_cert. `host` is
 * 127.0.0.1 by one of its names. */
const char *redis_tls_url(redis_t *redis, const char *host, const char *user, const char *rest);

/* unix://path[rest] */
const char *redis_unix_url(redis_t *redis, const char *rest);

/* Whether the server is at least this version. */
bool redis_is_at_least(redis_t *redis, int major, int minor);

#endif
