#include <fmt/format.h>

#include "world/real/dial.h"
#include "world/real/errors.h"
#include "world/real/stream.h"
#include "world/real/tls.h"

namespace chorus::world::real {
namespace {

using asio::ip::tcp;

/// One attempt to reach an address: look-up, then each of its endpoints in turn, then TLS.
class Dial : public std::enable_shared_from_this<Dial> {
 public:
  Dial(Core& core, Address address, ConnectOptions options, OnConnect on_connect)
      : core_(core),
        address_(std::move(address)),
        options_(std::move(options)),
        on_connect_(std::move(on_connect)),
        end_(std::chrono::steady_clock::now() + options_.timeout),
        resolver_(core.context),
        socket_(core.context) {}

  void begin() {
    deadline_ = core_.after(options_.timeout, [self = shared_from_this()] {
      self->finish(base::error(NetErrc::timed_out, fmt::format("cannot connect to {}: no answer within {} ms", to_string(self->address_),
                                                               self->options_.timeout / std::chrono::milliseconds(1))));
    });
    ErrorCode ec;
    const auto numeric = asio::ip::make_address(address_.host, ec);
    if (!ec) {
      endpoints_.emplace_back(numeric, address_.port);
      return try_next();
    }
    resolver_.async_resolve(address_.host, std::to_string(address_.port), [self = shared_from_this()](ErrorCode failed, const auto& found) {
      if (!self->on_connect_) return;
      self->core_.event([&] {
        if (failed) {
          return self->finish(base::error(NetErrc::unreachable, fmt::format("cannot connect to {}: the name has no address: {}",
                                                                            to_string(self->address_), failed.message())));
        }
        for (const auto& entry : found) self->endpoints_.push_back(entry.endpoint());
        self->try_next();
      });
    });
  }

 private:
  void try_next() {
    const tcp::endpoint endpoint = endpoints_[next_++];
    ErrorCode ignored;
    socket_.close(ignored);
    socket_.async_connect(endpoint, [self = shared_from_this(), endpoint](ErrorCode ec) {
      if (!self->on_connect_) return;
      self->core_.event([&] {
        if (!ec) return self->connected(endpoint);
        if (self->next_ < self->endpoints_.size()) return self->try_next();
        self->finish(std::unexpected(connect_error(self->address_, ec.value())));
      });
    });
  }

  void connected(const tcp::endpoint& endpoint) {
    ErrorCode ec;
    const auto local = socket_.local_endpoint(ec);
    if (ec) return finish(std::unexpected(connect_error(address_, ec.value())));
    prepare(socket_);
    auto stream = std::make_shared<Stream>(core_, std::move(socket_), address_of(local), address_of(endpoint));
    if (!options_.tls) return finish(std::make_unique<TcpConnection>(std::move(stream)));
    const auto tls = TlsContext::client(*options_.tls);
    if (!tls) return finish(std::unexpected(tls.error()));
    stream->handshake((*tls)->connect(address_.host, options_.tls->verify_host), end_ - std::chrono::steady_clock::now(),
                      [self = shared_from_this()](std::shared_ptr<Stream> established, NetResult<void> done) {
                        if (!self->on_connect_) return;
                        if (!done) return self->finish(std::unexpected(done.error()));
                        self->finish(std::make_unique<TcpConnection>(std::move(established)));
                      });
  }

  void finish(NetResult<std::unique_ptr<Connection>> result) {
    if (!on_connect_) return;
    core_.cancel(deadline_);
    resolver_.cancel();
    ErrorCode ignored;
    socket_.close(ignored);
    std::exchange(on_connect_, nullptr)(std::move(result));
  }

  Core& core_;
  const Address address_;
  const ConnectOptions options_;
  OnConnect on_connect_;  // empty when called
  const Instant end_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  std::vector<tcp::endpoint> endpoints_;
  std::size_t next_ = 0;
  TimerId deadline_;
};

}  // namespace

void connect(Core& core, const Address& address, const ConnectOptions& options, OnConnect on_connect) {
  std::make_shared<Dial>(core, address, options, std::move(on_connect))->begin();
}

}  // namespace chorus::world::real
