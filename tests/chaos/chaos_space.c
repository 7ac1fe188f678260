#include "chaos_space.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NETWORKS = 32768 /* of four addresses each in 198.18.0.0/15, which is kept for such tests */
};

struct chaos_space {
    int outside, inside; /* the namespaces */
    char host[32], gateway[32];
};

static bool run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool run(const char *format, ...)
{
    char command[256], quiet[300];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(quiet, sizeof quiet, "%s >/dev/null 2>&1", command);
    return system(quiet) == 0;
}

static void move_to(int namespace_fd)
{
    if (setns(namespace_fd, CLONE_NEWNET) == 0) return;
    perror("setns");
    exit(1);
}

void chaos_space_enter(const chaos_space_t *space)
{
    move_to(space->inside);
}

void chaos_space_leave(const chaos_space_t *space)
{
    move_to(space->outside);
}

const char *chaos_space_host(const chaos_space_t *space)
{
    return space->host;
}

static bool run_inside(const chaos_space_t *space, const char *command)
{
    chaos_space_enter(space);
    const bool done = run("%s", command);
    chaos_space_leave(space);
    return done;
}

/* The other end stays up: with it down, what is sent would look for another way out. */
bool chaos_space_pull(const chaos_space_t *space)
{
    return run_inside(space, "ip link set inner down");
}

bool chaos_space_plug(const chaos_space_t *space)
{
    return run_inside(space, "ip link set inner up");
}

static bool lay_cable(chaos_space_t *space)
{
    const unsigned pid = (unsigned)getpid(), network = pid % NETWORKS * 4;
    const unsigned high = 18 + network / 65536, middle = network / 256 % 256, low = network % 256;
    snprintf(space->gateway, sizeof space->gateway, "198.%u.%u.%u", high, middle, low + 1);
    snprintf(space->host, sizeof space->host, "198.%u.%u.%u", high, middle, low + 2);
    chaos_space_enter(space);
    const bool inner = run("ip link add inner type veth peer name cairn%u netns /proc/%u/fd/%d",
                           pid, pid, space->outside) &&
                       run("ip address add %s/30 dev inner", space->host) &&
                       run("ip link set inner up");
    chaos_space_leave(space);
    return inner && run("ip address add %s/30 dev cairn%u", space->gateway, pid) &&
           run("ip link set cairn%u up", pid);
}

static bool part(chaos_space_t *space)
{
    space->outside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (space->outside < 0 || unshare(CLONE_NEWNET) < 0) return false;
    space->inside = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    chaos_space_leave(space);
    return space->inside >= 0;
}

chaos_space_t *chaos_space_open(char *reason, size_t size)
{
    chaos_space_t *space = calloc(1, sizeof *space);
    if (!space) abort();
    space->outside = space->inside = -1;
    if (!part(space))
        snprintf(reason, size, "no network namespace: %s", strerror(errno));
    else if (!lay_cable(space))
        snprintf(reason, size, "the program ip can make no pair of veth devices");
    else
        return space;
    chaos_space_close(space);
    return NULL;
}

/* The namespace ends with the last who holds it, and the cable with it. */
void chaos_space_close(chaos_space_t *space)
{
    if (!space) return;
    if (space->inside >= 0) close(space->inside);
    if (space->outside >= 0) close(space->outside);
    free(space);
}
