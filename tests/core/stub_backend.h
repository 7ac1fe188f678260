/* A backend that keeps what it is asked and answers when the test says so. For one test program at
 * a time: the test fills the tables, opens, submits, looks at what arrived, and answers through the
 * host. */
#ifndef TESTS_CORE_STUB_BACKEND_H
#define TESTS_CORE_STUB_BACKEND_H

#include "check.h"
#include "loop.h"

#include <cairn/sys/backend.h>
#include <string.h>
#include <uv.h>

typedef struct stub {
    cairn_backend_t backend;
    const cairn_host_t *host;
    int answer;       /* to the next submit */
    unsigned submits; /* that reached it */
    unsigned forgotten;
    cairn_req_t *req; /* the last one accepted */
    uv_loop_t loop;
    cairn_t cairn;
    bool closed;
} stub_t;

static stub_t stub;

/* What every slot that takes a request does. */
static inline int stub_take(cairn_req_t *req)
{
    stub.submits++;
    if (stub.answer == 0) stub.req = req;
    return stub.answer;
}

static inline int stub_begin(const cairn_host_t *host, const cairn_options_t *options, void **self,
                             cairn_error_t *error)
{
    (void)options;
    (void)error;
    stub.host = host;
    *self = &stub;
    return 0;
}

static inline void stub_end(void *self, void (*closed)(const cairn_host_t *))
{
    (void)self;
    closed(stub.host);
}

static inline void stub_forget(void *self, cairn_req_t *req)
{
    (void)self;
    (void)req;
    stub.forgotten++;
}

/* Opens `url`; "stub:" is this backend, with the tables given to it. */
static inline void stub_open(const char *scheme, uint64_t capabilities, int shallow)
{
    static const char *const schemes[] = {"stub", NULL};
    static const cairn_backend_t *backends[] = {&stub.backend, NULL};
    stub.backend.magic = CAIRN_BACKEND_MAGIC;
    stub.backend.abi_major = CAIRN_ABI_MAJOR;
    stub.backend.abi_minor = CAIRN_ABI_MINOR;
    stub.backend.size = sizeof stub.backend;
    stub.backend.name = "stub";
    stub.backend.version = "0";
    stub.backend.schemes = schemes;
    stub.backend.capabilities = capabilities;
    stub.backend.open = stub_begin;
    stub.backend.close = stub_end;
    stub.backend.forget = stub_forget;

    cairn_options_t options;
    cairn_options_init(&options);
    options.scheme = scheme;
    options.shallow = shallow;
    options.backends = backends;
    cairn_error_t error = {0};
    assert_int_equal(uv_loop_init(&stub.loop), 0);
    int rc = cairn_open(&stub.cairn, &stub.loop, &options, &error);
    if (rc < 0) check_fail("open: %s", error.text);
}

static inline void stub_on_closed(cairn_t *cairn)
{
    (void)cairn;
    stub.closed = true;
}

/* Closes the handle, lets everything end, and leaves nothing behind. */
static inline void stub_close(void)
{
    cairn_close(&stub.cairn, stub_on_closed);
    loop_finish(&stub.loop);
    assert_true(stub.closed);
    memset(&stub, 0, sizeof stub);
}

/* Ends a request with an error, as a backend does. cmocka has a macro of that name. */
static inline void stub_fail(cairn_req_t *req, int status, cairn_slice_t detail)
{
    (stub.host->api->fail)(req, status, detail);
}

/* A submit was refused with `status` for a reason that has `words` in it. */
static inline void assert_refused(int actual, int status, const cairn_req_t *req, const char *words)
{
    char detail[300] = "";
    if (req->detail.len > 0) memcpy(detail, req->detail.ptr, req->detail.len);
    if (actual != status)
        check_fail("%s (%s) instead of %s", cairn_err_name(actual), detail, cairn_err_name(status));
    assert_contains(detail, words);
    assert_false(cairn_is_active(req));
}

/* An id too long by one. */
static inline cairn_slice_t too_long(void)
{
    static char bytes[CAIRN_ID_MAX + 1];
    return cairn_slice(bytes, sizeof bytes);
}

#define ABSENT ((cairn_slice_t){NULL, 0})
#define S(text) cairn_str(text)
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
