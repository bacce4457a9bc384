// TLS as a transformation of octets, without a socket.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "world/net.h"

struct ssl_st;
struct ssl_ctx_st;

namespace chorus::world::real {

/// What went wrong, in words for a person.
template <class T>
using TlsResult = std::expected<T, std::string>;

/// One end of one connection.
class Tls {
 public:
  explicit Tls(ssl_st* ssl) : ssl_(ssl) {}
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Octets from the network.
  void feed(std::string_view octets);
  /// Octets for the network; after each of the calls below.
  std::string take_output();
  /// True when done, false when it needs more from the network.
  TlsResult<bool> handshake();
  /// Decrypted octets; 0 when it needs more from the network.
  TlsResult<std::size_t> read(char* to, std::size_t size);
  void write(std::string_view octets);
  /// Tells the other side that nothing follows.
  void shut_down();
  /// The other side has said so.
  bool ended() const;
  /// RFC 2253; empty without a certificate.
  std::string peer_subject() const;

 private:
  ssl_st* const ssl_;
};

/// Keys and certificates, loaded once for many connections.
class TlsContext {
 public:
  static NetResult<std::shared_ptr<TlsContext>> server(const TlsOptions& options);
  static NetResult<std::shared_ptr<TlsContext>> client(const TlsOptions& options);
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  std::unique_ptr<Tls> accept() const;
  /// host: as the user named it, name or numeric; `verify_host` as in TlsOptions.
  std::unique_ptr<Tls> connect(const std::string& host, bool verify_host) const;

 private:
  ssl_ctx_st* const context_;
};

}  // namespace chorus::world::real
