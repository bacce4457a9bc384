// A client on a simulated machine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "world/world.h"

namespace chorus::cache {

/// Keeps what it is sent. It may stop reading: see connection().
class Peer final : public world::ConnectionHandler {
 public:
  explicit Peer(std::unique_ptr<world::Connection> connection) : connection_(std::move(connection)) { connection_->start(*this); }
  world::Connection& connection() { return *connection_; }
  /// A command as an inline line.
  void say(const std::string& line) { connection_->write(line + "\r\n"); }
  void on_data(std::string_view octets) override { received += octets; }
  void on_closed(const world::NetError&) override { is_closed = true; }

  std::string received;
  bool is_closed = false;

 private:
  std::unique_ptr<world::Connection> connection_;
};

}  // namespace chorus::cache
