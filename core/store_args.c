#include "store_args.h"

#include "page.h"

#include <cairn/sys/json.h>
#include <math.h>

/* ---- options ---- */

int64_t store_default_ttl_ms(const cairn_store_t *store)
{
    return store->options.default_ttl.given ? store->options.default_ttl.ms : CAIRN_TTL_PERSIST;
}

static const cairn_vector_index_t *find_index(const cairn_store_options_t *options, size_t count,
                                              cairn_slice_t name)
{
    for (size_t i = 0; i < count; i++)
        if (cairn_slice_eq(options->indexes[i].name, name)) return &options->indexes[i];
    return NULL;
}

static void verify_fields(verify_t *check, const cairn_slice_t *fields, size_t count)
{
    verify_array(check, "fields", fields, count, SIZE_MAX);
    for (size_t i = 0; i < count && check->status == 0; i++) {
        verify_id(check, "fields", fields[i]);
        if (check->status == 0 && cairn_json_check_path(fields[i]) < 0)
            verify_wrong(check, UV_EINVAL, "fields", "has \"%.*s\" at %zu, which is no path",
                         (int)(fields[i].len < 60 ? fields[i].len : 60), fields[i].ptr, i);
    }
}

void store_verify_options(verify_t *check, const cairn_store_options_t *options)
{
    verify_ttl(check, "default_ttl", options->default_ttl, CAIRN_TTL_PERSIST);
    verify_enum(check, "refresh_on_read", options->refresh_on_read, CAIRN_REFRESH_YES);
    verify_array(check, "indexes", options->indexes, options->index_count, SIZE_MAX);
    for (size_t i = 0; i < options->index_count && check->status == 0; i++) {
        const cairn_vector_index_t *index = &options->indexes[i];
        verify_in(check, "indexes", i);
        verify_id(check, "name", index->name);
        verify_number(check, "dimensions", index->dimensions, 1, CAIRN_DIMENSIONS_MAX);
        verify_enum(check, "metric", index->metric, CAIRN_METRIC_INNER_PRODUCT);
        verify_fields(check, index->fields, index->field_count);
        if (find_index(options, i, index->name))
            verify_wrong(check, UV_EINVAL, "name", "is that of another index");
    }
    verify_in(check, NULL, 0);
}

/* ---- namespaces ---- */

void store_verify_prefix(verify_t *check, const char *what, cairn_namespace_t prefix)
{
    verify_array(check, what, prefix.labels, prefix.count, CAIRN_NAMESPACE_MAX);
    size_t total = 0;
    for (size_t i = 0; i < prefix.count && check->status == 0; i++) {
        verify_name(check, what, prefix.labels[i]);
        total += prefix.labels[i].len;
    }
    if (total > CAIRN_ID_MAX)
        verify_wrong(check, CAIRN_ETOOBIG, what, "is %zu bytes long; at most %d", total,
                     CAIRN_ID_MAX);
}

void store_verify_filter(verify_t *check, cairn_slice_t filter)
{
    verify_bytes(check, "filter", filter);
    if (check->status < 0 || filter.len == 0) return;
    cairn_error_t error;
    cairn_json_query_t *query = NULL;
    int rc = cairn_json_query_read(filter, &query, &error);
    if (rc < 0) verify_wrong(check, rc, "filter", "%s", error.text);
    cairn_json_query_free(query);
}

void store_verify_item(verify_t *check, cairn_namespace_t ns, cairn_slice_t key)
{
    if (ns.count == 0) verify_wrong(check, UV_EINVAL, "ns", "has no labels");
    store_verify_prefix(check, "ns", ns);
    verify_id(check, "key", key);
}

/* ---- vectors ---- */

static const cairn_vector_index_t *verify_index(verify_t *check, const cairn_store_t *store,
                                                const char *what, cairn_slice_t name)
{
    verify_id(check, what, name);
    if (check->status < 0) return NULL;
    const cairn_vector_index_t *index =
        find_index(&store->options, store->options.index_count, name);
    if (!index) verify_wrong(check, UV_EINVAL, what, "names no index of this store");
    return index;
}

static const cairn_vector_index_t *verify_vector(verify_t *check, const cairn_store_t *store,
                                                 const cairn_vector_t *vector)
{
    const cairn_vector_index_t *index = verify_index(check, store, "index", vector->index);
    if (!index) return NULL;
    if (vector->dimensions != index->dimensions)
        verify_wrong(check, UV_EINVAL, "dimensions", "is %zu; the index has %zu",
                     vector->dimensions, index->dimensions);
    verify_pointer(check, "values", vector->values);
    for (size_t i = 0; i < vector->dimensions && check->status == 0; i++)
        if (!isfinite(vector->values[i]))
            verify_wrong(check, UV_EINVAL, "values", "is not finite at %zu", i);
    return index;
}

static bool has_vector(const cairn_store_put_options_t *options, cairn_slice_t index)
{
    for (size_t i = 0; i < options->vector_count; i++)
        if (cairn_slice_eq(options->vectors[i].index, index)) return true;
    return false;
}

static bool needs_embedding(const cairn_store_t *store, const cairn_store_put_options_t *options)
{
    if (options->embed == CAIRN_EMBED_NONE) return false;
    for (size_t i = 0; i < store->options.index_count; i++) {
        const cairn_vector_index_t *index = &store->options.indexes[i];
        if (index->embed && !has_vector(options, index->name)) return true;
    }
    return false;
}

int store_verify_needs(cairn_core_t *core, cairn_req_t *req, const store_needs_t *needs)
{
    if (!needs->vectors && !needs->embedding) return 0;
    if (!(core->capabilities & CAIRN_CAP_STORE_VECTORS))
        return core_refuse(core, req, UV_ENOTSUP, "backend %s has no vectors", core->backend->name);
    return 0;
}

/* ---- get, put ---- */

static bool refreshes(verify_t *check, const cairn_store_t *store, cairn_refresh_t refresh)
{
    verify_enum(check, "refresh", refresh, CAIRN_REFRESH_YES);
    if (refresh == CAIRN_REFRESH_DEFAULT) refresh = store->options.refresh_on_read;
    return refresh != CAIRN_REFRESH_NO;
}

cairn_store_get_args_t store_get_args(verify_t *check, const cairn_store_t *store,
                                      cairn_namespace_t ns, cairn_slice_t key,
                                      cairn_refresh_t refresh)
{
    store_verify_item(check, ns, key);
    return (cairn_store_get_args_t){
        .size = sizeof(cairn_store_get_args_t),
        .ns = ns,
        .key = key,
        .refresh = refreshes(check, store, refresh),
    };
}

cairn_store_put_args_t store_put_args(verify_t *check, const cairn_store_t *store,
                                      cairn_namespace_t ns, cairn_slice_t key, cairn_slice_t value,
                                      const cairn_store_put_options_t *options,
                                      store_needs_t *needs)
{
    static const cairn_store_put_options_t defaults;
    if (!options) options = &defaults;
    store_verify_item(check, ns, key);
    verify_bytes(check, "value", value);
    verify_enum(check, "embed", options->embed, CAIRN_EMBED_NONE);
    verify_fields(check, options->fields, options->field_count);
    verify_array(check, "vectors", options->vectors, options->vector_count, SIZE_MAX);
    for (size_t i = 0; i < options->vector_count && check->status == 0; i++) {
        verify_in(check, "vectors", i);
        verify_vector(check, store, &options->vectors[i]);
    }
    verify_in(check, NULL, 0);
    cairn_store_put_args_t args = {
        .size = sizeof args,
        .ns = ns,
        .key = key,
        .value = value,
        .ttl_ms = verify_ttl(check, "ttl", options->ttl, store_default_ttl_ms(store)),
    };
    if (check->status < 0 || !value.ptr) return args;
    args.vectors = options->vectors;
    args.vector_count = options->vector_count;
    needs->vectors |= args.vector_count > 0;
    needs->embedding |= needs_embedding(store, options);
    return args;
}

/* ---- search, list_namespaces ---- */

static const cairn_vector_index_t *verify_near(verify_t *check, const cairn_store_t *store,
                                               const cairn_store_query_t *query)
{
    if (query->near && query->near_text.ptr)
        verify_wrong(check, UV_EINVAL, "near_text", "is given beside near");
    verify_bytes(check, "near_text", query->near_text);
    if (!query->paging.limit.given)
        verify_wrong(check, UV_EINVAL, "paging.limit", "is not given, which near needs");
    verify_number(check, "paging.limit", query->paging.limit.count, 0, CAIRN_PAGE_MAX);
    if (query->paging.cursor.len > 0)
        verify_wrong(check, UV_EINVAL, "paging.cursor", "is given beside near");
    if (query->near) return verify_vector(check, store, query->near);
    const cairn_vector_index_t *index = verify_index(check, store, "near_index", query->near_index);
    if (index && !index->embed)
        verify_wrong(check, UV_EINVAL, "near_index", "names an index without embed callback");
    return index;
}

static cairn_metric_t metric_of(const cairn_store_query_t *query, const cairn_vector_index_t *index)
{
    if (query->metric != CAIRN_METRIC_DEFAULT) return query->metric;
    return index->metric != CAIRN_METRIC_DEFAULT ? index->metric : CAIRN_METRIC_COSINE;
}

cairn_store_search_args_t store_search_args(verify_t *check, const cairn_store_t *store,
                                            const cairn_store_query_t *query, uint64_t *left,
                                            store_needs_t *needs)
{
    static const cairn_store_query_t everything;
    if (!query) query = &everything;
    page_ask_t ask;
    store_verify_prefix(check, "prefix", query->prefix);
    store_verify_filter(check, query->filter);
    verify_enum(check, "order", query->order, CAIRN_ORDER_KEY);
    verify_enum(check, "metric", query->metric, CAIRN_METRIC_INNER_PRODUCT);
    page_verify(check, &query->paging, &ask);
    cairn_store_search_args_t args = {
        .size = sizeof args,
        .prefix = query->prefix,
        .filter = query->filter,
        .order = query->order,
        .offset = ask.cursor.len > 0 ? 0 : query->offset,
        .most = ask.most,
        .cursor = ask.cursor,
        .refresh = refreshes(check, store, query->refresh),
    };
    *left = ask.left;
    if (!query->near && !query->near_text.ptr) return args;
    const cairn_vector_index_t *index = verify_near(check, store, query);
    if (check->status < 0) return args;
    args.near = query->near;
    args.metric = metric_of(query, index);
    args.most = (uint32_t)query->paging.limit.count;
    *left = 0; /* behind this page: no cursor */
    needs->vectors = true;
    needs->embedding |= query->near == NULL;
    return args;
}

cairn_store_list_args_t store_list_args(verify_t *check, const cairn_namespace_query_t *query,
                                        uint64_t *left)
{
    static const cairn_namespace_query_t everything;
    if (!query) query = &everything;
    verify_array(check, "conditions", query->conditions, query->condition_count, SIZE_MAX);
    for (size_t i = 0; i < query->condition_count && check->status == 0; i++) {
        verify_in(check, "conditions", i);
        verify_enum(check, "type", query->conditions[i].type, CAIRN_MATCH_SUFFIX);
        store_verify_prefix(check, "path", query->conditions[i].path);
    }
    verify_in(check, NULL, 0);
    page_ask_t ask;
    page_verify(check, &query->paging, &ask);
    *left = ask.left;
    return (cairn_store_list_args_t){
        .size = sizeof(cairn_store_list_args_t),
        .conditions = query->conditions,
        .condition_count = query->condition_count,
        .max_depth = query->max_depth,
        .offset = ask.cursor.len > 0 ? 0 : query->offset,
        .most = ask.most,
        .cursor = ask.cursor,
    };
}
