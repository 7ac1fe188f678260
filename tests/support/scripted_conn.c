#include "scripted_conn.h"

#include <stdlib.h>

/* ---- out ---- */

typedef struct write {
    uv_write_t req;
    char bytes[];
} write_t;

static void on_written(uv_write_t *req, int status)
{
    (void)status;
    free(req->data);
}

static void write_out(scripted_conn_t *conn, size_t len)
{
    write_t *write = malloc(sizeof *write + len);
    if (!write) abort();
    write->req.data = write;
    memcpy(write->bytes, conn->out, len);
    uv_buf_t buf = uv_buf_init(write->bytes, (unsigned)len);
    if (uv_write(&write->req, (uv_stream_t *)&conn->tcp, &buf, 1, on_written) != 0) free(write);
    memmove(conn->out, conn->out + len, conn->out_len - len);
    conn->out_len -= len;
    conn->sent += len;
}

/* How many of the waiting bytes go together. */
static size_t next_piece(const scripted_conn_t *conn)
{
    const scripted_t *server = conn->server;
    size_t len = conn->out_len;
    if (server->piece > 0 && len > server->piece) len = server->piece;
    if (server->split_at > conn->sent && server->split_at < conn->sent + len)
        len = server->split_at - conn->sent;
    return len;
}

/* A piece goes out every third turn: between two of them the peer has polled and read. */
static void on_turn(uv_idle_t *pacer)
{
    scripted_conn_t *conn = pacer->data;
    if (++conn->turns < 3) return;
    conn->turns = 0;
    if (conn->out_len > 0) write_out(conn, next_piece(conn));
    if (conn->out_len > 0) return;
    uv_idle_stop(pacer);
    if (conn->ending) scripted_conn_close(conn);
}

void scripted_conn_send(scripted_conn_t *conn, const char *bytes, size_t len)
{
    if (conn->closing || conn->ending) return;
    conn->out = realloc(conn->out, conn->out_len + len + 1);
    if (!conn->out) abort();
    memcpy(conn->out + conn->out_len, bytes, len);
    conn->out_len += len;
    if (uv_is_active((uv_handle_t *)&conn->pacer)) return;
    if (conn->out_len > 0) write_out(conn, next_piece(conn));
    conn->turns = 0;
    if (conn->out_len > 0) uv_idle_start(&conn->pacer, on_turn);
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    scripted_conn_t *conn = handle->data;
    if (--conn->handles > 0) return;
    free(conn->in);
    free(conn->out);
    free(conn);
}

void scripted_conn_close(scripted_conn_t *conn)
{
    if (conn->closing) return;
    conn->closing = true;
    journal_add(&conn->server->journal, "close");
    scripted_conn_t **at = &conn->server->conns;
    while (*at != conn) at = &(*at)->next;
    *at = conn->next;
    uv_close((uv_handle_t *)&conn->pacer, on_handle_closed);
    uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
}

void scripted_conn_end(scripted_conn_t *conn)
{
    conn->ending = true;
    if (conn->out_len == 0) scripted_conn_close(conn);
}

/* ---- in ---- */

/* Reads "<mark><number>\r\n" at *at. False if it is not all there, or wrong: then *bad is set. */
static bool read_number(const scripted_conn_t *conn, size_t *at, char mark, long *number, bool *bad)
{
    const char *line = conn->in + *at;
    const char *end = memchr(line, '\n', conn->in_len - *at);
    if (!end) return false;
    char *stop = NULL;
    *number = strtol(line + 1, &stop, 10);
    *bad = line[0] != mark || *number < 0 || stop == line + 1 || stop + 1 != end || *stop != '\r';
    *at += (size_t)(end - line) + 1;
    return !*bad;
}

/* The length of the command at the buffer's front, 0 if it is not complete. */
static size_t read_command(const scripted_conn_t *conn, cairn_slice_t *words, size_t *count,
                           bool *bad)
{
    size_t at = 0;
    long total = 0;
    if (!read_number(conn, &at, '*', &total, bad)) return 0;
    *bad = total < 1 || total > SCRIPTED_WORDS_MOST;
    if (*bad) return 0;
    for (*count = 0; *count < (size_t)total; ++*count) {
        long len = 0;
        if (at >= conn->in_len || !read_number(conn, &at, '$', &len, bad)) return 0;
        if (conn->in_len - at < (size_t)len + 2) return 0;
        words[*count] = cairn_slice(conn->in + at, (size_t)len);
        at += (size_t)len + 2;
    }
    return at;
}

static void take_commands(scripted_conn_t *conn)
{
    cairn_slice_t words[SCRIPTED_WORDS_MOST];
    while (conn->in_len > 0 && !conn->closing) {
        size_t count = 0;
        bool bad = false;
        size_t len = read_command(conn, words, &count, &bad);
        if (bad) {
            journal_add(&conn->server->journal, "garbage");
            scripted_conn_close(conn);
        }
        if (len == 0) return;
        scripted_command(conn, words, count);
        memmove(conn->in, conn->in + len, conn->in_len - len);
        conn->in_len -= len;
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    scripted_conn_t *conn = handle->data;
    if (conn->in_room < conn->in_len + suggested) {
        conn->in_room = 2 * (conn->in_len + suggested);
        conn->in = realloc(conn->in, conn->in_room);
        if (!conn->in) abort();
    }
    *buf = uv_buf_init(conn->in + conn->in_len, (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    (void)buf;
    scripted_conn_t *conn = stream->data;
    if (len < 0) {
        scripted_conn_close(conn);
        return;
    }
    conn->in_len += (size_t)len;
    take_commands(conn);
}

void scripted_conn_read(scripted_conn_t *conn, bool on)
{
    if (on)
        uv_read_start((uv_stream_t *)&conn->tcp, on_room, on_read);
    else
        uv_read_stop((uv_stream_t *)&conn->tcp);
}

void scripted_conn_accept(scripted_t *server)
{
    scripted_conn_t *conn = calloc(1, sizeof *conn);
    if (!conn) abort();
    conn->server = server;
    conn->protocol = 2;
    conn->handles = 2;
    uv_tcp_init(server->loop, &conn->tcp);
    uv_idle_init(server->loop, &conn->pacer);
    conn->tcp.data = conn->pacer.data = conn;
    conn->next = server->conns;
    server->conns = conn;
    server->accepted++;
    journal_add(&server->journal, "accept");
    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&conn->tcp) != 0) {
        scripted_conn_close(conn);
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    if (!server->deaf) scripted_conn_read(conn, true);
}
