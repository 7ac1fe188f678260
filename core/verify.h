/* Checks of a submit's arguments, told apart from each other in words. Private to core.
 *
 * The first check that fails is the one that is told; those after it do nothing. */
#ifndef CAIRN_CORE_VERIFY_H
#define CAIRN_CORE_VERIFY_H

#include "core.h"

#include <cairn/ttl.h>
#include <cairn/value.h>

typedef struct verify {
    int status;     /* 0: nothing wrong so far */
    const char *op; /* name of the array of operations that are being checked, or NULL */
    size_t op_at;   /* and which of them */
    const char *in; /* the same of an array inside */
    size_t at;
    char text[200]; /* what is wrong, if status < 0 */
} verify_t;

void verify_init(verify_t *check);

/* From here on names are those of array[at]; of nothing again with NULL. */
void verify_op(verify_t *check, const char *array, size_t at);
void verify_in(verify_t *check, const char *array, size_t at);

/* Something is wrong with `what`: "channel_values[3].version is absent". */
CAIRN_PRINTF(4, 5)
void verify_wrong(verify_t *check, int status, const char *what, const char *format, ...);

/* An id that must be there, one that may be absent, one that must not be empty either. */
void verify_id(verify_t *check, const char *what, cairn_slice_t id);
void verify_optional(verify_t *check, const char *what, cairn_slice_t id);
void verify_name(verify_t *check, const char *what, cairn_slice_t id);

/* Bytes of any length. */
void verify_bytes(verify_t *check, const char *what, cairn_slice_t bytes);
void verify_value(verify_t *check, const char *what, cairn_value_t value);

/* The text of a JSON object, or nothing. The second: by what cairn/sys/json.h said of it. */
void verify_json_object(verify_t *check, const char *what, cairn_slice_t text);
void verify_json_status(verify_t *check, const char *what, int status);

void verify_pointer(verify_t *check, const char *what, const void *pointer);
void verify_array(verify_t *check, const char *what, const void *array, size_t count, size_t most);
void verify_number(verify_t *check, const char *what, uint64_t number, uint64_t least,
                   uint64_t most);
void verify_enum(verify_t *check, const char *what, unsigned value, unsigned last);

/* The TTL that counts: `ttl` if it is given, else `fallback`. */
int64_t verify_ttl(verify_t *check, const char *what, cairn_ttl_t ttl, int64_t fallback);

/* A TTL that must be given. */
int64_t verify_given_ttl(verify_t *check, const char *what, cairn_ttl_t ttl);

/* Whether the submit may go on: UV_EBUSY, then what the checks found, then what core_begin finds.
 */
CAIRN_MUST_USE int verify_begin(const verify_t *check, cairn_t *cairn, cairn_req_t *req,
                                uint64_t capability, cairn_core_t **core);

/* Whether a backend's table has a slot: it may be older than we are, and a slot may be NULL. */
#define OPS_HAVE(type, ops, slot)                                                                  \
    ((ops) && (ops)->size >= offsetof(type, slot) + sizeof(((type *)NULL)->slot) && (ops)->slot)

/* UV_ENOTSUP, for a slot that is not there. */
CAIRN_MUST_USE int verify_no_slot(cairn_core_t *core, cairn_req_t *req);

#endif
