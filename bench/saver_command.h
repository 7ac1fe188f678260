/* A Redis command's arguments, gathered in memory that is used again. */
#ifndef CAIRN_BENCH_SAVER_COMMAND_H
#define CAIRN_BENCH_SAVER_COMMAND_H

#include <cairn/bytes.h>
#include <stdint.h>

typedef struct saver_command {
    int argc;
    size_t args_room, text_room;
    const char **argv;
    size_t *lens;
    char *text; /* of arguments that are not somebody else's */
    size_t used;
} saver_command_t;

/* An empty command with room for so many arguments and so many bytes of them. 0 or -1. */
int saver_command_begin(saver_command_t *command, size_t args, size_t bytes);
void saver_command_free(saver_command_t *command);

/* The next argument, borrowed. */
void saver_command_word(saver_command_t *command, const char *word);
void saver_command_slice(saver_command_t *command, cairn_slice_t slice);

/* The next argument, put together: begin, add to it, end. */
void saver_command_open(saver_command_t *command);
void saver_command_add(saver_command_t *command, const void *bytes, size_t len);
void saver_command_add_sized(saver_command_t *command, cairn_slice_t slice); /* length first */
void saver_command_add_number(saver_command_t *command, uint64_t number);
void saver_command_close(saver_command_t *command);

/* Reads what add_sized wrote, from the front of `from`. False at its end. */
bool saver_command_take_sized(cairn_slice_t *from, cairn_slice_t *slice);

#endif
