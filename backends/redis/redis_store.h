/* The store on Redis: what its files share.
 *
 * A get is one plain command, a put a few or one call of a script. What takes more than one answer
 * is a job: queries, which are carried out one after the other, and then what is to be done with
 * them. */
#ifndef CAIRN_REDIS_STORE_H
#define CAIRN_REDIS_STORE_H

#include "redis_saver.h"

#include <cairn/sys/json.h>
#include <cairn/sys/namespace.h>

/* Items that one transaction reads or refreshes, at the most: so that none holds the server long.
 */
#define REDIS_STORE_PIECE ((size_t)128)

/* ---- redis_store.c ---- */

/* A namespace, how long its names are, and where it is. */
typedef struct redis_shelf {
    cairn_namespace_t ns;
    size_t path_size; /* encoded */
    size_t tag_size;
    bool split;    /* of a cluster */
    uint16_t slot; /* there */
    uint64_t hash; /* redis_store_space_hash; 0: not known yet */
} redis_shelf_t;

redis_shelf_t redis_shelf(const redis_backend_t *redis, cairn_namespace_t ns);

static inline redis_guard_t redis_shelf_guard(const redis_shelf_t *shelf)
{
    return shelf->split ? (redis_guard_t)shelf->slot : REDIS_GUARD_OF_NONE;
}

/* Whether what is in different slots is on different servers: no command and no transaction names
 * keys of two. */
static inline bool redis_store_is_split(const redis_backend_t *redis)
{
    return redis_route_is_split(&redis->route);
}

/* Keys, as arguments: of a list of the namespace, and of an item or what is beside it. `kind` is
 * one of REDIS_ITEM, REDIS_SPACE_CHANGES ... */
char *redis_store_list_key(char *out, const redis_shelf_t *shelf, const char *kind, size_t size);
char *redis_store_item_key(char *out, const redis_shelf_t *shelf, const char *kind, size_t size,
                           cairn_slice_t key);
size_t redis_store_list_bound(const redis_shelf_t *shelf);
size_t redis_store_item_bound(const redis_shelf_t *shelf, cairn_slice_t key);

/* Calls of scripts that work on a namespace: its shard and `items` items for keys, which follow;
 * then redis_store_path, and `args` more arguments. */
size_t redis_store_call_bound(const redis_shelf_t *shelf, size_t items, size_t args);
char *redis_store_call(char *out, const redis_script_t *script, const redis_shelf_t *shelf,
                       size_t items, size_t args);
char *redis_store_item(char *out, const redis_shelf_t *shelf, cairn_slice_t key);
char *redis_store_path(char *out, const redis_shelf_t *shelf);

/* The key of what lists the namespaces of a slot, in a cluster. */
char *redis_store_shard_of_slot(char *out, unsigned slot);

/* The rest of a call of store_refresh.lua for one item. */
char *redis_store_refresh(char *out, const redis_shelf_t *shelf, cairn_slice_t key);

/* ---- redis_store_item.c: what is stored of an item ---- */

/* What goes before the value: when it was created and updated, its TTL, and whether it has
 * vectors. */
#define REDIS_HEAD_SIZE 51
#define REDIS_HEAD_NUMBER 16 /* digits of each; a space behind each but the last */
char *redis_head(char *out, int64_t created_at_us, int64_t updated_at_us, int64_t ttl_ms,
                 bool has_vectors);
char *redis_head_number(char *out, int64_t number);
char *redis_head_ttl(char *out, int64_t ttl_ms);

/* Item and value borrow from the bytes. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_head_read(cairn_slice_t bytes, cairn_item_t *item, bool *has_vectors);
CAIRN_MUST_USE int redis_head_read_number(const char *from, int64_t *number);

/* GET of an item, and what redis_item_read makes of the answer. 1: there is none. CAIRN_EPROTOCOL.
 * The value borrows from the reply. */
size_t redis_item_ask_bound(const redis_shelf_t *shelf, cairn_slice_t key);
char *redis_item_ask(char *out, const redis_shelf_t *shelf, cairn_slice_t key);
CAIRN_MUST_USE int redis_item_read(redis_reply_t *reply, cairn_item_t *item);

/* The namespace and the key that an item's key is made of. UV_ENOMEM. */
CAIRN_MUST_USE int redis_item_take_name(cairn_arena_t *arena, cairn_slice_t name,
                                        cairn_item_t *item);

/* An integer as text. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_store_number(cairn_slice_t text, int64_t *number);

const cairn_store_done_t *redis_store_done(const redis_backend_t *redis);

/* ---- redis_store_put.c ---- */

/* When a put is, by the client's notion of the server's clock; 0: it has none. Never the same
 * twice. It may have to ask for the time: not between a reserve and its commit. */
int64_t redis_store_stamp(redis_backend_t *redis);

/* What store_put.lua says of an item: a digit, whether it was there, and when it was created. */
#define REDIS_PUT_ANSWER (1 + REDIS_HEAD_NUMBER)

/* And behind all of them when it was, or nothing. CAIRN_EPROTOCOL. */
CAIRN_MUST_USE int redis_store_follow(redis_backend_t *redis, cairn_slice_t told);

/* A stamp as an argument. */
char *redis_stamp_arg(char *out, int64_t stamp_us);

/* One put or delete of a call of store_put.lua. What is not inline is staged by commands before
 * it, in the same transaction. */
bool redis_put_is_inline(const cairn_store_put_args_t *put);
size_t redis_put_bound(const redis_shelf_t *shelf, const cairn_store_put_args_t *put);
size_t redis_put_stagings(const cairn_store_put_args_t *put); /* commands */
char *redis_put_stage(char *out, const redis_shelf_t *shelf, const cairn_store_put_args_t *put);
char *redis_put_args(char *out, const cairn_store_put_args_t *put, cairn_slice_t seen);

/* What a put takes as a request, either way. */
size_t redis_put_size(const redis_shelf_t *shelf, const cairn_store_put_args_t *put);

/* A put that is sent by that script. seen: as store_put.lua says, or nothing. */
CAIRN_MUST_USE int redis_put_by_script(redis_backend_t *redis, cairn_req_t *req,
                                       const redis_shelf_t *shelf,
                                       const cairn_store_put_args_t *put, cairn_slice_t seen);

/* The field of an item's vectors that holds those of one index. */
size_t redis_vector_field_size(cairn_slice_t index, size_t dimensions);
char *redis_vector_field(char *out, cairn_slice_t index, size_t dimensions);

/* ---- redis_store_plain.c: puts without a script ---- */

/* REDIS_PUT_BY_SCRIPT: this one cannot be. */
#define REDIS_PUT_BY_SCRIPT 1
CAIRN_MUST_USE int redis_put_plain(redis_backend_t *redis, cairn_req_t *req,
                                   const redis_shelf_t *shelf, const cairn_store_put_args_t *put);

/* ---- redis_store_joint.c: puts that go in one transaction ---- */

/* reply: at the results of the request's own commands, none an error; NULL: nobody knows what
 * became of them. sent: these commands. Both until the first callback. req: NULL if nobody waits
 * for it any more, or it will be told by others. */
typedef void (*redis_joint_fn)(redis_backend_t *redis, cairn_req_t *req, redis_reply_t *reply,
                               cairn_slice_t sent);

/* The connection that a put in this namespace goes to: that of the others, if it may. */
redis_conn_t *redis_joint_conn(redis_backend_t *redis, const redis_shelf_t *shelf);

/* Room there for the commands of one put, and that they are there. CAIRN_EFULL, CAIRN_ETOOBIG,
 * UV_ENOMEM. */
CAIRN_MUST_USE int redis_joint_reserve(redis_backend_t *redis, redis_conn_t *conn, size_t bytes,
                                       char **at);
void redis_joint_commit(redis_backend_t *redis, const redis_shelf_t *shelf, cairn_req_t *req,
                        const char *end, size_t commands, redis_joint_fn told);

/* ---- beliefs: redis_store_put.c ---- */

/* redis_saver_reserve and redis_route_join for a request that names this. */
CAIRN_MUST_USE int redis_store_reserve(redis_backend_t *redis, const redis_shelf_t *shelf,
                                       size_t bytes, char **at);
void redis_store_join(redis_backend_t *redis, const redis_shelf_t *shelf);

/* The same for one that changes nothing: it may go to a replica, and its answer be of before. */
CAIRN_MUST_USE int redis_store_reserve_read(redis_backend_t *redis, const redis_shelf_t *shelf,
                                            size_t bytes, char **at);

/* What beliefs go by. */
uint64_t redis_store_item_hash(const redis_shelf_t *shelf, cairn_slice_t key);
uint64_t redis_store_space_hash(const redis_shelf_t *shelf);

/* A put into a namespace of a cluster that has not been registered: with that. */
CAIRN_MUST_USE int redis_put_registering(redis_backend_t *redis, cairn_store_put_t *req,
                                         const cairn_store_put_args_t *put);

/* What a connection is chosen by: that, or its slot in a cluster; and the choice. */
uint64_t redis_store_name(const redis_backend_t *redis, const redis_shelf_t *shelf);
redis_conn_t *redis_store_choose(redis_backend_t *redis, const redis_shelf_t *shelf);

/* In place of when an item was created: it is there, or will be, but what is known of it is about
 * to change, by a script that is on its way. It is neither right nor a guess to put it without one:
 * a guess that fails is made good by comparing times, which a mend under way changes. */
#define REDIS_BELIEF_DOUBT ((int64_t)1)

/* A put goes by a script: what was believed of the item ends, and its hash, if the answer says what
 * is to be believed from now on, or 0. */
uint64_t redis_put_believe(redis_backend_t *redis, const redis_shelf_t *shelf,
                           const cairn_store_put_args_t *put);

/* The item is changed by other means than a put of its own. */
void redis_store_believe_nothing(redis_backend_t *redis, const redis_shelf_t *shelf,
                                 cairn_slice_t key);

/* ---- redis_store_job.c ---- */

/* An item's place, as orders and cursors know it. */
typedef struct redis_place {
    int64_t updated_at_us; /* 0 in the order of keys */
    cairn_slice_t key;
    cairn_slice_t path;
    double score;       /* of a search by vector */
    cairn_item_t *item; /* value, times and TTL, if they came along */
    bool is_gone;       /* the item that should have come along */
} redis_place_t;

typedef enum redis_query_kind {
    REDIS_QUERY_SEARCH,
    REDIS_QUERY_NEAR,
    REDIS_QUERY_COUNT,
    REDIS_QUERY_LIST
} redis_query_kind_t;

/* Of a search by vector: namespaces that are read, or one that is left to its vector set. */
typedef struct redis_stretch {
    cairn_slice_t first, last;
    uint64_t elements; /* of the set; 0: there is none */
} redis_stretch_t;

typedef struct redis_sets {
    bool used;
    cairn_slice_t least, greatest; /* bounds of the query, which has those of the stretch */
    cairn_slice_t from;            /* where the next stretches begin */
    cairn_rows_t stretches;        /* redis_stretch_t */
    size_t at;

    /* Of the set at hand. */
    uint64_t asked;      /* how many candidates; 0: it is no set */
    bool is_exhausted;   /* it has no others */
    bool are_enough;     /* the others are not among the best */
    bool is_whole;       /* it had all items when candidates were read */
    cairn_slice_t *seen; /* keys of earlier answers, in order */
    size_t seen_count;
} redis_sets_t;

/* A namespace below the prefix, and what a call about it gave. */
typedef struct redis_name {
    cairn_slice_t path;
    uint64_t count; /* of elements of its vector set */
    bool is_listed; /* in the directory */
    bool is_alive;
} redis_name_t;

/* Names of the directory, some at a time. */
typedef struct redis_names {
    cairn_arena_t arena; /* of those at hand */
    cairn_slice_t from;  /* where the next ones begin, as a bound; empty: there are no more */
    size_t wanted;
    cairn_rows_t paths;  /* redis_name_t, in order */
    cairn_slice_t until; /* the last that all shards have told of; empty: all */
    size_t before;       /* places before those that these give */
    const struct redis_spread_plan *plan;
} redis_names_t;

/* What is searched, listed or counted: arguments, how far it is, and what came of it. */
typedef struct redis_query {
    redis_query_kind_t kind;
    cairn_slice_t least, greatest; /* bounds of namespaces, as for ZRANGEBYLEX */
    cairn_slice_t prefix;          /* encoded */
    cairn_json_query_t *filter;    /* NULL: none */
    cairn_order_t order;
    uint64_t skip; /* still to be left out */
    uint32_t most;
    bool refresh;

    /* Behind which place it goes on. */
    bool resumed;
    redis_place_t behind;

    /* One round: the next places, in order, and how far they are read. */
    cairn_arena_t round;
    cairn_slice_t from; /* where the next call goes on among the namespaces */
    size_t wanted;
    cairn_rows_t places; /* redis_place_t */
    size_t read;
    size_t asked; /* together, at present */
    size_t taken; /* of the places, to be read */
    unsigned rounds;
    int64_t last_updated_at_us; /* of the last row, as its place says */
    bool ended;                 /* there are no more places behind these */

    /* By vector. */
    cairn_vector_t near;
    cairn_metric_t metric;
    cairn_rows_t ranked; /* redis_place_t */
    uint64_t ranks;      /* as many of them count */
    bool has_floor;      /* so many are known already: what is worse does not count */
    double floor;
    bool telling; /* all have been ranked: the places are the best */
    redis_sets_t sets;

    redis_names_t names; /* where they are in different slots */
    cairn_rows_t piles;  /* of places, likewise */

    /* list_namespaces */
    const cairn_match_condition_t *conditions;
    size_t condition_count;
    size_t max_depth;
    cairn_slice_t last; /* encoded and cut */

    /* What comes of it. */
    int status;
    uint64_t count;
    cairn_rows_t rows; /* cairn_item_t or cairn_namespace_t */
    cairn_slice_t cursor;
} redis_query_t;

/* What has been read and is to have its TTL again. */
typedef struct redis_refresh {
    cairn_rows_t items; /* cairn_item_t * */
    size_t done;
    cairn_rows_t stretches; /* of them, each of a namespace; in different slots */
    int (*ended)(cairn_req_t *req);
} redis_refresh_t;

/* One of several calls of a job that are out at the same time. */
typedef struct redis_part {
    cairn_req_t req;    /* what the connection knows */
    cairn_req_t *whole; /* the job's */
    size_t index;
    bool out;
} redis_part_t;

/* What a call's answer may say to have it made again. */
#define REDIS_PART_AGAIN 1

typedef struct redis_fan_plan {
    size_t most; /* out at a time */
    /* By redis_part_reserve and redis_part_commit; `part->index` says which. */
    int (*send)(cairn_req_t *req, redis_part_t *part);
    int (*take)(cairn_req_t *req, redis_part_t *part, redis_reply_t *reply);
    /* NULL: the request has failed. 0: that was only one of many. */
    int (*fail)(cairn_req_t *req, redis_part_t *part, int status, cairn_slice_t detail);
    int (*done)(cairn_req_t *req);
} redis_fan_plan_t;

typedef struct redis_fan {
    const redis_fan_plan_t *plan;
    size_t count, next; /* calls; made so far */
    size_t out;         /* not answered */
    size_t part_count;
    int failure;         /* to make one; <0 */
    redis_part_t *parts; /* in the job's arena */
    size_t room;
} redis_fan_t;

/* The memory of a request, known by its tag in REDIS_SCRATCH_MEMORY. */
typedef struct redis_job {
    cairn_arena_t arena; /* for as long as the job lives */
    redis_backend_t *redis;
    redis_query_t *queries;
    size_t query_count;
    size_t query_at;
    bool submitting;
    bool named;    /* with `name`; else it names nothing */
    uint64_t name; /* the hash of its namespace */
    bool turned;   /* its next command goes to that slot */
    uint16_t slot;
    redis_conn_t *conn;               /* where its last command went; NULL: there was none */
    void (*finish)(cairn_req_t *req); /* all queries have ended */
    redis_refresh_t refresh;
    redis_fan_t fan;
    redis_fan_plan_t ask; /* what a query asks of each namespace */
    struct redis_store_batch *batch;
} redis_job_t;

#define REDIS_JOB_TAG ((uint64_t)1)

redis_job_t *redis_job_new(redis_backend_t *redis, size_t queries,
                           void (*finish)(cairn_req_t *req));
void redis_job_free(redis_job_t *job);
redis_job_t *redis_job_of(const cairn_req_t *req);

/* It is about this namespace, or what is below. */
void redis_job_name(redis_job_t *job, cairn_namespace_t ns);

/* Its next command is about that. */
void redis_job_turn(redis_job_t *job, const redis_shelf_t *shelf);

/* Begins with the first query. On <0 the job is freed. */
CAIRN_MUST_USE int redis_job_start(cairn_req_t *req, redis_job_t *job);

/* Takes the job from its request, to be freed when its results have been told. */
redis_job_t *redis_job_take(cairn_req_t *req);

/* Whether an answer was an error or makes no sense; then the request has failed. */
bool redis_job_failed(cairn_req_t *req, int status, int rc, cairn_slice_t detail);

/* Room for a command or transaction of a job, and that it is there. As redis_conn_reserve if the
 * request is being submitted. */
CAIRN_MUST_USE int redis_job_reserve(redis_job_t *job, size_t bytes, char **at);
void redis_job_commit(cairn_req_t *req, const char *end, redis_answer_fn answer, size_t commands,
                      bool idempotent);

/* The query at hand has ended: the next one, or the job's end. */
CAIRN_MUST_USE int redis_query_ended(cairn_req_t *req);

/* The query at hand. */
redis_query_t *redis_query_of(const cairn_req_t *req);

/* Each makes a query of its arguments. UV_EINVAL: a bad cursor; UV_ENOMEM. */
CAIRN_MUST_USE int redis_query_search(redis_job_t *job, redis_query_t *query,
                                      const cairn_store_search_args_t *args);
CAIRN_MUST_USE int redis_query_count(redis_job_t *job, redis_query_t *query,
                                     cairn_namespace_t prefix, cairn_slice_t filter);
CAIRN_MUST_USE int redis_query_list(redis_job_t *job, redis_query_t *query,
                                    const cairn_store_list_args_t *args);

/* Bounds of the namespaces below query->prefix, which is made. */
CAIRN_MUST_USE int redis_query_bounds(redis_job_t *job, redis_query_t *query,
                                      cairn_namespace_t prefix);

/* Begins a query that has something to find, or goes on with it. */
CAIRN_MUST_USE int redis_search_begin(cairn_req_t *req);
CAIRN_MUST_USE int redis_search_round(cairn_req_t *req); /* from query->behind on */
CAIRN_MUST_USE int redis_search_tell(cairn_req_t *req);  /* all have been ranked */
CAIRN_MUST_USE int redis_list_begin(cairn_req_t *req);
CAIRN_MUST_USE int redis_count_begin(cairn_req_t *req);

/* ---- redis_store_places.c: the next query->wanted places behind query->behind ---- */

/* Then redis_search_on_places goes on. */
CAIRN_MUST_USE int redis_places_begin(cairn_req_t *req);
CAIRN_MUST_USE int redis_search_on_places(cairn_req_t *req);

/* A call that has all shards for keys. */
#define REDIS_SHARDS_BOUND                                                                         \
    (REDIS_SCRIPT_BEGIN +                                                                          \
     redis_cmd_bound(REDIS_SPACE_SHARDS, REDIS_SPACE_SHARDS * (sizeof REDIS_KEY_SPACES + 4)))
char *redis_shards_call(char *out, const redis_script_t *script, size_t args);

/* What a call gives. */
CAIRN_MUST_USE int redis_places_take(redis_query_t *query, redis_reply_t *reply);
size_t redis_places_bound(const redis_query_t *query);

/* The arguments of one, behind its keys: ARGS of them. */
#define REDIS_PLACES_ARGS ((size_t)10)
char *redis_places_args(char *out, const redis_query_t *query, cairn_slice_t from, cairn_slice_t to,
                        size_t wanted, bool with_items);

/* The item of a place. */
CAIRN_MUST_USE int redis_place_take_item(redis_query_t *query, redis_place_t *place,
                                         redis_reply_t *reply);

/* Puts them in order and lets go of those that are too many. */
void redis_places_sort(redis_query_t *query);

/* ---- redis_store_near.c ---- */

/* What is asked of an item to rank it, and its rank by the answer. */
size_t redis_near_asks(const redis_query_t *query); /* commands for each item */
size_t redis_near_ask_bound(const redis_query_t *query, const redis_shelf_t *shelf,
                            cairn_slice_t key);
char *redis_near_ask(char *out, const redis_query_t *query, const redis_shelf_t *shelf,
                     cairn_slice_t key);
CAIRN_MUST_USE int redis_near_rank(redis_job_t *job, redis_query_t *query,
                                   const redis_place_t *place, redis_reply_t *reply);
size_t redis_near_piece(const redis_query_t *query);
/* Lets the worse ones go that are too many. */
void redis_near_keep_best(redis_query_t *query);
/* All have been ranked: the best are the places to be read. */
void redis_near_end(redis_query_t *query);

/* ---- redis_store_near_sets.c: by vector sets, and the scan where there is none ---- */

/* Whether vector sets score it right. */
bool redis_near_fits_sets(const cairn_vector_t *vector);

size_t redis_sets_piece(const redis_query_t *query);
bool redis_sets_can(const redis_job_t *job, const redis_query_t *query);
CAIRN_MUST_USE int redis_sets_begin(cairn_req_t *req);

/* The next stretch. */
CAIRN_MUST_USE int redis_sets_next(cairn_req_t *req);

/* Of candidates, which are the places: leaves out those that are not among the best; all that were
 * to be read have been. */
void redis_sets_trim(redis_query_t *query);
CAIRN_MUST_USE int redis_sets_round_over(cairn_req_t *req);

/* Commands that go with those that read candidates: whether the set has all items. */
#define REDIS_SETS_CHECKS ((size_t)3)
size_t redis_sets_checks(const redis_query_t *query); /* 0 if the places are none */
size_t redis_sets_check_bound(const redis_query_t *query, const redis_shelf_t *shelf);
char *redis_sets_check(char *out, const redis_query_t *query, const redis_shelf_t *shelf);
CAIRN_MUST_USE int redis_sets_read_check(redis_query_t *query, redis_reply_t *reply);

/* The stretch at hand. */
CAIRN_MUST_USE int redis_sets_begin_stretch(cairn_req_t *req);

/* ---- redis_store_list.c ---- */

/* A namespace that is there, in their order. 1: the page is full, and there is more. */
CAIRN_MUST_USE int redis_list_take(redis_job_t *job, redis_query_t *query, cairn_slice_t path);

/* Whether it counts: it meets the conditions, and is not cut to what came before. UV_ENOMEM. */
CAIRN_MUST_USE int redis_list_wants(redis_query_t *query, cairn_slice_t path);

/* It goes on there, or behind what has been cut. */
CAIRN_MUST_USE int redis_list_set_from(redis_job_t *job, redis_query_t *query,
                                       cairn_slice_t cursor);

/* ---- redis_store_refresh.c ---- */

/* Those with a TTL are refreshed, and then it goes on: with `ended`. Items stay in place until
 * then. */
CAIRN_MUST_USE int redis_refresh_add(redis_job_t *job, cairn_item_t *item);
CAIRN_MUST_USE int redis_refresh_begin(cairn_req_t *req, int (*ended)(cairn_req_t *req));

/* ---- redis_store_fan.c ---- */

/* Calls 0 ... count - 1, as planned, then plan->done. */
CAIRN_MUST_USE int redis_fan_begin(cairn_req_t *req, const redis_fan_plan_t *plan, size_t count);

/* Nobody waits for those that are out. */
void redis_fan_stop(redis_job_t *job);

/* Room for a call, and that it is there. As redis_job_reserve. */
CAIRN_MUST_USE int redis_part_reserve(redis_job_t *job, unsigned slot, size_t bytes, char **at);

/* The same for a transaction that changes nothing: it may go to a replica. If one of its results is
 * nil there the master is asked for all of them. */
CAIRN_MUST_USE int redis_part_reserve_read(redis_job_t *job, unsigned slot, size_t bytes,
                                           char **at);
void redis_part_commit(cairn_req_t *req, redis_part_t *part, const char *end, size_t commands,
                       bool idempotent);

/* ---- redis_store_spread.c: queries where namespaces are in different slots ---- */

CAIRN_MUST_USE int redis_spread_places(cairn_req_t *req);
CAIRN_MUST_USE int redis_spread_list(cairn_req_t *req);
CAIRN_MUST_USE int redis_spread_count(cairn_req_t *req);
CAIRN_MUST_USE int redis_spread_stretches(cairn_req_t *req);

/* ---- redis_store_spread_items.c: the items there ---- */

/* Those at the next places come along, as far as they have not; then redis_search_ask_items. */
CAIRN_MUST_USE int redis_spread_items(cairn_req_t *req);
CAIRN_MUST_USE int redis_spread_ranks(cairn_req_t *req);
CAIRN_MUST_USE int redis_search_ask_items(cairn_req_t *req);

/* ---- the operations ---- */

int redis_store_get(void *self, cairn_store_get_t *req, const cairn_store_get_args_t *args);
int redis_store_put(void *self, cairn_store_put_t *req, const cairn_store_put_args_t *args);
int redis_store_search(void *self, cairn_store_search_t *req,
                       const cairn_store_search_args_t *args);
int redis_store_list(void *self, cairn_store_list_t *req, const cairn_store_list_args_t *args);
int redis_store_count(void *self, cairn_store_count_t *req, cairn_namespace_t prefix,
                      cairn_slice_t filter);
int redis_store_batch(void *self, cairn_store_batch_t *req, const cairn_store_step_t *steps,
                      size_t count);

#endif
