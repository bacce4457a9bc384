// A server with clients that speak inline lines, and a clock that the test moves.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cache/server.h"

namespace chorus::cache {

class ServerTest : public testing::Test, public EffectSink {
 protected:
  explicit ServerTest(ServerOptions options = {}) : server(std::move(options), 42, now) { server.effects().follow(*this); }
  ~ServerTest() override { server.effects().leave(*this); }

  /// What client `who` gets for `line`, with '|' for line ends; connects it at first. Others' replies wait in `replies`.
  std::string ask(std::string_view line, std::uint64_t who = 1) {
    if (!replies.contains(who)) {
      replies[who];
      server.connect(ClientId(who), "127.0.0.1:" + std::to_string(40'000 + who), "127.0.0.1:6379", now);
    }
    server.receive(ClientId(who), std::string(line) + "\r\n", now);
    collect();
    return take(who);
  }
  std::string take(std::uint64_t who) { return std::exchange(replies[who], {}); }
  void pass(std::int64_t ms) {
    now.unix_us += ms * 1000;
    now.monotonic_us += ms * 1000;
  }
  void tick() {
    server.tick(now);
    collect();
  }
  void collect() {
    std::vector<Output> outputs;
    for (server.take_outputs(outputs); !outputs.empty(); server.take_outputs(outputs)) {
      for (const Output& output : outputs) {
        std::string text = output.octets;
        for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.replace(at, 2, "|");
        replies[output.client.value] += text + (output.closes ? "<end>" : "");
        if (!output.closes) server.resume(output.client, now);
      }
    }
  }
  /// The effects since the last call, units apart by " / ", and what happened to keys.
  std::string effects() { return std::exchange(effects_, {}); }
  std::string events() { return std::exchange(events_, {}); }

  void on_unit(Position at, std::span<const Effect> unit) override {
    EXPECT_EQ(at.sequence, ++sequence_);
    std::string text;
    for (const Effect& effect : unit) {
      if (!text.empty()) text += ", ";
      if (effect.db != 0) text += "[" + std::to_string(effect.db) + "] ";
      for (std::size_t i = 0; i < effect.arguments.size(); ++i) text += (i == 0 ? "" : " ") + effect.arguments[i];
    }
    effects_ += (effects_.empty() ? "" : " / ") + text;
  }
  void on_event(unsigned /*db*/, Notify /*what*/, std::string_view event, std::string_view key) override {
    events_ += (events_.empty() ? "" : " ") + std::string(event) + ":" + std::string(key);
  }

  Now now{.unix_us = 1'700'000'000'000'000, .monotonic_us = 5'000'000};
  Server server;
  std::map<std::uint64_t, std::string> replies;

 private:
  std::string effects_, events_;
  std::uint64_t sequence_ = 0;
};

}  // namespace chorus::cache
