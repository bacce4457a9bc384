// A broker that says what a test wants it to, on a thread and a loopback port of its own.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "rocketmq/load/frames.h"
#include "zookeeper/load/session.h"

namespace chorus::bench::rocketmq {

/// An answer's frame; `fields` as they stand in the header: "\"name\":\"value\",...".
inline std::string answer_frame(const Answer& request, std::int32_t code, const std::string& fields = "", std::string_view body = {},
                                std::string_view remark = "") {
  const std::string header =
      fmt::format(R"({{"code":{},"extFields":{{{}}},"flag":1,"language":"JAVA","opaque":{},"remark":"{}","version":513}})", code, fields,
                  request.opaque, remark);
  std::string frame;
  base::Writer out(frame);
  out.u32(static_cast<std::uint32_t>(4 + header.size() + body.size()));
  out.u32(static_cast<std::uint32_t>(header.size()));
  out.octets(header);
  out.octets(body);
  return frame;
}

class FakeBroker {
 public:
  /// What it answers to a request; nothing when that is empty. Called on its thread.
  using Answers = std::function<std::string(const Answer& request)>;

  explicit FakeBroker(Answers answers) : answers_(std::move(answers)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0 || ::getsockname(listener_, generic, &size) != 0)
      throw std::runtime_error("no port to listen on");
    target_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeBroker() {
    stopped_ = true;
    thread_.join();
    for (const auto& [fd, octets] : connections_) ::close(fd);
    ::close(listener_);
  }
  FakeBroker(const FakeBroker&) = delete;
  FakeBroker& operator=(const FakeBroker&) = delete;

  const Target& target() const { return target_; }

 private:
  void serve() {
    while (!stopped_) {
      std::vector<pollfd> watched{{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const auto& [fd, octets] : connections_) watched.push_back({.fd = fd, .events = POLLIN, .revents = 0});
      ::poll(watched.data(), watched.size(), 5);
      for (const pollfd& one : watched) {
        if (one.revents == 0) continue;
        if (one.fd == listener_) {
          connections_[::accept(listener_, nullptr, nullptr)];
        } else {
          receive(one.fd);
        }
      }
    }
  }

  void receive(int fd) {
    std::string& octets = connections_[fd];
    char buffer[65536];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) {
      ::close(fd);
      connections_.erase(fd);
      return;
    }
    octets.append(buffer, static_cast<std::size_t>(got));
    std::string out;
    while (octets.size() >= 4) {
      const std::uint32_t size = base::Reader(octets).u32();
      if (octets.size() < size + 4U) break;
      if (const auto request = parse_answer(std::string_view(octets).substr(4, size))) out += answers_(*request);
      octets.erase(0, size + 4U);
    }
    for (std::string_view left = out; !left.empty();) {
      const ssize_t count = ::send(fd, left.data(), left.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      left.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  Answers answers_;
  int listener_;
  Target target_;
  std::map<int, std::string> connections_;  // and what has come of a request
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

}  // namespace chorus::bench::rocketmq
