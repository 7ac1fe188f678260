/* A URL taken apart, before anything in it is decoded. */
#ifndef CAIRN_CORE_URL_SPLIT_H
#define CAIRN_CORE_URL_SPLIT_H

#include <cairn/bytes.h>
#include <cairn/error.h>

typedef struct url_parts {
    const char *scheme; /* static */
    bool has_user_info;
    cairn_slice_t user, password;
    bool has_brackets; /* around the host, which is without them */
    cairn_slice_t host;
    bool has_port;
    cairn_slice_t port;
    cairn_slice_t path; /* with its first slash, if there is any */
    bool has_query;
    cairn_slice_t query; /* without its question mark */
} url_parts_t;

/* The slices borrow from `url`. CAIRN_EURL or CAIRN_ESCHEME. */
CAIRN_MUST_USE int url_split(cairn_slice_t url, url_parts_t *parts, cairn_error_t *error);

#endif
