#include "cluster_suite.h"

#ifdef CAIRN_WITH_REDIS

#include "certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static certs_t certs;

void cluster_suite_start(cluster_t *cluster, const cluster_options_t *options, int argc,
                         char **argv)
{
    cluster_options_t with_tls = *options;
    const bool tls = argc == 2 && strcmp(argv[1], "tls") == 0;
    if (argc > 1 && !tls) {
        fprintf(stderr, "usage: %s [tls]\n", argv[0]);
        exit(2);
    }
    if (tls) {
        certs_make(&certs);
        with_tls.tls_cert = certs_path(&certs, "server.pem");
        with_tls.tls_key = certs_path(&certs, "server.key");
        with_tls.tls_ca = certs_path(&certs, "ca.pem");
    }
    cluster_start(cluster, &with_tls);
}

void cluster_suite_stop(cluster_t *cluster)
{
    const bool tls = cluster->options.tls_cert;
    cluster_stop(cluster);
    if (tls) certs_remove(&certs);
}

const char *cluster_suite_url(cluster_t *cluster, const char *rest)
{
    static char urls[8][1200];
    static unsigned next;
    const bool tls = cluster->options.tls_cert;
    char *out = urls[next++ % 8];
    const char *url = cluster_url(cluster, rest);
    snprintf(out, sizeof urls[0], "%s%s%s", tls ? "rediss" : "redis+cluster", strchr(url, ':'),
             tls ? "&cluster=auto&protocol=2" : "");
    return out;
}

const char *cluster_suite_name(const cluster_t *cluster, const char *name)
{
    static char text[96];
    snprintf(text, sizeof text, "%s%s", name,
             cluster->options.tls_cert ? ", RESP2 and TLS, as it says" : "");
    return text;
}

#endif
