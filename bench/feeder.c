#include "feeder.h"
#include "feeder_child.h"
#include "pin.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_anywhere(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void run_child(int listener, int control, size_t payload, int cpu, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) _exit(1);
    if (cpu >= 0 && pin_to(cpu) < 0) _exit(1);
    feeder_child_run(listener, control, payload);
    _exit(0);
}

int feeder_start(feeder_t *feeder, size_t payload, int cpu)
{
    int ends[2];
    int listener = listen_anywhere(&feeder->port);
    if (listener < 0) return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        close(listener);
        return -1;
    }
    pid_t parent = getpid();
    feeder->pid = fork();
    if (feeder->pid == 0) {
        close(ends[0]);
        run_child(listener, ends[1], payload, cpu, parent);
    }
    close(listener);
    close(ends[1]);
    feeder->control = ends[0];
    if (feeder->pid > 0) return 0;
    close(ends[0]);
    return -1;
}

/* A feeder that died is noticed by its client. */
void feeder_feed(feeder_t *feeder, uint64_t messages)
{
    ssize_t told;
    do told = send(feeder->control, &messages, sizeof messages, MSG_NOSIGNAL);
    while (told < 0 && errno == EINTR);
}

void feeder_stop(feeder_t *feeder)
{
    if (feeder->pid <= 0) return;
    close(feeder->control);
    kill(feeder->pid, SIGKILL);
    while (waitpid(feeder->pid, NULL, 0) < 0 && errno == EINTR) continue;
    feeder->pid = 0;
}
