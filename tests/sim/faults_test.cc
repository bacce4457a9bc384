#include "faults.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

namespace chorus::coord_sim {
namespace {

using namespace std::chrono_literals;
using sim::Duration;
using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::Le;

const FaultBounds bounds{.members = 3, .machines = 5, .length = 5s, .damageable = {2}, .reconfigurations = true};

TEST(DrawFaultsTest, TheSameSeedDrawsTheSame) {
  std::set<std::size_t> sizes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const std::vector<Fault> faults = draw_faults(base::Random(seed), bounds);
    const std::vector<Fault> again = draw_faults(base::Random(seed), bounds);
    ASSERT_EQ(faults.size(), again.size());
    for (std::size_t i = 0; i < faults.size(); ++i) EXPECT_EQ(describe(faults[i]), describe(again[i]));
    sizes.insert(faults.size());
  }
  EXPECT_GT(sizes.size(), 10U);
}

TEST(DrawFaultsTest, EveryKindComesInOrderAndWithinBounds) {
  std::set<FaultKind> kinds;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const std::vector<Fault> faults = draw_faults(base::Random(seed), bounds);
    EXPECT_THAT(faults, Each(AllOf(Field(&Fault::at, Le(Duration(5s))), Field(&Fault::way, Le(2U)))));
    EXPECT_TRUE(std::is_sorted(faults.begin(), faults.end(), [](const Fault& a, const Fault& b) { return a.at < b.at; }));
    for (const Fault& fault : faults) {
      kinds.insert(fault.kind);
      EXPECT_TRUE(fault.target < bounds.members || fault.target == Fault::leader);
    }
  }
  EXPECT_EQ(kinds.size(), fault_kinds);
}

class FaultInjectorTest : public testing::Test {
 protected:
  FaultInjectorTest() {
    for (const char* name : {"one", "two", "three", "client"}) {
      machines.push_back(&simulation.add_node(name));
      machines.back()->start();
    }
  }
  FaultInjector& inject(std::vector<Fault> faults) {
    injector = std::make_unique<FaultInjector>(simulation, machines, 3, std::move(faults),
                                               FaultInjector::Hooks{.leader = [this] { return leader; },
                                                                    .damage =
                                                                        [this](const Fault& fault, std::size_t member) {
                                                                          EXPECT_FALSE(machines[member]->running());
                                                                          damaged.push_back(fault.kind);
                                                                          return true;
                                                                        },
                                                                    .reconfigure = [](const Fault& fault) { return fault.amount == 1; }});
    injector->begin();
    return *injector;
  }
  bool blocked(std::size_t from, std::size_t to) { return simulation.network().blocked(*machines[from], *machines[to]); }

  sim::Simulation simulation{1};
  std::vector<sim::Node*> machines;
  std::optional<std::size_t> leader;
  std::vector<FaultKind> damaged;
  std::unique_ptr<FaultInjector> injector;
};

TEST_F(FaultInjectorTest, PartitionsOneWayAndHeals) {
  inject({{.kind = FaultKind::one_way_partition, .at = 10ms, .length = 100ms, .target = 1, .amount = 0b1000, .way = 0}});
  simulation.run_for(50ms);
  // 1 and the client on one side, whose words do not reach the others.
  EXPECT_TRUE(blocked(1, 0) && blocked(1, 2) && blocked(3, 0) && blocked(3, 2));
  EXPECT_FALSE(blocked(0, 1) || blocked(2, 1) || blocked(0, 3) || blocked(1, 3) || blocked(0, 2));
  simulation.run_for(100ms);
  EXPECT_FALSE(blocked(1, 0) || blocked(3, 2));
}

TEST_F(FaultInjectorTest, ABlockLastsAsLongAsTheLongestFault) {
  inject({{.kind = FaultKind::partition, .at = 10ms, .length = 100ms, .target = 0},
          {.kind = FaultKind::one_way_partition, .at = 50ms, .length = 200ms, .target = 0, .way = 1}});
  simulation.run_for(150ms);
  EXPECT_FALSE(blocked(0, 1));
  EXPECT_TRUE(blocked(1, 0));
  simulation.run_for(150ms);
  EXPECT_FALSE(blocked(1, 0));
}

TEST_F(FaultInjectorTest, TheLeaderIsFoundWhenTheTimeComes) {
  inject({{.kind = FaultKind::kill, .at = 10ms, .length = 1s, .target = Fault::leader},
          {.kind = FaultKind::kill, .at = 20ms, .length = 1s, .target = Fault::leader}});
  simulation.run_for(15ms);
  EXPECT_EQ(injector->struck()[static_cast<std::size_t>(FaultKind::kill)], 0U);
  leader = 2;
  simulation.run_for(10ms);
  EXPECT_TRUE(machines[0]->running() && machines[1]->running());
  EXPECT_FALSE(machines[2]->running());
  simulation.run_for(500ms);
  EXPECT_FALSE(machines[2]->running());
  simulation.run_for(1s);
  EXPECT_TRUE(machines[2]->running());
  EXPECT_EQ(injector->restarts(), 1U);
}

TEST_F(FaultInjectorTest, AMemberNobodyWantsStaysDown) {
  FaultInjector& faults = inject({{.kind = FaultKind::kill, .at = 10ms, .length = 50ms, .target = 1}});
  faults.want(1, false);
  simulation.run_for(1s);
  EXPECT_FALSE(machines[1]->running());
  faults.want(1, true);
  simulation.run_for(1s);
  EXPECT_TRUE(machines[1]->running());
}

TEST_F(FaultInjectorTest, FilesAreHarmedWhileTheMachineIsDown) {
  FaultInjector& faults = inject({{.kind = FaultKind::flipped_bit, .at = 10ms, .length = 1ns, .target = 1},
                                  {.kind = FaultKind::emptied_disk, .at = 1s, .length = 100ms, .target = 1}});
  simulation.run_for(2s);
  EXPECT_THAT(damaged, testing::ElementsAre(FaultKind::flipped_bit, FaultKind::emptied_disk));
  EXPECT_EQ(faults.struck()[static_cast<std::size_t>(FaultKind::flipped_bit)], 1U);
  EXPECT_TRUE(machines[1]->running());
  EXPECT_EQ(faults.restarts(), 2U);
}

TEST_F(FaultInjectorTest, AReconfigurationCountsWhenItWasAskedFor) {
  FaultInjector& faults = inject(
      {{.kind = FaultKind::reconfiguration, .at = 10ms, .amount = 1}, {.kind = FaultKind::reconfiguration, .at = 20ms, .amount = 2}});
  simulation.run_for(1s);
  EXPECT_EQ(faults.struck()[static_cast<std::size_t>(FaultKind::reconfiguration)], 1U);
}

TEST_F(FaultInjectorTest, StopHealsEverything) {
  FaultInjector& faults = inject({{.kind = FaultKind::lossy_network, .chance = 0.5},
                                  {.kind = FaultKind::partition, .at = 10ms, .length = 10s, .target = 0},
                                  {.kind = FaultKind::full_disk, .at = 10ms, .length = 10s, .target = 0, .amount = 0},
                                  {.kind = FaultKind::bad_disk, .at = 10ms, .length = 10s, .target = 1, .way = 1},
                                  {.kind = FaultKind::crash_on_disk, .at = 10ms, .length = 10s, .target = 1, .amount = 5},
                                  {.kind = FaultKind::crash_everywhere, .at = 1s}});
  simulation.run_for(100ms);
  EXPECT_TRUE(blocked(0, 1));
  EXPECT_EQ(machines[0]->disk().free_space(), 0U);
  EXPECT_GT(machines[1]->disk().options.write_error, 0);
  EXPECT_TRUE(machines[1]->crash_is_planned());
  EXPECT_GT(simulation.network().options.reset, 0);
  faults.stop();
  EXPECT_FALSE(blocked(0, 1));
  EXPECT_GT(machines[0]->disk().free_space(), 1U << 30);
  EXPECT_EQ(machines[1]->disk().options.write_error, 0);
  EXPECT_FALSE(machines[1]->crash_is_planned());
  EXPECT_EQ(simulation.network().options.reset, 0);
  simulation.run_for(2s);
  EXPECT_EQ(machines[0]->lives(), 1U);
}

}  // namespace
}  // namespace chorus::coord_sim
