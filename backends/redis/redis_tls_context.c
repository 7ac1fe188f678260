/* What all links of a handle have in common: whom to trust, what to show, the last session. */
#include "redis_tls_context.h"

#include <cairn/sys/alloc.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

static const char *const file_options[REDIS_TLS_FILES] = {"tls_ca_file", "tls_cert_file",
                                                          "tls_key_file"};

CAIRN_PRINTF(3, 4) static int refuse(cairn_error_t *error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}

static int refuse_memory(cairn_error_t *error)
{
    return refuse(error, UV_ENOMEM, "%s", uv_strerror(UV_ENOMEM));
}

/* ---- options ---- */

static bool has_tls(const char *scheme)
{
    return strncasecmp(scheme, "rediss", 6) == 0;
}

/* Who says how to verify the server, and then does not ask for TLS, has mistaken the scheme. */
static int check_absent(const cairn_options_t *options, cairn_error_t *error)
{
    const char *said = options->tls_ca_file       ? "tls_ca_file"
                       : options->tls_ca_dir      ? "tls_ca_dir"
                       : options->tls_cert_file   ? "tls_cert_file"
                       : options->tls_key_file    ? "tls_key_file"
                       : options->tls_server_name ? "tls_server_name"
                       : options->tls_verify      ? "tls_verify"
                                                  : NULL;
    if (!said) return 0;
    return refuse(error, CAIRN_EOPTION, "%s is set, but the scheme %.40s is without TLS", said,
                  options->scheme);
}

static int read_verify(const char *text, redis_tls_verify_t *verify, cairn_error_t *error)
{
    *verify = REDIS_TLS_VERIFY_FULL;
    if (!text || strcmp(text, CAIRN_TLS_VERIFY_FULL) == 0) return 0;
    *verify = REDIS_TLS_VERIFY_CA;
    if (strcmp(text, CAIRN_TLS_VERIFY_CA) == 0) return 0;
    *verify = REDIS_TLS_VERIFY_NONE;
    if (strcmp(text, CAIRN_TLS_VERIFY_NONE) == 0) return 0;
    return refuse(error, CAIRN_EOPTION, "tls_verify is neither \"full\" nor \"ca\" nor \"none\"");
}

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static const char *keep(char **at, const char *text)
{
    if (!text) return NULL;
    size_t size = text_size(text);
    const char *copy = memcpy(*at, text, size);
    *at += size;
    return copy;
}

static int copy_options(redis_tls_t *tls, const cairn_options_t *from, cairn_error_t *error)
{
    const char *key_file = from->tls_key_file ? from->tls_key_file : from->tls_cert_file;
    if (from->tls_key_file && !from->tls_cert_file)
        return refuse(error, CAIRN_EOPTION, "tls_key_file is set without tls_cert_file");
    if (text_size(from->tls_server_name) > REDIS_TLS_NAME_MOST)
        return refuse(error, CAIRN_EOPTION, "tls_server_name is longer than %d bytes",
                      REDIS_TLS_NAME_MOST - 1);
    size_t size = text_size(from->tls_ca_file) + text_size(from->tls_cert_file) +
                  text_size(key_file) + text_size(from->tls_ca_dir) +
                  text_size(from->tls_server_name);
    char *at = tls->texts = cairn_malloc(size + 1);
    if (!at) return refuse_memory(error);
    tls->files[REDIS_TLS_CA] = keep(&at, from->tls_ca_file);
    tls->files[REDIS_TLS_CERT] = keep(&at, from->tls_cert_file);
    tls->files[REDIS_TLS_KEY] = keep(&at, key_file);
    tls->ca_dir = keep(&at, from->tls_ca_dir);
    tls->server_name = keep(&at, from->tls_server_name);
    return read_verify(from->tls_verify, &tls->verify, error);
}

/* ---- files ---- */

/* Says of the file what the system has against it, or else OpenSSL. */
static int refuse_file(cairn_error_t *error, const char *option, const char *path)
{
    const char *why = access(path, R_OK) < 0 ? strerror(errno) : NULL;
    unsigned long code = ERR_peek_error();
    if (!why) why = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return refuse(error, CAIRN_EOPTION, "%s %.140s: %s", option, path,
                  why ? why : "it cannot be used");
}

static int refuse_with(redis_tls_t *tls, cairn_error_t *error, int file)
{
    return refuse_file(error, file_options[file], tls->files[file]);
}

static bool is_by_hash(const char *name)
{
    return strlen(name) == 10 && strspn(name, "0123456789abcdef") == 8 &&
           strcmp(name + 8, ".0") == 0;
}

static bool has_files_by_hash(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return false;
    const struct dirent *entry;
    do entry = readdir(dir);
    while (entry && !is_by_hash(entry->d_name));
    closedir(dir);
    return entry != NULL;
}

/* Of a directory files are read when they are needed; a bundle of all there are takes 40 ms. */
static bool trust_system(SSL_CTX *ctx)
{
    const char *dir = getenv(X509_get_default_cert_dir_env());
    if (!dir) dir = X509_get_default_cert_dir();
    bool lazily = !getenv(X509_get_default_cert_file_env()) && has_files_by_hash(dir);
    return (lazily ? SSL_CTX_set_default_verify_dir(ctx) : SSL_CTX_set_default_verify_paths(ctx)) ==
           1;
}

static int load_trusted(redis_tls_t *tls, SSL_CTX *ctx, cairn_error_t *error)
{
    struct stat info;
    const char *file = tls->files[REDIS_TLS_CA];
    if (!file && !tls->ca_dir && !trust_system(ctx))
        return refuse(error, CAIRN_EOPTION, "the system's store of certificates cannot be used");
    if (file && SSL_CTX_load_verify_locations(ctx, file, NULL) != 1)
        return refuse_with(tls, error, REDIS_TLS_CA);
    if (!tls->ca_dir) return 0;
    if (stat(tls->ca_dir, &info) == 0 && !S_ISDIR(info.st_mode))
        return refuse(error, CAIRN_EOPTION, "tls_ca_dir %.140s: %s", tls->ca_dir,
                      strerror(ENOTDIR));
    if (access(tls->ca_dir, R_OK | X_OK) < 0 ||
        SSL_CTX_load_verify_locations(ctx, NULL, tls->ca_dir) != 1)
        return refuse_file(error, "tls_ca_dir", tls->ca_dir);
    return 0;
}

static int load_own(redis_tls_t *tls, SSL_CTX *ctx, cairn_error_t *error)
{
    if (!tls->files[REDIS_TLS_CERT]) return 0;
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->files[REDIS_TLS_CERT]) != 1)
        return refuse_with(tls, error, REDIS_TLS_CERT);
    if (SSL_CTX_use_PrivateKey_file(ctx, tls->files[REDIS_TLS_KEY], SSL_FILETYPE_PEM) != 1)
        return refuse_with(tls, error, REDIS_TLS_KEY);
    return 0;
}

/* Nobody is there to type it. */
static int no_passphrase(char *out, int size, int writing, void *unused)
{
    (void)out, (void)size, (void)writing, (void)unused;
    return -1;
}

/* OpenSSL's own order of preference begins with AES-256, which takes both sides a fifth more time
 * than AES-128 does. Who configures the system otherwise is heeded. */
static void prefer_light_ciphers(SSL_CTX *ctx)
{
    static const char ours[] =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
    static const char *const usual[] = {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                                        "TLS_AES_128_GCM_SHA256"};
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    int found = 0;
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") != 0) continue;
        if (found == 3 || strcmp(SSL_CIPHER_get_name(cipher), usual[found]) != 0) return;
        found++;
    }
    if (found == 3) SSL_CTX_set_ciphersuites(ctx, ours);
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx) return NULL;
    /* The system's policy may ask for more. */
    if (SSL_CTX_get_min_proto_version(ctx) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    prefer_light_ciphers(ctx);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx, redis_tls_keep_session);
    return ctx;
}

static void note_changes(const redis_tls_t *tls, struct timespec changed[REDIS_TLS_FILES])
{
    for (int i = 0; i < REDIS_TLS_FILES; i++) {
        struct stat info;
        changed[i] = (struct timespec){0};
        if (tls->files[i] && stat(tls->files[i], &info) == 0) changed[i] = info.st_mtim;
    }
}

/* Puts a context made of the files as they are now in place of the one there was. */
static int load(redis_tls_t *tls, cairn_error_t *error)
{
    struct timespec changed[REDIS_TLS_FILES];
    note_changes(tls, changed); /* before they are read: what changes meanwhile is read again */
    ERR_clear_error();
    SSL_CTX *ctx = context_new();
    if (!ctx) {
        ERR_clear_error();
        return refuse_memory(error);
    }
    SSL_CTX_set_verify(
        ctx, tls->verify == REDIS_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    int rc = load_trusted(tls, ctx, error);
    if (rc == 0) rc = load_own(tls, ctx, error);
    memcpy(tls->loaded, changed, sizeof changed);
    if (rc < 0) {
        SSL_CTX_free(ctx);
        return rc;
    }
    redis_tls_forget_session(tls);
    SSL_CTX_free(tls->ctx);
    tls->ctx = ctx;
    return 0;
}

void redis_tls_refresh(redis_tls_t *tls)
{
    struct timespec now[REDIS_TLS_FILES];
    cairn_error_t ignored;
    note_changes(tls, now);
    bool changed = false;
    for (int i = 0; i < REDIS_TLS_FILES; i++)
        changed |=
            now[i].tv_sec != tls->loaded[i].tv_sec || now[i].tv_nsec != tls->loaded[i].tv_nsec;
    if (changed) (void)load(tls, &ignored); /* half of it may be written: then the next time */
}

/* ---- life ---- */

int redis_tls_open(redis_tls_t **out, const cairn_options_t *options, cairn_error_t *error)
{
    *out = NULL;
    if (!has_tls(options->scheme)) return check_absent(options, error);
    redis_tls_t *tls = cairn_calloc(1, sizeof *tls);
    if (!tls) return refuse_memory(error);
    int rc = copy_options(tls, options, error);
    if (rc < 0) goto fail;
    rc = load(tls, error);
    if (rc < 0) goto fail;
    tls->wire = redis_tls_wire_new();
    if (!tls->wire) {
        rc = refuse_memory(error);
        goto fail;
    }
    *out = tls;
    return 0;

fail:
    redis_tls_free(tls);
    return rc;
}

void redis_tls_forget_session(redis_tls_t *tls)
{
    if (tls->session) SSL_SESSION_free(tls->session);
    tls->session = NULL;
}

void redis_tls_free(redis_tls_t *tls)
{
    if (!tls) return;
    redis_tls_forget_session(tls);
    SSL_CTX_free(tls->ctx);
    BIO_meth_free(tls->wire);
    cairn_free(tls->texts);
    cairn_free(tls);
}
