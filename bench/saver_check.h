/* What the saver keeps on a Redis server, looked at from behind: what nothing refers to any more,
 * what refers to nothing, what expires before what needs it or outlives it, and keys without a TTL.
 *
 * Nothing is changed, and the server may be in use: what seems wrong is looked at twice. Of a
 * thread that is just being deleted, pruned or given a TTL, what is not done yet may still be told.
 */
#ifndef CAIRN_BENCH_SAVER_CHECK_H
#define CAIRN_BENCH_SAVER_CHECK_H

#include <stddef.h>

struct redisContext;

enum {
    SAVER_CHECK_FEW = 10,
    SAVER_CHECK_TEXT = 256
};

typedef struct saver_check {
    size_t keys; /* of the saver; about, if others change them meanwhile */
    size_t without_ttl;
    size_t orphans; /* keys and entries of which something is wrong */
    size_t others;  /* keys of somebody else */

    /* The first of each, escaped. */
    char key[SAVER_CHECK_TEXT];
    char persistent[SAVER_CHECK_FEW][SAVER_CHECK_TEXT];
    char orphan[SAVER_CHECK_FEW][SAVER_CHECK_TEXT];
    char other[SAVER_CHECK_TEXT];
} saver_check_t;

/* Walks over all keys of the database that `link` is at. 0, or -1 with a sentence in `error` if the
 * server did not answer. */
int saver_check_run(struct redisContext *link, saver_check_t *out, char error[SAVER_CHECK_TEXT]);

/* The same of a master of a cluster, whose lists are one a slot; what is found is added to `out`.
 * Of slots that are on their way more is told than is wrong. */
int saver_check_node(struct redisContext *link, saver_check_t *out, char error[SAVER_CHECK_TEXT]);

#endif
