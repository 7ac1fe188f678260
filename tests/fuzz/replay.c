/* Stands in for libFuzzer: gives the fuzz target an empty input and then every file named on the
 * command line, or found in a folder named there. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Noreturn void fail(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s: ", path);
    perror(what);
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (!memory) {
        abort();
    }
    return memory;
}

/* The buffer is exactly as long as the input, so that a sanitizer sees a read beyond it. */
static void replay_bytes(const void *bytes, size_t size)
{
    uint8_t *data = allocate(size);
    if (size > 0) {
        memcpy(data, bytes, size);
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail("cannot open", path);
    }
    char *bytes = allocate(size);
    if (fread(bytes, 1, size, file) != size) {
        fail("cannot read", path);
    }
    fclose(file);
    replay_bytes(bytes, size);
    free(bytes);
}

static size_t replay_path(const char *path);

static size_t replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (!folder) {
        fail("cannot open", path);
    }
    size_t inputs = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        size_t size = strlen(path) + strlen(entry->d_name) + sizeof "/";
        char *inside = allocate(size);
        snprintf(inside, size, "%s/%s", path, entry->d_name);
        inputs += replay_path(inside);
        free(inside);
    }
    closedir(folder);
    return inputs;
}

static size_t replay_path(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fail("cannot find", path);
    }
    if (S_ISDIR(status.st_mode)) {
        return replay_folder(path);
    }
    replay_file(path, (size_t)status.st_size);
    return 1;
}

int main(int argc, char **argv)
{
    replay_bytes(NULL, 0);
    for (int i = 1; i < argc; i++) {
        if (replay_path(argv[i]) == 0) {
            fprintf(stderr, "replay: no inputs in %s\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
