// The handler of a connection, for tests.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "world/net.h"

namespace chorus::world::contract {

/// Keeps what it is told.
class Recorder : public ConnectionHandler {
 public:
  explicit Recorder(std::unique_ptr<Connection> c) : connection(std::move(c)) { connection->start(*this); }
  void on_data(std::string_view octets) override {
    EXPECT_FALSE(closed.has_value()) << "on_closed is the last call";
    received += octets;
    if (react) react(*this, octets);
  }
  void on_drained() override { ++drained; }
  void on_closed(const NetError& why) override {
    EXPECT_FALSE(closed.has_value()) << "on_closed comes once";
    closed = why.code;
    message = why.message;
  }

  std::unique_ptr<Connection> connection;
  std::string received;
  int drained = 0;
  std::optional<NetErrc> closed;
  std::string message;
  std::function<void(Recorder&, std::string_view)> react;
};

}  // namespace chorus::world::contract
