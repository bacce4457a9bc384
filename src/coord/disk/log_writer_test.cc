#include "coord/disk/log_writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "jute/txns.h"
#include "world/sim/simulation.h"

namespace chorus::coord::disk {
namespace {

using namespace std::chrono_literals;

LogGroup group_of(std::int64_t zxid, std::size_t octets = 10) {
  LogGroup group{.octets = {}, .first_zxid = zxid, .last_zxid = zxid, .txns = 1};
  const std::size_t mark = TxnLog::begin_entry(group.octets);
  group.octets += jute::encode(jute::TxnHeader{.session_id = 1, .cxid = 0, .zxid = zxid, .time_ms = 0, .type = 5});
  group.octets += std::string(octets, 'x');
  TxnLog::end_entry(group.octets, mark);
  return group;
}

class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() {
    machine_.set_boot([this](world::World& world) {
      EXPECT_TRUE(world.files().make_directories("/d"));
      auto log = TxnLog::open(world.files(), {.directory = "/d", .pre_alloc_octets = 16 << 10});
      EXPECT_TRUE(log);
      log_ = std::move(*log);
      writer_ = std::make_shared<LogWriter>(world, log_,
                                            LogWriter::Callbacks{
                                                .on_synced = [this](world::Duration) { events_ += " sync"; },
                                                .on_durable = [this](LogGroup group) { events_ += fmt::format(" {}", group.first_zxid); },
                                                .on_no_space = [this](const LogError&) { events_ += " full"; },
                                                .on_failed = [this](const LogError&) { events_ += " failed"; },
                                            },
                                            &statistics_);
      return writer_;
    });
    machine_.start();
  }
  ~LogWriterTest() override { writer_.reset(); }
  void run() { simulation_.run_for(100ms); }
  std::vector<std::int64_t> logged() {
    std::vector<std::int64_t> zxids;
    Cursor cursor = log_->read_after(0);
    for (auto next = cursor.next(); next && *next; next = cursor.next()) zxids.push_back((*next)->id);
    return zxids;
  }

  sim::Simulation simulation_{1, {.disk = {.capacity = 256 << 10, .sync_min = 2ms, .sync_max = 3ms}}};
  sim::Node& machine_ = simulation_.add_node("machine");
  std::shared_ptr<TxnLog> log_;
  std::shared_ptr<LogWriter> writer_;
  std::string events_;
  LogStatistics statistics_;
};

TEST_F(LogWriterTest, WhatWaitsWhenTheDiskIsFreeSharesASync) {
  writer_->append(group_of(1));
  simulation_.run_for(1ms);
  for (const std::int64_t zxid : {2, 3, 4}) writer_->append(group_of(zxid));
  EXPECT_FALSE(writer_->is_idle());
  run();
  EXPECT_EQ(events_, " sync 1 sync 2 3 4");
  EXPECT_TRUE(writer_->is_idle());
  EXPECT_EQ(logged(), (std::vector<std::int64_t>{1, 2, 3, 4}));

  EXPECT_EQ(statistics_.txns, 4);
  EXPECT_EQ(statistics_.waiting.max, 3) << "those before the one that comes";
  EXPECT_EQ(statistics_.batch.count, 2);
  EXPECT_EQ(statistics_.batch.max, 3);
  EXPECT_EQ(statistics_.flush_time.count, 2);
  EXPECT_GE(statistics_.flush_time.min, 2) << "as long as a sync takes";
  EXPECT_EQ(statistics_.queue_time.min, 0);
  EXPECT_GE(statistics_.queue_time.max, 1) << "for the sync before it";
  EXPECT_EQ(statistics_.time_to_durable.count, 4);
  EXPECT_GE(statistics_.time_to_durable.max, statistics_.flush_time.max);
}

TEST_F(LogWriterTest, TheGroupAfterARollBeginsAFile) {
  writer_->append(group_of(1));
  writer_->roll_before_next();
  writer_->append(group_of(2));
  writer_->append(group_of(3));
  run();
  EXPECT_EQ(log_->files(), (std::vector<store::Id>{1, 2}));
}

TEST_F(LogWriterTest, NothingOvertakesAGroupThatDoesNotFit) {
  writer_->append(group_of(1));
  writer_->append(group_of(2, 512 << 10));
  simulation_.run_for(1us);
  writer_->append(group_of(3));
  run();
  EXPECT_EQ(events_, " sync 1 full");
  writer_->append(group_of(4));
  run();
  EXPECT_EQ(events_, " sync 1 full");
  EXPECT_EQ(logged(), (std::vector<std::int64_t>{1}));
  machine_.disk().options.capacity = 4 << 20;
  simulation_.run_for(2s);
  EXPECT_EQ(events_, " sync 1 full sync 2 3 4");
  EXPECT_EQ(logged(), (std::vector<std::int64_t>{1, 2, 3, 4}));

  EXPECT_EQ(statistics_.txns, 4);
  EXPECT_EQ(statistics_.waiting.max, 2) << "those before the one that comes";
  EXPECT_EQ(statistics_.batch.count, 2);
  EXPECT_EQ(statistics_.batch.max, 3);
  EXPECT_EQ(statistics_.flush_time.count, 2);
  EXPECT_GE(statistics_.flush_time.min, 2) << "as long as a sync takes";
  EXPECT_EQ(statistics_.queue_time.min, 0);
  EXPECT_GE(statistics_.queue_time.max, 1) << "for the sync before it";
  EXPECT_EQ(statistics_.time_to_durable.count, 4);
  EXPECT_GE(statistics_.time_to_durable.max, statistics_.flush_time.max);
}

TEST_F(LogWriterTest, AFailedDiskAcknowledgesNothing) {
  machine_.fail_disk(true);
  writer_->append(group_of(1));
  run();
  EXPECT_EQ(events_, " failed");
}

}  // namespace
}  // namespace chorus::coord::disk
