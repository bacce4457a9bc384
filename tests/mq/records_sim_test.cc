// Users and policies in the tree, on our own server in simulated machines: several brokers share them, under faults.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "../client/tree_server.h"
#include "mq/acl/tree_records.h"
#include "world/sim/simulation.h"

namespace chorus {
namespace {

using namespace std::chrono_literals;
using namespace mq::acl;

/// What of a broker has to do with them.
struct Broker {
  Broker(world::World& world, const std::string& server, std::string credentials, spdlog::logger& log)
      : records(world, options_for(server), "c/1", std::move(credentials), log), access({.authentication = true}, records, log) {
    records.load([this](std::vector<Record> all) { access.begin(all, [] {}); }, [this](const Record& record) { access.apply(record); });
  }
  const User* user(std::string_view name) const { return access.table().user(name); }
  TreeRecords records;
  Access access;
};

struct RecordsSim : testing::Test {
  RecordsSim() : log("null", std::make_shared<spdlog::sinks::null_sink_st>()) { server = &add_tree_server(simulation, log); }
  std::shared_ptr<Broker> start(const std::string& name, const std::string& credentials = "brokers:secret") {
    auto& machine = simulation.add_node(name);
    std::shared_ptr<Broker> broker;
    machine.set_boot([&](world::World& world) -> std::shared_ptr<void> {
      return broker = std::make_shared<Broker>(world, server->address(), credentials, log);
    });
    machine.start();
    return broker;
  }
  bool until(const std::function<bool()>& done) { return simulation.run_until(done, 120s); }
  /// "" once it is done, or why not.
  std::string change(Broker& broker, Access::Change change) {
    std::optional<std::string> answer;
    broker.access.change(std::move(change), [&](AclResult<void> done) { answer = done ? "" : done.error().message; });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer.value_or("no answer");
  }
  static AclResult<std::vector<Record>> one(AclResult<Record> record) {
    if (!record) return std::unexpected(record.error());
    return std::vector{*record};
  }
  std::string create(Broker& broker, const std::string& name, const std::string& password = "p") {
    return change(broker, [=](const AccessTable& table) { return one(table.create_user({.name = name, .password = password})); });
  }

  sim::Simulation simulation{11};
  spdlog::logger log;
  sim::Node* server = nullptr;
};

TEST_F(RecordsSim, BrokersShareThem) {
  const auto a = start("a"), b = start("b");
  ASSERT_TRUE(until([&] { return a->access.is_ready() && b->access.is_ready(); }));
  EXPECT_EQ(create(*a, "u/%1 ü"), "");  // no name is too odd for a path
  EXPECT_TRUE(until([&] { return b->user("u/%1 ü") != nullptr; }));
  EXPECT_EQ(create(*b, "u/%1 ü"), "The user is existed");
  EXPECT_EQ(change(*b, [](const AccessTable& table) { return one(table.update_user({.name = "u/%1 ü", .status = UserStatus::disable})); }),
            "");
  EXPECT_TRUE(until([&] { return a->user("u/%1 ü")->status == UserStatus::disable; }));
  EXPECT_EQ(change(*a, [](const AccessTable& table) -> AclResult<std::vector<Record>> { return table.remove_user("u/%1 ü"); }), "");
  EXPECT_TRUE(until([&] { return b->user("u/%1 ü") == nullptr; }));
}

TEST_F(RecordsSim, TheyAreThereAfterACrash) {
  const auto a = start("a");
  ASSERT_TRUE(until([&] { return a->access.is_ready(); }));
  ASSERT_EQ(create(*a, "kept"), "");
  server->crash();
  server->start();
  const auto b = start("b");
  ASSERT_TRUE(until([&] { return b->access.is_ready(); }));
  EXPECT_NE(b->user("kept"), nullptr);
  EXPECT_TRUE(until([&] { return create(*a, "later").empty() || a->user("later") != nullptr; }));
  EXPECT_TRUE(until([&] { return b->user("later") != nullptr; }));
}

TEST_F(RecordsSim, WhatChangesWhileOneIsCutOffIsSeenAfterwards) {
  const auto a = start("a"), b = start("b");
  ASSERT_TRUE(until([&] { return a->access.is_ready() && b->access.is_ready(); }));
  ASSERT_EQ(create(*a, "goes"), "");
  ASSERT_TRUE(until([&] { return b->user("goes") != nullptr; }));
  for (const auto length : {3s, 30s}) {  // within the session, and beyond it
    sim::Node& cut_off = *simulation.nodes().back();
    ASSERT_EQ(cut_off.name(), "b");
    simulation.network().partition({&cut_off}, {server});
    const std::string name = fmt::format("came-{}", length.count());
    ASSERT_EQ(create(*a, name), "");
    if (a->user("goes")) {
      ASSERT_EQ(change(*a, [](const AccessTable& table) -> AclResult<std::vector<Record>> { return table.remove_user("goes"); }), "");
    }
    simulation.run_for(length);
    EXPECT_EQ(b->user(name), nullptr);
    simulation.network().heal();
    EXPECT_TRUE(until([&] { return b->user(name) != nullptr && b->user("goes") == nullptr; })) << name;
  }
}

TEST_F(RecordsSim, OfTwoAtOnceOneIsToldSo) {
  const auto a = start("a"), b = start("b");
  ASSERT_TRUE(until([&] { return a->access.is_ready() && b->access.is_ready(); }));
  std::vector<std::string> answers;
  for (Broker* broker : {a.get(), b.get()}) {
    broker->access.change([](const AccessTable& table) { return one(table.create_user({.name = "u", .password = "p"})); },
                          [&](AclResult<void> done) { answers.push_back(done ? "" : done.error().message); });
  }
  ASSERT_TRUE(until([&] { return answers.size() == 2; }));
  std::ranges::sort(answers);
  EXPECT_EQ(answers, (std::vector<std::string>{"", "The user is existed"}));
  EXPECT_TRUE(a->user("u") && b->user("u"));
}

TEST_F(RecordsSim, WhatOthersDidIsKnownOnce) {
  const auto a = start("a"), b = start("b");
  ASSERT_TRUE(until([&] { return a->access.is_ready() && b->access.is_ready(); }));
  ASSERT_EQ(create(*a, "u"), "");
  ASSERT_TRUE(until([&] { return b->user("u") != nullptr; }));
  EXPECT_FALSE(a->access.take_done_by_others(Kind::user, "u", false));
  EXPECT_TRUE(b->access.take_done_by_others(Kind::user, "u", false));
  EXPECT_FALSE(b->access.take_done_by_others(Kind::user, "u", false));
}

TEST_F(RecordsSim, StrangersCannotReadThem) {
  // Once without credentials, as it may have been before they were set.
  const auto open = start("open", "");
  ASSERT_TRUE(until([&] { return open->access.is_ready(); }));
  ASSERT_EQ(create(*open, "before"), "");
  const auto a = start("a");
  ASSERT_TRUE(until([&] { return a->access.is_ready(); }));
  EXPECT_NE(a->user("before"), nullptr);
  ASSERT_EQ(create(*a, "after"), "");
  auto& machine = simulation.add_node("stranger");
  machine.set_boot([](world::World&) { return std::make_shared<int>(0); });
  machine.start();
  client::Client stranger(machine.world(), options_for(server->address()));
  stranger.start();
  std::vector<client::Code> codes;
  for (const std::string_view path : {"/chorus/mq-acl/c%2F1/users/before", "/chorus/mq-acl/c%2F1/users/after"}) {
    stranger.get(path, [&](client::Result<client::Data> data) { codes.push_back(data ? client::Code::ok : data.error().code); });
  }
  stranger.children("/chorus/mq-acl/c%2F1/users", [&](client::Result<client::Children> children) {
    codes.push_back(children ? client::Code::ok : children.error().code);
  });
  ASSERT_TRUE(until([&] { return codes.size() == 3; }));
  EXPECT_EQ(codes, std::vector<client::Code>(3, client::Code::no_auth));
  stranger.close();
  simulation.run_for(1s);
}

}  // namespace
}  // namespace chorus
