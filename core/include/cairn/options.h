/* How to open a handle: a plain struct, filled by hand, from a URL, or from the environment.
 *
 *     cairn_options_t o;
 *     cairn_options_init(&o);
 *     cairn_options_from_url(&o, "redis://:secret@localhost:6379/2?timeout_ms=500", &error);
 *     o.client_name = "planner";
 *
 * Every option is one row of CAIRN_OPTION_NUMBERS or CAIRN_OPTION_TEXTS: the struct's field, the
 * URL's parameter and the documentation are the same name. */
#ifndef CAIRN_OPTIONS_H
#define CAIRN_OPTIONS_H

#include <cairn/compiler.h>
#include <cairn/credentials.h>
#include <cairn/error.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cairn_backend;

/* NUMBER(name, default, least, most, help). All are uint64_t fields. */
#define CAIRN_OPTION_NUMBERS(NUMBER)                                                               \
    NUMBER(db, 0, 0, 1u << 20, "database number, SELECTed on connect")                             \
    NUMBER(protocol, 0, 0, 3, "RESP version: 2, 3, or 0 to ask for 3 and fall back to 2")          \
    NUMBER(timeout_ms, 5000, 1, 86400000, "deadline of a request that names none")                 \
    NUMBER(connect_timeout_ms, 5000, 1, 86400000,                                                  \
           "one attempt to connect: name lookup, TCP and handshake together")                      \
    NUMBER(reconnect_min_ms, 50, 1, 3600000, "backoff before the first reconnect, upper bound")    \
    NUMBER(reconnect_max_ms, 5000, 1, 3600000, "backoff never grows beyond this")                  \
    NUMBER(keepalive_ms, 10000, 0, 86400000,                                                       \
           "silence after which the server is asked for a sign of life, and how long it then has " \
           "to answer; 0: never")                                                                  \
    NUMBER(max_inflight, 65536, 1, 1u << 24, "requests a connection may have unanswered")          \
    NUMBER(max_queue_bytes, 67108864, 65536, 1ull << 40,                                           \
           "bytes of requests a connection may have unanswered")                                   \
    NUMBER(max_reply_bytes, 536870912, 65536, 1ull << 40, "a longer reply ends the connection")    \
    NUMBER(max_connections, 2, 1, 65536, "most connections a handle opens")                        \
    NUMBER(                                                                                        \
        clock_ms, 2, 0, 60000,                                                                     \
        "a store's put is dated here, and so needs no script, while the server's time is known "   \
        "this well: how far the dates of two handles may be out of order; 0: never")               \
    NUMBER(latency_stats, 0, 0, 1,                                                                 \
           "1: a histogram of how long requests take is kept, for some 10 ns a request")           \
    NUMBER(fail_fast_ms, 30000, 0, 86400000,                                                       \
           "without a connection for so long, requests fail at once until there is one; in a "     \
           "cluster those about slots of a node that is away so long; 0: they wait for their "     \
           "deadlines")                                                                            \
    NUMBER(spread_after, 64, 1, 1u << 24,                                                          \
           "unanswered requests (or 64 KiB of them) that every connection has when one more is "   \
           "opened; as long as max_connections allows, which counts one for subscriptions")        \
    NUMBER(idle_ms, 60000, 0, 86400000,                                                            \
           "connections beyond the first that had nothing to do for so long are closed; 0: never") \
    NUMBER(                                                                                        \
        sharded_topics, 0, 0, 1,                                                                   \
        "1: in a cluster a topic is where its channel's slot is (SPUBLISH, SSUBSCRIBE), and no "   \
        "pattern hears of it; whoever talks to each other says the same. One server has no "       \
        "slots: no matter there")

/* TEXT(name, help). All are const char * fields, NULL when unset. */
#define CAIRN_OPTION_TEXTS(TEXT)                                                                   \
    TEXT(client_name, "CLIENT SETNAME; printable, without spaces; default \"cairn\"")              \
    TEXT(stream_layout, "how Redis keeps run streams: \"cairn\", the default, or \"pure_graph\": " \
                        "as Pure Graph's queues, which its servers and this one then share")       \
    TEXT(sentinel_service, "the master's name, as sentinels know it")                              \
    TEXT(sentinel_username, "of the sentinels; NULL: their default user")                          \
    TEXT(sentinel_password, "of the sentinels; NULL: none")                                        \
    TEXT(tls_ca_file, "PEM file of whom to trust to vouch for the server; with neither this nor "  \
                      "tls_ca_dir: the system's store")                                            \
    TEXT(tls_ca_dir, "directory of such files, named by hash as openssl rehash does")              \
    TEXT(tls_cert_file, "PEM file of the certificate to show the server, and those above it")      \
    TEXT(tls_key_file, "PEM file of its key; default: tls_cert_file")                              \
    TEXT(tls_server_name, "name that is asked for and that the certificate must be for; default: " \
                          "the host")                                                              \
    TEXT(tls_verify, "what of the server's certificate is verified: \"full\", the default; "       \
                     "\"ca\": all but its name; \"none\": nothing, so that anybody may be the "    \
                     "server")                                                                     \
    TEXT(cluster,                                                                                  \
         "whether redis:// is a cluster: \"no\", the default; \"yes\", as with "                   \
         "redis+cluster://; \"auto\": as the server says when it greets; a socket's path, "        \
         "sentinels or another db than 0 mean no then")                                            \
    TEXT(read_from,                                                                                \
         "of a cluster, whose nodes answer reads that change nothing: \"master\", the default; "   \
         "\"prefer_replica\": a replica while there is one, else the master; \"replica\": only "   \
         "replicas; \"nearest\": of both whoever answers fastest")

/* What stream_layout may be. */
#define CAIRN_STREAM_LAYOUT_CAIRN "cairn"
#define CAIRN_STREAM_LAYOUT_PURE_GRAPH "pure_graph"

/* What tls_verify may be. */
#define CAIRN_TLS_VERIFY_FULL "full"
#define CAIRN_TLS_VERIFY_CA "ca"
#define CAIRN_TLS_VERIFY_NONE "none"

/* What cluster may be. */
#define CAIRN_CLUSTER_NO "no"
#define CAIRN_CLUSTER_YES "yes"
#define CAIRN_CLUSTER_AUTO "auto"

/* What read_from may be. A replica is behind its master, mostly by less than a millisecond, and by
 * any time where the two are cut off from each other: so with anything but "master" a read may miss
 * what was just written, by this handle too, and find what was just deleted. What it finds is
 * whole, and was so at one moment; and what a replica does not have, or not all of, its master is
 * asked for, so that nothing is told to be absent on a replica's word. A saver's latest checkpoint
 * is not older than what this handle has put last, as far as it remembers.
 *
 * It is about cairn_store_get, batches (of what one namespace is only read), cairn_saver_get,
 * cairn_stream_read, _length, _exists, _info and _ttl, and cairn_store_ttl. What puts a TTL back,
 * as a store's reads do unless told otherwise, goes to masters, as everything else does: searches,
 * lists, tails. Anything but "master" is CAIRN_EOPTION where there is no cluster; with
 * cluster=auto it counts if there is one. */
#define CAIRN_READ_FROM_MASTER "master"
#define CAIRN_READ_FROM_PREFER_REPLICA "prefer_replica"
#define CAIRN_READ_FROM_REPLICA "replica"
#define CAIRN_READ_FROM_NEAREST "nearest"

/* Room for the decoded texts of one URL; also the longest URL accepted, less one. */
#define CAIRN_URL_MAX 8192

/* The most addresses in a list. */
#define CAIRN_HOSTS_MAX 64

typedef struct cairn_options {
    /* Where to. From the URL's scheme, authority and path; they have no parameters of their own. */
    const char *scheme; /* "memory", "redis", "unix", "redis+sentinel" or "redis+cluster", and over
                           TLS "rediss" and the like; picks the backend. Default "memory" */
    const char *host;   /* name, IPv4 or IPv6 without brackets. Default "localhost" */
    uint16_t port;      /* default 6379 */
    const char *hosts;  /* NULL, or in place of host and port several: "h1:7000,h2,[::1]:7001",
                           which are tried in turn. The port that is left out is 6379, or 26379
                           of a sentinel. At most CAIRN_HOSTS_MAX */
    const char *path;   /* of the socket for "unix" */
    const char *username; /* NULL: the server's default user */
    const char *password; /* NULL: no AUTH. Never printed, logged or put into a message */

#define CAIRN_OPTION_NUMBER_FIELD(name, fallback, least, most, help) uint64_t name;
#define CAIRN_OPTION_TEXT_FIELD(name, help) const char *name;
    CAIRN_OPTION_NUMBERS(CAIRN_OPTION_NUMBER_FIELD)
    CAIRN_OPTION_TEXTS(CAIRN_OPTION_TEXT_FIELD)
#undef CAIRN_OPTION_NUMBER_FIELD
#undef CAIRN_OPTION_TEXT_FIELD

    int shallow; /* set from CHECKPOINT_TYPE=shallow/...: savers keep only the latest checkpoint */

    cairn_credentials_t credentials; /* {0}: `username` and `password` are for ever. Set, these
                                        must be NULL */

    /* Backends to look in before the built-in ones; NULL-terminated, or NULL. Borrowed until the
     * handle is closed. */
    const struct cairn_backend *const *backends;

    /* Private: where the texts that came from a URL live. A struct filled from a URL must not be
     * copied or moved; open copies what it needs. */
    char text[CAIRN_URL_MAX];
    size_t text_used;
} cairn_options_t;

/* Sets every field to its default: a private, empty memory backend. */
void cairn_options_init(cairn_options_t *options);

/* Sets where to, as a whole (what the URL does not say of it gets its default, so that one server's
 * password cannot reach another), and the options it names; the rest stays as it was. Copies; `url`
 * may go. The forms:
 *
 *     memory:
 *     redis://[user[:password]@]host[:port][,host[:port]...][/db][?name=value[&name=value]...]
 *     redis+sentinel://[user[:password]@]sentinel[:port][,...]/service[/db][?name=value...]
 *     redis+cluster://[user[:password]@]node[:port][,node[:port]...][?name=value...]
 *     rediss://..., rediss+sentinel://... and rediss+cluster://...  (the same over TLS)
 *     unix://[user[:password]@]/path/to/socket[?name=value...]      (db as a parameter)
 *
 * Strict: percent-escapes are decoded in user, password, host, path and values, and must be whole;
 * an IPv6 literal stands in brackets; the last '@' before the path ends the user information, so
 * '@' and ':' in a password are taken as they are; an unknown or repeated parameter is an error.
 * NULL is an error. CAIRN_EURL, CAIRN_ESCHEME or CAIRN_EOPTION, with the offending part in `error`
 * (which may be NULL) - but never the user information. On error `options` is unchanged. The
 * schemes of backends of your own are for the struct: a URL knows these.
 *
 * Of sentinels: user and password are the data servers'; the sentinels' own are parameters, and
 * part of where to, as the service is. With rediss+sentinel:// both speak TLS.
 *
 * Of a cluster any nodes do: the others are learnt from them. */
CAIRN_MUST_USE int cairn_options_from_url(cairn_options_t *options, const char *url,
                                          cairn_error_t *error);

/* Sets what the environment says, as LangGraph servers set it: CHECKPOINT_TYPE ("memory", "redis",
 * "shallow/redis"; unset: redis if REDIS_URL is set, else memory), REDIS_URL and
 * REDIS_MAX_CONNECTIONS. Empty counts as unset. CAIRN_EOPTION or CAIRN_EURL as above, the variable
 * named. */
CAIRN_MUST_USE int cairn_options_from_env(cairn_options_t *options, cairn_error_t *error);

/* Checks every field against its range. cairn_open does it; this is for programs that want to
 * tell their user early. */
CAIRN_MUST_USE int cairn_options_check(const cairn_options_t *options, cairn_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
