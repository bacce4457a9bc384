// An established connection, or one whose TLS handshake is under way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "world/real/core.h"
#include "world/real/tls.h"

namespace chorus::world::real {

/// Lives on its reactor; kept alive by the operations that wait on its socket, and by the Connection that its user holds.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  /// Given the stream itself: one that held it would keep it alive for ever.
  using OnEstablished = std::move_only_function<void(std::shared_ptr<Stream>, NetResult<void>)>;

  Stream(Core& core, asio::ip::tcp::socket socket, Address local, Address peer);

  /// Calls back within `limit`, never from within this call. Before start().
  void handshake(std::unique_ptr<Tls> tls, Duration limit, OnEstablished on_established);

  // The contract of Connection (world/net.h).
  void start(ConnectionHandler& handler);
  void write(std::string octets);
  std::size_t unsent() const { return unsent_; }
  void pause_reading() { paused_ = true; }
  void resume_reading();
  void close();
  void abort();
  /// The Connection is gone: an abort() that tells nobody.
  void detach();
  const Address& local() const { return local_; }
  const Address& peer() const { return peer_; }
  std::string peer_subject() const { return tls_ ? tls_->peer_subject() : std::string(); }
  bool is_tls() const { return tls_ != nullptr; }

  /// Called by Core at the end of an event in which something was written or ended.
  void flush();

 private:
  enum class State {
    fresh,        // nobody reads yet
    handshaking,  // TLS before its end
    open,
    closing,    // sends what is queued, then ends the stream
    lingering,  // on_closed was called; waits for the other side to have read everything
    closed,
  };
  void wait_readable();
  void wait_writable();
  void on_readable();
  void discard();
  void deliver(std::string_view octets);
  void pump_tls();
  void pump_handshake();
  void enqueue(std::string octets);
  void mark();
  /// False when the socket takes no more now, or has failed.
  bool send_queued();
  void consume(std::size_t count);
  void finish_closing();
  void fail(NetError why);
  void shut();
  void limit_closing();

  Core& core_;
  asio::ip::tcp::socket socket_;
  State state_ = State::fresh;
  bool paused_ = false;
  bool read_waits_ = false;   // an operation waits for the socket to be readable
  bool write_waits_ = false;  // ... writable
  bool marked_ = false;       // in the reactor's list of streams to flush
  bool was_high_ = false;     // on_drained is due
  bool pump_due_ = false;     // decrypted octets may wait inside of TLS
  ConnectionHandler* handler_ = nullptr;
  std::optional<NetError> ended_;  // on_closed is due
  std::vector<std::string> queue_;
  std::size_t queue_first_ = 0;   // index of the first chunk that is not wholly sent
  std::size_t first_offset_ = 0;  // octets of it that are sent
  std::size_t unsent_ = 0;
  std::unique_ptr<Tls> tls_;
  OnEstablished on_established_;
  TimerId deadline_;
  const Address local_;
  const Address peer_;
};

/// What the user of a stream holds.
class TcpConnection final : public Connection {
 public:
  explicit TcpConnection(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~TcpConnection() override { stream_->detach(); }
  void start(ConnectionHandler& handler) override { stream_->start(handler); }
  void write(std::string octets) override { stream_->write(std::move(octets)); }
  std::size_t unsent() const override { return stream_->unsent(); }
  void pause_reading() override { stream_->pause_reading(); }
  void resume_reading() override { stream_->resume_reading(); }
  void close() override { stream_->close(); }
  void abort() override { stream_->abort(); }
  const Address& local() const override { return stream_->local(); }
  const Address& peer() const override { return stream_->peer(); }
  std::string peer_subject() const override { return stream_->peer_subject(); }
  bool is_tls() const override { return stream_->is_tls(); }

 private:
  const std::shared_ptr<Stream> stream_;
};

/// Numeric; an IPv4 address carried in IPv6 is shown as IPv4.
Address address_of(const asio::ip::tcp::endpoint& endpoint);
/// Sets the options that every connection has: no delay of small writes, no blocking.
void prepare(asio::ip::tcp::socket& socket);

}  // namespace chorus::world::real
