// What a member does with a disk that came back without what it had.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

#include "coord/node.h"
#include "world/sim/simulation.h"

namespace chorus::coord {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class MemberDisk : public testing::Test {
 protected:
  MemberDisk() {
    options_.server_id = 1;
    options_.data_dir = "/data";
    options_.data_log_dir = "/log";
    options_.pre_alloc_size_kb = 64;
    for (const zab::ServerId id : {1, 2, 3}) {
      const auto port = static_cast<std::uint16_t>(2880 + id);
      options_.ensemble.members.members[id] = {.quorum_addresses = {{machine_.address(), port}},
                                               .election_addresses = {{machine_.address(), static_cast<std::uint16_t>(port + 1000)}}};
    }
  }
  /// Starts the member after `damage`, and gives the words with which it refuses, or what it logs.
  std::string start(const std::function<void(world::Files&)>& damage) {
    std::string words;
    machine_.set_boot([&](world::World& world) -> std::shared_ptr<void> {
      damage(world.files());
      log_.str("");
      auto node = Node::start(world, options_, logger_);
      words = node ? log_.str() : node.error().message;
      return node ? std::shared_ptr<void>(std::move(*node)) : nullptr;
    });
    machine_.start();
    machine_.kill();
    return words;
  }
  static void put(world::Files& files, const std::string& path, std::string_view octets) {
    ASSERT_TRUE(world::make_durable_directories(files, path.substr(0, path.rfind('/'))));
    auto file = files.open(path, world::OpenMode::create);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, octets));
    ASSERT_TRUE((*file)->sync());
  }

  Options options_;
  std::ostringstream log_;
  spdlog::logger logger_{"server", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)};
  sim::Simulation simulation_{1};
  sim::Node& machine_ = simulation_.add_node("server");
};

TEST_F(MemberDisk, AnEmptyOneMayBeNew) {
  EXPECT_THAT(start([](world::Files&) {}), HasSubstr("no data here: it votes for nobody who has some, unless all others do"));
  EXPECT_THAT(start([](world::Files&) {}), HasSubstr("no data here")) << "that it was started does not make it a member that has data";
}

TEST_F(MemberDisk, AnEmptyOneHasNoVoteWhereItsOwnerSaysSo) {
  options_.ensemble.database_autocreate = false;
  EXPECT_THAT(start([](world::Files&) {}), HasSubstr("no data here: it votes not before"));
}

TEST_F(MemberDisk, ItsOwnersWordCountsOnce) {
  const auto mark = [](world::Files& files) { put(files, "/log/initialize", ""); };
  EXPECT_THAT(start(mark), Not(HasSubstr("no data here")));
  EXPECT_THAT(start([](world::Files& files) { EXPECT_FALSE(files.exists("/log/initialize")); }), Not(HasSubstr("no data here")));
}

TEST_F(MemberDisk, OneThatHasLostAllButItsEpochIsNotStarted) {
  EXPECT_THAT(start([](world::Files& files) {
                put(files, "/data/version-2/currentEpoch", "3");
                put(files, "/data/version-2/acceptedEpoch", "3");
                EXPECT_TRUE(world::make_durable_directories(files, "/log/version-2"));
              }),
              HasSubstr("this member took part in epoch 3, and all of its snapshots and logs are gone"));
}

TEST_F(MemberDisk, OneWithoutTheDirectoryOfItsLogIsNotStarted) {
  start([](world::Files&) {});
  options_.data_log_dir = "/elsewhere";
  EXPECT_THAT(start([](world::Files& files) {
                put(files, "/data/version-2/currentEpoch", "3");
                put(files, "/data/version-2/acceptedEpoch", "3");
              }),
              HasSubstr("the directory of its log is gone (/elsewhere/version-2): bring it back"));
}

}  // namespace
}  // namespace chorus::coord
