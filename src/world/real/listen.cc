#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <boost/asio/ip/v6_only.hpp>

#include "world/real/dial.h"
#include "world/real/errors.h"
#include "world/real/stream.h"
#include "world/real/tls.h"

namespace chorus::world::real {
namespace {

using asio::ip::tcp;
constexpr Duration handshake_limit = std::chrono::seconds(10);
// When the process has no descriptor left, accepting again at once would fail again at once.
constexpr Duration pause_after_failure = std::chrono::milliseconds(100);
constexpr unsigned char tls_handshake = 0x16;  // content type of the first octet that a TLS client sends. RFC 8446 section 5.1

class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(Core& core, std::shared_ptr<TlsContext> tls, bool plain_too, OnAccept on_accept)
      : core_(core), acceptor_(core.context), tls_(std::move(tls)), plain_too_(plain_too), on_accept_(std::move(on_accept)) {}

  NetResult<void> open(const Address& address, int backlog) {
    const auto endpoint = look_up(address);
    if (!endpoint) return std::unexpected(endpoint.error());
    ErrorCode ec;
    acceptor_.open(endpoint->protocol(), ec);
    if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    // "::" takes IPv4 as well, whatever the system's default is.
    if (!ec && endpoint->protocol() == tcp::v6()) acceptor_.set_option(asio::ip::v6_only(false), ec);
    if (!ec) acceptor_.bind(*endpoint, ec);
    if (!ec) acceptor_.listen(backlog, ec);
    if (ec) return std::unexpected(listen_error(address, ec.value()));
    address_ = address_of(acceptor_.local_endpoint());
    return {};
  }

  const Address& address() const { return address_; }
  const Handshakes& handshakes() const { return handshakes_; }

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](ErrorCode ec, tcp::socket socket) {
      if (!self->acceptor_.is_open()) return;
      if (ec) return self->accept_failed(ec);
      self->core_.event([&] { self->accepted(std::move(socket)); });
      if (self->acceptor_.is_open()) self->accept();
    });
  }

  void stop() {
    ErrorCode ignored;
    acceptor_.close(ignored);
  }

 private:
  NetResult<tcp::endpoint> look_up(const Address& address) {
    ErrorCode ec;
    const auto numeric = asio::ip::make_address(address.host, ec);
    if (!ec) return tcp::endpoint(numeric, address.port);
    tcp::resolver resolver(core_.context);
    const auto found = resolver.resolve(address.host, std::to_string(address.port), tcp::resolver::passive, ec);
    if (ec || found.empty())
      return base::error(NetErrc::invalid,
                         fmt::format("cannot listen on {}: the name has no address: {}", to_string(address), ec.message()));
    return found.begin()->endpoint();
  }

  void accept_failed(ErrorCode ec) {
    if (ec == asio::error::connection_aborted) return accept();  // the caller hung up while it waited
    if (!failing_) {
      spdlog::warn("cannot accept connections for now address={} reason=\"{}\" (raise `ulimit -n` if it is about open files)",
                   to_string(address_), ec.message());
    }
    failing_ = true;
    core_.after(pause_after_failure, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->acceptor_.is_open()) self->accept();
    });
  }

  void accepted(tcp::socket socket) {
    failing_ = false;
    ErrorCode ec;
    const auto peer = socket.remote_endpoint(ec);
    if (ec) return;  // gone already
    const auto local = socket.local_endpoint(ec);
    if (ec) return;
    prepare(socket);
    if (tls_ && plain_too_) return peek(std::make_shared<tcp::socket>(std::move(socket)), address_of(local), address_of(peer));
    auto stream = std::make_shared<Stream>(core_, std::move(socket), address_of(local), address_of(peer));
    if (tls_) return handshake(stream);
    hand_over(std::move(stream));
  }

  void hand_over(std::shared_ptr<Stream> stream) { on_accept_(std::make_unique<TcpConnection>(std::move(stream))); }

  void handshake(const std::shared_ptr<Stream>& stream) {
    ++handshakes_.under_way;
    stream->handshake(tls_->accept(), handshake_limit,
                      [weak = weak_from_this()](std::shared_ptr<Stream> established, NetResult<void> done) {
                        const auto self = weak.lock();
                        if (!self) return;
                        --self->handshakes_.under_way;
                        if (!done) ++self->handshakes_.failed;
                        if (!self->acceptor_.is_open()) return;
                        if (!done) {
                          spdlog::info("refused a connection peer={} reason=\"{}\"", to_string(established->peer()), done.error().message);
                          return;
                        }
                        self->hand_over(std::move(established));
                      });
  }

  /// Waits for the first octet, which tells TLS from anything else.
  void peek(std::shared_ptr<tcp::socket> socket, Address local, Address peer) {
    const TimerId limit = core_.after(handshake_limit, [socket] {
      ErrorCode ignored;
      socket->close(ignored);
    });
    socket->async_wait(tcp::socket::wait_read, [self = shared_from_this(), socket, limit, local, peer](ErrorCode ec) {
      self->core_.cancel(limit);
      if (ec || !self->acceptor_.is_open()) return;
      unsigned char first = 0;
      if (::recv(socket->native_handle(), &first, 1, MSG_PEEK) != 1) return;
      self->core_.event([&] {
        auto stream = std::make_shared<Stream>(self->core_, std::move(*socket), local, peer);
        if (first == tls_handshake) return self->handshake(stream);
        self->hand_over(std::move(stream));
      });
    });
  }

  Core& core_;
  tcp::acceptor acceptor_;
  const std::shared_ptr<TlsContext> tls_;
  const bool plain_too_;
  const OnAccept on_accept_;
  Address address_;
  bool failing_ = false;
  Handshakes handshakes_;
};

class TcpListener final : public Listener {
 public:
  explicit TcpListener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~TcpListener() override { acceptor_->stop(); }
  const Address& address() const override { return acceptor_->address(); }
  Handshakes handshakes() const override { return acceptor_->handshakes(); }

 private:
  const std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace

NetResult<std::unique_ptr<Listener>> listen(Core& core, const Address& address, const ListenOptions& options, OnAccept on_accept) {
  std::shared_ptr<TlsContext> tls;
  if (options.tls) {
    auto loaded = TlsContext::server(*options.tls);
    if (!loaded) return std::unexpected(loaded.error());
    tls = std::move(*loaded);
  }
  auto acceptor = std::make_shared<Acceptor>(core, std::move(tls), options.plain_too, std::move(on_accept));
  if (auto opened = acceptor->open(address, options.backlog); !opened) return std::unexpected(opened.error());
  acceptor->accept();
  return std::make_unique<TcpListener>(std::move(acceptor));
}

}  // namespace chorus::world::real
