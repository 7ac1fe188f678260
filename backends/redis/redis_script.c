#include "redis_script.h"

#include "redis_cmd.h"

#define LITERAL(text) text, sizeof(text) - 1
#define HASH_SIZE 40

char *redis_script_begin(char *out, const redis_script_t *script, size_t keys, size_t args)
{
    out = redis_cmd_begin(out, 3 + keys + args);
    out = redis_cmd_literal(out, LITERAL("$7\r\nEVALSHA\r\n$40\r\n"));
    out = redis_cmd_literal(out, script->hash, HASH_SIZE);
    out = redis_cmd_end(out);
    return redis_cmd_u64(out, keys);
}

/* Should it have failed, who calls the script will be told. */
static void on_loaded(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    redis_conn_t *conn = ctx;
    (void)reply, (void)detail;
    conn->loading--;
    if (status < 0) conn->unscripted = true;
}

static int load(redis_conn_t *conn, const redis_script_t *script)
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

int redis_scripts_load(redis_conn_t *conn)
{
    int rc = 0;
    if (conn->loading > 0) return 0;
    for (const redis_script_t *const *at = redis_scripts; *at && rc == 0; at++)
        rc = load(conn, *at);
    return rc;
}
