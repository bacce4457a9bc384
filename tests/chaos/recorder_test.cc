// The recorder in a simulated world, with a server beside it: what real runs record and judge, from end to end.
#include "recorder.h"

#include <gmock/gmock.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include "base/ensure.h"
#include "checker.h"
#include "coord/node.h"
#include "history_file.h"
#include "members_log.h"
#include "registers.h"
#include "world/sim/simulation.h"

namespace chorus::chaos {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RecorderTest : public testing::Test {
 protected:
  RecorderTest() : log("null", std::make_shared<spdlog::sinks::null_sink_st>()) {
    server.set_boot([this](world::World& world) -> std::shared_ptr<void> {
      coord::Options options;
      options.client_address = world::Address{server.address(), 2181};
      options.data_dir = "/data";
      options.tick_time = 200ms;
      options.snap_count = 1000;
      options.pre_alloc_size_kb = 64;
      auto node = coord::Node::start(world, options, log);
      ENSURE(node.has_value(), node.error().message);
      return std::shared_ptr<coord::Node>(std::move(*node));
    });
    server.start();
    machine.start();
    RecorderOptions options{.servers = {{server.address(), 2181}}, .seed = 4};
    options.expiry_slack = 1s;
    recorder.emplace(machine.world(), options, [this](const std::string& line) { said = line; });
  }
  bool says(const char* word) {
    return simulation.run_until([&] { return said == word; }, 60s);
  }
  void record() {
    recorder->start();
    for (int i = 0; i < 4; ++i) {
      simulation.run_for(1s);
      server.kill();
      simulation.run_for(200ms);
      server.start();
    }
    ASSERT_THAT(said, HasSubstr("progress "));
    recorder->quiesce();
    ASSERT_TRUE(says("quiet")) << recorder->describe();
    recorder->audit();
    ASSERT_TRUE(says("audited")) << recorder->describe();
    history = *decode(encode(recorder->history()));
  }
  coord_sim::Verdict judge() {
    std::string trouble;
    MemberLog of_server = coord_sim::read_log(server.disk(), "/data/version-2", trouble);
    if (lost_zxid) std::erase_if(of_server, [&](const coord_sim::Transaction& txn) { return txn.zxid == *lost_zxid; });
    std::vector<std::int64_t> seen;
    for (const auto& connection : history.connections) {
      for (const auto& frame : connection.frames) seen.push_back(frame.zxid);
    }
    const CommittedHistory committed = committed_history({of_server}, {}, seen);
    EXPECT_EQ(trouble, "");
    EXPECT_EQ(committed.faults.empty(), !lost_zxid);
    return coord_sim::check(history, committed.transactions);
  }

  sim::Simulation simulation{7};
  spdlog::logger log;
  sim::Node& server = simulation.add_node("server");
  sim::Node& machine = simulation.add_node("recorder");
  std::optional<Recorder> recorder;
  std::string said;
  coord_sim::History history;
  std::optional<std::int64_t> lost_zxid;  // from the server's log
};

TEST_F(RecorderTest, WhatItRecordsOfASoundServerIsSound) {
  record();
  const coord_sim::Verdict verdict = judge();
  EXPECT_THAT(verdict.faults, IsEmpty());
  EXPECT_GT(verdict.acknowledged, 300U);
  EXPECT_GT(verdict.unknown_kept + verdict.unknown_lost, 0U);
}

TEST_F(RecorderTest, AReplyThatIsNotTrueIsFound) {
  record();
  for (auto& connection : history.connections) {
    for (auto& frame : connection.frames) {
      if (frame.request == coord_sim::Frame::no_request || frame.err != 0 || frame.body.size() < 60) continue;
      frame.body[frame.body.size() - 60] ^= 1;
      EXPECT_THAT(judge().faults, Contains(HasSubstr("should be")));
      return;
    }
  }
  FAIL() << "no reply to spoil";
}

TEST_F(RecorderTest, AnAcknowledgedWriteThatIsGoneIsFound) {
  record();
  for (const auto& connection : history.connections) {
    for (const auto& frame : connection.frames) {
      if (frame.request == coord_sim::Frame::no_request || !coord_sim::is_write(history.requests[frame.request].op.code)) continue;
      lost_zxid = frame.zxid;
      EXPECT_THAT(judge().faults, Contains(HasSubstr("acknowledged write lost")));
      return;
    }
  }
  FAIL() << "no write was acknowledged";
}

TEST_F(RecorderTest, RegistersAreUsedInEveryWay) {
  record();
  const coord_sim::RegisterHistory registers = coord_sim::register_history(history);
  std::map<std::pair<coord_sim::RegisterOperation::Kind, std::int32_t>, int> counts;
  int unknown = 0;
  for (const auto& operation : registers.operations) {
    ++counts[{operation.kind, operation.err}];
    unknown += !operation.returned_ns;
  }
  using Kind = coord_sim::RegisterOperation::Kind;
  const auto count = [&](Kind kind, jute::ErrorCode err) { return counts[{kind, static_cast<std::int32_t>(err)}]; };
  using jute::ErrorCode;
  EXPECT_GT(count(Kind::create, ErrorCode::ok), 0);
  EXPECT_GT(count(Kind::create, ErrorCode::node_exists), 0);
  EXPECT_GT(count(Kind::set, ErrorCode::ok), 100);
  EXPECT_GT(count(Kind::set, ErrorCode::bad_version), 0);
  EXPECT_GT(count(Kind::set, ErrorCode::no_node), 0);
  EXPECT_GT(count(Kind::remove, ErrorCode::ok), 0);
  EXPECT_GT(count(Kind::read, ErrorCode::ok), 100);
  EXPECT_GT(count(Kind::read, ErrorCode::no_node), 0);
  EXPECT_GT(unknown, 0);
  // Nothing else touches them, or the other judge would miss it.
  for (const auto& request : history.requests) {
    if (request.op.code == jute::OpCode::multi) {
      for (const auto& part : request.op.parts) EXPECT_FALSE(coord_sim::is_register(part.path));
    } else if (coord_sim::is_register(request.op.path)) {
      EXPECT_EQ(request.op.flags, 0) << coord_sim::describe(request.op);
    }
  }
  EXPECT_LT(registers.reads_left_out, registers.operations.size() / 10);
}

}  // namespace
}  // namespace chorus::chaos
