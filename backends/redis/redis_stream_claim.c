/* One event, appended by plain commands: a script that did as little would take the server half as
 * long again as all of this.
 *
 *     MULTI
 *     XADD stream 1-n c event          n: the number behind the last that is known
 *     PEXPIRE stream TTL
 *     PEXPIRE what goes with it TTL    there should be nothing
 *     PUBLISH channel event
 *     EXEC
 *
 * If somebody else has appended, or ended the stream, XADD refuses n, and the event goes by the
 * script. What was published then is a position that was published before: who follows has seen
 * that, or read it. If the stream has gone, it begins anew with n.
 *
 * A claim is alone: a second one behind it could succeed where it failed. Whatever else is about
 * the stream goes behind a call of the script, which looks whether the claim was refused, and if so
 * appends the event. An entry that another appended there came by the script, and so has another
 * field: to claim a number one must have appended the one before it.
 *
 * Not over a connection that is told of what it publishes. */
#include "redis_stream.h"

enum {
    LARGE = 32768,     /* an event that is not sent to who follows: they read it */
    LEAST_EVENTS = 256 /* a claim is to be found by the script that looks for it */
};

bool redis_claim_serves(const redis_backend_t *redis, cairn_slice_t stream, int64_t ttl_ms,
                        uint64_t max_events)
{
    return ttl_ms != CAIRN_TTL_PERSIST && max_events >= LEAST_EVENTS &&
           !redis_route_is_split(&redis->route) && !redis_hears_itself(redis, stream);
}

size_t redis_claim_mark(char *out, uint64_t number)
{
    char *const begin = out;
    *out++ = '!';
    if (number > 0) out += cairn_position_format(redis_position_at(number), out);
    return (size_t)(out - begin);
}

/* ---- writing ---- */

#define MULTI "*1\r\n$5\r\nMULTI\r\n"
#define EXEC "*1\r\n$4\r\nEXEC\r\n"
#define XADD "*5\r\n$4\r\nXADD\r\n"
#define XADD_LIMITED "*7\r\n$4\r\nXADD\r\n"
#define MAXLEN "$6\r\nMAXLEN\r\n"
#define FIELD "$1\r\nc\r\n"
#define PEXPIRE "*3\r\n$7\r\nPEXPIRE\r\n"
#define PUBLISH "*3\r\n$7\r\nPUBLISH\r\n"

/* The event without what makes it an argument. */
static cairn_slice_t event_of(const redis_claim_t *claim)
{
    const char *const end = claim->argument.ptr + claim->argument.len - 2;
    const char *at = claim->argument.ptr;
    while (*at != '\n') at++;
    return cairn_slice(at + 1, (size_t)(end - at - 1));
}

static bool is_limited(const redis_claim_t *claim)
{
    return claim->max_events < INT64_MAX;
}

size_t redis_claim_bound(const redis_claim_t *claim)
{
    const size_t key = redis_queue_key_size(claim->name) + sizeof REDIS_KEY_QUEUE_MORE;
    const size_t channel = redis_queue_channel_size(claim->redis, claim->name->id);
    return sizeof MULTI EXEC XADD_LIMITED MAXLEN FIELD PEXPIRE PEXPIRE PUBLISH + 3 * key + channel +
           2 * claim->argument.len + REDIS_POSITION_SIZE + 5 * REDIS_CMD_NUMBER +
           14 * REDIS_CMD_OVERHEAD;
}

/* All behind the key. */
static char *add(char *out, const redis_claim_t *claim, cairn_slice_t number)
{
    if (is_limited(claim)) {
        out = redis_cmd_literal(out, LITERAL(MAXLEN));
        out = redis_cmd_u64(out, claim->max_events);
    }
    out = redis_cmd_arg_begin(out, 2 + number.len);
    out = redis_cmd_literal(out, LITERAL("1-"));
    out = redis_cmd_end(redis_cmd_literal(out, number.ptr, number.len));
    out = redis_cmd_literal(out, LITERAL(FIELD));
    return redis_cmd_literal(out, claim->argument.ptr, claim->argument.len);
}

/* `key`: the stream's, as an argument. */
static char *touch(char *out, const redis_claim_t *claim, cairn_slice_t key)
{
    char ttl[REDIS_CMD_NUMBER + REDIS_CMD_OVERHEAD];
    const size_t ttl_size = (size_t)(redis_cmd_u64(ttl, (uint64_t)claim->ttl_ms) - ttl);
    out = redis_cmd_literal(out, LITERAL(PEXPIRE));
    out = redis_cmd_literal(out, key.ptr, key.len);
    out = redis_cmd_literal(out, ttl, ttl_size);
    out = redis_cmd_literal(out, LITERAL(PEXPIRE));
    out = redis_queue_more_key(out, claim->name);
    return redis_cmd_literal(out, ttl, ttl_size);
}

static char *publish(char *out, const redis_claim_t *claim, cairn_slice_t number)
{
    const cairn_slice_t event = event_of(claim);
    const size_t shown = event.len <= LARGE ? event.len : 0;
    char digits[REDIS_CMD_NUMBER];
    const size_t count = (size_t)(redis_cmd_digits(digits, shown) - digits);
    out = redis_cmd_literal(out, LITERAL(PUBLISH));
    out = redis_queue_channel_arg(out, claim->redis, claim->name->id);
    out = redis_cmd_arg_begin(out, 1 + number.len + 1 + count + 1 + shown);
    *out++ = 'a';
    out = redis_cmd_literal(out, number.ptr, number.len);
    *out++ = ' ';
    out = redis_cmd_literal(out, digits, count);
    *out++ = ' ';
    return redis_cmd_end(redis_cmd_literal(out, event.ptr, shown));
}

char *redis_claim_write(char *out, const redis_claim_t *claim)
{
    char digits[REDIS_CMD_NUMBER];
    const char *const end = redis_cmd_digits(digits, claim->number);
    const cairn_slice_t number = cairn_slice(digits, (size_t)(end - digits));
    out = is_limited(claim) ? redis_cmd_literal(out, LITERAL(MULTI XADD_LIMITED))
                            : redis_cmd_literal(out, LITERAL(MULTI XADD));
    const char *const key = out;
    out = redis_queue_key(out, claim->name);
    const size_t key_size = (size_t)(out - key);
    out = add(out, claim, number);
    out = touch(out, claim, cairn_slice(key, key_size));
    out = publish(out, claim, number);
    return redis_cmd_literal(out, LITERAL(EXEC));
}

/* ---- the answer ---- */

int redis_claim_read(redis_reply_t *reply, uint64_t number, bool *has_more)
{
    const cairn_position_t claimed = redis_position_at(number);
    cairn_position_t position;
    int64_t more = 0;
    size_t results;
    int rc = redis_reply_array(reply, &results);
    if (rc == 0 && results != REDIS_CLAIM_COMMANDS) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_position_read(reply, &position);
    if (rc == 0 && cairn_position_cmp(position, claimed) != 0) rc = CAIRN_EPROTOCOL;
    if (rc == 0) rc = redis_reply_skip(reply);
    if (rc == 0) rc = redis_reply_int(reply, &more);
    *has_more = more != 0;
    return rc;
}

static void on_unheard(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    (void)ctx, (void)status, (void)reply, (void)detail;
}

void redis_claim_touch(redis_backend_t *redis, cairn_slice_t stream, int64_t ttl_ms)
{
    redis_conn_t *conn = redis_saver_conn(redis);
    const redis_queue_name_t name = redis_queue_name(stream);
    char *out;
    /* Without memory for it some keys live for as long as they would have without this append. */
    if (redis_conn_reserve_unbounded(conn, redis_queue_bound(redis, &name, 1, REDIS_CMD_NUMBER),
                                     &out) < 0)
        return;
    out = redis_queue_begin(out, &redis_script_stream_set_ttl, redis, &name, 1);
    out = redis_cmd_i64(out, ttl_ms);
    redis_conn_commit_script(conn, out, on_unheard, &redis->nobody, true);
}
