/* A handshake with a server that says what a test has it say. One a program. */
#ifndef TESTS_BACKENDS_REDIS_GREETING_H
#define TESTS_BACKENDS_REDIS_GREETING_H

#include "alloc_fault.h"
#include "check.h"
#include "redis_hello.h"

#include <cairn/sys/alloc.h>
#include <cairn/version.h>
#include <string.h>

#define NAME "$7\r\nSETNAME\r\n$5\r\nplane\r\n"
#define LIB_NAME "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$5\r\ncairn\r\n"
#define LIB_VER                                                                                    \
    "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$7\r\nLIB-VER\r\n$5\r\n" CAIRN_VERSION_STRING "\r\n"
#define SET_NAME "*3\r\n$6\r\nCLIENT\r\n" NAME

#define GREETING_3                                                                                 \
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n"  \
    "$2\r\nid\r\n:5\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"          \
    "$7\r\nmodules\r\n*1\r\n%1\r\n$4\r\nname\r\n$2\r\nbf\r\n"
#define GREETING_2                                                                                 \
    "*14\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n8.1.0\r\n$5\r\nproto\r\n:2\r\n" \
    "$2\r\nid\r\n:5\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"          \
    "$7\r\nmodules\r\n*0\r\n"

static redis_hello_t hello;
static redis_hello_options_t options;
static redis_out_t out;

static inline int begin(void **state)
{
    (void)state;
    alloc_watch();
    memset(&hello, 0xa5, sizeof hello); /* begin owes nothing to what was there */
    memset(&out, 0, sizeof out);
    options = (redis_hello_options_t){.client_name = "plane"};
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    redis_out_free(&out);
    size_t live = alloc_live();
    alloc_unwatch();
    return live == 0 ? 0 : -1;
}

/* What has been said since the last time, exactly. */
static inline void assert_said(const char *bytes)
{
    size_t len = redis_out_unsent(&out);
    if (len != strlen(bytes) || (len && memcmp(out.buf + out.sent, bytes, len) != 0))
        check_fail("said:\n%.*s\nexpected:\n%s", (int)len, len ? out.buf + out.sent : "", bytes);
    out.head = out.sent = out.tail = 0; /* as when all is written */
}

static inline int answer_bytes(const char *bytes, size_t len)
{
    redis_reply_t reply;
    redis_reply_init(&reply, bytes, len);
    return redis_hello_answer(&hello, &options, &reply, &out);
}

static inline int answer(const char *bytes)
{
    return answer_bytes(bytes, strlen(bytes));
}

static inline void greet(void)
{
    assert_status(redis_hello_begin(&hello, &options, &out), 0);
    out.head = out.sent = out.tail = 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
