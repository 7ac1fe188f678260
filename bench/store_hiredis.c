/* GET and SET over plain hiredis, in a pipeline. It is less than what cairn does: an item has no
 * times and no TTL, nothing tells whether it was there, nothing is kept for searches and lists, a
 * batch is not atomic, and a get refreshes nothing. */
#include "store_ops.h"
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct hiredis_call {
    store_call_t base;
    store_door_t *door;
    uint32_t waiting; /* replies */
    uint64_t found;
} hiredis_call_t;

static store_door_t *open_door(client_t *client, const store_work_t *work)
{
    store_door_t *door = calloc(1, sizeof *door);
    if (door) *door = (store_door_t){.ops = &store_bench_hiredis, .client = client, .work = work};
    return door;
}

static void destroy(store_door_t *door)
{
    free(door);
}

static void on_reply(redisAsyncContext *context, void *reply, void *data)
{
    hiredis_call_t *call = data;
    const redisReply *answer = reply;
    client_t *client = call->door->client;
    if (client->closing) return;
    if (!answer || answer->type == REDIS_REPLY_ERROR) {
        snprintf(client->error, sizeof client->error, "%s", answer ? answer->str : context->errstr);
        client->hooks->on_failed(client, client->error);
        return;
    }
    if (answer->type == REDIS_REPLY_STRING && call->found != UINT64_MAX)
        call->found = answer->len == call->door->work->value ? call->found + 1 : UINT64_MAX;
    if (answer->type == REDIS_REPLY_NIL) call->found = UINT64_MAX;
    if (--call->waiting == 0) call->base.on_done(&call->base, call->found);
}

static int touch(store_door_t *door, store_call_t *call, const store_touch_t *touches,
                 uint32_t count)
{
    hiredis_call_t *own = (hiredis_call_t *)call;
    char tag[32];
    const unsigned space = touches[0].item % door->work->spaces; /* that all of a batch are in */
    const int tag_len = snprintf(tag, sizeof tag, "users:u%u", space);
    redisAsyncContext *context = client_hiredis_context(door->client, tag, (size_t)tag_len);
    own->door = door;
    own->found = 0;
    own->waiting = count;
    for (uint32_t i = 0; i < count && context; i++) {
        char key[64];
        int len = snprintf(key, sizeof key, "store:{%s}:k%u", tag,
                           (unsigned)(touches[i].item / door->work->spaces));
        const char *argv[] = {touches[i].puts ? "SET" : "GET", key, door->value};
        const size_t lens[] = {3, (size_t)len, door->work->value};
        if (redisAsyncCommandArgv(context, on_reply, own, touches[i].puts ? 3 : 2, argv, lens) !=
            REDIS_OK)
            context = NULL;
    }
    if (context) return 0;
    snprintf(door->client->error, sizeof door->client->error, "cannot send");
    return -1;
}

const store_ops_t store_bench_hiredis = {
    .call_size = sizeof(hiredis_call_t),
    .open = open_door,
    .touch = touch,
    .destroy = destroy,
};
