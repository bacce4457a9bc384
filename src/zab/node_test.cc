// Whole ensembles on simulated machines.
#include "zab/node.h"

#include <algorithm>

#include "world/recorder.h"
#include "zab/ensemble_fixture.h"
#include "zab/packet.h"

namespace chorus::zab {
namespace {

using namespace test;

class Nodes : public Ensemble {
 protected:
  void form() {
    start_all();
    ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}); })) << "no leader";
  }
};

TEST_F(Nodes, FormAnEnsembleAndAgree) {
  form();
  EXPECT_EQ(leader()->id, 3);
  propose(100, {1, 2, 3});
  for (const ServerId id : {1, 2, 3}) {
    EXPECT_EQ(service(id)->serving->epoch, 1);
    EXPECT_EQ(service(id)->serving->leader, 3);
    EXPECT_EQ(service(id)->node->peer().last_committed(), first_zxid_of(1) + 100);
    ASSERT_TRUE(run_until([&] { return machine(id).disk.log.size() == 100; }));
  }
}

TEST_F(Nodes, ALeaderKnowsWhoFollows) {
  form();
  propose(10, {1, 2, 3});
  const auto all_in_step = [&] {
    const std::vector<LearnerFacts> learners = service(3)->node->peer().learners();
    return learners.size() == 2 && std::ranges::all_of(learners, [](const LearnerFacts& learner) {
             return (learner.id == 1 || learner.id == 2) && learner.is_synced && !learner.is_observer &&
                    learner.acked_zxid == first_zxid_of(1) + 10;
           });
  };
  EXPECT_TRUE(run_until(all_in_step));
  const SyncCounts& syncs = service(3)->node->peer().syncs();
  EXPECT_EQ(syncs.diffs + syncs.truncations + syncs.snapshots, 2);
  // One sample as each begins, one as it ends.
  EXPECT_EQ(syncs.diffs_under_way.count + syncs.snapshots_under_way.count, 4);
  EXPECT_EQ(std::min(syncs.diffs_under_way.min, syncs.snapshots_under_way.min), 0);
  EXPECT_GE(std::max(syncs.diffs_under_way.max, syncs.snapshots_under_way.max), 1);
  for (const LearnerFacts& learner : service(3)->node->peer().learners()) {
    const LinkQueue* queue = service(3)->node->queue_of(learner.link);
    ASSERT_NE(queue, nullptr);
    EXPECT_GT(queue->packets.count, 0);
  }
  EXPECT_TRUE(service(1)->node->peer().learners().empty());
  machine(1).node->kill();
  EXPECT_TRUE(run_until([&] { return service(3)->node->peer().learners().size() == 1; }));
}

TEST_F(Nodes, ManyProposalsOfOneTurnGoOutTogether) {
  form();
  const std::uint64_t before = simulation_.network().counts.segments;
  propose(1000, {1, 2, 3});
  EXPECT_LT(simulation_.network().counts.segments - before, 200U);
}

TEST_F(Nodes, AnotherLeadsWhenTheLeaderDies) {
  form();
  propose(10, {1, 2, 3});
  machine(3).node->kill();
  ASSERT_TRUE(run_until([&] { return serve({1, 2}); }));
  EXPECT_EQ(leader()->id, 2);
  propose(10, {1, 2});
  machine(3).node->start();
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1, 2, 3}); })) << words_of({1, 2, 3});
  EXPECT_EQ(leader()->id, 2);
  EXPECT_EQ(service(3)->snapshots_received, 0);
}

TEST_F(Nodes, OneThatComesBackIsInStepAtOnce) {
  form();
  machine(3).node->kill();
  ASSERT_TRUE(run_until([&] { return serve({1, 2}); }));
  propose(10, {1, 2});
  const sim::Duration before = simulation_.elapsed();
  machine(3).node->start();
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({3}); })) << words_of({3});
  EXPECT_LT(simulation_.elapsed() - before, 100ms) << "its first vote went to nobody, and the next comes after 200 ms";
}

TEST_F(Nodes, AreAllStartedAgain) {
  form();
  propose(30, {1, 2, 3});
  for (int round = 0; round < 3; ++round) {
    for (auto& [id, each] : machines_) each.node->crash();
    start_all();
    ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1, 2, 3}); })) << words_of({1, 2, 3});
    propose(5, {1, 2, 3});
  }
  EXPECT_EQ(service(1)->serving->epoch, 4);
}

TEST_F(Nodes, AMemberThatMissedMuchIsFedFromTheLog) {
  form();
  propose(5, {1, 2, 3});
  machine(1).node->crash();
  propose(200, {2, 3});  // more than the leader has in memory
  machine(1).node->start();
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1}); })) << words_of({1});
  EXPECT_GT(service(3)->histories_read, 10);
  EXPECT_EQ(service(1)->snapshots_received, 0);
}

TEST_F(Nodes, AnEmptyMemberGetsASnapshot) {
  form();
  propose(5, {1, 2, 3});
  machine(1).node->kill();
  propose(200, {2, 3}, std::string(10'000, '.'));
  const std::optional<EnsembleConfig> config = machine(1).disk.config;
  machine(1).disk = Disk{.config = config};
  machine(3).disk.log.clear();  // the beginning is gone from the leader's log too
  machine(1).node->start();
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1}); })) << words_of({1});
  EXPECT_EQ(service(1)->snapshots_received, 1);
  EXPECT_EQ(machine(1).disk.snapshot.size(), 205U);
  propose(5, {1, 2, 3});
}

TEST_F(Nodes, ASlowReceiverDoesNotGrowTheSender) {
  form();
  machine(1).node->kill();
  propose(2000, {2, 3}, std::string(10'000, '.'));
  const std::optional<EnsembleConfig> config = machine(1).disk.config;
  machine(1).disk = Disk{.config = config};
  machine(3).disk.log.clear();
  machine(1).node->start();
  ASSERT_TRUE(run_until([&] { return service(3)->snapshot_octets > 0; }));
  machine(1).node->pause(1s);
  simulation_.run_for(900ms);
  EXPECT_LT(service(3)->snapshot_octets, world::Connection::high_water + (1U << 20)) << "20 MB would be all";
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1}); })) << words_of({1});
  EXPECT_GT(service(3)->snapshot_octets, 20'000'000U);
}

TEST_F(Nodes, ASlowDiskHoldsTheLeaderUpRatherThanFillTheMemory) {
  machine(1).options.unsynced_max = 1 << 20;
  machine(1).sync_time = 100ms;
  form();
  for (int i = 0; i < 20; ++i) propose(20, {2, 3}, std::string(10'000, '.'));
  EXPECT_FALSE(agree({1}));
  ASSERT_TRUE(run_until([&] { return agree({1}); })) << words_of({1});
  EXPECT_LT(service(1)->unsynced_octets_max, 2U << 20) << "4 MB would be all";
  EXPECT_GT(service(1)->unsynced_octets_max, 1U << 20);
}

TEST_F(Nodes, StrangersOnTheQuorumPortDoNoHarm) {
  form();
  sim::Node& stranger = simulation_.add_node("stranger");
  stranger.start();
  std::vector<std::unique_ptr<world::contract::Recorder>> ends;
  std::string of_another_kind;
  encode(make_packet(PacketType::ping, 0), of_another_kind);
  for (const std::string& octets : {std::string(), std::string("GET / HTTP/1.1\r\n\r\n"), of_another_kind}) {
    stranger.world().connect({machine(3).node->address(), 2888}, {}, [&, octets](auto result) {
      ASSERT_TRUE(result);
      ends.push_back(std::make_unique<world::contract::Recorder>(std::move(*result)));
      ends.back()->connection->write(octets);
    });
  }
  ASSERT_TRUE(run_until([&] { return ends.size() == 3; }, 1s));
  propose(10, {1, 2, 3});
  ASSERT_TRUE(
      run_until([&] { return std::all_of(ends.begin(), ends.end(), [](const auto& end) { return end->closed.has_value(); }); }, 5s));
  EXPECT_TRUE(serve({1, 2, 3}));
  EXPECT_EQ(service(3)->serving->epoch, 1);
}

TEST_F(Nodes, APartitionHeals) {
  form();
  propose(5, {1, 2, 3});
  simulation_.network().partition({machine(3).node}, {machine(1).node, machine(2).node});
  service(3)->propose("never committed");
  ASSERT_TRUE(run_until([&] { return serve({1, 2}) && leader()->id == 2; }));
  ASSERT_TRUE(run_until([&] { return !service(3)->serving; })) << "who leads nobody stops serving";
  propose(5, {1, 2});
  simulation_.network().heal();
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}) && agree({1, 2, 3}); })) << words_of({1, 2, 3});
  EXPECT_EQ(leader()->id, 2);
}

TEST_F(Nodes, ALeaderThatResignsIsReplacedAtOnce) {
  form();
  propose(50, {1, 2, 3});
  bool done = false;
  const sim::Duration start = simulation_.elapsed();
  service(3)->node->resign([&] { done = true; });
  ASSERT_TRUE(run_until([&] { return serve({1, 2}) && leader()->id != 3; }));
  EXPECT_LT(simulation_.elapsed() - start, 50ms);
  ASSERT_TRUE(run_until([&] { return done; }, 10s));
  machine(3).node->kill();
  EXPECT_TRUE(agree({1, 2}));
  propose(5, {1, 2});
}

TEST_F(Nodes, AFollowerResigns) {
  form();
  bool done = false;
  service(1)->node->resign([&] { done = true; });
  ASSERT_TRUE(run_until([&] { return done; }, 10s));
  EXPECT_FALSE(service(1)->serving);
  machine(1).node->kill();
  propose(5, {2, 3});
}

TEST_F(Nodes, AServiceEndsTheLinkToItsLeader) {
  form();
  service(1)->node->close_link(std::nullopt, "it sent what nobody can read");
  ASSERT_TRUE(run_until([&] { return !service(1)->serving; }, 1s));
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}); }));
  propose(5, {1, 2, 3});
}

TEST_F(Nodes, PacketsOfTheServiceGoBothWays) {
  form();
  int requests = 0, answers = 0;
  service(3)->on_deliver = [&](LinkId link, const Packet& packet) {
    if (packet.type != static_cast<int>(PacketType::request)) return;
    ++requests;
    // One turn commits all three: each SYNC is to come right behind its commit all the same.
    for (const char* word : {"r", "s", "t"}) {
      service(3)->propose(word);
      service(3)->node->send_to_learner({link, make_packet(PacketType::sync, 0), service(3)->last_proposed});
    }
  };
  service(1)->on_deliver = [&](LinkId, const Packet& packet) {
    if (packet.type != static_cast<int>(PacketType::sync)) return;
    ++answers;
    EXPECT_EQ(service(1)->words.size(), static_cast<std::size_t>(answers));
  };
  service(1)->node->send_to_leader(make_packet(PacketType::request, -1, "request"));
  ASSERT_TRUE(run_until([&] { return answers == 3 && service(1)->words.size() == 3; }, 5s));
  EXPECT_EQ(requests, 1);
}

TEST_F(Nodes, RefuseToStartWherePortsAreTaken) {
  machine(1).node->set_boot(nullptr);
  machine(1).node->start();
  world::World& world = machine(1).node->world();
  const auto taken = world.listen(machine(1).disk.config->members.at(1).quorum_addresses[0], {}, [](auto) {});
  ASSERT_TRUE(taken);
  Disk& disk = machine(1).disk;
  struct Silent final : Application {
    void store_accepted_epoch(std::int64_t) override {}
    void store_current_epoch(std::int64_t) override {}
    void truncate(std::int64_t) override {}
    void store_snapshot(std::int64_t) override {}
    void append(const Txn&) override {}
    void commit(const Txn&) override {}
    void read_history(LinkId, std::int64_t, std::int64_t) override {}
    std::unique_ptr<SnapshotSource> send_snapshot() override { return nullptr; }
    std::unique_ptr<SnapshotSink> receive_snapshot(std::int64_t) override { return nullptr; }
    void config_proposed(const EnsembleConfig&) override {}
    void config_activated(const EnsembleConfig&) override {}
    void role_changed(const RoleChanged&) override {}
    void start_serving(const StartServing&) override {}
    void stop_serving() override {}
    void deliver(LinkId, Packet) override {}
    void learners_changed() override {}
  } silent;
  const auto node = Node::start(world, machine(1).options, Recovered{.config = disk.config.value()}, silent, logger_);
  ASSERT_FALSE(node);
  EXPECT_NE(node.error().find("2888"), std::string::npos) << node.error();
}

class Faults : public Ensemble, public testing::WithParamInterface<std::uint64_t> {
 protected:
  Faults() : Ensemble(GetParam()) {}
};

// Members die and part at random; what was committed anywhere stays, in one order.
TEST_P(Faults, LoseNothingThatWasCommitted) {
  start_all();
  Words committed;
  int proposed = 0;
  const auto check = [&] {
    for (const auto& [id, machine] : machines_) {
      const auto each = machine.service.lock();
      // What others have logged, committed or not, is in their trees while they look for a leader.
      if (!each || !each->serving) continue;
      const std::size_t common = std::min(each->words.size(), committed.size());
      ASSERT_TRUE(std::equal(each->words.begin(), each->words.begin() + static_cast<std::ptrdiff_t>(common), committed.begin()))
          << "server " << id << " has another history";
      if (each->words.size() > committed.size()) committed = each->words;
    }
  };
  for (int round = 0; round < 30; ++round) {
    Machine& victim = machine(1 + static_cast<ServerId>(simulation_.random().below(3)));
    switch (simulation_.random().below(4)) {
      case 0:
        victim.node->crash();
        break;
      case 1:
        victim.node->kill();
        break;
      case 2:
        simulation_.network().partition({victim.node}, {machine(victim.id % 3 + 1).node, machine((victim.id + 1) % 3 + 1).node});
        break;
      case 3:
        for (const ServerId id : others(victim.id)) simulation_.network().break_connections(*victim.node, *machine(id).node);
        break;
    }
    for (int i = 0; i < 20; ++i) {
      if (Machine* leads = leader(); leads != nullptr) leads->service.lock()->propose(std::to_string(proposed++));
      simulation_.run_for(world::Duration(simulation_.random().below(60'000'000)));
      ASSERT_NO_FATAL_FAILURE(check());
    }
    simulation_.network().heal();
    start_all();
  }
  ASSERT_TRUE(run_until([&] { return serve({1, 2, 3}); })) << "an ensemble that is whole again serves";
  // What it proposed last may still be on its way.
  ASSERT_TRUE(run_until([&] {
    const Machine* leads = leader();
    return leads != nullptr && leads->service.lock()->node->peer().last_committed() >= leads->disk.log.back().zxid;
  }));
  ASSERT_NO_FATAL_FAILURE(check());
  expected_ = service(leader()->id)->words;
  EXPECT_GT(expected_.size(), 50U);
  EXPECT_GE(expected_.size(), committed.size());
  propose(1, {1, 2, 3});
}
INSTANTIATE_TEST_SUITE_P(Seeds, Faults, testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace chorus::zab
