#include "redis_script.h"

#include "redis_cmd.h"
#include "redis_slot_tags.h"

#define LITERAL(text) text, sizeof(text) - 1
#define HASH_SIZE 40

#define GUARD "langgraph:none:"
#define GUARD_KEY (sizeof GUARD "{}" - 1 + REDIS_SLOT_TAG)
_Static_assert(GUARD_KEY + sizeof "$99\r\n\r\n" <= REDIS_GUARD_SIZE, "it fits");

char *redis_guard_key(char *out, redis_guard_t guard)
{
    out = redis_cmd_arg_begin(out, GUARD_KEY);
    out = redis_cmd_literal(out, LITERAL(GUARD "{"));
    out = redis_slot_tag(out, (unsigned)guard);
    *out++ = '}';
    return redis_cmd_end(out);
}

char *redis_script_begin(char *out, const redis_script_t *script, redis_guard_t guard, size_t keys,
                         size_t args)
{
    keys += guard >= 0;
    out = redis_cmd_begin(out, 3 + keys + args);
    out = redis_cmd_literal(out, LITERAL("$7\r\nEVALSHA\r\n$40\r\n"));
    out = redis_cmd_literal(out, redis_script_text(script, guard)->hash, HASH_SIZE);
    out = redis_cmd_end(out);
    out = redis_cmd_u64(out, keys);
    return guard >= 0 ? redis_guard_key(out, guard) : out;
}

/* Should it have failed, who calls the script will be told. */
static void on_loaded(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_conn_t *conn = ctx;
    (void)reply, (void)detail;
    conn->loading--;
    if (status < 0) conn->unscripted = true;
}

static int load(redis_conn_t *conn, const redis_script_text_t *script)
{
    char *out;
    int rc = redis_conn_reserve_unbounded(conn, redis_cmd_bound(3, 16 + script->size), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL("*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n"));
    out = redis_cmd_arg(out, cairn_slice(script->source, script->size));
    redis_conn_commit(conn, out, on_loaded, conn, REDIS_CMD_TRANSIENT);
    conn->loading++;
    return 0;
}

int redis_scripts_load(redis_conn_t *conn, bool guarded)
{
    int rc = 0;
    if (conn->loading > 0) return 0;
    for (const redis_script_t *const *at = redis_scripts; *at && rc == 0; at++)
        rc = load(conn, guarded ? &(*at)->guarded : &(*at)->plain);
    return rc;
}
