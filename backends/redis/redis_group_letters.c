/* Dead letters of a cluster, whose stream is in another slot than theirs: what a read or claim
 * finds to have been delivered often enough comes here, is appended to the letters, where it is
 * known by stream, group and position, so that to do it again adds nothing, and only then
 * acknowledged. Who does not get so far leaves it to the next. A nak asks for what there is when it
 * is done. */
#include "redis_group.h"
#include "redis_saver_gather.h"

#include <uv.h>

typedef enum letters_phase {
    LOOK = 1, /* what there is, of a nak */
    TAKE,     /* to where they belong */
    LET_GO    /* of them, where they were */
} letters_phase_t;

/* What all calls about a group begin with, from the number of keys to the group's name. */
typedef struct head {
    cairn_slice_t bytes;
    size_t words;
    cairn_slice_t stream, group; /* the key; the name, escaped */
} head_t;

typedef struct letters {
    redis_gather_t gather;
    letters_phase_t phase;
    cairn_slice_t command; /* what was answered with them */
    head_t head;
    redis_reply_t reply; /* {tag, channel, TTL, limit, position, event packed, ...} */
    redis_wait_t *wait;  /* that asks again; NULL: none */
    bool naks;
    uint64_t count; /* of the nak */
} letters_t;

enum {
    TERMS = 4, /* before the letters */
    LETTER = 2 /* words */
};

/* ---- the command that was answered ---- */

static int read_head(cairn_slice_t command, head_t *head)
{
    redis_reply_t at;
    size_t words;
    cairn_slice_t word = {NULL, 0};
    redis_reply_init(&at, command.ptr, command.len);
    int rc = redis_reply_array(&at, &words);
    for (int i = 0; i < 2 && rc == 0; i++) rc = redis_reply_string(&at, &word);
    head->bytes.ptr = at.at;
    /* Number of keys, guard, stream, what goes with it, channel, group. */
    head->words = 6;
    for (int i = 0; i < 6 && rc == 0; i++) {
        rc = redis_reply_string(&at, &word);
        if (i == 2) head->stream = word;
        if (i == 5) head->group = word;
    }
    head->bytes.len = (size_t)(at.at - head->bytes.ptr);
    return rc;
}

static char *begin(char *out, const redis_script_t *script, const head_t *head, size_t args)
{
    out = redis_cmd_begin(out, 2 + head->words + args);
    out = redis_cmd_literal(out, LITERAL("$7\r\nEVALSHA\r\n"));
    out = redis_cmd_arg(out, cairn_str(script->guarded.hash));
    return redis_cmd_literal(out, head->bytes.ptr, head->bytes.len);
}

static size_t bound(const head_t *head, size_t args, size_t payload)
{
    return 128 + head->bytes.len + redis_cmd_bound(args, payload);
}

/* ---- calls ---- */

static int send_look(letters_t *letters, redis_gather_part_t *part, unsigned slot)
{
    char *out;
    int rc = redis_gather_reserve(&letters->gather, slot, false,
                                  bound(&letters->head, 4, REDIS_GROUP_CURSOR), &out);
    if (rc < 0) return rc;
    out = begin(out, &redis_script_group_read, &letters->head, 4);
    out = redis_cmd_arg(out, cairn_str(""));
    out = redis_cmd_arg(out, cairn_str("0"));
    out = redis_cmd_arg(out, cairn_str(""));
    out = redis_cmd_arg(out, cairn_str("0"));
    redis_gather_commit(&letters->gather, part, out, false);
    return 0;
}

/* Reads what comes before the letters themselves, of which there are `words`. */
typedef struct terms {
    cairn_slice_t tag, channel, ttl, limit;
    size_t words;
} terms_t;

static int read_terms(redis_reply_t *at, terms_t *terms)
{
    size_t words;
    if (redis_reply_array(at, &words) < 0 || words <= TERMS || words % LETTER != 0)
        return CAIRN_EPROTOCOL;
    terms->words = words - TERMS;
    if (redis_reply_string(at, &terms->tag) < 0 || redis_reply_string(at, &terms->channel) < 0 ||
        redis_reply_string(at, &terms->ttl) < 0 || redis_reply_string(at, &terms->limit) < 0)
        return CAIRN_EPROTOCOL;
    return 0;
}

static char *key(char *out, const char *prefix, cairn_slice_t tag)
{
    const size_t size = strlen(prefix);
    out = redis_cmd_arg_begin(out, size + tag.len);
    out = redis_cmd_literal(out, prefix, size);
    out = redis_cmd_literal(out, tag.ptr, tag.len);
    return redis_cmd_end(out);
}

static int send_take(letters_t *letters, redis_gather_part_t *part)
{
    redis_reply_t at = letters->reply;
    terms_t terms;
    char *out;
    int rc = read_terms(&at, &terms);
    if (rc < 0) return rc;
    if (terms.tag.len < 3 || terms.tag.ptr[0] != '{' || terms.tag.ptr[terms.tag.len - 1] != '}')
        return CAIRN_EPROTOCOL;
    const unsigned slot = redis_slot(terms.tag);
    const cairn_slice_t stream = letters->head.stream, group = letters->head.group;
    const size_t payload = 2 * (sizeof REDIS_KEY_QUEUE_MORE + terms.tag.len) +
                           (size_t)(letters->reply.end - letters->reply.at) + stream.len + 1 +
                           group.len;
    rc = redis_gather_reserve(&letters->gather, slot, false,
                              REDIS_SCRIPT_BEGIN + redis_cmd_bound(6 + terms.words, payload), &out);
    if (rc < 0) return rc;
    out = redis_script_begin(out, &redis_script_group_letters, (redis_guard_t)slot,
                             REDIS_QUEUE_KEYS, TERMS + terms.words);
    out = key(out, REDIS_KEY_QUEUE, terms.tag);
    out = key(out, REDIS_KEY_QUEUE_MORE, terms.tag);
    out = redis_cmd_arg(out, terms.channel);
    out = redis_cmd_arg(out, terms.ttl);
    out = redis_cmd_arg(out, terms.limit);
    out = redis_cmd_arg_begin(out, stream.len + 1 + group.len);
    out = redis_cmd_literal(out, stream.ptr, stream.len);
    *out++ = ':';
    out = redis_cmd_end(redis_cmd_literal(out, group.ptr, group.len));
    for (size_t i = 0; i < terms.words; i++) {
        cairn_slice_t word;
        if (redis_reply_string(&at, &word) < 0) return CAIRN_EPROTOCOL;
        out = redis_cmd_arg(out, word);
    }
    redis_gather_commit(&letters->gather, part, out, true);
    return 0;
}

static int send_let_go(letters_t *letters, redis_gather_part_t *part, unsigned slot)
{
    redis_reply_t at = letters->reply;
    terms_t terms;
    char *out;
    int rc = read_terms(&at, &terms);
    if (rc < 0) return rc;
    const size_t args = terms.words / LETTER + 1;
    const size_t payload = (size_t)(letters->reply.end - letters->reply.at);
    rc = redis_gather_reserve(&letters->gather, slot, false, bound(&letters->head, args, payload),
                              &out);
    if (rc < 0) return rc;
    out = begin(out, &redis_script_group_ack, &letters->head, args);
    for (size_t i = 0; i < terms.words; i++) {
        cairn_slice_t word;
        if (redis_reply_string(&at, &word) < 0) return CAIRN_EPROTOCOL;
        if (i % LETTER == 0) out = redis_cmd_arg(out, word);
    }
    redis_gather_commit(&letters->gather, part, redis_cmd_arg(out, cairn_str("l")), true);
    return 0;
}

static int send_call(redis_gather_t *gather, redis_gather_part_t *part)
{
    letters_t *letters = (letters_t *)gather;
    const unsigned slot = (unsigned)redis_cluster_slot_of(letters->command);
    switch (letters->phase) {
    case LOOK:
        return send_look(letters, part, slot);
    case TAKE:
        return send_take(letters, part);
    case LET_GO:
        break;
    }
    return send_let_go(letters, part, slot);
}

/* ---- answers ---- */

static int take_look(letters_t *letters, redis_reply_t *reply)
{
    size_t parts;
    int64_t what;
    if (redis_reply_type(reply) == REDIS_INT) return 0; /* the group is gone, and all it held */
    if (redis_reply_array(reply, &parts) < 0 || redis_reply_int(reply, &what) < 0)
        return CAIRN_EPROTOCOL;
    if (what != REDIS_GROUP_LETTERS) return 0;
    if (parts != 2) return CAIRN_EPROTOCOL;
    int rc = redis_gather_keep(&letters->gather, reply, &letters->reply);
    letters->phase = TAKE;
    return rc < 0 ? rc : REDIS_GATHER_AGAIN;
}

static int take(redis_gather_t *gather, redis_gather_part_t *part, redis_reply_t *reply)
{
    letters_t *letters = (letters_t *)gather;
    int64_t count;
    (void)part;
    switch (letters->phase) {
    case LOOK:
        return take_look(letters, reply);
    case TAKE:
        if (redis_reply_int(reply, &count) < 0 || count < 0) return CAIRN_EPROTOCOL;
        letters->phase = LET_GO;
        return REDIS_GATHER_AGAIN;
    case LET_GO:
        break;
    }
    letters->phase = LOOK;
    return letters->naks ? REDIS_GATHER_AGAIN : 0;
}

static int tell(redis_gather_t *gather)
{
    letters_t *letters = (letters_t *)gather;
    redis_backend_t *redis = gather->redis;
    cairn_req_t *req = gather->req;
    redis_wait_t *wait = letters->wait;
    int rc = 0;
    letters->wait = NULL;
    redis_gather_end(gather);
    if (letters->naks) {
        const uint64_t count = letters->count;
        redis_gather_free(gather);
        redis->host->api->stream->change_done(CAIRN_CONTAINER_OF(req, cairn_group_change_t, req),
                                              count);
        return 0;
    }
    rc = redis_group_resume(redis, req, wait, letters->command);
    redis_gather_free(gather);
    if (rc < 0) redis->host->api->fail(req, rc, cairn_slice(NULL, 0));
    return 0;
}

/* ---- submits ---- */

static void gone(redis_gather_t *gather)
{
    redis_wait_t *wait = ((letters_t *)gather)->wait;
    if (wait) redis_wait_drop(wait);
}

static int start(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t command,
                 redis_reply_t *reply, redis_wait_t *wait, int64_t naks)
{
    static const redis_gather_plan_t plan = {send_call, take, tell};
    letters_t *letters = (letters_t *)redis_gather_new(redis, req, sizeof *letters);
    if (!letters) return UV_ENOMEM;
    letters->phase = reply ? TAKE : LOOK;
    letters->naks = naks >= 0;
    letters->count = (uint64_t)naks;
    letters->gather.begun = true; /* what it is part of has been accepted */
    int rc = cairn_arena_copy(&letters->gather.arena, command, &letters->command);
    if (rc == 0) rc = read_head(letters->command, &letters->head);
    if (rc == 0 && reply) rc = redis_gather_keep(&letters->gather, reply, &letters->reply);
    if (rc < 0) {
        redis_gather_free(&letters->gather);
        return rc;
    }
    letters->gather.gone = gone;
    rc = redis_gather_start(&letters->gather, &plan, 1);
    if (rc == 0) letters->wait = wait; /* else it stays the caller's */
    return rc;
}

int redis_letters_of_read(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t command,
                          redis_reply_t *reply, redis_wait_t *wait)
{
    return start(redis, req, command, reply, wait, -1);
}

int redis_letters_of_nak(redis_backend_t *redis, cairn_req_t *req, cairn_slice_t command,
                         int64_t count)
{
    return start(redis, req, command, NULL, NULL, count);
}
