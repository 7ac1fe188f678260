/* A URL taken apart, before anything in it is decoded. */
#ifndef CAIRN_CORE_URL_SPLIT_H
#define CAIRN_CORE_URL_SPLIT_H

#include <cairn/bytes.h>
#include <cairn/error.h>

typedef struct url_host {
    bool has_brackets; /* around the name, which is without them */
    cairn_slice_t name;
    bool has_port;
    cairn_slice_t port;
} url_host_t;

typedef struct url_parts {
    const char *scheme; /* static */
    bool sentinel;      /* the hosts are sentinels */
    bool has_user_info;
    cairn_slice_t user, password;
    url_host_t host;     /* the first */
    bool has_more_hosts; /* then `hosts` is all of them, with commas in between */
    cairn_slice_t hosts;
    cairn_slice_t path; /* with its first slash, if there is any */
    bool has_query;
    cairn_slice_t query; /* without its question mark */
} url_parts_t;

/* Takes the first off the front of a list of hosts, with the comma behind it. CAIRN_EURL. */
CAIRN_MUST_USE int url_split_host(cairn_slice_t *hosts, url_host_t *host, cairn_error_t *error);

/* The slices borrow from `url`. CAIRN_EURL or CAIRN_ESCHEME. */
CAIRN_MUST_USE int url_split(cairn_slice_t url, url_parts_t *parts, cairn_error_t *error);

#endif
