// What a server counts of its requests: how they wait for one another, and what was read and written where.
#include "coord/server_fixture.h"

namespace chorus::coord {
namespace {

TEST_F(ServerTest, ReadsWaitForTheWritesBeforeThem) {
  const ConnectionId a = open();
  const Statistics& s = server_.statistics();
  const std::int64_t prepared = s.prepared;
  step(Received{a, exists(1, "/a") + create(2, "/a") + exists(3, "/a") + exists(4, "/a")});
  EXPECT_EQ(s.reads_at_once, 1);
  EXPECT_EQ(s.prepared, prepared + 1);
  EXPECT_EQ(s.queue_lengths.max, 3);
  now_ += milliseconds(7);
  sync();
  EXPECT_EQ(s.read_latency.count, 3);
  EXPECT_EQ(s.read_latency.min, 0);
  EXPECT_EQ(s.read_latency.sum, 14);
  EXPECT_EQ(s.read_wait.sum, 14);
  EXPECT_EQ(s.update_latency.max, 7);
  EXPECT_EQ(s.write_wait.max, 7);
  EXPECT_EQ(s.latency.sum, 21);
  EXPECT_EQ(s.reads_waiting.max, 2) << "as the commit came";
  EXPECT_EQ(s.reads_woken_by_own.max, 2);
  EXPECT_EQ(s.reads_woken.sum, 2);
  EXPECT_EQ(s.changes_queued, s.changes_removed);
  EXPECT_GT(s.changes_queued, 0);
}

TEST_F(ServerTest, WhatAClientLeftBehindIsStale) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + exists(2, "/a") + exists(3, "/a")});
  step(Disconnected{a});
  EXPECT_EQ(server_.statistics().stale_requests, 2);
  EXPECT_EQ(server_.statistics().stale_replies, 0);
  sync();
  EXPECT_EQ(server_.statistics().stale_replies, 1);
  const ConnectionId b = open();
  step(Received{b, create(1, "/b") + exists(2, "/b")});
  sync();
  EXPECT_EQ(server_.statistics().reads_waiting.min, 0);
  EXPECT_EQ(server_.statistics().queues_waiting.max, 1) << "queues that went are none";
}

TEST_F(ServerTest, TimesOfPausesAreCounted) {
  const ConnectionId a = open();
  step(Unsent{a, 2 << 20});
  now_ += milliseconds(40);
  step(Unsent{a, 0});
  EXPECT_EQ(server_.statistics().pauses, 1);
  EXPECT_EQ(server_.statistics().pause_time.max, 40);
}

// Octets as Java counts them: path, data or names of children, and 68 of what a stat takes.
TEST_F(ServerTest, OctetsByTopLevelNode) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a") + create(2, "/a/bc") + request(3, OpCode::set_data, jute::SetDataRequest{"/a", "1234", -1})});
  sync();
  step(Received{a, exists(4, "/a") + request(5, OpCode::get_data, jute::PathWatchRequest{"/a", false}) +
                       request(6, OpCode::get_children, jute::PathWatchRequest{"/a", false}) + exists(7, "/none")});
  const Statistics& s = server_.statistics();
  ASSERT_TRUE(s.writes.all().contains("a") && s.reads.all().contains("a"));
  EXPECT_EQ(s.writes.all().find("a")->second.sum, 3 + 6 + 6);
  EXPECT_EQ(s.reads.all().find("a")->second.count, 3);
  EXPECT_EQ(s.reads.all().find("a")->second.sum, 3 * 68 + 2 + 6 + 4);
  EXPECT_EQ(s.reads.all().size(), 1U) << "what is not there is of no node";
}

TEST_F(ServerTest, EventsAreCountedByChange) {
  const ConnectionId a = open();
  const ConnectionId b = open();
  for (const ConnectionId each : {a, b}) step(Received{each, exists(1, "/a", true)});
  step(Received{a, create(2, "/a")});
  sync();
  const Statistics& s = server_.statistics();
  EXPECT_EQ(s.watches_fired_created.count, 1);
  EXPECT_EQ(s.watches_fired_created.max, 2);
  EXPECT_EQ(s.watches_fired_children.count, 0);
  EXPECT_EQ(s.watch_octets_sent, 2 * (28 + 2));
}

TEST_F(ServerTest, ANewTermGoesOnCountingButForWhatIsOfATerm) {
  const ConnectionId a = open();
  step(Received{a, create(1, "/a")});
  sync();
  Statistics kept = server_.statistics();
  const std::int64_t octets = kept.octets_received;
  kept.begin_term();
  EXPECT_EQ(kept.packets_received, 0);
  EXPECT_EQ(kept.latency.count, 0);
  EXPECT_EQ(kept.update_latency.count, server_.statistics().update_latency.count);
  EXPECT_EQ(kept.octets_received, octets);
}

}  // namespace
}  // namespace chorus::coord
