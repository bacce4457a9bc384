#include "zookeeper/failover/client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/bytes.h"

namespace chorus::bench {
namespace {

constexpr std::int32_t kSessionTimeoutMs = 30'000;
constexpr std::size_t kFrameMax = 1 << 20;

}  // namespace

Client::Client(const std::vector<Target>& targets, std::size_t index, std::string path, Record& record)
    : targets_(targets), index_(index), path_(std::move(path)), record_(record), target_(index % targets.size()) {}

Client::~Client() { close(); }

void Client::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

pollfd Client::wanted() const {
  const bool connecting = state_ == State::connecting;
  return {.fd = fd_, .events = static_cast<short>(connecting ? POLLOUT : POLLIN), .revents = 0};
}

void Client::connect(Clock::time_point now) {
  const Target& target = targets_[target_];
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "cannot open a socket");
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (::inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error(fmt::format("'{}' is not an IPv4 address", target.host));
  state_ = State::connecting;
  deadline_ = now + kSilence;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return connected(now);
  if (errno != EINPROGRESS) lost(now);
}

// Nothing is tried from here: a round of refusals would be a recursion.
void Client::lost(Clock::time_point now) {
  close();
  input_.clear();
  state_ = State::waiting;
  target_ = (target_ + 1) % targets_.size();
  const bool tried_all = ++refused_ >= targets_.size();
  if (tried_all) refused_ = 0;
  deadline_ = tried_all ? now + kRoundPause : now;
}

void Client::connected(Clock::time_point now) {
  state_ = State::greeting;
  send(connect_frame(kSessionTimeoutMs, session_, last_zxid_), now);
}

void Client::on_ready(Clock::time_point now) {
  if (state_ == State::waiting) return;
  if (state_ != State::connecting) return receive(now);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return lost(now);
  connected(now);
}

void Client::on_time(Clock::time_point now) {
  if (now < deadline_) return;
  if (state_ != State::waiting) return lost(now);
  connect(now);
}

void Client::receive(Clock::time_point now) {
  std::array<char, 4096> octets;
  const ssize_t got = ::recv(fd_, octets.data(), octets.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return lost(now);
  input_.append(octets.data(), static_cast<std::size_t>(got));
  while (fd_ >= 0) {
    base::Reader in(input_);
    const std::uint32_t size = in.u32();
    if (!in.ok()) return;
    if (size > kFrameMax) throw std::runtime_error(fmt::format("a frame of {} octets", size));
    const std::string frame(in.octets(size));
    if (!in.ok()) return;
    input_.erase(0, size + 4);
    take(frame, now);
  }
}

void Client::take(std::string_view frame, Clock::time_point now) {
  base::Reader in(frame);
  if (state_ == State::greeting) {
    in.octets(8);  // protocol version, timeout
    const std::uint64_t id = in.u64();
    const std::string_view password = in.octets(in.u32());
    if (!in.ok()) throw std::runtime_error("an answer to the greeting that is none");
    if (id == 0) {
      ++expired_;
      session_ = {};
      return lost(now);
    }
    session_ = {.id = id, .password = std::string(password)};
    state_ = State::writing;
    refused_ = 0;
    return write(now);
  }
  const std::int32_t xid = in.i32();
  const std::uint64_t zxid = in.u64();
  const std::int32_t error = in.i32();
  if (!in.ok() || xid != xid_) throw std::runtime_error(fmt::format("reply {} came where {} was due", xid, xid_));
  if (error != 0) throw std::runtime_error(fmt::format("a write was refused with error {}", error));
  last_zxid_ = zxid;
  record_.acknowledged(index_, zxid, now);
  write(now);
}

void Client::write(Clock::time_point now) { send(write_frame(++xid_, Op::set, path_, std::string(100, 'v')), now); }

void Client::send(const std::string& frame, Clock::time_point now) {
  deadline_ = now + kSilence;
  // So little fits into an empty socket at once.
  if (::send(fd_, frame.data(), frame.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(frame.size())) lost(now);
}

}  // namespace chorus::bench
