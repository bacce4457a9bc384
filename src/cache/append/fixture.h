// A server with an append log on a simulated disk, and clients that wait for their replies.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include <memory>
#include <string>
#include <vector>

#include "cache/node.h"
#include "cache/peer_fixture.h"
#include "world/sim/simulation.h"

namespace chorus::cache {

class AppendLogFixture : public testing::Test {
 protected:
  explicit AppendLogFixture(std::uint64_t seed = 1) : simulation_(seed) {
    append_.is_on = true;
    append_.sync = SyncPolicy::always;
    machine_.set_boot([this](world::World& world) {
      Options options;
      options.address = world::Address{"0.0.0.0", 6379};
      options.save = save_;
      options.append = append_;
      options.debug_access = ProtectedAccess::yes;
      auto node = Node::start(world, options, logger_);
      EXPECT_TRUE(node);
      node_ = node ? std::shared_ptr<Node>(std::move(*node)) : nullptr;
      failure_.clear();
      has_asked_to_end_ = false;
      if (node_ != nullptr) {
        node_->on_failure([this](const std::string& why) { failure_ = why; });
        node_->on_shutdown([this] { has_asked_to_end_ = true; });
      }
      return std::shared_ptr<Node>(node_);
    });
    clients_.start();
  }
  ~AppendLogFixture() override {
    peer_.reset();
    node_.reset();
  }

  void start() { machine_.start(); }
  bool run_until(const std::function<bool()>& is_true) { return simulation_.run_until(is_true, std::chrono::seconds(60)); }
  void run_for(std::chrono::nanoseconds time) { simulation_.run_for(time); }
  std::unique_ptr<Peer> connect() {
    std::unique_ptr<Peer> peer;
    for (int tries = 0; tries < 100 && peer == nullptr; ++tries) {
      bool is_over = false;
      clients_.world().connect({machine_.address(), 6379}, {}, [&](auto result) {
        is_over = true;
        if (result) peer = std::make_unique<Peer>(std::move(*result));
      });
      EXPECT_TRUE(run_until([&] { return is_over; }));
    }
    return peer;
  }
  static bool is_whole(std::string_view reply) {
    const bool has_body = reply.starts_with("$") && !reply.starts_with("$-1");
    return reply.ends_with("\r\n") && (!has_body || reply.find("\r\n") + 2 < reply.size());
  }
  /// The reply, with its line ends as '|'; empty: the connection ended. More than one line of an array: say so in `lines`.
  std::string ask(const std::string& line, std::size_t lines = 1) {
    if (peer_ == nullptr || peer_->is_closed) peer_ = connect();
    if (peer_ == nullptr) return {};
    peer_->received.clear();
    peer_->say(line);
    run_until([&] {
      const auto count = std::count(peer_->received.begin(), peer_->received.end(), '\n');
      return (is_whole(peer_->received) && static_cast<std::size_t>(count) >= lines) || peer_->is_closed;
    });
    std::string text = peer_->received;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.replace(at, 2, "|");
    return text;
  }
  void wait_until_loaded() {
    ASSERT_TRUE(run_until([&] { return node_ != nullptr && (!node_->facts().save.is_loading || !failure_.empty()); }));
    ASSERT_EQ(failure_, "");
  }
  /// The process ends without its own stop(); its handles are gone.
  void end(bool power_fails) {
    node_.reset();
    power_fails ? machine_.crash() : machine_.kill();
    if (peer_ != nullptr) run_until([&] { return peer_->is_closed; });
    peer_.reset();
  }
  void restart(bool power_fails = true) {
    end(power_fails);
    start();
    wait_until_loaded();
  }
  /// By its own stop().
  void end_in_order() {
    bool has_ended = false;
    node_->stop([&] { has_ended = true; });
    ASSERT_TRUE(run_until([&] { return has_ended; }));
  }
  std::string file(const std::string& name) { return machine_.disk().contents("data/appendonlydir/" + name).value_or("(none)"); }
  void put(const std::string& path, std::string_view octets) {
    world::Files& files = machine_.world().files();
    ASSERT_TRUE(files.make_directories(world::parent_directory(path)));
    ASSERT_TRUE(world::write_file(files, path, octets));
  }
  AppendState state() { return node_->facts().append; }
  bool wait_for_rewrite(std::uint64_t rewrites) {
    return run_until([&] { return state().rewrites >= rewrites && !state().is_rewriting; });
  }

  SaveOptions save_{.directory = "data", .points = ""};
  AppendOptions append_;
  spdlog::logger logger_{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_;
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& clients_ = simulation_.add_node("clients");
  std::shared_ptr<Node> node_;
  std::unique_ptr<Peer> peer_;
  std::string failure_;
  bool has_asked_to_end_ = false;
};

}  // namespace chorus::cache
