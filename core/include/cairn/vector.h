/* Vectors of a store's items: how an application declares them, gives them, and is asked for them.
 *
 * An index is one kind of vector that items may have: a name, a number of dimensions, a metric. The
 * application passes vectors with a put or a search; or it gives the index an embed callback, which
 * turns text into vectors, asynchronously, whenever a put or a search needs some. */
#ifndef CAIRN_VECTOR_H
#define CAIRN_VECTOR_H

#include <cairn/compiler.h>
#include <cairn/value.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAIRN_DIMENSIONS_MAX 65536

typedef enum cairn_metric {
    CAIRN_METRIC_DEFAULT, /* in a search: the index's; in an index: cosine */
    CAIRN_METRIC_COSINE,  /* 0 if one of the two has no direction */
    CAIRN_METRIC_L2,      /* score: the distance, negated */
    CAIRN_METRIC_INNER_PRODUCT
} cairn_metric_t;

typedef struct cairn_vector {
    cairn_slice_t index; /* its name */
    const float *values; /* finite */
    size_t dimensions;   /* those of the index, exactly */
} cairn_vector_t;

typedef struct cairn_embed_job cairn_embed_job_t;

struct cairn_embed_job {
    /* `vectors`: for each text in turn, the index's number of floats; consumed. With `status` <0
     * the put or search fails with it, as it does with UV_EINVAL if a float is not finite; then,
     * and if nobody waits any more, `vectors` does not count and may be NULL. On the loop's
     * thread. */
    void (*done)(cairn_embed_job_t *job, int status, const float *vectors);
};

/* Turn `texts` into vectors and call job->done, at once or later, exactly once, whatever becomes of
 * the request and the handle meanwhile. The job and the texts live until then. Called from the
 * loop, never inside a submit; anything is legal in it. */
typedef void (*cairn_embed_cb)(cairn_embed_job_t *job, const cairn_slice_t *texts, size_t count,
                               void *data);

typedef struct cairn_vector_index {
    cairn_slice_t name;
    size_t dimensions; /* 1 ... CAIRN_DIMENSIONS_MAX */
    cairn_metric_t metric;
    cairn_embed_cb embed; /* NULL: vectors come with put and search only */
    void *embed_data;
    /* What of a value is embedded: LangGraph's paths, "a.b", "a[0]", "a[-1]", "a[*].b", "a.*", each
     * text a vector of its own; numbers, arrays and objects are their JSON, null is nothing. NULL:
     * "$", all of it, with sorted keys. Anything else is UV_EINVAL. */
    const cairn_slice_t *fields;
    size_t field_count;
} cairn_vector_index_t;

#ifdef __cplusplus
}
#endif
#endif
