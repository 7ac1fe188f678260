/* A backend that does nothing by itself: a test pulls the strings. What core asks of it goes into
 * the journal, one line a call; requests and topics are held until the test answers. */
#ifndef TESTS_CORE_PUPPET_H
#define TESTS_CORE_PUPPET_H

#include "journal.h"

#include <cairn/sys/backend.h>
#include <stdio.h>

#define PUPPET_CAPABILITIES                                                                        \
    (CAIRN_CAP_TOPICS | CAIRN_CAP_PATTERNS | CAIRN_CAP_RECEIVERS | CAIRN_CAP_SHARED)
#define PUPPET_HELD_MOST 64

typedef struct puppet {
    const cairn_host_t *host;
    journal_t *journal;
    cairn_options_t options; /* of the last open; its texts are not kept */

    int open_status; /* what the calls return */
    int publish_status;
    int topic_open_status;
    bool instant_topics; /* topics are up at once, and closed at once, as in memory */
    bool holds_close;    /* closed only by puppet_closed */

    cairn_req_t *held[PUPPET_HELD_MOST]; /* oldest first */
    size_t held_count;
    unsigned topics_open; /* opened and not closed */
    bool open;
    cairn_task_t at_open; /* deferred by open if its run is set */
    void (*closed)(const cairn_host_t *host);
} puppet_t;

static puppet_t puppet;

static inline const cairn_host_api_t *puppet_api(void)
{
    return puppet.host->api;
}

/* ---- what core calls ---- */

static int puppet_open(const cairn_host_t *host, const cairn_options_t *options, void **self,
                       cairn_error_t *error)
{
    journal_add(puppet.journal, "open %s", options->scheme);
    puppet.host = host;
    puppet.options = *options;
    if (puppet.at_open.run) host->api->defer(host, &puppet.at_open);
    if (puppet.open_status < 0) {
        error->code = puppet.open_status;
        snprintf(error->text, sizeof error->text, "puppet will not open");
        return puppet.open_status;
    }
    puppet.open = true;
    *self = &puppet;
    return 0;
}

static void puppet_closed(void)
{
    puppet.open = false;
    puppet.closed(puppet.host);
}

static void puppet_close(void *self, void (*closed)(const cairn_host_t *host))
{
    (void)self;
    journal_add(puppet.journal, "close, %zu held, %u topics", puppet.held_count,
                puppet.topics_open);
    puppet.closed = closed;
    if (!puppet.holds_close) puppet_closed();
}

/* Takes the request out of those held; journals it if it was not there. */
static void puppet_release(cairn_req_t *req)
{
    for (size_t i = 0; i < puppet.held_count; i++) {
        if (puppet.held[i] != req) continue;
        puppet.held_count--;
        memmove(&puppet.held[i], &puppet.held[i + 1],
                (puppet.held_count - i) * sizeof puppet.held[0]);
        return;
    }
    journal_add(puppet.journal, "NOT HELD");
}

static void puppet_forget(void *self, cairn_req_t *req)
{
    (void)self;
    journal_add(puppet.journal, "forget");
    puppet_release(req);
}

static int puppet_publish(void *self, cairn_broker_publish_t *req, cairn_slice_t channel,
                          cairn_slice_t payload)
{
    (void)self;
    journal_text_t name, text;
    journal_add(puppet.journal, "publish %s %s", journal_bytes(name, channel),
                journal_bytes(text, payload));
    if (puppet.publish_status < 0) return puppet.publish_status;
    puppet.held[puppet.held_count++] = &req->req;
    return 0;
}

static int puppet_topic_open(void *self, cairn_topic_t *topic)
{
    (void)self;
    journal_text_t name;
    journal_add(puppet.journal, "topic_open %s", journal_bytes(name, topic->name));
    if (puppet.topic_open_status < 0) return puppet.topic_open_status;
    puppet.topics_open++;
    if (puppet.instant_topics) puppet_api()->topic_up(puppet.host, topic);
    return 0;
}

static void puppet_topic_close(void *self, cairn_topic_t *topic)
{
    (void)self;
    journal_text_t name;
    journal_add(puppet.journal, "topic_close %s", journal_bytes(name, topic->name));
    puppet.topics_open--;
    if (puppet.instant_topics) puppet_api()->topic_closed(puppet.host, topic);
}

static const cairn_broker_ops_t puppet_broker_ops = {
    .size = sizeof(cairn_broker_ops_t),
    .publish = puppet_publish,
    .topic_open = puppet_topic_open,
    .topic_close = puppet_topic_close,
};

/* A copy of it may be changed: each test of descriptors has its own. */
static const cairn_backend_t puppet_backend = {
    .magic = CAIRN_BACKEND_MAGIC,
    .abi_major = CAIRN_ABI_MAJOR,
    .abi_minor = CAIRN_ABI_MINOR,
    .size = sizeof(cairn_backend_t),
    .name = "puppet",
    .version = "1",
    .schemes = (const char *const[]){"puppet", "doll", NULL},
    .capabilities = PUPPET_CAPABILITIES,
    .open = puppet_open,
    .close = puppet_close,
    .forget = puppet_forget,
    .broker = &puppet_broker_ops,
};

/* ---- what a test makes it say ---- */

static inline void puppet_connected(void)
{
    puppet_api()->connected(puppet.host, PUPPET_CAPABILITIES, "puppet 1.0");
}

static inline void puppet_disconnected(int status, const char *detail)
{
    puppet_api()->disconnected(puppet.host, status, detail);
}

/* The oldest request held. */
static inline void puppet_publish_done(int64_t receivers)
{
    cairn_req_t *req = puppet.held[0];
    puppet_release(req);
    puppet_api()->publish_done(CAIRN_CONTAINER_OF(req, cairn_broker_publish_t, req), receivers);
}

static inline void puppet_fail(int status, const char *detail)
{
    cairn_req_t *req = puppet.held[0];
    puppet_release(req);
    (puppet_api()->fail)(req, status, cairn_str(detail)); /* cmocka has a macro of that name */
}

#endif
