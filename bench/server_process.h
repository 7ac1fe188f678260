/* server.c's other half: the process and its folder, without any of Redis's protocol. */
#ifndef CAIRN_BENCH_SERVER_PROCESS_H
#define CAIRN_BENCH_SERVER_PROCESS_H

#include "server.h"

/* What is run: $CAIRN_REDIS_SERVER or redis-server. */
const char *server_process_program(void);

/* Sets server->pid. 0, or the errno of what went wrong. */
int server_process_start(server_t *server);

/* Whether the process is gone; then *pid is 0. */
bool server_process_ended(pid_t *pid);

/* The processor time that its main thread has had; NAN if it cannot be told, as of pid 0. */
double server_process_cpu_us(pid_t pid);

/* Kills the process and waits for its end. *pid is 0 then. */
void server_process_kill(pid_t *pid);

/* The last line that the process wrote. */
void server_process_output(const char *folder, char *line, size_t size);

int server_process_make_folder(char *folder, size_t size);
void server_process_remove_folder(const char *folder);

#endif
