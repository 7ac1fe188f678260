#include "certs.h"

#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY (24L * 60 * 60)

typedef struct holder {
    const char *file; /* without its ending */
    const char *names;
    long from_s, until_s; /* from now */
    bool is_ca;
} holder_t;

typedef struct pair {
    X509 *cert;
    EVP_PKEY *key;
} pair_t;

static void must(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "no certificates to test with: %s\n", what);
    exit(1);
}

const char *certs_path(certs_t *certs, const char *file)
{
    char wanted[sizeof certs->paths[0]];
    int len = snprintf(wanted, sizeof wanted, "%s/%s", certs->folder, file);
    must(len < (int)sizeof wanted, "a path is too long");
    size_t i = 0;
    while (certs->paths[i][0] && strcmp(certs->paths[i], wanted) != 0) {
        i++;
        must(i < sizeof certs->paths / sizeof *certs->paths, "too many files");
    }
    return memcpy(certs->paths[i], wanted, sizeof wanted);
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    must(extension && X509_add_ext(cert, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* `issuer` NULL: it vouches for itself. */
static pair_t make(const holder_t *holder, const pair_t *issuer)
{
    static long serial;
    pair_t made = {X509_new(), EVP_EC_gen("P-256")};
    must(made.cert && made.key, "keys");
    const pair_t *by = issuer ? issuer : &made;
    X509_set_version(made.cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.cert), holder->from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.cert), holder->until_s);
    X509_set_pubkey(made.cert, made.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)holder->file, -1, -1, 0);
    X509_set_issuer_name(made.cert, X509_get_subject_name(by->cert));
    extend(made.cert, by->cert, NID_basic_constraints,
           holder->is_ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (holder->names) extend(made.cert, by->cert, NID_subject_alt_name, holder->names);
    must(X509_sign(made.cert, by->key, EVP_sha256()) > 0, "a signature");
    return made;
}

static FILE *create(certs_t *certs, const char *name, const char *ending)
{
    char file[64];
    snprintf(file, sizeof file, "%s%s", name, ending);
    FILE *out = fopen(certs_path(certs, file), "we");
    must(out != NULL, file);
    return out;
}

static void write_cert(certs_t *certs, const holder_t *holder, const pair_t *pair)
{
    FILE *out = create(certs, holder->file, ".pem");
    must(PEM_write_X509(out, pair->cert) == 1 && fclose(out) == 0, holder->file);
}

static void write_key(certs_t *certs, const char *name, const pair_t *pair, const char *phrase)
{
    FILE *out = create(certs, name, ".key");
    int len = phrase ? (int)strlen(phrase) : 0;
    const EVP_CIPHER *cipher = phrase ? EVP_aes_128_cbc() : NULL;
    must(PEM_write_PKCS8PrivateKey(out, pair->key, cipher, phrase, len, NULL, NULL) == 1 &&
             fclose(out) == 0,
         name);
}

static void free_pair(pair_t *pair)
{
    X509_free(pair->cert);
    EVP_PKEY_free(pair->key);
}

static void issue(certs_t *certs, const holder_t *holder, const pair_t *issuer)
{
    pair_t made = make(holder, issuer);
    write_cert(certs, holder, &made);
    write_key(certs, holder->file, &made, NULL);
    if (strcmp(holder->file, "server") == 0) write_key(certs, "locked", &made, "open sesame");
    free_pair(&made);
}

void certs_make(certs_t *certs)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1";
    static const holder_t authority = {"ca", NULL, -DAY, DAY, true};
    static const holder_t unknown = {"stranger-ca", NULL, -DAY, DAY, true};
    static const holder_t strangers[] = {{"stranger", here, -DAY, DAY, false},
                                         {"stranger-client", NULL, -DAY, DAY, false}};
    static const holder_t holders[] = {
        {"server", here, -DAY, DAY, false},
        {"other", "DNS:elsewhere.example", -DAY, DAY, false},
        {"expired", here, -2 * DAY, -DAY, false},
        {"client", NULL, -DAY, DAY, false},
    };
    *certs = (certs_t){.folder = "/tmp/cairn-certs-XXXXXX"};
    must(mkdtemp(certs->folder) != NULL, "a folder");
    pair_t ca = make(&authority, NULL);
    write_cert(certs, &authority, &ca);
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) issue(certs, &holders[i], &ca);
    free_pair(&ca);
    ca = make(&unknown, NULL);
    write_cert(certs, &unknown, &ca);
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
        issue(certs, &strangers[i], &ca);
    free_pair(&ca);
}

static void append(certs_t *certs, FILE *out, const char *name)
{
    char bytes[8192];
    FILE *in = fopen(certs_path(certs, name), "re");
    must(in != NULL, name);
    size_t len = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    must(fwrite(bytes, 1, len, out) == len, name);
}

void certs_replace(certs_t *certs, const char *file, const char *by)
{
    certs_replace_by_both(certs, file, by, NULL);
}

void certs_replace_by_both(certs_t *certs, const char *file, const char *one, const char *two)
{
    FILE *out = create(certs, file, ".new");
    append(certs, out, one);
    if (two) append(certs, out, two);
    must(fclose(out) == 0, file);
    char made[64];
    snprintf(made, sizeof made, "%s.new", file);
    must(rename(certs_path(certs, made), certs_path(certs, file)) == 0, file);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info, (void)type, (void)walk;
    return remove(path);
}

void certs_remove(certs_t *certs)
{
    nftw(certs->folder, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
}
