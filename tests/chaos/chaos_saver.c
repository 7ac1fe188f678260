/* Agents that checkpoint their runs: chains of checkpoints in one thread after the other, with
 * pending writes, channels that change seldom, and threads deleted behind them. Everything in a
 * checkpoint can be told from its thread and its number. */
#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGENTS = 16,
    STEPS = 12,
    THREADS = 48,
    VALUE_MOST = 1600
};

typedef enum fact {
    NO,
    MAYBE,
    YES
} fact_t;

typedef struct step {
    fact_t put, written;
    int seldom;     /* the step whose value the channel that changes seldom has */
    bool has_doubt; /* an attempt is in doubt, ... */
    uint64_t epoch; /* ... which ended in this epoch */
} step_t;

typedef struct thread {
    char name[CHAOS_NAME];
    step_t steps[STEPS];
    int count;
    fact_t deleted;
} thread_t;

typedef struct agent {
    chaos_actor_t actor;
    int number;
    thread_t threads[THREADS];
    int count;        /* the last one is being written */
    thread_t *thread; /* of the operation in flight */
    step_t *step;
    int at;
    cairn_saver_put_t put, write;
    cairn_saver_get_t get;
    cairn_saver_list_t list;
    cairn_saver_delete_t remove;
    fact_t listed[STEPS];
} agent_t;

static agent_t *agents;

/* ---- what is put ---- */

static size_t fill(char *out, const thread_t *thread, const char *channel, int step)
{
    const size_t len = 40 + (size_t)(step * 397 + channel[0] * 31 + thread->name[3]) % 1500;
    int begun = snprintf(out, VALUE_MOST, "%s/%s/%d/", thread->name, channel, step);
    memset(out + begun, 'a' + (step + channel[0]) % 26, len);
    return (size_t)begun + len;
}

static void id_of(int step, char out[16])
{
    snprintf(out, 16, "c%04d", step);
}

static cairn_checkpoint_ref_t ref_of(const thread_t *thread, const char *id)
{
    return (cairn_checkpoint_ref_t){.thread_id = cairn_str(thread->name),
                                    .checkpoint_id = cairn_str(id)};
}

static const char *const channels[] = {"often", "seldom", "twice"};

/* The step whose value a channel of `step` has. */
static int origin(const thread_t *thread, int step, int channel)
{
    return channel == 1 ? thread->steps[step].seldom : step;
}

/* A value that is not surely there is put again with the next. */
static int choose_seldom(const thread_t *thread, int step)
{
    if (step == 0 || step % 4 == 0 || thread->steps[step - 1].put != YES) return step;
    return thread->steps[step - 1].seldom;
}

static void on_put(cairn_saver_put_t *req, int status);

static int submit_put(agent_t *agent, thread_t *thread, int step)
{
    char id[16], parent[16], versions[3][16], values[3][VALUE_MOST], metadata[64];
    cairn_channel_version_t all[3];
    cairn_channel_value_t changed[3];
    size_t count = 0;
    for (int i = 0; i < 3; i++) {
        const int from = origin(thread, step, i);
        snprintf(versions[i], sizeof versions[i], "%04d", from);
        all[i] = (cairn_channel_version_t){cairn_str(channels[i]), cairn_str(versions[i])};
        if (from != step) continue;
        const size_t len = fill(values[i], thread, channels[i], step);
        changed[count++] = (cairn_channel_value_t){
            .channel = cairn_str(channels[i]),
            .version = cairn_str(versions[i]),
            .value = cairn_value(cairn_str("text"), cairn_slice(values[i], len))};
    }
    id_of(step, id);
    id_of(step - 1, parent);
    snprintf(metadata, sizeof metadata, "{\"step\":%d}", step);
    const cairn_checkpoint_t checkpoint = {.id = cairn_str(id),
                                           .channel_versions = all,
                                           .channel_version_count = 3,
                                           .channel_values = changed,
                                           .channel_value_count = count};
    const cairn_checkpoint_ref_t at = ref_of(thread, step > 0 ? parent : NULL);
    return cairn_saver_put(&agent->actor.link->saver, &agent->put, &at, &checkpoint,
                           cairn_str(metadata), NULL, on_put);
}

static void forget_step(agent_t *agent, fact_t *fact, chaos_outcome_t outcome)
{
    step_t *step = agent->step;
    if (outcome == CHAOS_IN_DOUBT) {
        step->has_doubt = true;
        step->epoch = chaos_world_epoch(agent->actor.chaos->world);
    }
    if (outcome == CHAOS_DONE) *fact = YES;
    if (outcome == CHAOS_IN_DOUBT && *fact == NO) *fact = MAYBE;
}

static void on_put(cairn_saver_put_t *req, int status)
{
    agent_t *agent = req->req.data;
    forget_step(agent, &agent->step->put, chaos_answered(&agent->actor, &req->req, status));
}

static void on_written(cairn_saver_put_t *req, int status)
{
    agent_t *agent = req->req.data;
    forget_step(agent, &agent->step->written, chaos_answered(&agent->actor, &req->req, status));
}

static void put(agent_t *agent, thread_t *thread, int at)
{
    agent->step = &thread->steps[at];
    chaos_ask(&agent->actor, CHAOS_SAVER_PUT, &agent->put.req, 0);
    agent->put.req.flags = chaos_roll(agent->actor.chaos, 2) ? CAIRN_REQ_IDEMPOTENT : 0;
    chaos_asked(&agent->actor, &agent->put.req, submit_put(agent, thread, at));
}

static void put_next(agent_t *agent)
{
    thread_t *thread = &agent->threads[agent->count - 1];
    const bool again = thread->count > 0 && thread->steps[thread->count - 1].put != YES &&
                       chaos_roll(agent->actor.chaos, 2);
    if (!again && thread->count == STEPS) return;
    if (!again) {
        thread->count++;
        thread->steps[thread->count - 1].seldom = choose_seldom(thread, thread->count - 1);
    }
    put(agent, thread, thread->count - 1);
}

static void write_some(agent_t *agent, thread_t *thread, int at)
{
    char id[16], values[2][VALUE_MOST];
    id_of(at, id);
    const cairn_write_t writes[2] = {
        {cairn_str("w"),
         cairn_value(cairn_str("text"), cairn_slice(values[0], fill(values[0], thread, "w", at)))},
        {cairn_str(CAIRN_CHANNEL_ERROR),
         cairn_value(cairn_str("text"), cairn_slice(values[1], fill(values[1], thread, "e", at)))}};
    const cairn_task_writes_t task = {.task_id = cairn_str("task"), .writes = writes, .count = 2};
    const cairn_checkpoint_ref_t ref = ref_of(thread, id);
    agent->step = &thread->steps[at];
    chaos_ask(&agent->actor, CHAOS_SAVER_WRITES, &agent->write.req, 0);
    chaos_asked(&agent->actor, &agent->write.req,
                cairn_saver_put_writes(&agent->actor.link->saver, &agent->write, &ref, &task,
                                       (cairn_ttl_t){0}, on_written));
}

/* ---- what is found ---- */

static bool is_value(const cairn_value_t *value, const thread_t *thread, const char *channel,
                     int step)
{
    char expected[VALUE_MOST];
    const size_t len = fill(expected, thread, channel, step);
    return cairn_slice_eq(value->bytes, cairn_slice(expected, len)) &&
           cairn_slice_eq(value->type, cairn_str("text"));
}

static const char *flaw_of_writes(const thread_t *thread, int at,
                                  const cairn_checkpoint_tuple_t *tuple)
{
    const fact_t written = thread->steps[at].written;
    const cairn_pending_write_t *found = tuple->pending_writes;
    if (tuple->pending_write_count == 0) return written == YES ? "its writes are lost" : NULL;
    if (written == NO) return "it has writes that nobody made";
    if (tuple->pending_write_count != 2) return "half of its writes";
    if (!is_value(&found[0].value, thread, "e", at) || !is_value(&found[1].value, thread, "w", at))
        return "its writes are others";
    return NULL;
}

static const char *flaw_of_tuple(const thread_t *thread, int at,
                                 const cairn_checkpoint_tuple_t *tuple)
{
    char parent[16], metadata[64];
    id_of(at - 1, parent);
    snprintf(metadata, sizeof metadata, "{\"step\":%d}", at);
    if (!cairn_slice_eq(tuple->parent_id, cairn_str(at > 0 ? parent : NULL))) return "its parent";
    if (!cairn_slice_eq(tuple->metadata, cairn_str(metadata))) return "its metadata";
    const cairn_checkpoint_t *checkpoint = &tuple->checkpoint;
    if (checkpoint->channel_version_count != 3) return "its channel versions";
    if (checkpoint->channel_value_count != 3) return "a value is missing";
    for (int i = 0; i < 3; i++) {
        if (!is_value(&checkpoint->channel_values[i].value, thread, channels[i],
                      origin(thread, at, i)))
            return "a value is another";
    }
    return flaw_of_writes(thread, at, tuple);
}

static int step_of(cairn_slice_t id)
{
    char text[16] = "";
    int step = -1;
    if (id.len == 5) memcpy(text, id.ptr, id.len);
    return sscanf(text, "c%d", &step) == 1 && step >= 0 && step < STEPS ? step : -1;
}

static void check_found(agent_t *agent, const thread_t *thread,
                        const cairn_checkpoint_tuple_t *tuple)
{
    chaos_t *chaos = agent->actor.chaos;
    const int at = step_of(tuple->ref.checkpoint_id);
    if (at < 0 || thread->steps[at].put == NO || thread->deleted == YES) {
        chaos_flaw(chaos, "%s, read on %s, has %.*s, which it cannot have (put %d, deleted %d)",
                   thread->name, agent->actor.link->name, (int)tuple->ref.checkpoint_id.len,
                   tuple->ref.checkpoint_id.ptr, at < 0 ? -1 : (int)thread->steps[at].put,
                   thread->deleted);
        return;
    }
    const char *flaw = flaw_of_tuple(thread, at, tuple);
    if (flaw)
        chaos_flaw(chaos, "%s, checkpoint %d, read on %s: %s (put %d, written %d)", thread->name,
                   at, agent->actor.link->name, flaw, thread->steps[at].put,
                   thread->steps[at].written);
}

static void check_missing(agent_t *agent, const thread_t *thread, int at)
{
    if (thread->steps[at].put != YES || thread->deleted != NO) return;
    chaos_flaw(agent->actor.chaos, "%s, checkpoint %d, is lost (read on %s)", thread->name, at,
               agent->actor.link->name);
}

static void on_got(cairn_saver_get_t *req, int status, const cairn_checkpoint_tuple_t *tuple)
{
    agent_t *agent = req->req.data;
    if (chaos_answered(&agent->actor, &req->req, status) != CHAOS_DONE) return;
    if (tuple) check_found(agent, agent->thread, tuple);
    const int found = tuple ? step_of(tuple->ref.checkpoint_id) : -1;
    if (agent->at >= 0) {
        if (!tuple) check_missing(agent, agent->thread, agent->at);
        return;
    }
    for (int i = agent->thread->count - 1; i > found; i--) check_missing(agent, agent->thread, i);
}

/* `at` -1: the latest. */
static void get(agent_t *agent, thread_t *thread, int at)
{
    char id[16];
    id_of(at, id);
    const cairn_checkpoint_ref_t ref = ref_of(thread, at >= 0 ? id : NULL);
    agent->thread = thread;
    agent->at = at;
    chaos_ask(&agent->actor, CHAOS_SAVER_GET, &agent->get.req, 0);
    chaos_asked(&agent->actor, &agent->get.req,
                cairn_saver_get(&agent->actor.link->saver, &agent->get, &ref, NULL, on_got));
}

static void on_listed(cairn_saver_list_t *req, int status, const cairn_saver_page_t *page)
{
    agent_t *agent = req->req.data;
    const thread_t *thread = agent->thread;
    if (chaos_answered(&agent->actor, &req->req, status) != CHAOS_DONE) return;
    memset(agent->listed, 0, sizeof agent->listed);
    for (size_t i = 0; i < page->count; i++) {
        check_found(agent, thread, &page->tuples[i]);
        const int at = step_of(page->tuples[i].ref.checkpoint_id);
        if (at >= 0) agent->listed[at] = YES;
    }
    if (page->cursor.len > 0) return; /* a page may be short */
    for (int i = 0; i < thread->count; i++) {
        if (!agent->listed[i]) check_missing(agent, thread, i);
    }
}

static void list(agent_t *agent, thread_t *thread)
{
    const cairn_saver_query_t query = {.thread_id = cairn_str(thread->name)};
    agent->thread = thread;
    chaos_ask(&agent->actor, CHAOS_SAVER_LIST, &agent->list.req, 0);
    chaos_asked(&agent->actor, &agent->list.req,
                cairn_saver_list(&agent->actor.link->saver, &agent->list, &query, on_listed));
}

/* ---- deleting ---- */

static void on_deleted(cairn_saver_delete_t *req, int status, uint64_t checkpoints)
{
    agent_t *agent = req->req.data;
    (void)checkpoints;
    const chaos_outcome_t outcome = chaos_answered(&agent->actor, &req->req, status);
    if (outcome == CHAOS_DONE) agent->thread->deleted = YES;
    if (outcome == CHAOS_NOT_DONE) return;
    if (agent->thread->deleted == NO) agent->thread->deleted = MAYBE;
}

/* What is in doubt and may still be carried out would come after the deletion. */
static bool may_delete(const agent_t *agent, const thread_t *thread)
{
    const uint64_t epoch = chaos_world_epoch(agent->actor.chaos->world);
    for (int i = 0; i < thread->count; i++) {
        if (thread->steps[i].has_doubt && thread->steps[i].epoch >= epoch) return false;
    }
    return true;
}

static void delete_one(agent_t *agent, thread_t *thread)
{
    if (!may_delete(agent, thread)) return;
    agent->thread = thread;
    chaos_ask(&agent->actor, CHAOS_SAVER_DELETE, &agent->remove.req, 0);
    chaos_asked(&agent->actor, &agent->remove.req,
                cairn_saver_delete_thread(&agent->actor.link->saver, &agent->remove,
                                          cairn_str(thread->name), on_deleted));
}

/* ---- a day's work ---- */

static void begin_thread(agent_t *agent)
{
    thread_t *thread = &agent->threads[agent->count];
    *thread = (thread_t){.count = 0};
    snprintf(thread->name, sizeof thread->name, "t%u-%d-%d", agent->actor.chaos->round,
             agent->number, agent->count);
    agent->count++;
}

static void act(chaos_actor_t *actor)
{
    agent_t *agent = (agent_t *)actor;
    chaos_t *chaos = actor->chaos;
    thread_t *thread = &agent->threads[agent->count - 1];
    thread_t *any = &agent->threads[chaos_roll(chaos, (uint64_t)agent->count)];
    const uint64_t dice = chaos_roll(chaos, 20);
    if (thread->count == STEPS && agent->count < THREADS) begin_thread(agent);
    if (dice < 9 || any->count == 0)
        put_next(agent);
    else if (dice < 13 && any == thread && thread->deleted == NO)
        write_some(agent, thread, (int)chaos_roll(chaos, (uint64_t)thread->count));
    else if (dice < 16)
        get(agent, any, (int)chaos_roll(chaos, (uint64_t)any->count + 1) - 1);
    else if (dice < 18)
        list(agent, any);
    else if (any != &agent->threads[agent->count - 1])
        delete_one(agent, any);
}

/* ---- the round ---- */

static void begin(chaos_t *chaos)
{
    agents = calloc(AGENTS, sizeof *agents);
    if (!agents) abort();
    for (int i = 0; i < AGENTS; i++) {
        agents[i].number = i;
        chaos_add(chaos, &agents[i].actor, &chaos->links[i % CHAOS_LINKS], act);
        begin_thread(&agents[i]);
    }
}

static void settle(chaos_t *chaos)
{
    (void)chaos;
}

static void check(chaos_t *chaos)
{
    for (int i = 0; i < AGENTS; i++) {
        agent_t *agent = &agents[i];
        agent->actor.link = &chaos->clean;
        for (int k = 0; k < agent->count; k++) {
            list(agent, &agent->threads[k]);
            chaos_wait(&agent->actor);
            get(agent, &agent->threads[k], -1);
            chaos_wait(&agent->actor);
        }
    }
}

static void end(chaos_t *chaos)
{
    (void)chaos;
    free(agents);
}

const chaos_load_t chaos_saver_load = {"saver", begin, settle, check, end};
