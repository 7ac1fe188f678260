/* The backends linked into the library. */
#include <cairn/sys/backend.h>

extern const cairn_backend_t cairn_memory_backend;
#ifdef CAIRN_WITH_REDIS
extern const cairn_backend_t cairn_redis_backend, cairn_redis_cluster_backend;
#endif

const cairn_backend_t *const cairn_builtin_backends[] = {
    &cairn_memory_backend,
#ifdef CAIRN_WITH_REDIS
    &cairn_redis_backend,
    &cairn_redis_cluster_backend,
#endif
    NULL,
};
