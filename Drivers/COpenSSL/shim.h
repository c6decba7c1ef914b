#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL has as macros, or with variable arguments, which Swift cannot call.

// TLS 1.3 alone, without resumption, and with as little memory for an idle connection as can be.
// `most` bytes of certificates are taken from the other side.
static inline int synod_tls_configure(SSL_CTX *context, long most) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(context, most);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1
      && SSL_CTX_set_num_tickets(context, 0) == 1;
}

static inline int synod_tls_name_server(SSL *connection, const char *name) {
  return SSL_set_tlsext_host_name(connection, name) == 1;
}

// Calls `each` with every URI that a certificate is for.
static inline void synod_tls_each_uri(
    const X509 *certificate, void *context,
    void (*each)(void *context, const unsigned char *uri, int count)) {
  GENERAL_NAMES *names =
      (GENERAL_NAMES *)X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_URI) continue;
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    each(context, ASN1_STRING_get0_data(uri), ASN1_STRING_length(uri));
  }
  GENERAL_NAMES_free(names);
}

// The moment at which a certificate's time is over, in seconds since 1970; 0 where it has none.
static inline long long synod_tls_ends_at(const X509 *certificate) {
  struct tm end;
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return 0;
  return (long long)timegm(&end);
}

// A new key on the curve P-256, whose signatures are quick.
static inline EVP_PKEY *synod_tls_make_key(void) { return EVP_EC_gen("P-256"); }

// Adds an extension, written as in a configuration of OpenSSL.
static inline int synod_tls_add_extension(
    X509 *certificate, X509 *issuer, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  if (!extension) return 0;
  int done = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return done;
}

// The certificates between a context's own and its authority.
static inline void synod_tls_chain(SSL_CTX *context, STACK_OF(X509) **chain) {
  SSL_CTX_get0_chain_certs(context, chain);
}
