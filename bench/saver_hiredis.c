/* The same work in raw commands over plain hiredis, as a competent programmer has it who uses no
 * scripts: everything that may go at once is pipelined. It is less than what cairn does: a put is
 * not atomic, the first write of a task does not win, nothing is kept for delete or prune, a blob
 * that a later checkpoint shares keeps its first TTL, and what a get finds is looked at but not put
 * together.
 *
 *     put         SET blob NX [PX] of each channel, HSET checkpoint, ZADD index [PEXPIRE both]
 *     put_writes  HSET writes [PEXPIRE]
 *     get latest  ZREVRANGE index 0 0, then as by id
 *     get by id   HGETALL checkpoint, HGETALL writes; MGET blobs once the checkpoint names them
 *     list        ZREVRANGE index 0 N-1, then as by id of each */
#include "saver_command.h"
#include "saver_ops.h"
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MAX = 512, /* of the ids that the workload makes */
    NUMBER_MAX = 24,
    NEWEST_MAX = 64
};

typedef struct hiredis_door {
    saver_door_t base;
    uint64_t ttl_ms;
    saver_command_t command;
} hiredis_door_t;

typedef struct hiredis_call {
    saver_call_t base;
    hiredis_door_t *door;
    cairn_slice_t thread_id;
    uint32_t waiting; /* replies */
    saver_answer_t answer;
    char newest[NEWEST_MAX];
} hiredis_call_t;

static saver_door_t *open_door(client_t *client, uint64_t ttl_ms)
{
    hiredis_door_t *door = calloc(1, sizeof *door);
    if (!door) return NULL;
    door->base = (saver_door_t){&saver_bench_hiredis, client};
    door->ttl_ms = ttl_ms;
    return &door->base;
}

static void destroy(saver_door_t *door)
{
    saver_command_free(&((hiredis_door_t *)door)->command);
    free(door);
}

static hiredis_call_t *begin(saver_door_t *door, saver_call_t *call, cairn_slice_t thread_id)
{
    hiredis_call_t *own = (hiredis_call_t *)call;
    own->door = (hiredis_door_t *)door;
    own->thread_id = thread_id;
    own->waiting = 0;
    own->answer = (saver_answer_t){0};
    return own;
}

/* ---- sending ---- */

static int out_of_memory(client_t *client)
{
    snprintf(client->error, sizeof client->error, "out of memory");
    return -1;
}

static int send_command(hiredis_call_t *call, redisCallbackFn *on_reply)
{
    saver_command_t *command = &call->door->command;
    client_t *client = call->door->base.client;
    redisAsyncContext *context =
        client_hiredis_context(client, call->thread_id.ptr, call->thread_id.len);
    if (context && redisAsyncCommandArgv(context, on_reply, call, command->argc, command->argv,
                                         command->lens) == REDIS_OK) {
        call->waiting++;
        return 0;
    }
    snprintf(client->error, sizeof client->error, "cannot send: %s",
             context ? context->errstr : "not connected");
    return -1;
}

/* The next argument: a key of the thread, in the root namespace; absent parts have no colon. */
static void add_key(hiredis_call_t *call, const char *kind, cairn_slice_t first,
                    cairn_slice_t second)
{
    saver_command_t *command = &call->door->command;
    saver_command_open(command);
    saver_command_add(command, kind, strlen(kind));
    saver_command_add(command, ":{", 2);
    saver_command_add(command, call->thread_id.ptr, call->thread_id.len);
    saver_command_add(command, "}:", 2);
    saver_command_add(command, first.ptr, first.len);
    if (second.ptr) {
        saver_command_add(command, ":", 1);
        saver_command_add(command, second.ptr, second.len);
    }
    saver_command_close(command);
}

static const cairn_slice_t none;

static void add_blob_key(hiredis_call_t *call, cairn_slice_t channel, cairn_slice_t version)
{
    add_key(call, "checkpoint_blob", channel, version);
}

static void add_checkpoint_key(hiredis_call_t *call, cairn_slice_t id)
{
    add_key(call, "checkpoint", id, none);
}

static void add_writes_key(hiredis_call_t *call, cairn_slice_t id)
{
    add_key(call, "checkpoint_write", id, none);
}

static void add_index_key(hiredis_call_t *call)
{
    add_key(call, "checkpoint_index", none, none);
}

static void add_number(saver_command_t *command, uint64_t number)
{
    saver_command_open(command);
    saver_command_add_number(command, number);
    saver_command_close(command);
}

/* ---- replies ---- */

/* The reply if it is of the type wanted; NULL if not, which is then reported. */
static redisReply *checked(hiredis_call_t *call, void *reply, int type)
{
    redisReply *answer = reply;
    client_t *client = call->door->base.client;
    if (!answer || client->closing) return NULL; /* the end of the connection is told elsewhere */
    if (answer->type == type) return answer;
    snprintf(client->error, sizeof client->error, "a command failed: %s",
             answer->type == REDIS_REPLY_ERROR ? answer->str : "a reply of another type came");
    client->hooks->on_failed(client, client->error);
    return NULL;
}

static void end_reply(hiredis_call_t *call)
{
    if (--call->waiting == 0) call->base.on_done(&call->base, &call->answer);
}

static void fail_call(hiredis_call_t *call)
{
    client_t *client = call->door->base.client;
    client->hooks->on_failed(client, client->error);
}

static cairn_slice_t slice_of(const redisReply *reply)
{
    return cairn_slice(reply->str, reply->type == REDIS_REPLY_STRING ? reply->len : 0);
}

static void on_number(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    if (checked(data, reply, REDIS_REPLY_INTEGER)) end_reply(data);
}

/* OK, or nil if the blob was there. */
static void on_set(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    redisReply *answer = reply;
    int type = answer && answer->type == REDIS_REPLY_NIL ? REDIS_REPLY_NIL : REDIS_REPLY_STATUS;
    if (checked(data, reply, type)) end_reply(data);
}

/* ---- put ---- */

static int set_blob(hiredis_call_t *call, const cairn_channel_value_t *value)
{
    saver_command_t *command = &call->door->command;
    size_t room = KEY_MAX + NUMBER_MAX + value->value.type.len + value->value.bytes.len;
    if (saver_command_begin(command, 6, room) < 0) return out_of_memory(call->door->base.client);
    saver_command_word(command, "SET");
    add_blob_key(call, value->channel, value->version);
    saver_command_open(command);
    saver_command_add_sized(command, value->value.type);
    saver_command_add(command, value->value.bytes.ptr, value->value.bytes.len);
    saver_command_close(command);
    saver_command_word(command, "NX");
    if (call->door->ttl_ms > 0) {
        saver_command_word(command, "PX");
        add_number(command, call->door->ttl_ms);
    }
    return send_command(call, on_set);
}

static size_t body_room(const cairn_checkpoint_t *checkpoint)
{
    size_t texts = 2 * checkpoint->channel_version_count + 3 * checkpoint->version_seen_count +
                   checkpoint->updated_channel_count + 4;
    return texts * (sizeof(uint32_t) + KEY_MAX / 4);
}

static void add_count(saver_command_t *command, size_t count)
{
    uint32_t number = (uint32_t)count;
    saver_command_add(command, &number, sizeof number);
}

static void add_body(saver_command_t *command, const cairn_checkpoint_t *checkpoint)
{
    saver_command_open(command);
    add_count(command, checkpoint->channel_version_count);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++) {
        saver_command_add_sized(command, checkpoint->channel_versions[i].channel);
        saver_command_add_sized(command, checkpoint->channel_versions[i].version);
    }
    saver_command_add(command, &checkpoint->v, sizeof checkpoint->v);
    saver_command_add_sized(command, checkpoint->id);
    saver_command_add_sized(command, checkpoint->ts);
    add_count(command, checkpoint->version_seen_count);
    for (size_t i = 0; i < checkpoint->version_seen_count; i++) {
        saver_command_add_sized(command, checkpoint->versions_seen[i].node);
        saver_command_add_sized(command, checkpoint->versions_seen[i].channel);
        saver_command_add_sized(command, checkpoint->versions_seen[i].version);
    }
    add_count(command, checkpoint->updated_channel_count);
    for (size_t i = 0; i < checkpoint->updated_channel_count; i++)
        saver_command_add_sized(command, checkpoint->updated_channels[i]);
    saver_command_close(command);
}

static int set_checkpoint(hiredis_call_t *call, const cairn_checkpoint_ref_t *parent,
                          const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata)
{
    saver_command_t *command = &call->door->command;
    if (saver_command_begin(command, 8, KEY_MAX + body_room(checkpoint)) < 0)
        return out_of_memory(call->door->base.client);
    saver_command_word(command, "HSET");
    add_checkpoint_key(call, checkpoint->id);
    saver_command_word(command, "checkpoint");
    add_body(command, checkpoint);
    saver_command_word(command, "metadata");
    saver_command_slice(command, metadata);
    saver_command_word(command, "parent");
    saver_command_slice(command, parent->checkpoint_id);
    return send_command(call, on_number);
}

static int add_to_index(hiredis_call_t *call, cairn_slice_t id)
{
    saver_command_t *command = &call->door->command;
    if (saver_command_begin(command, 4, KEY_MAX) < 0) return out_of_memory(call->door->base.client);
    saver_command_word(command, "ZADD");
    add_index_key(call);
    saver_command_word(command, "0");
    saver_command_slice(command, id);
    return send_command(call, on_number);
}

/* Does nothing without a TTL. */
static int expire(hiredis_call_t *call, void (*key)(hiredis_call_t *call, cairn_slice_t id),
                  cairn_slice_t id)
{
    saver_command_t *command = &call->door->command;
    if (call->door->ttl_ms == 0) return 0;
    if (saver_command_begin(command, 3, KEY_MAX + NUMBER_MAX) < 0)
        return out_of_memory(call->door->base.client);
    saver_command_word(command, "PEXPIRE");
    key(call, id);
    add_number(command, call->door->ttl_ms);
    return send_command(call, on_number);
}

static void add_index_key_of_any(hiredis_call_t *call, cairn_slice_t id)
{
    (void)id;
    add_index_key(call);
}

static int put(saver_door_t *door, saver_call_t *base, const cairn_checkpoint_ref_t *parent,
               const cairn_checkpoint_t *checkpoint, cairn_slice_t metadata)
{
    hiredis_call_t *call = begin(door, base, parent->thread_id);
    for (size_t i = 0; i < checkpoint->channel_value_count; i++)
        if (set_blob(call, &checkpoint->channel_values[i]) < 0) return -1;
    if (set_checkpoint(call, parent, checkpoint, metadata) < 0 ||
        add_to_index(call, checkpoint->id) < 0 ||
        expire(call, add_checkpoint_key, checkpoint->id) < 0)
        return -1;
    return expire(call, add_index_key_of_any, none);
}

/* ---- put_writes ---- */

static void add_write(saver_command_t *command, const cairn_task_writes_t *task, size_t position)
{
    const cairn_write_t *write = &task->writes[position];
    saver_command_open(command);
    saver_command_add(command, task->task_id.ptr, task->task_id.len);
    saver_command_add(command, ":", 1);
    saver_command_add_number(command, position);
    saver_command_close(command);
    saver_command_open(command);
    saver_command_add_sized(command, task->task_path);
    saver_command_add_sized(command, write->channel);
    saver_command_add_sized(command, write->value.type);
    saver_command_add(command, write->value.bytes.ptr, write->value.bytes.len);
    saver_command_close(command);
}

static int put_writes(saver_door_t *door, saver_call_t *base, const cairn_checkpoint_ref_t *at,
                      const cairn_task_writes_t *writes)
{
    hiredis_call_t *call = begin(door, base, at->thread_id);
    saver_command_t *command = &call->door->command;
    size_t room = KEY_MAX;
    for (size_t i = 0; i < writes->count; i++) room += KEY_MAX + writes->writes[i].value.bytes.len;
    if (saver_command_begin(command, 2 + 2 * writes->count, room) < 0)
        return out_of_memory(door->client);
    saver_command_word(command, "HSET");
    add_writes_key(call, at->checkpoint_id);
    for (size_t i = 0; i < writes->count; i++) add_write(command, writes, i);
    if (send_command(call, on_number) < 0) return -1;
    return expire(call, add_writes_key, at->checkpoint_id);
}

/* ---- get, list ---- */

static void on_blobs(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    hiredis_call_t *call = data;
    redisReply *blobs = checked(call, reply, REDIS_REPLY_ARRAY);
    if (!blobs) return;
    for (size_t i = 0; i < blobs->elements; i++) {
        cairn_slice_t bytes = slice_of(blobs->element[i]), type;
        if (!saver_command_take_sized(&bytes, &type)) continue;
        call->answer.values++;
        call->answer.value_bytes += bytes.len;
    }
    end_reply(call);
}

static void on_writes(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    hiredis_call_t *call = data;
    redisReply *fields = checked(call, reply, REDIS_REPLY_ARRAY);
    if (!fields) return;
    for (size_t i = 1; i < fields->elements; i += 2) {
        cairn_slice_t bytes = slice_of(fields->element[i]), path, channel, type;
        if (!saver_command_take_sized(&bytes, &path) ||
            !saver_command_take_sized(&bytes, &channel) || !saver_command_take_sized(&bytes, &type))
            continue;
        call->answer.writes++;
        call->answer.write_bytes += bytes.len;
    }
    end_reply(call);
}

/* The channels that the checkpoint names. */
static int ask_blobs(hiredis_call_t *call, cairn_slice_t body)
{
    saver_command_t *command = &call->door->command;
    uint32_t count;
    if (body.len < sizeof count) return 0;
    memcpy(&count, body.ptr, sizeof count);
    body = cairn_slice(body.ptr + sizeof count, body.len - sizeof count);
    if (saver_command_begin(command, 1 + (size_t)count, (size_t)count * KEY_MAX) < 0)
        return out_of_memory(call->door->base.client);
    saver_command_word(command, "MGET");
    cairn_slice_t channel, version;
    for (uint32_t i = 0; i < count; i++) {
        if (!saver_command_take_sized(&body, &channel) ||
            !saver_command_take_sized(&body, &version))
            return 0;
        add_blob_key(call, channel, version);
    }
    return send_command(call, on_blobs);
}

static void on_checkpoint(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    hiredis_call_t *call = data;
    redisReply *fields = checked(call, reply, REDIS_REPLY_ARRAY);
    if (!fields) return;
    cairn_slice_t body = none;
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (cairn_slice_eq(slice_of(fields->element[i]), cairn_str("checkpoint")))
            body = slice_of(fields->element[i + 1]);
    if (body.ptr) call->answer.checkpoints++;
    if (ask_blobs(call, body) < 0)
        fail_call(call);
    else
        end_reply(call);
}

static int ask_one(hiredis_call_t *call, cairn_slice_t id)
{
    saver_command_t *command = &call->door->command;
    if (saver_command_begin(command, 2, KEY_MAX) < 0) return out_of_memory(call->door->base.client);
    saver_command_word(command, "HGETALL");
    add_checkpoint_key(call, id);
    if (send_command(call, on_checkpoint) < 0) return -1;
    if (saver_command_begin(command, 2, KEY_MAX) < 0) return out_of_memory(call->door->base.client);
    saver_command_word(command, "HGETALL");
    add_writes_key(call, id);
    return send_command(call, on_writes);
}

static void keep_newest(hiredis_call_t *call, cairn_slice_t id)
{
    size_t len = id.len < NEWEST_MAX ? id.len : NEWEST_MAX;
    memcpy(call->newest, id.ptr, len);
    call->answer.newest_id = cairn_slice(call->newest, len);
}

static void on_index(redisAsyncContext *context, void *reply, void *data)
{
    (void)context;
    hiredis_call_t *call = data;
    redisReply *ids = checked(call, reply, REDIS_REPLY_ARRAY);
    if (!ids) return;
    if (ids->elements > 0) keep_newest(call, slice_of(ids->element[0]));
    for (size_t i = 0; i < ids->elements; i++) {
        if (ask_one(call, slice_of(ids->element[i])) == 0) continue;
        fail_call(call);
        return;
    }
    end_reply(call);
}

static int ask_newest(hiredis_call_t *call, uint32_t count)
{
    saver_command_t *command = &call->door->command;
    if (saver_command_begin(command, 4, KEY_MAX + NUMBER_MAX) < 0)
        return out_of_memory(call->door->base.client);
    saver_command_word(command, "ZREVRANGE");
    add_index_key(call);
    saver_command_word(command, "0");
    add_number(command, count - 1);
    return send_command(call, on_index);
}

static int get(saver_door_t *door, saver_call_t *base, const cairn_checkpoint_ref_t *at)
{
    hiredis_call_t *call = begin(door, base, at->thread_id);
    if (!at->checkpoint_id.ptr) return ask_newest(call, 1);
    keep_newest(call, at->checkpoint_id);
    return ask_one(call, at->checkpoint_id);
}

static int list(saver_door_t *door, saver_call_t *base, cairn_slice_t thread_id, uint32_t limit)
{
    return ask_newest(begin(door, base, thread_id), limit);
}

/* ---- drop ---- */

static int drop_step(hiredis_call_t *call, const cairn_checkpoint_t *checkpoint)
{
    saver_command_t *command = &call->door->command;
    size_t keys = checkpoint->channel_version_count + 2;
    if (saver_command_begin(command, 1 + keys, keys * KEY_MAX) < 0)
        return out_of_memory(call->door->base.client);
    saver_command_word(command, "UNLINK");
    add_checkpoint_key(call, checkpoint->id);
    add_writes_key(call, checkpoint->id);
    for (size_t i = 0; i < checkpoint->channel_version_count; i++)
        add_blob_key(call, checkpoint->channel_versions[i].channel,
                     checkpoint->channel_versions[i].version);
    return send_command(call, on_number);
}

static int drop(saver_door_t *door, saver_call_t *base, cairn_slice_t thread_id, steps_t *steps,
                uint32_t last)
{
    hiredis_call_t *call = begin(door, base, thread_id);
    for (uint32_t step = 1; step <= last; step++) {
        steps_set(steps, step);
        if (drop_step(call, &steps->checkpoint) < 0) return -1;
    }
    if (saver_command_begin(&call->door->command, 2, KEY_MAX) < 0)
        return out_of_memory(door->client);
    saver_command_word(&call->door->command, "UNLINK");
    add_index_key(call);
    return send_command(call, on_number);
}

const saver_ops_t saver_bench_hiredis = {
    .call_size = sizeof(hiredis_call_t),
    .open = open_door,
    .put = put,
    .put_writes = put_writes,
    .get = get,
    .list = list,
    .drop = drop,
    .destroy = destroy,
};
