/* Texts become vectors before the backend hears of a put, a search or a batch. Private to core.
 *
 * Meanwhile the request is in flight and with core: req->stage says so, and req->scratch[0] points
 * to what is kept of it. */
#ifndef CAIRN_CORE_STORE_EMBED_H
#define CAIRN_CORE_STORE_EMBED_H

#include "store_args.h"

/* Values of req->stage. */
enum {
    CORE_STAGE_BACKEND,
    CORE_STAGE_EMBEDDING
};

typedef struct store_work {
    cairn_store_t *store;
    core_req_type_t type;            /* CORE_REQ_STORE_PUT, _SEARCH or _BATCH */
    const cairn_store_op_t *ops;     /* as the application gave them; verified */
    const cairn_store_step_t *steps; /* as the backend is to get them, but for vectors */
    size_t count;
} store_work_t;

/* Nothing is to be embedded: hand on as it is. */
#define STORE_EMBEDS_NOTHING 1

/* 0: in flight, and handed on when every text has its vector. <0: refused. */
CAIRN_MUST_USE int store_embed(cairn_core_t *core, cairn_req_t *req, const store_work_t *work);

/* Nobody waits any more. */
void store_embed_forget(cairn_req_t *req);

/* Hands steps on to the backend, by the type of request. */
CAIRN_MUST_USE int store_submit(cairn_core_t *core, cairn_req_t *req, core_req_type_t type,
                                const cairn_store_step_t *steps, size_t count);

#endif
