/* Random RESP values: written, framed in random pieces, read back and compared. */
#include "check.h"
#include "redis_reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4000
#define NODES_MAX 4096
#define BYTES_MAX (1u << 20)
#define DEPTH_MAX 6

/* What was written, in the order of writing. A tree is its root followed by its children. */
typedef struct node {
    redis_type_t type;
    int64_t integer;
    double real;
    size_t offset, len; /* of a text, in the written bytes */
    size_t count;       /* of children, a pair counting two */
} node_t;

typedef struct writer {
    uint64_t random;
    char bytes[BYTES_MAX];
    size_t len;
    node_t nodes[NODES_MAX];
    size_t node_count;
} writer_t;

static uint64_t below(writer_t *writer, uint64_t limit)
{
    uint64_t z = (writer->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % limit;
}

static CAIRN_PRINTF(2, 3) void put(writer_t *writer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(writer->bytes + writer->len, BYTES_MAX - writer->len, format, args);
    va_end(args);
    assert_in_range(len, 0, BYTES_MAX - writer->len - 1);
    writer->len += (size_t)len;
}

/* Mostly short; any byte where `any` is. */
static size_t put_text(writer_t *writer, bool any, size_t len)
{
    size_t offset = writer->len;
    assert_in_range(len, 0, BYTES_MAX - writer->len);
    for (size_t i = 0; i < len; i++) {
        writer->bytes[writer->len++] = (char)(any ? below(writer, 256) : 'a' + below(writer, 26));
    }
    return offset;
}

static size_t some_length(writer_t *writer)
{
    static const size_t most[] = {1, 8, 12, 120, 120, 1100, 12000};
    return below(writer, most[below(writer, sizeof most / sizeof *most)]);
}

static void write_bulk(writer_t *writer, node_t *node, char type)
{
    node->len = some_length(writer);
    const char *prefix = type == '=' ? "txt:" : "";
    put(writer, "%c%zu\r\n%s", type, node->len + strlen(prefix), prefix);
    node->offset = put_text(writer, true, node->len);
    put(writer, "\r\n");
}

static void write_line(writer_t *writer, node_t *node, char type)
{
    node->len = some_length(writer);
    put(writer, "%c", type);
    node->offset = put_text(writer, false, node->len);
    put(writer, "\r\n");
}

static void write_integer(writer_t *writer, node_t *node)
{
    uint64_t any = below(writer, UINT64_MAX) >> below(writer, 64);
    memcpy(&node->integer, &any, sizeof any);
    node->type = REDIS_INT;
    put(writer, ":%lld\r\n", (long long)node->integer);
}

static void write_double(writer_t *writer, node_t *node)
{
    uint64_t any = below(writer, UINT64_MAX);
    memcpy(&node->real, &any, sizeof any);
    if (isnan(node->real)) node->real = 0.5;
    node->type = REDIS_DOUBLE;
    put(writer, ",%.17g\r\n", node->real);
}

static void write_leaf(writer_t *writer, node_t *node)
{
    static const char types[] = "$$$$$$+=-!:::,#_N";
    char type = types[below(writer, sizeof types - 1)];
    switch (type) {
    case '$':
    case '=':
        node->type = REDIS_STRING;
        write_bulk(writer, node, type);
        break;
    case '!':
        node->type = REDIS_ERROR;
        write_bulk(writer, node, type);
        break;
    case '+':
        node->type = REDIS_STRING;
        write_line(writer, node, type);
        break;
    case '-':
        node->type = REDIS_ERROR;
        write_line(writer, node, type);
        break;
    case ':':
        write_integer(writer, node);
        break;
    case ',':
        write_double(writer, node);
        break;
    case '#':
        node->type = REDIS_BOOL;
        node->integer = (int64_t)below(writer, 2);
        put(writer, node->integer ? "#t\r\n" : "#f\r\n");
        break;
    case '_':
        node->type = REDIS_NIL;
        put(writer, "_\r\n");
        break;
    default:
        node->type = REDIS_NIL;
        put(writer, below(writer, 2) ? "$-1\r\n" : "*-1\r\n");
        break;
    }
}

static void write_value(writer_t *writer, int depth);

/* What an attribute holds is not read back. */
static void write_attribute(writer_t *writer)
{
    size_t before = writer->node_count;
    size_t pairs = below(writer, 3);
    put(writer, "|%zu\r\n", pairs);
    for (size_t i = 0; i < 2 * pairs; i++) write_value(writer, DEPTH_MAX - 1);
    writer->node_count = before;
}

static void write_aggregate(writer_t *writer, node_t *node, int depth)
{
    static const char types[] = "****%~>";
    char type = types[below(writer, sizeof types - (writer->len > 0 ? 2 : 1))];
    size_t count = below(writer, below(writer, 20) == 0 ? 40 : 6);
    put(writer, "%c%zu\r\n", type, count);
    node->type = type == '%' ? REDIS_MAP : REDIS_ARRAY;
    node->count = type == '%' ? 2 * count : count;
    for (size_t i = 0; i < node->count; i++) write_value(writer, depth + 1);
}

static void write_value(writer_t *writer, int depth)
{
    if (depth > 0 && below(writer, 20) == 0) write_attribute(writer);
    assert_in_range(writer->node_count, 0, NODES_MAX - 1);
    node_t *node = &writer->nodes[writer->node_count++];
    memset(node, 0, sizeof *node);
    bool room = writer->node_count < NODES_MAX / 4 && writer->len < BYTES_MAX / 4;
    if (depth < DEPTH_MAX && room && below(writer, 3) == 0) {
        write_aggregate(writer, node, depth);
    } else {
        write_leaf(writer, node);
    }
}

/* Frames it in pieces, each time somewhere else in memory, with another value's beginning behind
 * it. */
static void frame_in_pieces(writer_t *writer)
{
    redis_frame_t frame = {0};
    size_t avail = 0;
    size_t len = 0;
    int rc;
    do {
        size_t piece = 1 + below(writer, below(writer, 4) ? 40 : writer->len);
        avail = avail + piece < writer->len ? avail + piece : writer->len;
        char *copy = malloc(avail);
        assert_non_null(copy);
        memcpy(copy, writer->bytes, avail);
        rc = redis_frame_scan(&frame, copy, avail, BYTES_MAX, &len);
        free(copy);
        assert_status(rc, avail == writer->len);
        if (rc == 0) assert_in_range(redis_frame_missing(&frame, avail), 1, writer->len - avail);
    } while (rc == 0);
    assert_int_equal(len, writer->len);
}

static void assert_same_text(const writer_t *writer, const node_t *node, cairn_slice_t text)
{
    assert_true(cairn_slice_eq(text, cairn_slice(writer->bytes + node->offset, node->len)));
}

static void read_string(const writer_t *writer, const node_t *node, redis_reply_t *reply)
{
    cairn_slice_t text;
    assert_status(redis_reply_string(reply, &text), 0);
    assert_same_text(writer, node, text);
}

static void read_error(const writer_t *writer, const node_t *node, redis_reply_t *reply)
{
    cairn_slice_t text;
    assert_true(redis_reply_error(reply, &text));
    assert_same_text(writer, node, text);
    assert_status(redis_reply_skip(reply), 0);
}

static void read_node(const writer_t *writer, const node_t *node, redis_reply_t *reply)
{
    int64_t integer;
    double real;
    bool truth;
    size_t count;
    cairn_slice_t text;
    assert_int_equal(redis_reply_type(reply), node->type);
    assert_true(redis_reply_error(reply, &text) == (node->type == REDIS_ERROR));
    switch (node->type) {
    case REDIS_NIL:
        assert_status(redis_reply_string_or_nil(reply, &text, &truth), 0);
        assert_true(truth);
        break;
    case REDIS_INT:
        assert_status(redis_reply_int(reply, &integer), 0);
        assert_true(integer == node->integer);
        break;
    case REDIS_DOUBLE:
        assert_status(redis_reply_double(reply, &real), 0);
        assert_true(real == node->real);
        break;
    case REDIS_BOOL:
        assert_status(redis_reply_bool(reply, &truth), 0);
        assert_true(truth == (node->integer == 1));
        break;
    case REDIS_ARRAY:
    case REDIS_MAP:
        assert_status(redis_reply_array(reply, &count), 0);
        assert_int_equal(count, node->count);
        break;
    case REDIS_ERROR:
        read_error(writer, node, reply);
        break;
    case REDIS_STRING:
        read_string(writer, node, reply);
        break;
    case REDIS_NONE:
        fail();
        break;
    }
}

static void reads_back_what_was_written(void **state)
{
    writer_t *writer = *state;
    size_t nodes = 0;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        writer->random = round;
        writer->len = 0;
        writer->node_count = 0;
        write_value(writer, 0);
        frame_in_pieces(writer);
        redis_reply_t reply;
        redis_reply_init(&reply, writer->bytes, writer->len);
        for (size_t i = 0; i < writer->node_count; i++) {
            read_node(writer, &writer->nodes[i], &reply);
        }
        assert_true(redis_reply_done(&reply));
        redis_reply_init(&reply, writer->bytes, writer->len);
        assert_status(redis_reply_skip(&reply), 0);
        assert_true(redis_reply_done(&reply));
        nodes += writer->node_count;
    }
    assert_true(nodes > 4 * ROUNDS); /* or the generator makes nothing worth reading */
}

static int set_up(void **state)
{
    *state = malloc(sizeof(writer_t));
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_back_what_was_written, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
