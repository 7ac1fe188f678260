#include "link_place.h"
#include <cairn/cairn.h>
#include <cairn/stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

typedef struct search {
    cairn_t cairn;
    char *error;
    link_place_t *out;
    int rc;
} search_t;

/* "127.0.0.1:6379", "[::1]:6379", "localhost:6379 (127.0.0.1)" */
static int read_where(const char *text, link_place_t *out)
{
    char where[sizeof((cairn_connection_t *)0)->where];
    snprintf(where, sizeof where, "%.*s", (int)strcspn(text, " "), text);
    const char *colon = strrchr(where, ':');
    if (!colon) return -1;
    const bool bracketed = where[0] == '[' && colon > where + 1 && colon[-1] == ']';
    const char *host = bracketed ? where + 1 : where;
    const char *end = bracketed ? colon - 1 : colon;
    snprintf(out->host, sizeof out->host, "%.*s", (int)(end - host), host);
    out->port = (int)strtol(colon + 1, NULL, 10);
    return 0;
}

static int read_place(const cairn_t *cairn, link_place_t *out)
{
    enum {
        MOST = 8
    };
    cairn_connection_t connections[MOST];
    const size_t count = cairn_connections(cairn, connections, MOST);
    for (size_t i = 0; i < count && i < MOST; i++) {
        if (strcmp(connections[i].role, "commands") == 0 &&
            strcmp(connections[i].state, "ready") == 0)
            return read_where(connections[i].where, out);
    }
    return -1;
}

static void on_event(cairn_t *cairn, const cairn_event_t *event)
{
    search_t *search = cairn->data;
    search->rc = event->type == CAIRN_EVENT_CONNECTED ? read_place(cairn, search->out) : -1;
    if (search->rc < 0)
        snprintf(search->error, LINK_ERROR_MAX, "%.*s", (int)event->detail.len,
                 event->detail.len > 0 ? event->detail.ptr : "");
    cairn_close(cairn, NULL);
}

int link_place_find(const cairn_options_t *options, link_place_t *out, char error[LINK_ERROR_MAX])
{
    uv_loop_t loop;
    cairn_error_t refused = {0};
    search_t search = {.error = error, .out = out, .rc = -1};
    search.cairn.data = &search;
    search.cairn.on_event = on_event;
    if (uv_loop_init(&loop) < 0) {
        snprintf(error, LINK_ERROR_MAX, "cannot make a loop");
        return -1;
    }
    if (cairn_open(&search.cairn, &loop, options, &refused) < 0)
        snprintf(error, LINK_ERROR_MAX, "%s", refused.text);
    else
        uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return search.rc;
}
