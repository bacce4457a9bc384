// Snapshots on simulated disks: what is there after any end.
#include "cache/persistence/saver.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>

#include "cache/node.h"
#include "cache/peer_fixture.h"
#include "world/sim/simulation.h"

namespace chorus::cache {
namespace {

using namespace std::chrono_literals;

class SaverTest : public testing::Test {
 protected:
  explicit SaverTest(std::uint64_t seed = 1) : simulation_(seed) {
    machine_.set_boot([this](world::World& world) {
      Options options;
      options.address = world::Address{"0.0.0.0", 6379};
      options.save = save_;
      auto node = Node::start(world, options, logger_);
      EXPECT_TRUE(node);
      node_ = node ? std::shared_ptr<Node>(std::move(*node)) : nullptr;
      failure_.clear();
      if (node_ != nullptr) node_->on_failure([this](const std::string& why) { failure_ = why; });
      return std::shared_ptr<Node>(node_);
    });
    clients_.start();
  }
  ~SaverTest() override {
    peer_.reset();
    node_.reset();
  }
  void start() { machine_.start(); }
  bool run_until(const std::function<bool()>& is_true) { return simulation_.run_until(is_true, 60s); }
  /// The reply, with its line ends as '|'; empty: the connection ended.
  std::string ask(const std::string& line) {
    for (int tries = 0; tries < 100 && (peer_ == nullptr || peer_->is_closed); ++tries) {
      bool is_over = false;
      peer_.reset();
      clients_.world().connect({machine_.address(), 6379}, {}, [&](auto result) {
        is_over = true;
        if (result) peer_ = std::make_unique<Peer>(std::move(*result));
      });
      EXPECT_TRUE(run_until([&] { return is_over; }));
    }
    if (peer_ == nullptr) return {};
    peer_->received.clear();
    peer_->say(line);
    const auto is_whole = [&] {
      const std::string& got = peer_->received;
      const bool has_body = got.starts_with("$") && !got.starts_with("$-1");
      return got.ends_with("\r\n") && (!has_body || got.find("\r\n") + 2 < got.size());
    };
    run_until([&] { return is_whole() || peer_->is_closed; });
    std::string text = peer_->received;
    for (std::size_t at = 0; (at = text.find("\r\n", at)) != std::string::npos;) text.replace(at, 2, "|");
    return text;
  }
  void wait_until_loaded() {
    ASSERT_TRUE(run_until([&] { return node_ != nullptr && !node_->facts().save.is_loading; }));
  }
  /// The process ends, by its own stop() or without; its handles are gone.
  void end(bool power_fails) {
    node_.reset();
    power_fails ? machine_.crash() : machine_.kill();
    if (peer_ != nullptr) run_until([&] { return peer_->is_closed; });
    peer_.reset();
  }

  SaveOptions save_{.directory = "data", .points = ""};
  spdlog::logger logger_{"cache", std::make_shared<spdlog::sinks::null_sink_st>()};
  sim::Simulation simulation_;
  sim::Node& machine_ = simulation_.add_node("server");
  sim::Node& clients_ = simulation_.add_node("clients");
  std::shared_ptr<Node> node_;
  std::unique_ptr<Peer> peer_;
  std::string failure_;
};

TEST_F(SaverTest, WhatWasSavedIsThereAfterAPowerFailure) {
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  EXPECT_EQ(ask("RPUSH l a b"), ":2|");
  EXPECT_EQ(ask("SAVE"), "+OK|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
  end(true);
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("GET k"), "$1|v|");
  EXPECT_EQ(ask("LLEN l"), ":2|");
  EXPECT_EQ(node_->facts().save.keys_loaded, 2U);
}

TEST_F(SaverTest, LibrariesOfFunctionsAreSavedToo) {
  start();
  EXPECT_EQ(ask("FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 7 end)\""), "$3|lib|");
  EXPECT_EQ(ask("SAVE"), "+OK|");
  end(true);
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("FCALL f 0"), ":7|");
}

TEST_F(SaverTest, AnEndInOrderSavesWhatSavePointsPromise) {
  save_.points = "3600 1";
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  bool has_ended = false;
  node_->stop([&] { has_ended = true; });
  ASSERT_TRUE(run_until([&] { return has_ended; }));
  end(true);
  start();
  wait_until_loaded();
  EXPECT_EQ(ask("GET k"), "$1|v|");
}

TEST_F(SaverTest, ASavePointSavesByItself) {
  save_.points = "2 10";
  start();
  for (int i = 0; i < 10; ++i) ask(fmt::format("SET k{} v", i));
  ASSERT_TRUE(run_until([&] { return node_->facts().save.saves == 1; }));
  EXPECT_EQ(node_->facts().save.changes, 0U);
}

TEST_F(SaverTest, ADamagedFileIsNotServed) {
  save_.points = "3600 1";
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  EXPECT_EQ(ask("SAVE"), "+OK|");
  end(false);
  auto inode = machine_.disk().find("data/dump.rdb");
  ASSERT_NE(inode, nullptr);
  ASSERT_TRUE(machine_.disk().write(*inode, 20, "x"));
  machine_.disk().sync(*inode);
  start();
  ASSERT_TRUE(run_until([&] { return !failure_.empty(); }));
  EXPECT_NE(failure_.find("cannot load data/dump.rdb: "), std::string::npos) << failure_;
  EXPECT_EQ(ask("GET k"), "-LOADING Redis is loading the dataset in memory|");
  // And its end in order leaves the file as it is.
  bool has_ended = false;
  node_->stop([&] { has_ended = true; });
  ASSERT_TRUE(run_until([&] { return has_ended; }));
  EXPECT_EQ(machine_.disk().find("data/dump.rdb")->size, inode->size);
}

TEST_F(SaverTest, ADiskThatFailsRefusesWritesUntilItIsWellAgain) {
  save_.points = "3600 1";
  start();
  EXPECT_EQ(ask("SET k v"), "+OK|");
  machine_.fail_disk(true);
  EXPECT_EQ(ask("SAVE"), "-ERR|");
  EXPECT_EQ(ask("SET k w").substr(0, 9), "-MISCONF ");
  machine_.fail_disk(false);
  EXPECT_EQ(ask("SAVE"), "+OK|");
  EXPECT_EQ(ask("SET k w"), "+OK|");
}

/// At whatever moment power fails, the file is one that was saved whole: the last that was acknowledged, or the one under way.
class SaverCrashTest : public SaverTest, public testing::WithParamInterface<std::uint64_t> {
 protected:
  SaverCrashTest() : SaverTest(GetParam()) {}
};

TEST_P(SaverCrashTest, LeavesAWholeFile) {
  start();
  int saved = 0, tried = 0;
  for (int round = 0; round < 6; ++round) {
    wait_until_loaded();
    const std::string value = ask("GET n");
    const int found = value == "$-1|" ? 0 : std::stoi(value.substr(value.find('|') + 1));
    ASSERT_TRUE(found >= saved && found <= tried) << found << " of " << saved << " to " << tried;
    // All of it is of one moment.
    if (found > 0) ASSERT_EQ(ask("GET last"), fmt::format("${}|{}|", std::to_string(found).size(), found));
    machine_.crash_after_file_operations(1 + simulation_.random().below(40));
    for (int i = 0; i < 200 && machine_.crash_is_planned(); ++i) {
      tried = std::max(tried, found) + i + 1;
      if (ask(fmt::format("SET n {}", tried)) != "+OK|") break;
      for (int k = 0; k < 20; ++k) ask(fmt::format("SET fill{} {}", k, std::string(200, 'x')));
      if (ask(fmt::format("SET last {}", tried)) != "+OK|") break;
      if (ask("SAVE") != "+OK|") break;
      saved = tried;
    }
    end(true);
    start();
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, SaverCrashTest, testing::Range<std::uint64_t>(1, 31));

}  // namespace
}  // namespace chorus::cache
