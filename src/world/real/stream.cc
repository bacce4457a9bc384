#include "world/real/stream.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

#include "base/ensure.h"
#include "world/real/errors.h"

namespace chorus::world::real {
namespace {

constexpr Duration closing_limit = std::chrono::seconds(5);
// Up to this size a write is copied behind the one before rather than sent as a piece of its own.
constexpr std::size_t small_write = 4 << 10;
constexpr std::size_t pieces_max = 64;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace

Address address_of(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return {asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string(), endpoint.port()};
  return {address.to_string(), endpoint.port()};
}

void prepare(asio::ip::tcp::socket& socket) {
  // A socket whose other side is gone already refuses options; the first read tells.
  ErrorCode ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  socket.native_non_blocking(true, ignored);
}

Stream::Stream(Core& core, asio::ip::tcp::socket socket, Address local, Address peer)
    : core_(core), socket_(std::move(socket)), local_(std::move(local)), peer_(std::move(peer)) {}

void Stream::handshake(std::unique_ptr<Tls> tls, Duration limit, OnEstablished on_established) {
  ENSURE(state_ == State::fresh);
  state_ = State::handshaking;
  tls_ = std::move(tls);
  on_established_ = std::move(on_established);
  deadline_ = core_.after(limit, [self = shared_from_this()] {
    if (self->state_ != State::handshaking) return;
    self->fail({NetErrc::timed_out, fmt::format("TLS handshake with {} did not end in time", to_string(self->peer_))});
  });
  pump_due_ = true;  // a client speaks first
  mark();
  wait_readable();
}

void Stream::start(ConnectionHandler& handler) {
  ENSURE(handler_ == nullptr && (state_ == State::fresh || ended_));
  handler_ = &handler;
  if (ended_) return mark();
  state_ = State::open;
  if (tls_) {
    pump_due_ = true;  // what came together with the end of the handshake
    mark();
  }
  if (!paused_) wait_readable();
}

void Stream::write(std::string octets) {
  if (state_ != State::open && state_ != State::fresh) return;
  if (octets.empty()) return;
  if (tls_) {
    tls_->write(octets);
    octets = tls_->take_output();
  }
  enqueue(std::move(octets));
  if (unsent() >= Connection::high_water) was_high_ = true;
  mark();
}

void Stream::enqueue(std::string octets) {
  if (octets.empty()) return;
  unsent_ += octets.size();
  if (octets.size() <= small_write && !queue_.empty()) {
    std::string& last = queue_.back();
    if (last.capacity() - last.size() < octets.size()) queue_.push_back(core_.take_chunk());
    queue_.back() += octets;
  } else {
    queue_.push_back(std::move(octets));
  }
}

void Stream::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  if (state_ != State::open) return;
  if (tls_) {
    pump_due_ = true;
    mark();
  }
  wait_readable();
}

void Stream::close() {
  if (state_ != State::open && state_ != State::fresh) return;
  state_ = State::closing;
  if (tls_) {
    tls_->shut_down();
    enqueue(tls_->take_output());
  }
  limit_closing();
  mark();
}

void Stream::limit_closing() {
  deadline_ = core_.after(closing_limit, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && (self->state_ == State::closing || self->state_ == State::lingering)) self->abort();
  });
}

void Stream::abort() {
  if (state_ == State::closed) return;
  const bool told = state_ == State::lingering;
  if (state_ != State::lingering) {
    // Linger 0 makes it a reset: the other side can tell it from an orderly end.
    ErrorCode ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  }
  shut();
  if (told) return;
  ended_ = NetError{NetErrc::closed_here, fmt::format("connection with {} broken off here", to_string(peer_))};
  mark();
}

void Stream::detach() {
  handler_ = nullptr;
  if (state_ != State::lingering) abort();
}

void Stream::mark() {
  if (marked_) return;
  marked_ = true;
  core_.flush_later(shared_from_this());
}

void Stream::flush() {
  marked_ = false;
  if (ended_) {
    if (ConnectionHandler* handler = std::exchange(handler_, nullptr)) handler->on_closed(*ended_);
    return;
  }
  if (pump_due_) {
    pump_due_ = false;
    if (state_ == State::handshaking) {
      pump_handshake();
    } else if (state_ == State::open && !paused_) {
      pump_tls();
    }
  }
  if (state_ == State::closed) return;
  if (write_waits_ || !send_queued()) return;
  if (state_ == State::closing) {
    finish_closing();
  } else if (was_high_ && state_ == State::open) {
    was_high_ = false;
    if (handler_) handler_->on_drained();
  }
}

bool Stream::send_queued() {
  while (unsent_ > 0) {
    std::array<iovec, pieces_max> pieces;
    std::size_t count = 0;
    for (std::size_t i = queue_first_; i < queue_.size() && count < pieces_max; ++i, ++count) {
      const std::size_t skip = count == 0 ? first_offset_ : 0;
      pieces[count] = {queue_[i].data() + skip, queue_[i].size() - skip};
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (would_block(errno)) {
        wait_writable();
      } else {
        fail(stream_error(peer_, errno));
      }
      return false;
    }
    consume(static_cast<std::size_t>(sent));
  }
  return true;
}

void Stream::consume(std::size_t count) {
  unsent_ -= count;
  while (count > 0) {
    std::string& first = queue_[queue_first_];
    const std::size_t left = first.size() - first_offset_;
    if (count < left) {
      first_offset_ += count;
      return;
    }
    count -= left;
    first_offset_ = 0;
    core_.give_chunk(std::move(first));
    first = std::string();
    ++queue_first_;
  }
  if (queue_first_ == queue_.size()) {
    queue_.clear();
    queue_first_ = 0;
  }
}

void Stream::finish_closing() {
  // Closing a socket that still has something to read would send a reset, which may overtake our last octets. So only our half ends
  // here; the rest follows when the other side has ended its own.
  state_ = State::lingering;
  ErrorCode ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  wait_readable();
  if (ConnectionHandler* handler = std::exchange(handler_, nullptr))
    handler->on_closed({NetErrc::closed_here, fmt::format("connection with {} closed here", to_string(peer_))});
}

void Stream::wait_readable() {
  if (read_waits_) return;
  read_waits_ = true;
  // Not async_read_some: it would read ahead into the buffer that all connections share.
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](ErrorCode ec) {
    self->read_waits_ = false;
    if (!ec) self->core_.event([&] { self->on_readable(); });
  });
}

void Stream::wait_writable() {
  write_waits_ = true;
  socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](ErrorCode ec) {
    self->write_waits_ = false;
    if (!ec && self->state_ != State::closed) self->core_.event([&] { self->mark(); });
  });
}

void Stream::on_readable() {
  if (state_ == State::lingering) return discard();
  if (state_ != State::handshaking && (state_ != State::open || paused_)) return;
  const ssize_t count = ::recv(socket_.native_handle(), core_.receive_buffer(), Core::receive_size, 0);
  if (count > 0) {
    core_.received();
    deliver({core_.receive_buffer(), static_cast<std::size_t>(count)});
  } else if (count == 0) {
    if (state_ == State::handshaking)
      return fail(
          {NetErrc::end_of_stream, fmt::format("{} closed the connection within the TLS handshake; does it speak TLS?", to_string(peer_))});
    return fail({NetErrc::end_of_stream, fmt::format("connection closed by {}", to_string(peer_))});
  } else if (!would_block(errno) && errno != EINTR) {
    return fail(stream_error(peer_, errno));
  }
  if (state_ == State::handshaking || (state_ == State::open && !paused_)) wait_readable();
}

void Stream::discard() {
  const ssize_t count = ::recv(socket_.native_handle(), core_.receive_buffer(), Core::receive_size, 0);
  if (count > 0 || (count < 0 && (would_block(errno) || errno == EINTR))) return wait_readable();
  shut();
}

void Stream::deliver(std::string_view octets) {
  if (!tls_) return handler_->on_data(octets);
  tls_->feed(octets);
  if (state_ == State::handshaking) {
    pump_handshake();
  } else {
    pump_tls();
  }
}

void Stream::pump_handshake() {
  const auto done = tls_->handshake();
  enqueue(tls_->take_output());  // an alert too, which tells the other side why
  if (unsent_ > 0) mark();
  if (!done) {
    send_queued();
    return fail({NetErrc::tls, fmt::format("TLS with {}: {}", to_string(peer_), done.error())});
  }
  if (!*done) return;
  core_.cancel(deadline_);
  state_ = State::fresh;
  std::exchange(on_established_, nullptr)(shared_from_this(), {});
}

void Stream::pump_tls() {
  while (state_ == State::open && !paused_) {
    const auto count = tls_->read(core_.plain_buffer(), Core::plain_size);
    if (!count) return fail({NetErrc::tls, fmt::format("TLS with {}: {}", to_string(peer_), count.error())});
    if (*count == 0) break;
    handler_->on_data({core_.plain_buffer(), *count});
  }
  if (state_ == State::open && !paused_ && tls_->ended())
    return fail({NetErrc::end_of_stream, fmt::format("connection closed by {}", to_string(peer_))});
  // Reading may have made answers of TLS itself, such as to a change of keys.
  if (state_ == State::open) {
    enqueue(tls_->take_output());
    if (unsent_ > 0) mark();
  }
}

void Stream::fail(NetError why) {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  const bool told = state_ == State::lingering;
  shut();
  if (told) return;
  if (on_established_) return std::exchange(on_established_, nullptr)(self, std::unexpected(std::move(why)));
  if (ConnectionHandler* handler = std::exchange(handler_, nullptr)) return handler->on_closed(why);
  ended_ = std::move(why);  // failed before start()
}

void Stream::shut() {
  state_ = State::closed;
  core_.cancel(deadline_);
  ErrorCode ignored;
  socket_.close(ignored);
  queue_.clear();
  queue_first_ = first_offset_ = unsent_ = 0;
}

}  // namespace chorus::world::real
