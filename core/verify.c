#include "verify.h"

#include <cairn/sys/json.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void verify_init(verify_t *check)
{
    check->status = 0;
    verify_op(check, NULL, 0);
}

void verify_op(verify_t *check, const char *array, size_t at)
{
    check->op = array;
    check->op_at = at;
    verify_in(check, NULL, 0);
}

void verify_in(verify_t *check, const char *array, size_t at)
{
    check->in = array;
    check->at = at;
}

/* Adds words to the text, as far as there is room; the names are ours and short. */
CAIRN_PRINTF(2, 0) static void say(verify_t *check, const char *format, va_list args)
{
    size_t said = strlen(check->text);
    vsnprintf(check->text + said, sizeof check->text - said, format, args);
}

CAIRN_PRINTF(2, 3) static void tell(verify_t *check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(check, format, args);
    va_end(args);
}

void verify_wrong(verify_t *check, int status, const char *what, const char *format, ...)
{
    if (check->status < 0) return;
    check->status = status;
    check->text[0] = '\0';
    if (check->op) tell(check, "%s[%zu].", check->op, check->op_at);
    if (check->in) tell(check, "%s[%zu]%s", check->in, check->at, *what ? "." : "");
    tell(check, "%s ", what);
    va_list args;
    va_start(args, format);
    say(check, format, args);
    va_end(args);
}

/* ---- slices ---- */

void verify_bytes(verify_t *check, const char *what, cairn_slice_t bytes)
{
    if (!bytes.ptr && bytes.len > 0)
        verify_wrong(check, UV_EINVAL, what, "has a length but no ptr");
}

void verify_optional(verify_t *check, const char *what, cairn_slice_t id)
{
    verify_bytes(check, what, id);
    if (id.len > CAIRN_ID_MAX)
        verify_wrong(check, CAIRN_ETOOBIG, what, "is %zu bytes long; at most %d", id.len,
                     CAIRN_ID_MAX);
}

void verify_id(verify_t *check, const char *what, cairn_slice_t id)
{
    verify_optional(check, what, id);
    if (!id.ptr) verify_wrong(check, UV_EINVAL, what, "is absent");
}

void verify_name(verify_t *check, const char *what, cairn_slice_t id)
{
    verify_id(check, what, id);
    if (id.len == 0) verify_wrong(check, UV_EINVAL, what, "is empty");
}

void verify_value(verify_t *check, const char *what, cairn_value_t value)
{
    verify_optional(check, what, value.type);
    verify_bytes(check, what, value.bytes);
}

void verify_json_object(verify_t *check, const char *what, cairn_slice_t text)
{
    verify_bytes(check, what, text);
    if (check->status < 0 || text.len == 0) return;
    verify_json_status(check, what, cairn_json_check_object(text));
}

void verify_json_status(verify_t *check, const char *what, int status)
{
    if (status == UV_EINVAL) verify_wrong(check, status, what, "is no JSON object");
    if (status < 0) verify_wrong(check, status, what, "cannot be read: %s", cairn_strerror(status));
}

/* ---- the others ---- */

void verify_pointer(verify_t *check, const char *what, const void *pointer)
{
    if (!pointer) verify_wrong(check, UV_EINVAL, what, "is NULL");
}

void verify_array(verify_t *check, const char *what, const void *array, size_t count, size_t most)
{
    if (count > most)
        verify_wrong(check, CAIRN_ETOOBIG, what, "has %zu elements; at most %zu", count, most);
    if (count > 0 && !array) verify_wrong(check, UV_EINVAL, what, "has a count but is NULL");
}

void verify_number(verify_t *check, const char *what, uint64_t number, uint64_t least,
                   uint64_t most)
{
    if (number < least)
        verify_wrong(check, UV_EINVAL, what, "is %" PRIu64 "; at least %" PRIu64, number, least);
    if (number > most)
        verify_wrong(check, CAIRN_ETOOBIG, what, "is %" PRIu64 "; at most %" PRIu64, number, most);
}

void verify_enum(verify_t *check, const char *what, unsigned value, unsigned last)
{
    if (value > last) verify_wrong(check, UV_EINVAL, what, "is %u, which has no meaning", value);
}

int64_t verify_ttl(verify_t *check, const char *what, cairn_ttl_t ttl, int64_t fallback)
{
    if (!ttl.given) return fallback;
    if (ttl.ms <= 0 && ttl.ms != CAIRN_TTL_PERSIST)
        verify_wrong(check, UV_EINVAL, what, "is %" PRId64 " ms", ttl.ms);
    if (ttl.ms > CAIRN_TTL_MAX_MS)
        verify_wrong(check, CAIRN_ETOOBIG, what, "is %" PRId64 " ms; at most %" PRId64, ttl.ms,
                     CAIRN_TTL_MAX_MS);
    return ttl.ms;
}

int64_t verify_given_ttl(verify_t *check, const char *what, cairn_ttl_t ttl)
{
    if (!ttl.given) verify_wrong(check, UV_EINVAL, what, "is not given");
    return verify_ttl(check, what, ttl, CAIRN_TTL_PERSIST);
}

/* ---- the end of the checks ---- */

int verify_begin(const verify_t *check, cairn_t *cairn, cairn_req_t *req, uint64_t capability,
                 cairn_core_t **core)
{
    if (cairn_is_active(req)) return UV_EBUSY;
    if (check->status == 0) return core_begin(cairn, req, capability, core);
    req->detail = cairn_slice(NULL, 0);
    if (!cairn->core) return check->status; /* nowhere to keep the words */
    return core_refuse(cairn->core, req, check->status, "%s", check->text);
}

int verify_no_slot(cairn_core_t *core, cairn_req_t *req)
{
    return core_refuse(core, req, UV_ENOTSUP, "backend %s cannot do this", core->backend->name);
}
