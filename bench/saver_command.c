#include "saver_command.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int saver_command_begin(saver_command_t *command, size_t args, size_t bytes)
{
    if (args > command->args_room) {
        const char **argv = realloc(command->argv, args * sizeof *argv);
        if (argv) command->argv = argv;
        size_t *lens = realloc(command->lens, args * sizeof *lens);
        if (lens) command->lens = lens;
        if (!argv || !lens) return -1;
        command->args_room = args;
    }
    if (bytes > command->text_room) {
        char *text = realloc(command->text, bytes);
        if (!text) return -1;
        command->text = text;
        command->text_room = bytes;
    }
    command->argc = 0;
    command->used = 0;
    return 0;
}

void saver_command_free(saver_command_t *command)
{
    free(command->argv);
    free(command->lens);
    free(command->text);
}

void saver_command_slice(saver_command_t *command, cairn_slice_t slice)
{
    command->argv[command->argc] = slice.ptr;
    command->lens[command->argc] = slice.len;
    command->argc++;
}

void saver_command_word(saver_command_t *command, const char *word)
{
    saver_command_slice(command, cairn_str(word));
}

void saver_command_open(saver_command_t *command)
{
    command->argv[command->argc] = command->text + command->used;
}

void saver_command_add(saver_command_t *command, const void *bytes, size_t len)
{
    if (len > 0) memcpy(command->text + command->used, bytes, len);
    command->used += len;
}

void saver_command_add_sized(saver_command_t *command, cairn_slice_t slice)
{
    uint32_t len = (uint32_t)slice.len;
    saver_command_add(command, &len, sizeof len);
    saver_command_add(command, slice.ptr, slice.len);
}

void saver_command_add_number(saver_command_t *command, uint64_t number)
{
    char digits[24];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    saver_command_add(command, digits + at, sizeof digits - at);
}

void saver_command_close(saver_command_t *command)
{
    const char *begin = command->argv[command->argc];
    command->lens[command->argc] = (size_t)(command->text + command->used - begin);
    command->argc++;
}

bool saver_command_take_sized(cairn_slice_t *from, cairn_slice_t *slice)
{
    uint32_t len;
    if (from->len < sizeof len) return false;
    memcpy(&len, from->ptr, sizeof len);
    if (from->len - sizeof len < len) return false;
    *slice = cairn_slice(from->ptr + sizeof len, len);
    *from = cairn_slice(slice->ptr + len, from->len - sizeof len - len);
    return true;
}
