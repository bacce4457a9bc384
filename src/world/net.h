// Byte-stream connections as a World hands them out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace chorus::world {

/// One enumerator per reaction. The message names the address and says what to do.
enum class NetErrc {
  refused,         // nobody listens there (now): try again or elsewhere
  unreachable,     // no route, or the name has no address
  timed_out,       // no answer in time
  reset,           // the other side or the network broke the connection off
  end_of_stream,   // the other side closed in good order
  closed_here,     // close() or abort() on this side
  address_in_use,  // another process listens there
  not_permitted,   // a privileged port, or an address that is not ours
  tls,             // handshake or certificate refused; the message says which and why
  invalid,         // an address or option that can never work
};
using NetError = base::Error<NetErrc>;
template <class T>
using NetResult = base::Result<T, NetError>;

/// host: a numeric address ("127.0.0.1", "::1") or a name to look up; port 0 when listening: the system picks one.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;
};
/// "127.0.0.1:2181", "[::1]:2181"
std::string to_string(const Address& address);
/// The reverse. Without a port: `default_port`. Empty when malformed.
std::optional<Address> parse_address(std::string_view text, std::uint16_t default_port = 0);

/// PEM files. Server: certificate and key are needed; ca verifies clients if `verify_peer`. Client: ca verifies the server (the system's
/// store when empty), certificate and key identify this side when given.
struct TlsOptions {
  std::string certificate_file = {};  // leaf first, then the chain
  std::string key_file = {};
  std::string ca_file = {};
  bool verify_peer = true;  // server: a client certificate is demanded; client: the chain is checked
  bool verify_host = true;  // client: the certificate must name the host asked for
};

/// What one end of a connection is told. Every call comes on the connection's reactor, none from within a call to the connection.
class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  /// octets: borrowed until return.
  virtual void on_data(std::string_view octets) = 0;
  /// The queue of unsent octets, which had reached `high_water`, is now empty.
  virtual void on_drained() {}
  /// Once, as the last call. Octets that were not sent are gone.
  virtual void on_closed(const NetError& why) = 0;
};

/// One end of an established byte stream (TLS included). Lives on one reactor. May be destroyed at any time, inside its handler's calls
/// too: that is an abort() without a further call to the handler.
class Connection {
 public:
  static constexpr std::size_t high_water = 1 << 20;

  virtual ~Connection() = default;
  /// Names the handler and begins to read; once, before anything else.
  virtual void start(ConnectionHandler& handler) = 0;
  /// Queues octets; they are sent in order, as the other side takes them. Does nothing once closed. With TLS they are not put into one
  /// record with those of another call.
  virtual void write(std::string octets) = 0;
  /// Octets queued and not yet taken by the system: whoever writes keeps this bounded.
  virtual std::size_t unsent() const = 0;
  /// No further on_data until resume_reading(): the sender is slowed down by TCP. Reading is counted as on at start().
  virtual void pause_reading() = 0;
  virtual void resume_reading() = 0;
  /// Sends what is queued (for at most 5 s), then ends the stream; nothing more is read. on_closed(closed_here) follows.
  virtual void close() = 0;
  /// Breaks off at once; on_closed(closed_here) follows.
  virtual void abort() = 0;
  /// Numeric.
  virtual const Address& local() const = 0;
  virtual const Address& peer() const = 0;
  /// Subject of the peer's verified certificate in RFC 2253 form; empty without TLS or certificate.
  virtual std::string peer_subject() const = 0;
  virtual bool is_tls() const = 0;
};

struct ListenOptions {
  int backlog = 1024;
  std::optional<TlsOptions> tls = {};
  bool plain_too = false;  // with tls: tell the two apart by the first octet, on one port
};
/// TLS, of those who connected.
struct Handshakes {
  std::int64_t under_way = 0, failed = 0;
};
/// Accepts until destroyed; established connections are not touched by that.
class Listener {
 public:
  virtual ~Listener() = default;
  /// With the port that the system picked.
  virtual const Address& address() const = 0;
  virtual Handshakes handshakes() const { return {}; }
};
using OnAccept = std::function<void(std::unique_ptr<Connection>)>;

struct ConnectOptions {
  std::chrono::nanoseconds timeout = std::chrono::seconds(10);  // look-up, TCP and TLS together
  std::optional<TlsOptions> tls = {};
};
using OnConnect = std::move_only_function<void(NetResult<std::unique_ptr<Connection>>)>;

}  // namespace chorus::world
