/* Filling a cairn_error_t. */
#ifndef CAIRN_CORE_ERROR_SET_H
#define CAIRN_CORE_ERROR_SET_H

#include <cairn/error.h>

/* Fills `error`, which may be NULL, and returns `code`. What does not fit is cut off, and what is
 * not printable ASCII becomes '?': the text may quote foreign bytes and end in a log. */
CAIRN_PRINTF(3, 4) int cairn_error_set(cairn_error_t *error, int code, const char *format, ...);

#endif
