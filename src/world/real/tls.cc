#include "world/real/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <system_error>

#include "base/ensure.h"
#include "world/real/subject.h"

namespace chorus::world::real {
namespace {

/// Empties OpenSSL's queue of errors of this thread and returns the most telling: the system's, else the last.
std::string last_error() {
  unsigned long last = 0;
  while (const unsigned long code = ERR_get_error()) {
    last = code;
    if (ERR_SYSTEM_ERROR(code)) break;
  }
  ERR_clear_error();
  if (last == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(last)) return std::generic_category().message(ERR_GET_REASON(last));
  const char* reason = ERR_reason_error_string(last);
  return reason != nullptr ? reason : fmt::format("OpenSSL error {:#x}", last);
}

std::unexpected<NetError> refuse(const std::string& what, const std::string& file) {
  return base::error(NetErrc::tls, fmt::format("TLS: cannot use {} {}: {}; a readable PEM file is needed", what, file, last_error()));
}

NetResult<std::shared_ptr<TlsContext>> load(const TlsOptions& options, ssl_ctx_st* context) {
  auto owner = std::make_shared<TlsContext>(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!options.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
      return refuse("the certificate", options.certificate_file);
    const std::string& key = options.key_file.empty() ? options.certificate_file : options.key_file;
    if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
      if (ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH) return refuse("the private key", key);
      ERR_clear_error();
      return base::error(NetErrc::tls,
                         fmt::format("TLS: the private key {} does not belong to the certificate {}", key, options.certificate_file));
    }
  }
  if (!options.ca_file.empty() && SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1)
    return refuse("the authorities' certificates", options.ca_file);
  return owner;
}

}  // namespace

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

NetResult<std::shared_ptr<TlsContext>> TlsContext::server(const TlsOptions& options) {
  if (options.certificate_file.empty())
    return base::error(NetErrc::tls, "TLS: a server needs a certificate and its private key; name both files");
  if (options.verify_peer && options.ca_file.empty())
    return base::error(NetErrc::tls, "TLS: to verify clients, name the file with their authorities' certificates, or do not ask for it");
  ssl_ctx_st* const context = SSL_CTX_new(TLS_server_method());
  ENSURE(context != nullptr);
  auto loaded = load(options, context);
  if (!loaded) return loaded;
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("chorus"), 6);
  if (!options.ca_file.empty()) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.ca_file.c_str()));
  SSL_CTX_set_verify(context, options.verify_peer ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_NONE, nullptr);
  ERR_clear_error();
  return loaded;
}

NetResult<std::shared_ptr<TlsContext>> TlsContext::client(const TlsOptions& options) {
  ssl_ctx_st* const context = SSL_CTX_new(TLS_client_method());
  ENSURE(context != nullptr);
  auto loaded = load(options, context);
  if (!loaded) return loaded;
  if (options.ca_file.empty() && options.verify_peer) SSL_CTX_set_default_verify_paths(context);
  SSL_CTX_set_verify(context, options.verify_peer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  ERR_clear_error();
  return loaded;
}

namespace {

ssl_st* new_ssl(ssl_ctx_st* context) {
  ssl_st* const ssl = SSL_new(context);
  ENSURE(ssl != nullptr);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  return ssl;
}

}  // namespace

std::unique_ptr<Tls> TlsContext::accept() const {
  ssl_st* const ssl = new_ssl(context_);
  SSL_set_accept_state(ssl);
  return std::make_unique<Tls>(ssl);
}

std::unique_ptr<Tls> TlsContext::connect(const std::string& host, bool verify_host) const {
  ssl_st* const ssl = new_ssl(context_);
  SSL_set_connect_state(ssl);
  unsigned char numeric[16];
  const bool is_name = inet_pton(AF_INET, host.c_str(), numeric) != 1 && inet_pton(AF_INET6, host.c_str(), numeric) != 1;
  if (is_name) SSL_set_tlsext_host_name(ssl, host.c_str());  // RFC 6066 section 3: names only
  if (verify_host && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE) {
    if (is_name) {
      SSL_set1_host(ssl, host.c_str());
    } else {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    }
  }
  return std::make_unique<Tls>(ssl);
}

Tls::~Tls() { SSL_free(ssl_); }

void Tls::feed(std::string_view octets) { BIO_write(SSL_get_rbio(ssl_), octets.data(), static_cast<int>(octets.size())); }

std::string Tls::take_output() {
  BIO* const out = SSL_get_wbio(ssl_);
  std::string octets(BIO_ctrl_pending(out), '\0');
  if (!octets.empty()) BIO_read(out, octets.data(), static_cast<int>(octets.size()));
  return octets;
}

TlsResult<bool> Tls::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return true;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  const long verdict = SSL_get_verify_result(ssl_);
  std::string words = last_error();
  if (verdict != X509_V_OK) words += fmt::format(" ({})", X509_verify_cert_error_string(verdict));
  return std::unexpected(std::move(words));
}

TlsResult<std::size_t> Tls::read(char* to, std::size_t size) {
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl_, to, size, &count);
  if (result == 1) return count;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_ZERO_RETURN) return 0;
  return std::unexpected(last_error());
}

void Tls::write(std::string_view octets) {
  ERR_clear_error();
  // The output is memory, so that it takes everything; it refuses only what follows shut_down() or a failure, which read() reports.
  std::size_t count = 0;
  while (!octets.empty() && SSL_write_ex(ssl_, octets.data(), octets.size(), &count) == 1) octets.remove_prefix(count);
}

void Tls::shut_down() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

bool Tls::ended() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

std::string Tls::peer_subject() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
  return rfc2253(X509_get_subject_name(certificate));
}

}  // namespace chorus::world::real
