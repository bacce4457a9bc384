#include "zookeeper/load/session.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace chorus::bench {
namespace {

constexpr std::int32_t kSessionTimeoutMs = 30'000;
constexpr std::uint32_t kReplyHeader = 16;  // xid, zxid, err
constexpr std::uint32_t kFrameMax = 16 << 20;
constexpr std::size_t kReceiveSize = 64 << 10;
constexpr std::uint64_t kCreatesPerSession = 100'000'000;  // 12 digits: 9999 sessions of as many creates

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

std::uint32_t u32_at(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return std::byteswap(value);
}

}  // namespace

std::vector<Target> parse_targets(const std::vector<std::string>& texts) {
  std::vector<Target> targets;
  for (const std::string& text : texts) {
    const std::size_t colon = text.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : base::parse_int(text.substr(colon + 1));
    if (!port || *port < 1 || *port > 65'535) throw std::runtime_error(fmt::format("'{}' is not HOST:PORT", text));
    targets.push_back({.host = text.substr(0, colon), .port = static_cast<std::uint16_t>(*port)});
  }
  if (targets.empty()) throw std::runtime_error("no server is named");
  return targets;
}

Link::Link(const Target& target) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) fail("cannot open a socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(target.port);
  if (::inet_pton(AF_INET, target.host.c_str(), &address.sin_addr) != 1)
    throw std::runtime_error(fmt::format("'{}' is not an IPv4 address", target.host));
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int reason = errno;
    ::close(fd_);
    errno = reason;
    fail(fmt::format("cannot connect to {}:{}", target.host, target.port));
  }
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Link::~Link() { ::close(fd_); }

void Link::send_all(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t count = ::send(fd_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (count < 0) fail("cannot send");
    octets.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string Link::exactly(std::size_t count) {
  std::string octets(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t got = ::recv(fd_, octets.data() + have, count - have, 0);
    if (got < 0) fail("cannot receive");
    if (got == 0) throw std::runtime_error("the server closed the connection");
    have += static_cast<std::size_t>(got);
  }
  return octets;
}

std::string Link::receive() {
  const std::uint32_t size = u32_at(exactly(4).data());
  if (size > kFrameMax) throw std::runtime_error(fmt::format("a frame of {} octets", size));
  return exactly(size);
}

std::int32_t Link::receive_error() {
  const std::string reply = receive();
  if (reply.size() < kReplyHeader) throw std::runtime_error(fmt::format("a reply of {} octets", reply.size()));
  return static_cast<std::int32_t>(u32_at(reply.data() + 12));
}

Session::Session(const Target& target, const Workload& workload, std::uint32_t index)
    : workload_(workload),
      link_(target),
      get_(Op::get, 'k', ""),
      set_(Op::set, 'k', std::string(workload.value_bytes, 'v')),
      create_(Op::create, 'c', std::string(workload.value_bytes, 'v')),
      random_(index + 1),
      created_(index * kCreatesPerSession),
      capacity_(workload.outstanding * std::max(set_.size(), create_.size())),
      out_(std::make_unique_for_overwrite<char[]>(capacity_)) {
  link_.send_all(connect_frame(kSessionTimeoutMs));
  const std::string reply = link_.receive();
  if (reply.size() < 36 || u32_at(reply.data() + 4) == 0) throw std::runtime_error("the server refused the session");
  ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) | O_NONBLOCK);
}

std::uint32_t Session::next_request(char* to) {
  using Kind = Workload::Kind;
  const Kind kind = workload_.kind;
  if (kind == Kind::create) {
    create_.write(to, next_xid_, created_++);
    return static_cast<std::uint32_t>(create_.size());
  }
  const bool reads = kind == Kind::get || (kind == Kind::mixed && random_.below(100) < workload_.reads_percent);
  const Stamp& stamp = reads ? get_ : set_;
  stamp.write(to, next_xid_, random_.below(workload_.keys));
  return static_cast<std::uint32_t>(stamp.size());
}

void Session::fill(Clock::time_point now) {
  const std::uint32_t count = workload_.outstanding - in_flight_;
  if (count == 0) return;
  if (begin_ > 0) {
    std::memmove(out_.get(), out_.get() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    end_ += next_request(out_.get() + end_);
    next_xid_ = next_xid_ == INT32_MAX ? 1 : next_xid_ + 1;
  }
  sent_.push_back({now, count});
  in_flight_ += count;
  flush();
}

void Session::flush() {
  while (blocked()) {
    const ssize_t count = ::send(fd(), out_.get() + begin_, end_ - begin_, MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN) return;
      fail("cannot send");
    }
    begin_ += static_cast<std::size_t>(count);
  }
  begin_ = end_ = 0;
}

std::uint64_t Session::receive(std::vector<char>& scratch, Tally& tally) {
  std::uint64_t replies = 0;
  for (;;) {
    if (scratch.size() < carry_.size() + kReceiveSize) scratch.resize(carry_.size() + kReceiveSize);
    std::copy(carry_.begin(), carry_.end(), scratch.begin());
    const std::size_t room = scratch.size() - carry_.size();
    const ssize_t got = ::recv(fd(), scratch.data() + carry_.size(), room, 0);
    if (got < 0) {
      if (errno == EAGAIN) break;
      fail("cannot receive");
    }
    if (got == 0) throw std::runtime_error("the server closed a connection under load");
    replies += take({scratch.data(), carry_.size() + static_cast<std::size_t>(got)}, tally);
    // What comes after it had nothing more is told anew.
    if (static_cast<std::size_t>(got) < room) break;
  }
  in_flight_ -= static_cast<std::uint32_t>(replies);
  return replies;
}

/// The frames in `octets`; what is left of them goes to carry_.
std::uint64_t Session::take(std::string_view octets, Tally& tally) {
  const Clock::time_point now = Clock::now();
  const char* at = octets.data();
  const char* const end = at + octets.size();
  std::uint32_t replies = 0;
  while (end - at >= 4) {
    const std::uint32_t size = u32_at(at);
    if (size < kReplyHeader || size > kFrameMax) throw std::runtime_error(fmt::format("a reply of {} octets", size));
    if (static_cast<std::size_t>(end - at) < size + 4) break;
    const auto xid = static_cast<std::int32_t>(u32_at(at + 4));
    if (xid != next_reply_ || xid == next_xid_) throw std::runtime_error(fmt::format("reply {} came where {} was due", xid, next_reply_));
    if (const auto error = static_cast<std::int32_t>(u32_at(at + 16))) {
      ++tally.refused;
      tally.last_error = error;
    }
    next_reply_ = xid == INT32_MAX ? 1 : xid + 1;
    ++replies;
    at += size + 4;
  }
  carry_.assign(at, end);
  // Requests that left together have waited equally long.
  for (std::uint32_t left = replies; left > 0;) {
    Sent& first = sent_.front();
    const std::uint32_t together = std::min(left, first.count);
    tally.latency.record(static_cast<std::uint64_t>(std::chrono::nanoseconds(now - first.when).count()), together);
    left -= together;
    if ((first.count -= together) == 0) sent_.pop_front();
  }
  return replies;
}

void Session::close() {
  ::fcntl(fd(), F_SETFL, ::fcntl(fd(), F_GETFL) & ~O_NONBLOCK);
  link_.send_all(bare_frame(next_xid_, Op::close));
  if (const std::int32_t error = link_.receive_error()) throw std::runtime_error(fmt::format("closing the session: error {}", error));
}

}  // namespace chorus::bench
