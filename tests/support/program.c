#include "program.h"

#include "check.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    OUTPUT_MOST = 65536
};

static char *read_all(int fd)
{
    size_t used = 0;
    char *text = malloc(OUTPUT_MOST + 1);
    if (!text) abort();
    for (ssize_t n; used < OUTPUT_MOST && (n = read(fd, text + used, OUTPUT_MOST - used)) > 0;)
        used += (size_t)n;
    text[used] = '\0';
    return text;
}

char *program_output(const char *path, const char *argument)
{
    const char *folder = getenv("CAIRN_BINARY_DIR");
    char program[4096];
    char word[512];
    snprintf(program, sizeof program, "%s/%s", folder ? folder : ".", path);
    snprintf(word, sizeof word, "%s", argument ? argument : "");
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    char *const argv[] = {program, argument ? word : NULL, NULL};
    pid_t pid = 0;
    int status = posix_spawn(&pid, program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (status != 0) check_fail("cannot run %s: %s", program, strerror(status));
    char *text = read_all(ends[0]);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        check_fail("%s %s failed (%d):\n%s", program, word, status, text);
    return text;
}
