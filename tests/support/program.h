/* Running the project's own programs. */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

/* What `path`, in the folder of the build, writes when called with `argument` (NULL: with none). It
 * must end with 0, or the test fails. The caller frees. */
char *program_output(const char *path, const char *argument);

#endif
