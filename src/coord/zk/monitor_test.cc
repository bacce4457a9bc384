#include "coord/zk/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace chorus::coord::zk {
namespace {

class MonitorTest : public testing::Test {
 protected:
  static bool has(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\nzk_" + line + "\n") != std::string::npos;
  }
  Server server_{Options(), std::make_unique<Database>(true), world::Instant{std::chrono::seconds(9)}, 1};
  QuorumFacts quorum_{.role = zab::Role::leading, .leader = 2, .config = {}};
};

TEST_F(MonitorTest, FamiliesAreLines) {
  Statistics& s = server_.statistics();
  for (const std::int64_t ms : {1, 2, 2, 30}) s.update_latency.add(ms);
  s.watches_fired_created.add(3);
  s.writes.add("/top/below", 12);
  const std::string text = to_text(monitor(server_, {}));
  for (const char* line : {"avg_updatelatency\t8.75", "min_updatelatency\t1", "max_updatelatency\t30", "cnt_updatelatency\t4",
                           "sum_updatelatency\t35", "p50_updatelatency\t2", "p95_updatelatency\t30", "p99_updatelatency\t30",
                           "p999_updatelatency\t30", "avg_node_created_watch_count\t3.0", "sum_top_write_per_namespace\t12",
                           "cnt_jvm_pause_time_ms\t0", "p99_jvm_pause_time_ms\t0", "connection_drop_probability\t0.0"}) {
    EXPECT_TRUE(has(text, line)) << line;
  }
  EXPECT_EQ(text.find("p50_fsynctime"), std::string::npos) << "it has no quantiles in ZooKeeper either";
}

TEST_F(MonitorTest, NothingIsThereTwice) {
  quorum_.queues[1].packets.add(2);
  const std::string text = to_text(monitor(server_, {}, &quorum_));
  std::vector<std::string> names;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) names.push_back(text.substr(at, text.find('\t', at) - at));
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  EXPECT_TRUE(twice == names.end()) << *twice;
}

TEST_F(MonitorTest, LeadersHaveTheQueuesOfTheirLearners) {
  quorum_.queues[1].packets.add(2);
  quorum_.queues[4].time_ms.add(9);
  const std::string leader = to_text(monitor(server_, {}, &quorum_));
  EXPECT_TRUE(has(leader, "max_1_learner_handler_qp_size\t2"));
  EXPECT_TRUE(has(leader, "p50_4_learner_handler_qp_time_ms\t9"));
  quorum_.role = zab::Role::following;
  EXPECT_EQ(to_text(monitor(server_, {}, &quorum_)).find("learner_handler"), std::string::npos);
  EXPECT_EQ(to_text(monitor(server_, {})).find("learner_handler"), std::string::npos);
}

TEST_F(MonitorTest, SnapshotsOfLeadersCountToo) {
  server_.statistics().snapshot_time.add(5);
  quorum_.statistics.snapshot_time.add(50);
  const std::string text = to_text(monitor(server_, {}, &quorum_));
  EXPECT_TRUE(has(text, "cnt_snapshottime\t2"));
  EXPECT_TRUE(has(text, "max_snapshottime\t50"));
}

}  // namespace
}  // namespace chorus::coord::zk
