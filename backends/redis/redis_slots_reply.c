#include "redis_slots.h"

#include <cairn/error.h>
#include <cairn/sys/alloc.h>
#include <uv.h>

/* In place of an owner while an answer is read: named, and of nobody that we can reach. */
#define NOBODY (REDIS_NO_NODE - 1)

typedef struct reader {
    const redis_asked_t *asked;
    redis_slot_map_t *map;
    uint16_t next; /* where a node that was named before is looked for first */
} reader_t;

/* ---- one node ---- */

/* What is said of it. Of a host, nil is the same as empty. */
typedef struct said {
    bool has_endpoint;
    cairn_slice_t endpoint;
    cairn_slice_t hostname;
    cairn_slice_t ip;
    int64_t port;
    cairn_slice_t id;
    bool replica;
    redis_health_t health;
} said_t;

static bool is_name(cairn_slice_t text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f) return false;
    return true;
}

/* "?" stands for a name that is preferred and not known. */
static bool is_unknown(cairn_slice_t host)
{
    return host.len == 0 || cairn_slice_eq(host, cairn_str("?"));
}

static cairn_slice_t host_of(const said_t *said, const redis_asked_t *asked)
{
    if (said->has_endpoint && said->endpoint.len == 0) return asked->host;
    if (!is_unknown(said->endpoint)) return said->endpoint;
    if (!said->has_endpoint && !is_unknown(said->hostname)) return said->hostname;
    return is_unknown(said->ip) ? asked->host : said->ip;
}

/* 1: there is such a node; 0: it has no address for us. */
static int make_node(const said_t *said, const redis_asked_t *asked, redis_node_t *node)
{
    const cairn_slice_t host = host_of(said, asked);
    if (!is_name(host) || host.len >= sizeof node->place.host) return CAIRN_EPROTOCOL;
    if (!is_name(said->id) || said->id.len >= sizeof node->id) return CAIRN_EPROTOCOL;
    if (said->port < 0 || said->port > UINT16_MAX) return CAIRN_EPROTOCOL;
    if (host.len == 0 || said->port == 0) return 0;

    *node = (redis_node_t){.replica = said->replica, .health = said->health};
    if (said->id.len > 0) memcpy(node->id, said->id.ptr, said->id.len);
    return redis_address_set(&node->place, host, (uint16_t)said->port) ? 1 : CAIRN_EPROTOCOL;
}

static bool is_known_as(const redis_node_t *known, const redis_node_t *node)
{
    if (*node->id) return strcmp(known->id, node->id) == 0;
    return !*known->id && redis_address_eq(&known->place, &node->place);
}

static uint16_t find_again(reader_t *reader, const redis_node_t *node)
{
    const uint16_t count = reader->map->count;
    for (uint16_t tried = 0; tried < count; tried++, reader->next++) {
        reader->next %= count;
        if (is_known_as(&reader->map->nodes[reader->next], node)) return reader->next++;
    }
    return REDIS_NO_NODE;
}

/* Gives its index, or REDIS_NO_NODE if it is left out. */
static int take_node(reader_t *reader, const said_t *said, uint16_t shard, uint16_t *index)
{
    redis_node_t node;
    *index = REDIS_NO_NODE;
    int rc = make_node(said, reader->asked, &node);
    if (rc <= 0) return rc;
    *index = find_again(reader, &node);
    if (*index != REDIS_NO_NODE) return 0;
    node.shard = shard;
    *index = reader->map->count;
    return redis_slot_map_add(reader->map, &node);
}

static int read_host(redis_reply_t *reply, cairn_slice_t *host)
{
    bool nil;
    return redis_reply_string_or_nil(reply, host, &nil);
}

/* ---- slots ---- */

static int take_slots(redis_slot_map_t *map, int64_t first, int64_t last, uint16_t owner)
{
    if (first < 0 || first > last || last >= (int64_t)REDIS_SLOTS) return CAIRN_EPROTOCOL;
    for (int64_t slot = first; slot <= last; slot++) {
        if (map->owner[slot] != REDIS_NO_NODE) return CAIRN_EPROTOCOL;
        map->owner[slot] = owner == REDIS_NO_NODE ? NOBODY : owner;
    }
    if (owner == REDIS_NO_NODE) return 0;
    map->covered = (uint16_t)(map->covered + (last - first + 1));
    map->nodes[owner].replica = false;
    return 0;
}

static void forget_nobody(redis_slot_map_t *map)
{
    for (size_t i = 0; i < REDIS_SLOTS; i++)
        if (map->owner[i] == NOBODY) map->owner[i] = REDIS_NO_NODE;
}

/* ---- CLUSTER SHARDS ---- */

static int read_role(redis_reply_t *reply, bool *replica)
{
    cairn_slice_t role;
    int rc = redis_reply_string(reply, &role);
    *replica = rc == 0 && !cairn_slice_eq(role, cairn_str("master")) &&
               !cairn_slice_eq(role, cairn_str("primary"));
    return rc;
}

static int read_health(redis_reply_t *reply, redis_health_t *health)
{
    cairn_slice_t word;
    int rc = redis_reply_string(reply, &word);
    if (rc < 0) return rc;
    *health = REDIS_ONLINE;
    if (cairn_slice_eq(word, cairn_str("loading"))) *health = REDIS_LOADING;
    /* Documented as the one, sent as the other. */
    if (cairn_slice_eq(word, cairn_str("failed")) || cairn_slice_eq(word, cairn_str("fail")))
        *health = REDIS_FAILED;
    return 0;
}

static int read_node_field(redis_reply_t *reply, bool tls, said_t *said)
{
    cairn_slice_t key;
    int rc = redis_reply_string(reply, &key);
    if (rc < 0) return rc;
    if (cairn_slice_eq(key, cairn_str("id"))) return redis_reply_string(reply, &said->id);
    if (cairn_slice_eq(key, cairn_str(tls ? "tls-port" : "port")))
        return redis_reply_int(reply, &said->port);
    if (cairn_slice_eq(key, cairn_str("ip"))) return read_host(reply, &said->ip);
    if (cairn_slice_eq(key, cairn_str("hostname"))) return read_host(reply, &said->hostname);
    if (cairn_slice_eq(key, cairn_str("role"))) return read_role(reply, &said->replica);
    if (cairn_slice_eq(key, cairn_str("health"))) return read_health(reply, &said->health);
    if (!cairn_slice_eq(key, cairn_str("endpoint"))) return redis_reply_skip(reply);
    said->has_endpoint = true;
    return read_host(reply, &said->endpoint);
}

/* A map's entries; of RESP2, an array of as many keys as values. */
static int read_map(redis_reply_t *reply, size_t *fields)
{
    size_t count;
    int rc = redis_reply_array(reply, &count);
    if (rc == 0 && count % 2 > 0) rc = CAIRN_EPROTOCOL;
    *fields = rc == 0 ? count / 2 : 0;
    return rc;
}

/* Also finds the one that owns the shard's slots. */
static int read_shard_nodes(reader_t *reader, redis_reply_t *reply, uint16_t *owner)
{
    redis_slot_map_t *map = reader->map;
    const uint16_t shard = map->shards;
    redis_health_t best = REDIS_FAILED;
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (; rc == 0 && count > 0; count--) {
        said_t said = {.health = REDIS_ONLINE};
        size_t fields;
        rc = read_map(reply, &fields);
        for (; rc == 0 && fields > 0; fields--)
            rc = read_node_field(reply, reader->asked->tls, &said);
        uint16_t node;
        if (rc == 0) rc = take_node(reader, &said, shard, &node);
        if (rc < 0 || node == REDIS_NO_NODE || said.replica) continue;
        if (*owner != REDIS_NO_NODE && said.health >= best) continue;
        *owner = node;
        best = said.health;
    }
    return rc;
}

/* Pairs, one behind the other. */
static int read_shard_slots(redis_slot_map_t *map, redis_reply_t *reply, uint16_t owner)
{
    size_t pairs;
    int rc = read_map(reply, &pairs);
    for (; rc == 0 && pairs > 0; pairs--) {
        int64_t first, last;
        if ((rc = redis_reply_int(reply, &first)) < 0) break;
        if ((rc = redis_reply_int(reply, &last)) < 0) break;
        rc = take_slots(map, first, last, owner);
    }
    return rc;
}

/* Slots may come before the nodes that own them. */
static int read_shard(reader_t *reader, redis_reply_t *reply)
{
    redis_reply_t slots = {NULL, NULL};
    uint16_t owner = REDIS_NO_NODE;
    size_t fields;
    int rc = read_map(reply, &fields);
    for (; rc == 0 && fields > 0; fields--) {
        cairn_slice_t key;
        if ((rc = redis_reply_string(reply, &key)) < 0) break;
        if (cairn_slice_eq(key, cairn_str("nodes"))) {
            rc = read_shard_nodes(reader, reply, &owner);
            continue;
        }
        if (cairn_slice_eq(key, cairn_str("slots"))) slots = *reply;
        rc = redis_reply_skip(reply);
    }
    return rc == 0 && slots.at ? read_shard_slots(reader->map, &slots, owner) : rc;
}

/* ---- CLUSTER SLOTS ---- */

/* Redis 7.0: of what else is known, for those who want the ip where names are preferred. */
static int read_metadata(redis_reply_t *reply, said_t *said)
{
    size_t fields;
    int rc = read_map(reply, &fields);
    for (; rc == 0 && fields > 0; fields--) {
        cairn_slice_t key;
        if ((rc = redis_reply_string(reply, &key)) < 0) break;
        rc = cairn_slice_eq(key, cairn_str("ip")) ? read_host(reply, &said->ip)
                                                  : redis_reply_skip(reply);
    }
    return rc;
}

/* Host and port; since 4.0 the id, since 7.0 metadata; perhaps more, some day. */
static int read_place(redis_reply_t *reply, said_t *said)
{
    size_t fields;
    int rc = redis_reply_array(reply, &fields);
    if (rc < 0) return rc;
    if (fields < 2) return CAIRN_EPROTOCOL;
    said->has_endpoint = true;
    if ((rc = read_host(reply, &said->endpoint)) < 0) return rc;
    if ((rc = redis_reply_int(reply, &said->port)) < 0) return rc;
    if (fields > 2 && (rc = redis_reply_string(reply, &said->id)) < 0) return rc;
    if (fields > 3 && (rc = read_metadata(reply, said)) < 0) return rc;
    for (; rc == 0 && fields > 4; fields--) rc = redis_reply_skip(reply);
    return rc;
}

/* First slot, last slot, the master, its replicas. */
static int read_range(reader_t *reader, redis_reply_t *reply)
{
    size_t count;
    int64_t first, last;
    int rc = redis_reply_array(reply, &count);
    if (rc < 0) return rc;
    if (count < 3) return CAIRN_EPROTOCOL;
    if ((rc = redis_reply_int(reply, &first)) < 0) return rc;
    if ((rc = redis_reply_int(reply, &last)) < 0) return rc;

    uint16_t shard = reader->map->shards;
    for (size_t i = 2; rc == 0 && i < count; i++) {
        said_t said = {.replica = i > 2, .health = REDIS_ONLINE};
        uint16_t node;
        rc = read_place(reply, &said);
        if (rc == 0) rc = take_node(reader, &said, shard, &node);
        if (rc < 0 || i > 2) continue;
        if (node != REDIS_NO_NODE) shard = reader->map->nodes[node].shard;
        rc = take_slots(reader->map, first, last, node);
    }
    return rc;
}

/* ---- both ---- */

typedef int read_part_t(reader_t *reader, redis_reply_t *reply);

static int read_parts(redis_reply_t *reply, const redis_asked_t *asked, redis_slot_map_t *map,
                      read_part_t *read_part)
{
    redis_slot_map_t *fresh = cairn_malloc(sizeof *fresh);
    if (!fresh) return UV_ENOMEM;
    redis_slot_map_init(fresh);

    reader_t reader = {.asked = asked, .map = fresh};
    size_t count;
    int rc = redis_reply_array(reply, &count);
    for (; rc == 0 && count > 0; count--) rc = read_part(&reader, reply);
    if (rc == 0) {
        forget_nobody(fresh);
        cairn_free(map->nodes);
        *map = *fresh;
    } else {
        cairn_free(fresh->nodes);
    }
    cairn_free(fresh);
    return rc;
}

int redis_slots_read_shards(redis_reply_t *reply, const redis_asked_t *asked, redis_slot_map_t *map)
{
    return read_parts(reply, asked, map, read_shard);
}

int redis_slots_read_slots(redis_reply_t *reply, const redis_asked_t *asked, redis_slot_map_t *map)
{
    return read_parts(reply, asked, map, read_range);
}

/* ---- redirects ---- */

static bool take_word(cairn_slice_t *text, const char *word)
{
    const size_t len = strlen(word);
    if (text->len < len || memcmp(text->ptr, word, len) != 0) return false;
    if (text->len > len && text->ptr[len] != ' ') return false;
    *text = cairn_slice(text->ptr + len, text->len - len);
    return true;
}

static bool read_number(cairn_slice_t digits, uint32_t most, uint32_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') return false;
        *number = *number * 10 + (uint32_t)(digits.ptr[i] - '0');
        if (*number > most) return false;
    }
    return digits.len > 0;
}

/* " slot host:port", which IPv6 addresses may be before the last colon. */
static bool read_target(cairn_slice_t text, redis_redirect_t *redirect, said_t *said)
{
    if (text.len == 0) return false;
    const cairn_slice_t rest = cairn_slice(text.ptr + 1, text.len - 1);
    const char *blank = rest.len > 0 ? memchr(rest.ptr, ' ', rest.len) : NULL;
    if (!blank) return false;
    const char *host = blank + 1, *end = rest.ptr + rest.len, *colon = end;
    while (colon > host && colon[-1] != ':') colon--;
    if (colon == host) return false;

    uint32_t slot, port;
    if (!read_number(cairn_slice(rest.ptr, (size_t)(blank - rest.ptr)), REDIS_SLOTS - 1, &slot) ||
        !read_number(cairn_slice(colon, (size_t)(end - colon)), UINT16_MAX, &port))
        return false;
    size_t len = (size_t)(colon - host) - 1;
    const bool bracketed = len > 2 && host[0] == '[' && host[len - 1] == ']';
    redirect->slot = (uint16_t)slot;
    said->has_endpoint = true;
    said->endpoint = bracketed ? cairn_slice(host + 1, len - 2) : cairn_slice(host, len);
    said->port = port;
    return true;
}

int redis_redirect_read(cairn_slice_t text, const redis_asked_t *asked, redis_redirect_t *redirect)
{
    redirect->ask = take_word(&text, "ASK");
    if (!redirect->ask && !take_word(&text, "MOVED")) return 0;
    said_t said = {.health = REDIS_ONLINE};
    redis_node_t node;
    if (!read_target(text, redirect, &said) || make_node(&said, asked, &node) <= 0)
        return CAIRN_EPROTOCOL;
    redirect->guessed = said.endpoint.len > 0 && is_unknown(said.endpoint);
    redirect->place = node.place;
    return 1;
}
