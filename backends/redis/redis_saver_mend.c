/* A put is done when its script has been carried out. If the server had forgotten that, or the link
 * was lost, or nobody waits any more, the script is called all the same, until it is answered;
 * where it finds that there is nothing to do, it does nothing (scripts/put.lua). */
#include "redis_saver.h"

#include <cairn/sys/alloc.h>
#include <string.h>

/* ---- the call, from the transaction it was in ---- */

typedef struct found {
    cairn_slice_t list; /* HSET checkpoint l list ... */
    cairn_slice_t call; /* behind the number of its words */
    size_t words;
} found_t;

static int read_command(redis_reply_t *commands, found_t *found)
{
    size_t count;
    cairn_slice_t word = {NULL, 0};
    int rc = redis_reply_array(commands, &count);
    const char *begin = commands->at;
    if (rc == 0) rc = redis_reply_string(commands, &word);
    if (rc < 0) return rc;
    size_t taken = 1;
    if (cairn_slice_eq(word, cairn_str("HSET"))) {
        for (; taken < 4 && rc == 0; taken++) rc = redis_reply_string(commands, &found->list);
    }
    for (; taken < count && rc == 0; taken++) rc = redis_reply_skip(commands);
    if (cairn_slice_eq(word, cairn_str("EVALSHA"))) {
        found->call = cairn_slice(begin, (size_t)(commands->at - begin));
        found->words = count;
    }
    return rc;
}

void redis_saver_mend(redis_backend_t *redis, cairn_slice_t transaction)
{
    redis_reply_t commands;
    found_t found = {.words = 0};
    redis_reply_init(&commands, transaction.ptr, transaction.len);
    while (!redis_reply_done(&commands))
        if (read_command(&commands, &found) < 0) return;
    if (found.words == 0) return;
    const size_t bound =
        redis_cmd_bound(1, found.call.len) + redis_cmd_bound(1, found.list.len + 1);
    char *call = cairn_malloc(bound), *end;
    if (!call) return;
    end = redis_cmd_begin(call, found.words + 1);
    end = redis_cmd_literal(end, found.call.ptr, found.call.len);
    end = redis_cmd_arg_begin(end, found.list.len + 1);
    *end++ = REDIS_PUT_UNKNOWN;
    end = redis_cmd_end(redis_bytes(end, found.list));
    redis_insist(redis, cairn_slice(call, (size_t)(end - call)));
    cairn_free(call);
}
