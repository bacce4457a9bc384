#include "cache/cluster/membership.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace chorus::cache::cluster {
namespace {

NodeId id(char digit) { return NodeId(40, digit); }
constexpr std::int64_t second = 1'000'000;
const Endpoint here{.ip = "10.0.0.1", .port = 7000, .bus_port = 17000, .hostname = {}};
const std::string there = "10.0.0.2 7000 17000 -";

/// A node, and what the tree is for it.
struct MembershipTest : testing::Test {
  MembershipTest() {
    options.enabled = true;
    options.id = id('a');
    options.node_timeout_ms = 10'000;
  }
  /// What it wants done, in words; reads of the map are answered when `answers` is set.
  std::string step(const Event& event) {
    std::vector<Action> actions;
    node.step(now, event, actions);
    std::string words;
    for (const Action& action : actions) {
      if (const auto* read = std::get_if<action::ReadMap>(&action)) {
        last_read = read->read;
        words += fmt::format("read ");
      } else if (const auto* write = std::get_if<action::WriteMap>(&action)) {
        last_write = *write;
        words += fmt::format("write@{}{} ", write->version, write->leases.empty() ? "" : "+lease");
      } else if (const auto* lease = std::get_if<action::ReadLease>(&action)) {
        words += fmt::format("lease:{} ", lease->id[0]);
      } else if (const auto* finished = std::get_if<action::Finished>(&action)) {
        words += fmt::format("finished:{}", finished->number);
        for (const std::string& reply : finished->replies) words += " " + reply;
        words += " ";
      }
    }
    return words;
  }
  std::string read(const std::optional<std::string>& text, std::int32_t version) {
    return step(event::MapRead{.text = text, .version = version, .read = last_read});
  }
  void begin(const SlotMap& map, std::int32_t version = 5) {
    step(event::Loaded{});
    read(map.format(), version);
    step(event::Renewed{.sent_us = now, .lease_us = 10 * second});
    read(map.format(), version);
  }
  static SlotMap two() {
    SlotMap map;
    map.add_member(id('a'), here);
    map.add_member(id('b'), *parse_endpoint(there));
    const NodeId a = id('a'), b = id('b');
    for (std::size_t slot = 0; slot < cache::slots; ++slot) map.set_owner(static_cast<std::uint16_t>(slot), slot < 8192 ? &a : &b);
    return map;
  }
  static Change give(std::uint16_t slot, char to) {
    return [=](SlotMap& map) -> Outcome {
      const NodeId* owner = map.owner(slot);
      if (owner == nullptr || *owner == id(to)) return Outcome::error("ERR no");
      Outcome outcome{.has_changed = true};
      outcome.robbed.insert(*owner);
      const NodeId next = id(to);
      map.set_owner(slot, &next);
      return outcome;
    };
  }

  Options options;
  std::int64_t now = 100 * second;
  Membership node{options, here, 1};
  std::uint64_t last_read = 0;
  action::WriteMap last_write;
};

TEST_F(MembershipTest, ALeaseRunsFromWhenItWasSentAndOnlyOverAMapThatIsNewer) {
  const std::string text = two().format();
  step(event::Loaded{});
  read(text, 5);
  step(event::NodeSeen{.id = id('b'), .endpoint = there});
  EXPECT_TRUE(node.is_mine(0));
  EXPECT_FALSE(node.is_ok(now));
  EXPECT_EQ(step(event::Renewed{.sent_us = now - 2 * second, .lease_us = 10 * second}), "read ");
  EXPECT_FALSE(node.has_lease(now));
  // A reading that was asked for before does not count.
  step(event::MapRead{.text = text, .version = 5, .read = 0});
  EXPECT_FALSE(node.has_lease(now));
  read(text, 5);
  EXPECT_TRUE(node.is_ok(now));
  EXPECT_TRUE(node.is_ok(now + 8 * second - 1));
  EXPECT_FALSE(node.is_ok(now + 8 * second));
  // In time: nobody can have taken anything, and nothing is read.
  now += 7 * second;
  EXPECT_EQ(step(event::Renewed{.sent_us = now - second, .lease_us = 10 * second}), "");
  EXPECT_TRUE(node.has_lease(now + 9 * second - 1));
  // Too late.
  now += 20 * second;
  EXPECT_EQ(step(event::Renewed{.sent_us = now, .lease_us = 10 * second}), "read ");
  EXPECT_FALSE(node.has_lease(now));
  SlotMap taken = two();
  const NodeId b = id('b');
  taken.set_owner(0, &b);
  read(taken.format(), 6);
  EXPECT_TRUE(node.has_lease(now));
  EXPECT_FALSE(node.is_mine(0));
}

TEST_F(MembershipTest, AnswersComeWhenTheTreeHasIt) {
  begin(two());
  EXPECT_EQ(step(event::Request{.number = 7, .changes = {give(1, 'b')}, .deadline_us = now + 60 * second}), "write@5 ");
  EXPECT_TRUE(node.is_mine(1));
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::done, .version = 6}), "finished:7 +OK ");
  EXPECT_FALSE(node.is_mine(1));
  // A refusal writes nothing.
  EXPECT_EQ(step(event::Request{.number = 8, .changes = {give(1, 'b')}, .deadline_us = {}}), "finished:8 -ERR no ");
}

TEST_F(MembershipTest, WhoWasSlowerTriesAgainOnTheNewMap) {
  begin(two());
  step(event::Request{.number = 7, .changes = {give(1, 'b')}, .deadline_us = {}});
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::conflict}), "read ");
  EXPECT_EQ(read(two().format(), 6), "write@6 ");
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::conflict}), "read ");
  SlotMap other = two();
  const NodeId b = id('b');
  other.set_owner(1, &b);
  EXPECT_EQ(read(other.format(), 7), "finished:7 -ERR no ");
}

TEST_F(MembershipTest, AWriteWhoseAnswerWasLostIsKnownAgain) {
  begin(two());
  step(event::Request{.number = 7, .changes = {give(1, 'b')}, .deadline_us = {}});
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::unknown}), "read ");
  EXPECT_EQ(read(last_write.text, 6), "finished:7 +OK ");
  // Or it was not made: once more.
  step(event::Request{.number = 8, .changes = {give(2, 'b')}, .deadline_us = {}});
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::unknown}), "read ");
  const std::string before = SlotMap(node.map()).format();
  EXPECT_EQ(read(before, 6), "write@6 ");
  // Or made, and others have gone on since.
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::unknown}), "read ");
  auto later = SlotMap::parse(last_write.text);
  later->set_ticket(id('b'), 99);
  EXPECT_EQ(read(later->format(), 8), "finished:8 +OK ");
}

TEST_F(MembershipTest, SlotsOfOneWhoLivesAreNotTaken) {
  begin(two());
  step(event::NodeSeen{.id = id('b'), .endpoint = there});
  EXPECT_EQ(step(event::Request{.number = 7, .changes = {give(9000, 'a')}, .deadline_us = {}}),
            "finished:7 -ERR Node " + id('b') + " runs and owns slots that this would take from it ");
}

TEST_F(MembershipTest, SlotsOfALostNodeAreTakenWhenItsLeaseIsOver) {
  begin(two());
  EXPECT_EQ(step(event::Request{.number = 7, .changes = {give(9000, 'a')}, .deadline_us = now + 60 * second}), "lease:b ");
  EXPECT_EQ(step(event::LeaseRead{.id = id('b'), .version = 3, .lease_us = 8 * second}), "");
  now += 9 * second;
  EXPECT_EQ(step(event::LeaseRead{.id = id('b'), .version = 3, .lease_us = 8 * second}), "lease:b ");
  // It has renewed it: all over again.
  EXPECT_EQ(step(event::LeaseRead{.id = id('b'), .version = 4, .lease_us = 8 * second}), "");
  now += 10 * second - 1;
  EXPECT_EQ(step(event::Tick{}), "lease:b ");
  now += 1;
  EXPECT_EQ(step(event::Tick{}), "write@5+lease ");
  EXPECT_EQ(last_write.leases, (std::map<NodeId, std::int32_t>{{id('b'), 4}}));
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::done, .version = 6}), "finished:7 +OK ");
  EXPECT_TRUE(node.is_mine(9000));
}

TEST_F(MembershipTest, AClientIsToldAfterAWhile) {
  begin(two());
  step(event::Request{.number = 7, .changes = {give(9000, 'a')}, .deadline_us = now + second});
  now += second;
  EXPECT_EQ(step(event::Tick{}), "finished:7 -CLUSTERDOWN The tree does not answer, or a node that loses slots may still serve them ");
  step(event::Request{.number = 8, .changes = {give(1, 'b')}, .deadline_us = now + second});
  now += second;
  EXPECT_EQ(step(event::Tick{}), "finished:8 -CLUSTERDOWN The tree has not answered: the change may or may not have been made ");
  // And what becomes of it is awaited all the same.
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::done, .version = 6}), "");
  EXPECT_FALSE(node.is_mine(1));
}

TEST_F(MembershipTest, AChangeMayWaitForWhatOthersDo) {
  begin(two());
  const Change wish = [](SlotMap& map) -> Outcome {
    map.add_move(id('a'), id('b'), {1});
    Outcome outcome{.has_changed = true};
    outcome.until = [](const SlotMap& now) -> std::optional<std::string> {
      return now.owns(id('b'), 1) ? std::optional<std::string>("+OK") : std::nullopt;
    };
    return outcome;
  };
  step(event::Request{.number = 7, .changes = {wish}, .deadline_us = {}});
  EXPECT_EQ(step(event::MapWritten{.how = event::Written::done, .version = 6}), "");
  auto flipped = SlotMap::parse(last_write.text);
  const NodeId b = id('b');
  flipped->set_owner(1, &b);
  EXPECT_EQ(read(flipped->format(), 7), "finished:7 +OK ");
}

TEST_F(MembershipTest, AMapThatCannotBeReadStopsIt) {
  begin(two());
  step(event::NodeSeen{.id = id('b'), .endpoint = there});
  EXPECT_TRUE(node.is_ok(now));
  read("nonsense", 6);
  EXPECT_FALSE(node.is_ok(now));
  EXPECT_EQ(step(event::Request{.number = 1, .changes = {give(1, 'b')}, .deadline_us = {}}),
            "finished:1 -CLUSTERDOWN The slot map in the tree cannot be read ");
  read(two().format(), 7);
  EXPECT_TRUE(node.is_ok(now));
}

TEST_F(MembershipTest, AMemberThatIsGoneHasFailedAfterASecond) {
  begin(two());
  step(event::NodeSeen{.id = id('b'), .endpoint = there});
  EXPECT_TRUE(node.is_ok(now));
  step(event::NodeSeen{.id = id('b'), .endpoint = {}});
  EXPECT_TRUE(node.is_ok(now));
  now += second;
  step(event::Tick{});
  EXPECT_FALSE(node.is_ok(now));
  EXPECT_TRUE(node.has_failed(id('b')));
  options.require_full_coverage = false;
  EXPECT_TRUE(node.is_ok(now));
}

TEST_F(MembershipTest, AnAddressIsMetOnceItRuns) {
  step(event::Loaded{});
  read({}, -1);
  EXPECT_EQ(step(event::Meet{.ip = "10.0.0.2", .port = 7000}), "");
  EXPECT_EQ(step(event::NodeSeen{.id = id('b'), .endpoint = there}), "write@-1 ");
  step(event::MapWritten{.how = event::Written::done, .version = 0});
  EXPECT_EQ(node.map().members().size(), 2U);
  EXPECT_TRUE(node.is_member());
}

TEST_F(MembershipTest, SlotsMoveByThemselvesOnceNothingChanges) {
  options.rebalances = true;
  begin(two());
  step(event::NodeSeen{.id = id('a'), .endpoint = format_endpoint(here)});
  step(event::NodeSeen{.id = id('b'), .endpoint = there});
  const auto pass = [&](std::int64_t us) {
    std::string words;
    for (; us > 0; us -= second) {
      now += second;
      step(event::Renewed{.sent_us = now, .lease_us = 10 * second});
      words += step(event::Tick{});
    }
    return words;
  };
  EXPECT_EQ(pass(9 * second), "");
  step(event::NodeSeen{.id = id('c'), .endpoint = "10.0.0.3 7000 17000 -"});
  EXPECT_EQ(pass(9 * second), "");
  EXPECT_EQ(pass(second), "write@5 ");
  step(event::MapWritten{.how = event::Written::done, .version = 6});
  std::size_t moving = 0;
  for (const auto& [number, move] : node.map().moves()) moving += move.to == id('c') ? move.slots.size() : 0;
  EXPECT_NEAR(static_cast<double>(moving), 16'384 / 3.0, 1);
  // As they are being moved, there is nothing to be done; nor is there once all is even.
  EXPECT_EQ(pass(10 * second), "");
  SlotMap after = node.map();
  for (const auto& [number, move] : std::map(after.moves())) {
    for (const std::uint16_t slot : move.slots) after.set_owner(slot, &move.to);
  }
  step(event::MapRead{.text = after.format(), .version = 7, .read = 0});
  EXPECT_EQ(pass(10 * second), "");
  // The first of those that run sees to it, and only where it is wanted.
  after.member(id('c'))->weight = 0;
  step(event::MapRead{.text = after.format(), .version = 8, .read = 0});
  options.id = id('b');
  EXPECT_EQ(pass(10 * second), "");
  step(event::NodeSeen{.id = id('a'), .endpoint = {}});
  // Its slots cannot be moved while it is gone, so the others' are not either.
  EXPECT_EQ(pass(10 * second), "");
  options.id = id('a');
  step(event::NodeSeen{.id = id('a'), .endpoint = format_endpoint(here)});
  options.rebalances = false;
  EXPECT_EQ(pass(10 * second), "");
  options.rebalances = true;
  EXPECT_EQ(pass(second), "write@8 ");
}

TEST_F(MembershipTest, AnOlderMapDoesNotTakeThePlaceOfANewer) {
  begin(two());
  step(event::Request{.number = 7, .changes = {give(1, 'b')}, .deadline_us = {}});
  step(event::MapWritten{.how = event::Written::done, .version = 6});
  step(event::MapRead{.text = two().format(), .version = 5, .read = 0});
  EXPECT_FALSE(node.is_mine(1));
}

}  // namespace
}  // namespace chorus::cache::cluster
