/* Plain puts of one turn go in one transaction: to open and to end one costs about as much as a
 * put. It is sent at the end of the turn, or before whatever else is asked of saver or store, so
 * that the order of requests stays. */
#include "redis_error.h"
#include "redis_store.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

enum {
    MOST_PUTS = 32, /* so that it does not hold the server long */
    MOST_BYTES = 65536,
    MOST_IDLE = 64,   /* kept for those that follow, with their bytes; */
    IDLE_ROOM = 16384 /* no more than so many */
};

typedef struct member {
    cairn_req_t *req; /* NULL: it was taken away */
    redis_joint_fn told;
    size_t from, len; /* its bytes */
    size_t commands;
    uint64_t name; /* a hash, where there is a choice of connections */
} member_t;

/* Of a request in a transaction that is not answered, REDIS_SCRATCH_MEMORY is the transaction,
 * REDIS_SCRATCH_SEQ its number there, and REDIS_CONN_JOINED stands where the connection does
 * otherwise. */
struct redis_joint {
    cairn_req_t req; /* what the connection knows */
    redis_backend_t *redis;
    redis_conn_t *conn;        /* where it goes */
    redis_joint_t *next, **at; /* among those sent; at is NULL before */
    size_t count;
    size_t alive; /* whose request was not taken away */
    size_t commands;
    char *bytes; /* theirs, without MULTI and EXEC; kept until they are answered */
    size_t len, room;
    member_t members[MOST_PUTS];
};

static void joint_link(redis_joint_t *joint)
{
    joint->at = &joint->redis->joints;
    joint->next = *joint->at;
    if (joint->next) joint->next->at = &joint->next;
    *joint->at = joint;
}

static void joint_destroy(redis_joint_t *joint)
{
    cairn_free(joint->bytes);
    cairn_free(joint);
}

static void joint_free(redis_joint_t *joint)
{
    redis_backend_t *redis = joint->redis;
    if (joint->next) joint->next->at = joint->at;
    if (joint->at) *joint->at = joint->next;
    if (redis->idle_joint_count == MOST_IDLE || joint->room > IDLE_ROOM) {
        joint_destroy(joint);
        return;
    }
    joint->next = redis->idle_joints;
    redis->idle_joints = joint;
    redis->idle_joint_count++;
}

/* Zeroed, but for the room it has. NULL: out of memory. */
static redis_joint_t *joint_new(redis_backend_t *redis)
{
    redis_joint_t *joint = redis->idle_joints;
    char *bytes = NULL;
    size_t room = 0;
    if (joint) {
        redis->idle_joints = joint->next;
        redis->idle_joint_count--;
        bytes = joint->bytes;
        room = joint->room;
    } else {
        joint = cairn_malloc(sizeof *joint);
        if (!joint) return NULL;
    }
    memset(joint, 0, offsetof(redis_joint_t, members));
    joint->bytes = bytes;
    joint->room = room;
    return joint;
}

/* ---- the answer ---- */

static cairn_req_t *take(redis_joint_t *joint, size_t index)
{
    cairn_req_t *req = joint->members[index].req;
    if (!req) return NULL;
    joint->members[index].req = NULL;
    joint->alive--;
    req->scratch[REDIS_SCRATCH_CONN] = (uintptr_t)joint->conn;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    return req;
}

static void fail_all(redis_joint_t *joint, int status, cairn_slice_t detail)
{
    for (size_t i = 0; i < joint->count; i++) {
        cairn_req_t *req = take(joint, i);
        if (req) redis_saver_fail(req, status, detail);
    }
}

static cairn_slice_t bytes_of(const redis_joint_t *joint, const member_t *member)
{
    return cairn_slice(joint->bytes + member->from, member->len);
}

/* Moves behind the results of one request; the first error among them. */
static int take_results(redis_reply_t *reply, size_t commands, int *status, cairn_slice_t *error)
{
    int rc = 0;
    for (; commands > 0 && rc == 0; commands--) {
        if (*status == 0 && redis_reply_error(reply, error)) *status = redis_error_code(*error);
        rc = redis_reply_skip(reply);
    }
    return rc;
}

static redis_pool_t *pool_of(const redis_joint_t *joint)
{
    redis_standalone_t *node = joint->conn->data;
    return &node->pool;
}

/* What comes of them is put in up to that number. */
static void hold_names(const redis_joint_t *joint, uint64_t seq)
{
    redis_pool_t *pool = pool_of(joint);
    if (!redis_pool_has_choice(pool)) return;
    for (size_t i = 0; i < joint->count; i++)
        redis_pool_put_in(pool, joint->conn, joint->members[i].name, seq);
}

/* What comes of it is of the same name, and goes the same way. */
static void turn_to(const redis_joint_t *joint, const member_t *member)
{
    redis_pool_t *pool = pool_of(joint);
    redis_route_turn_to(&joint->redis->route, joint->conn);
    if (redis_pool_has_choice(pool)) redis_pool_turn_to(pool, joint->conn, member->name);
}

/* The transaction has as many results as commands: the connection has seen to that. */
static int tell_all(redis_joint_t *joint, redis_reply_t *reply)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (size_t i = 0; i < joint->count && rc == 0; i++) {
        const member_t *member = &joint->members[i];
        redis_reply_t own = *reply;
        cairn_slice_t error = {NULL, 0};
        int status = 0;
        rc = take_results(reply, member->commands, &status, &error);
        cairn_req_t *req = rc == 0 ? take(joint, i) : NULL;
        turn_to(joint, member);
        if (rc == 0 && status == 0)
            member->told(joint->redis, req, &own, bytes_of(joint, member));
        else if (req)
            redis_saver_fail(req, status, error);
    }
    return rc;
}

static void tell_of_doubt(const redis_joint_t *joint)
{
    for (size_t i = 0; i < joint->count; i++) {
        turn_to(joint, &joint->members[i]);
        joint->members[i].told(joint->redis, NULL, NULL, bytes_of(joint, &joint->members[i]));
    }
}

/* Callbacks may take away what is not told yet, but not the transaction. */
static void on_answered(void *ctx, int status, redis_reply_t *reply, cairn_slice_t detail)
{
    cairn_req_t *req = ctx;
    redis_joint_t *joint = CAIRN_CONTAINER_OF(req, redis_joint_t, req);
    joint->alive++;
    joint->conn = redis_conn_of_request(req);
    /* Callbacks of the first may ask for what the last are about, which may have to be mended. */
    hold_names(joint, joint->conn->queue.tail);
    if (status == 0 && tell_all(joint, reply) < 0) {
        status = CAIRN_EPROTOCOL;
        detail = cairn_str("a transaction's answer makes no sense");
    }
    if (status == CAIRN_EMAYBE) tell_of_doubt(joint);
    if (status < 0) fail_all(joint, status, detail);
    joint_free(joint);
}

/* ---- sending ---- */

static size_t bound(size_t bytes)
{
    return sizeof REDIS_MULTI + bytes + sizeof REDIS_EXEC;
}

int redis_joint_flush(redis_backend_t *redis)
{
    redis_joint_t *joint = redis->joint;
    char *out;
    if (!joint) return 0;
    int rc = redis_conn_reserve_unbounded(joint->conn, bound(joint->len), &out);
    if (rc < 0) return rc;
    out = redis_cmd_literal(out, LITERAL(REDIS_MULTI));
    out = redis_cmd_literal(out, joint->bytes, joint->len);
    out = redis_cmd_literal(out, LITERAL(REDIS_EXEC));
    joint->conn->name = 0; /* it has many */
    redis_conn_commit_joint(joint->conn, out, on_answered, &joint->req, joint->commands);
    hold_names(joint, joint->req.scratch[REDIS_SCRATCH_SEQ]);
    joint_link(joint);
    redis->joint = NULL;
    return 0;
}

static void run(cairn_task_t *task)
{
    redis_backend_t *redis = CAIRN_CONTAINER_OF(task, redis_backend_t, joint_flush);
    redis_joint_t *joint = redis->joint;
    if (redis_joint_flush(redis) == 0) return;
    redis->joint = NULL;
    joint->alive++;
    fail_all(joint, UV_ENOMEM, cairn_slice(NULL, 0));
    joint_free(joint);
}

/* ---- joining ---- */

redis_conn_t *redis_joint_conn(redis_backend_t *redis, const redis_shelf_t *shelf)
{
    redis_route_t *route = &redis->route;
    if (!redis_route_has_choice(route)) return redis_route_commands(route);
    const uint64_t name = redis->joint_name = redis_store_name(redis, shelf);
    if (redis->joint && !redis_route_is_split(route)) {
        redis_route_turn_to(route, redis->joint->conn);
        if (redis_pool_join(redis_route_pool(route), name)) return redis_route_commands(route);
    }
    return redis_route_choose_hash(route, name);
}

static int open_joint(redis_backend_t *redis, redis_conn_t *conn)
{
    redis_joint_t *joint = joint_new(redis);
    if (!joint) return UV_ENOMEM;
    joint->redis = redis;
    joint->conn = conn;
    redis->joint = joint;
    return 0;
}

static int make_room(redis_joint_t *joint, size_t bytes)
{
    enum {
        FIRST = 4096
    };
    size_t room = joint->room > 0 ? joint->room : FIRST;
    while (room < joint->len + bytes) room *= 2;
    if (room == joint->room) return 0;
    char *grown = cairn_realloc(joint->bytes, room);
    if (!grown) return UV_ENOMEM;
    joint->bytes = grown;
    joint->room = room;
    return 0;
}

/* No transaction in a cluster has two. */
static bool is_of_other_slot(const redis_backend_t *redis, const redis_joint_t *joint)
{
    return redis_route_is_split(&redis->route) && joint->count > 0 &&
           joint->members[0].name != redis->joint_name;
}

int redis_joint_reserve(redis_backend_t *redis, redis_conn_t *conn, size_t bytes, char **at)
{
    redis_joint_t *joint = redis->joint;
    int rc = 0;
    if (joint && (joint->conn != conn || is_of_other_slot(redis, joint) ||
                  joint->count == MOST_PUTS || joint->len >= MOST_BYTES))
        rc = redis_joint_flush(redis);
    if (rc == 0 && !redis->joint) rc = open_joint(redis, conn);
    if (rc < 0) return rc;
    joint = redis->joint;
    /* As much as would be refused if it were sent at once. */
    rc = redis_conn_reserve(conn, bound(joint->len + bytes), at);
    if (rc == 0) rc = make_room(joint, bytes);
    if (rc == 0) *at = joint->bytes + joint->len;
    if (rc < 0 && joint->count == 0) {
        redis->joint = NULL;
        joint_free(joint);
    }
    return rc;
}

void redis_joint_commit(redis_backend_t *redis, const redis_shelf_t *shelf, cairn_req_t *req,
                        const char *end, size_t commands, redis_joint_fn told)
{
    redis_joint_t *joint = redis->joint;
    const size_t from = joint->len;
    joint->len = (size_t)(end - joint->bytes);
    joint->commands += commands;
    req->scratch[REDIS_SCRATCH_CONN] = REDIS_CONN_JOINED;
    req->scratch[REDIS_SCRATCH_SEQ] = joint->count;
    req->scratch[REDIS_SCRATCH_MEMORY] = (uintptr_t)joint;
    member_t *member = &joint->members[joint->count++];
    *member = (member_t){req, told, from, joint->len - from, commands, 0};
    if (redis_route_has_choice(&redis->route)) member->name = redis_store_name(redis, shelf);
    joint->alive++;
    redis->joint_flush.run = run;
    redis->host->api->defer(redis->host, &redis->joint_flush);
}

/* ---- leaving ---- */

/* What is not sent is not going to be. */
static void take_back(redis_joint_t *joint, member_t *gone)
{
    memmove(joint->bytes + gone->from, joint->bytes + gone->from + gone->len,
            joint->len - gone->from - gone->len);
    for (member_t *member = gone + 1; member < joint->members + joint->count; member++)
        member->from -= gone->len;
    joint->len -= gone->len;
    joint->commands -= gone->commands;
    gone->len = gone->commands = 0;
}

/* What may have been written is heard of, for what comes of it may have to be mended. */
void redis_joint_forget(cairn_req_t *req)
{
    redis_joint_t *joint = (redis_joint_t *)(uintptr_t)req->scratch[REDIS_SCRATCH_MEMORY];
    member_t *member = &joint->members[req->scratch[REDIS_SCRATCH_SEQ]];
    const bool sent = joint->at != NULL;
    member->req = NULL;
    req->scratch[REDIS_SCRATCH_MEMORY] = 0;
    if (!sent) take_back(joint, member);
    if (--joint->alive > 0) return;
    const redis_conn_t *conn = sent ? redis_conn_of_request(&joint->req) : NULL;
    if (conn && redis_conn_may_have_written(conn)) return;
    if (sent) {
        redis_route_forget(&joint->req);
    } else {
        joint->redis->joint = NULL;
    }
    joint_free(joint);
}

void redis_joints_free(redis_backend_t *redis)
{
    while (redis->joints) joint_free(redis->joints);
    while (redis->idle_joints) {
        redis_joint_t *joint = redis->idle_joints;
        redis->idle_joints = joint->next;
        joint_destroy(joint);
    }
}
