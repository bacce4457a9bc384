#include "invariants.h"

#include <gmock/gmock.h>

namespace chorus::coord_sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t zxid(std::int64_t epoch, std::int64_t counter) { return epoch << 32 | counter; }

class InvariantsTest : public testing::Test {
 protected:
  void looks(std::size_t member, std::int64_t at, std::uint64_t digest, std::uint32_t life = 1) {
    invariants.observe(member, {.life = life, .zxid = at, .digest = digest});
  }
  void leads(std::size_t member, std::int64_t epoch, std::int64_t at, std::uint64_t digest, std::uint32_t life = 1) {
    invariants.observe(member, {.life = life, .serving = true, .leading = true, .epoch = epoch, .zxid = at, .digest = digest});
  }
  void follows(std::size_t member, std::int64_t epoch, std::int64_t at, std::uint64_t digest, std::uint32_t life = 1) {
    invariants.observe(member, {.life = life, .serving = true, .epoch = epoch, .zxid = at, .digest = digest});
  }
  static Transaction txn(std::int64_t at, std::uint32_t checksum = 0) {
    Transaction made;
    made.zxid = at;
    made.checksum = checksum;
    return made;
  }
  /// Epoch 1 led by member 0, with two transactions that member 1 has too.
  void first_epoch() {
    looks(0, 0, 100);
    looks(1, 0, 100);
    looks(2, 0, 100);
    leads(0, 1, zxid(1, 0), 100);
    follows(1, 1, 0, 100);
    leads(0, 1, zxid(1, 1), 101);
    leads(0, 1, zxid(1, 2), 102);
    follows(1, 1, zxid(1, 2), 102);
    invariants.observe_log(0, {txn(zxid(1, 1)), txn(zxid(1, 2)), txn(zxid(1, 3))});
    invariants.observe_log(1, {txn(zxid(1, 1)), txn(zxid(1, 2))});
  }
  void expect_fault(const char* words) { EXPECT_THAT(invariants.faults(), Contains(HasSubstr(words))); }

  Invariants invariants{3};
};

TEST_F(InvariantsTest, TheFirstZxidOfAnEpochIsNoTransaction) {
  looks(0, 0, 100);
  leads(0, 1, zxid(1, 0), 100);
  looks(1, zxid(1, 0), 100);  // was sent a snapshot
  looks(2, 0, 100);
  leads(2, 2, zxid(2, 0), 100);
  leads(1, 3, zxid(3, 0), 100);
  EXPECT_THAT(invariants.faults(), IsEmpty());
}

TEST_F(InvariantsTest, ASnapshotOfALeaderThatWasNeverEstablished) {
  first_epoch();
  looks(1, zxid(1, 2), 102);
  invariants.observe(1, {.life = 1, .leading = true, .epoch = 2, .zxid = zxid(1, 2), .digest = 102});
  looks(2, zxid(2, 0), 102);  // was sent a snapshot, and acknowledged too late
  leads(2, 3, zxid(3, 0), 102);
  leads(2, 3, zxid(3, 1), 103);
  invariants.observe_log(2, {txn(zxid(3, 1))});
  std::vector<std::int64_t> committed;
  for (const Transaction& one : invariants.committed()) committed.push_back(one.zxid);
  EXPECT_THAT(committed, ElementsAre(zxid(1, 1), zxid(1, 2), zxid(3, 1)));
  EXPECT_THAT(invariants.faults(), IsEmpty());
}

TEST_F(InvariantsTest, ASoundHistoryPasses) {
  first_epoch();
  looks(1, zxid(1, 2), 102);
  leads(1, 2, zxid(2, 0), 102);
  leads(1, 2, zxid(2, 1), 103);
  follows(0, 2, zxid(2, 1), 103, 2);
  follows(2, 2, zxid(2, 1), 103);
  invariants.observe_log(1, {txn(zxid(1, 1)), txn(zxid(1, 2)), txn(zxid(2, 1))});
  invariants.observe_rest({0, 1, 2});
  std::vector<std::int64_t> committed;
  for (const Transaction& one : invariants.committed()) committed.push_back(one.zxid);
  EXPECT_THAT(committed, ElementsAre(zxid(1, 1), zxid(1, 2), zxid(2, 1)));
  EXPECT_EQ(invariants.left_out(), 1U);
  EXPECT_THAT(invariants.faults(), IsEmpty());
}

TEST_F(InvariantsTest, TwoLeadersOfAnEpoch) {
  first_epoch();
  looks(1, zxid(1, 2), 102);
  leads(1, 1, zxid(1, 2), 102);
  expect_fault("two established leaders");
}

TEST_F(InvariantsTest, ALeaderComesBackToItsEpochAfterARestart) {
  first_epoch();
  invariants.observe_down(0);
  looks(0, zxid(1, 2), 102, 2);
  leads(0, 1, zxid(1, 2), 102, 2);
  expect_fault("two established leaders");
}

TEST_F(InvariantsTest, ANewLeaderLacksWhatWasCommitted) {
  first_epoch();
  looks(2, zxid(1, 1), 101);
  leads(2, 2, zxid(2, 0), 101);
  expect_fault("lacks 0x100000002, which was committed");
}

TEST_F(InvariantsTest, AnOldLeaderCommitsWhatTheNewOneNeverHad) {
  first_epoch();
  looks(1, zxid(1, 2), 102);
  leads(1, 2, zxid(2, 0), 102);
  leads(0, 1, zxid(1, 3), 103);
  expect_fault("which the leader of epoch 2 never had");
}

TEST_F(InvariantsTest, AHistoryOfAnotherLeader) {
  looks(0, 0, 100);
  looks(1, zxid(1, 5), 150);
  looks(2, 0, 100);
  leads(0, 2, zxid(2, 0), 100);
  invariants.observe_down(0);
  leads(1, 3, zxid(3, 0), 150);
  expect_fault("its history is another one");
}

TEST_F(InvariantsTest, TreesDiffer) {
  first_epoch();
  looks(2, zxid(1, 2), 99);  // may be in the middle of something
  EXPECT_THAT(invariants.faults(), IsEmpty());
  follows(2, 1, zxid(1, 2), 99);
  expect_fault("the trees of members 0 and 2 differ");
}

TEST_F(InvariantsTest, AMemberGoesBackWhileItServes) {
  first_epoch();
  follows(1, 1, zxid(1, 1), 101);
  expect_fault("serves zxid 0x100000001 after 0x100000002");
}

TEST_F(InvariantsTest, LogsDiffer) {
  first_epoch();
  invariants.observe_log(2, {txn(zxid(1, 2), 7)});
  expect_fault("logged different transactions");
}

TEST_F(InvariantsTest, MembersComeToRestApart) {
  first_epoch();
  follows(2, 1, zxid(1, 1), 101);
  invariants.observe_rest({0, 1, 2});
  expect_fault("different trees");
}

TEST_F(InvariantsTest, AMemberDoesNotComeBack) {
  first_epoch();
  looks(2, zxid(1, 2), 102);
  invariants.observe_rest({0, 1, 2});
  expect_fault("member 2 does not serve");
}

TEST_F(InvariantsTest, ACommittedTransactionIsInNoLog) {
  first_epoch();
  leads(0, 1, zxid(1, 4), 104);
  invariants.committed();
  expect_fault("is in no member's log");
}

TEST_F(InvariantsTest, TransactionsWithoutALeader) {
  follows(1, 1, zxid(1, 1), 101);
  invariants.observe_log(1, {txn(zxid(1, 1))});
  invariants.committed();
  expect_fault("had no established leader");
}

}  // namespace
}  // namespace chorus::coord_sim
