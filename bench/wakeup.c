#include "wakeup.h"
#include "hist.h"
#include "pin.h"
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static const uint64_t duration_ns = 50000000;

typedef struct player {
    int fd;
    int cpu;      /* < 0: anywhere */
    hist_t *hist; /* of the one who begins */
} player_t;

static bool take_place(const player_t *player)
{
    return player->cpu < 0 || pin_to(player->cpu) == 0;
}

static void *ping(void *data)
{
    player_t *player = data;
    char byte = 'x';
    if (!take_place(player)) return NULL;
    uint64_t sent_ns = uv_hrtime(), end_ns = sent_ns + duration_ns;
    while (sent_ns < end_ns) {
        if (send(player->fd, &byte, 1, MSG_NOSIGNAL) != 1) break;
        if (recv(player->fd, &byte, 1, 0) != 1) break;
        uint64_t now_ns = uv_hrtime();
        hist_record(player->hist, now_ns - sent_ns);
        sent_ns = now_ns;
    }
    shutdown(player->fd, SHUT_RDWR);
    return NULL;
}

static void *pong(void *data)
{
    player_t *player = data;
    char byte;
    if (!take_place(player)) return NULL;
    while (recv(player->fd, &byte, 1, 0) == 1)
        if (send(player->fd, &byte, 1, MSG_NOSIGNAL) != 1) break;
    return NULL;
}

/* In threads of their own, so that the caller stays on the cores it was on. */
static void play(player_t *first, player_t *second)
{
    pthread_t threads[2];
    if (pthread_create(&threads[1], NULL, pong, second) != 0) return;
    if (pthread_create(&threads[0], NULL, ping, first) == 0) pthread_join(threads[0], NULL);
    shutdown(first->fd, SHUT_RDWR);
    pthread_join(threads[1], NULL);
}

double wakeup_us(void)
{
    int ends[2];
    hist_t *hist = calloc(1, sizeof *hist);
    if (!hist || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        free(hist);
        return NAN;
    }
    player_t first = {ends[0], pin_client_cpu(), hist}, second = {ends[1], pin_server_cpu(), NULL};
    play(&first, &second);
    double us = hist->total ? (double)hist_percentile(hist, 50) / 2e3 : NAN;
    close(ends[0]);
    close(ends[1]);
    free(hist);
    return us;
}
