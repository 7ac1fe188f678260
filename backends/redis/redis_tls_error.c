/* Which of the many ways in which TLS fails this is, in words for whoever set it up. */
#include "redis_tls_context.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

static void explain_certificate(long verdict, const char *name, char *out, size_t size)
{
    switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        snprintf(out, size, "the server's certificate is for another name than \"%.100s\"", name);
        return;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(out, size, "the server's certificate has expired");
        return;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(out, size, "the server's certificate is not valid yet");
        return;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(out, size, "the issuer of the server's certificate is not trusted: %s",
                 X509_verify_cert_error_string(verdict));
        return;
    default:
        snprintf(out, size, "the server's certificate is not accepted: %s",
                 X509_verify_cert_error_string(verdict));
    }
}

static bool refuses_certificate(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return true;
    default:
        return false;
    }
}

/* Until TLS 1.3 there is no alert of its own for it. */
static bool lacks_certificate(int reason, const redis_tls_t *tls)
{
    if (reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED) return true;
    return reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE && !tls->files[REDIS_TLS_CERT];
}

void redis_tls_explain(const SSL *ssl, const redis_tls_t *tls, const char *name, char *out,
                       size_t size)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const char *words = ERR_reason_error_string(code);
    if (!words) words = "no reason is given";
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        explain_certificate(SSL_get_verify_result(ssl), name, out, size);
    } else if (lacks_certificate(reason, tls)) {
        snprintf(out, size, "the server wants a client certificate (tls_cert_file): %s", words);
    } else if (refuses_certificate(reason)) {
        snprintf(out, size, "the server refuses the client certificate: %s", words);
    } else {
        snprintf(out, size, "TLS failed: %s", words);
    }
    ERR_clear_error();
}
