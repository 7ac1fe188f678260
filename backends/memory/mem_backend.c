#include "mem_backend.h"

#include <cairn/sys/alloc.h>
#include <uv.h>

#define MEM_CAPABILITIES                                                                           \
    (CAIRN_CAP_TOPICS | CAIRN_CAP_PATTERNS | CAIRN_CAP_RECEIVERS | CAIRN_CAP_SAVER |               \
     CAIRN_CAP_STORE | CAIRN_CAP_STORE_VECTORS | CAIRN_CAP_STREAMS | CAIRN_CAP_STREAM_GROUPS |     \
     CAIRN_CAP_STREAMS_ATOMIC)

static void run_connect(cairn_task_t *task)
{
    mem_backend_t *mem = CAIRN_CONTAINER_OF(task, mem_backend_t, connect);
    mem->host->api->connected(mem->host, MEM_CAPABILITIES, "memory " CAIRN_VERSION_STRING);
}

/* So that positions of an earlier process lie before those of this one. */
static uint64_t time_of_day_ms(void)
{
    uv_timeval64_t now = {0, 0};
    int rc = uv_gettimeofday(&now);
    return rc < 0 ? 0 : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

static int mem_open(const cairn_host_t *host, const cairn_options_t *options, void **self,
                    cairn_error_t *error)
{
    (void)options;
    mem_backend_t *mem = cairn_calloc(1, sizeof *mem);
    if (!mem) {
        *error = (cairn_error_t){UV_ENOMEM, "out of memory"};
        return UV_ENOMEM;
    }
    mem->host = host;
    mem->streams.host = host;
    mem->streams.births = time_of_day_ms();
    mem->connect.run = run_connect;
    host->api->defer(host, &mem->connect);
    *self = mem;
    return 0;
}

static void mem_close(void *self, void (*closed)(const cairn_host_t *))
{
    mem_backend_t *mem = self;
    const cairn_host_t *host = mem->host;
    host->api->undefer(host, &mem->connect);
    mem_saver_close(mem);
    mem_store_close(mem);
    mem_streams_clear(&mem->streams);
    cairn_free(mem);
    closed(host);
}

static void mem_forget(void *self, cairn_req_t *req)
{
    mem_backend_t *mem = self;
    mem->host->api->undefer(mem->host, &req->task);
    mem_saver_forget(req);
    mem_store_forget(req);
    mem_stream_forget(req);
}

const cairn_backend_t cairn_memory_backend = {
    .magic = CAIRN_BACKEND_MAGIC,
    .abi_major = CAIRN_ABI_MAJOR,
    .abi_minor = CAIRN_ABI_MINOR,
    .size = sizeof(cairn_backend_t),
    .name = "memory",
    .version = CAIRN_VERSION_STRING,
    .schemes = (const char *const[]){"memory", NULL},
    .capabilities = MEM_CAPABILITIES,
    .open = mem_open,
    .close = mem_close,
    .forget = mem_forget,
    .broker = &mem_broker_ops,
    .stream = &mem_stream_ops,
    .saver = &mem_saver_ops,
    .store = &mem_store_ops,
};
