#include "mq/log/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "mq/log/store_fixture.h"

namespace chorus::mq::log {
namespace {

using testing::HasSubstr;
using testing::Not;

class InspectTest : public testing::Test, public StoreFixture {
 protected:
  void SetUp() override {
    ASSERT_TRUE(start());
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(append({"TopicA", i % 2}, fmt::format("{}", i) + std::string(100, '.')));
    simulation.run_for(2s);
    restart();  // leaves a checkpoint or two
    simulation.run_for(2s);
    for (const std::string& name : machine.disk().all_files()) {
      if (name.ends_with(".log")) logs_.push_back(name);
      if (name.ends_with(".index")) indexes_.push_back(name);
      if (name.ends_with(".state")) checkpoints_.push_back(name);
    }
    ASSERT_GT(logs_.size(), 2U);
    ASSERT_FALSE(indexes_.empty());
    ASSERT_FALSE(checkpoints_.empty());
  }
  std::string said(const std::string& path, InspectOutcome want, const InspectOptions& with = {}) {
    std::ostringstream out;
    EXPECT_EQ(inspect(machine.world().files(), path, with, out), want) << path << "\n" << out.str();
    return out.str();
  }

  std::vector<std::string> logs_, indexes_, checkpoints_;
};

TEST_F(InspectTest, DescribesEachKindOfFile) {
  for (const auto* some : {&logs_, &indexes_, &checkpoints_}) {
    for (const std::string& name : *some) {
      EXPECT_TRUE(is_log_file(machine.world().files(), name));
      said(name, InspectOutcome::sound);
    }
  }
  const std::string segment = said(logs_.front(), InspectOutcome::sound, {.paths = true, .sizes = true});
  EXPECT_THAT(segment, HasSubstr("segment of the message log from 0"));
  EXPECT_THAT(segment, HasSubstr("TopicA:1 offset 0"));
  EXPECT_THAT(segment, HasSubstr("TopicA:0 "));
  EXPECT_THAT(said(indexes_.front(), InspectOutcome::sound, {.paths = true}), HasSubstr("TopicA:1"));
  EXPECT_THAT(said(checkpoints_.back(), InspectOutcome::sound, {.paths = true}), HasSubstr("next offset"));
}

TEST_F(InspectTest, SpeaksJson) {
  std::istringstream lines(said(logs_.front(), InspectOutcome::sound, {.json = true, .paths = true}));
  int entries = 0;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(line.starts_with("{") && line.ends_with("}")) << line;
    entries += line.find("\"topic\":\"TopicA\"") != std::string::npos;
  }
  EXPECT_GT(entries, 5);
}

TEST_F(InspectTest, ShowsOnlyWhatIsAskedFor) {
  const std::string some = said(logs_.front(), InspectOutcome::sound, {.paths = true, .from = 64, .to = 64});
  EXPECT_THAT(some, HasSubstr("offset 0"));
  EXPECT_THAT(some, Not(HasSubstr("offset 1")));
}

TEST_F(InspectTest, TellsOfDamage) {
  machine.kill();
  for (const std::string& name : {logs_.front(), indexes_.front()}) ASSERT_TRUE(machine.disk().flip_bit(name, 200, 3)) << name;
  ASSERT_TRUE(machine.disk().flip_bit(checkpoints_.front(), 20, 3));
  machine.set_boot([](world::World&) { return std::make_shared<int>(0); });
  machine.start();
  EXPECT_THAT(said(logs_.front(), InspectOutcome::damaged), HasSubstr("that are no entry"));
  EXPECT_THAT(said(indexes_.front(), InspectOutcome::damaged), HasSubstr("the checksum of block 0 is wrong"));
  EXPECT_THAT(said(checkpoints_.front(), InspectOutcome::damaged), HasSubstr("older one"));
  EXPECT_THAT(said("/mq/nothing", InspectOutcome::unusable), HasSubstr("not there"));
  EXPECT_FALSE(is_log_file(machine.world().files(), "/mq/nothing"));
}

}  // namespace
}  // namespace chorus::mq::log
