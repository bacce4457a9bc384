#include "members_log.h"

#include <gmock/gmock.h>

namespace chorus::chaos {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t epoch(std::int64_t number) { return number << 32; }

MemberLog log(std::initializer_list<std::int64_t> zxids) {
  MemberLog made;
  for (const std::int64_t zxid : zxids)
    made.push_back({.session = 1, .zxid = zxid, .type = 5, .checksum = static_cast<std::uint32_t>(zxid)});
  return made;
}

std::vector<std::int64_t> zxids(const CommittedHistory& history) {
  std::vector<std::int64_t> out;
  for (const auto& txn : history.transactions) out.push_back(txn.zxid);
  return out;
}

const std::int64_t a1 = epoch(1) + 1, a2 = epoch(1) + 2, a3 = epoch(1) + 3, b1 = epoch(2) + 1, b2 = epoch(2) + 2;

TEST(MembersLog, GoesUpToTheNewestThatAnyoneSaw) {
  const auto history = committed_history({log({a1, a2, b1, b2}), log({a1, a2, b1})}, {}, {b1, a1});
  EXPECT_THAT(zxids(history), ElementsAre(a1, a2, b1));
  EXPECT_THAT(history.faults, IsEmpty());
  EXPECT_EQ(history.left_out, 1U);
}

TEST(MembersLog, FillsWhatOneMemberWasGivenAsASnapshot) {
  EXPECT_THAT(zxids(committed_history({log({a1, b2}), log({a1, a2, b1, b2})}, {}, {b2})), ElementsAre(a1, a2, b1, b2));
  EXPECT_THAT(zxids(committed_history({log({b1, b2})}, {log({a1, a2})}, {b2})), ElementsAre(a1, a2, b1, b2));
}

TEST(MembersLog, LeavesOutWhatALaterLeaderGaveUp) {
  const std::vector<MemberLog> logs{log({a1, a2, a3, b1}), log({a1, a2, b1}), log({a1, a2, b1})};
  const auto history = committed_history(logs, {}, {b1});
  EXPECT_THAT(zxids(history), ElementsAre(a1, a2, b1));
  EXPECT_EQ(history.left_out, 1U);
}

TEST(MembersLog, BelievesARemovedLogAboutWhatALeaderBeganWith) {
  // The only member that still has both epochs was given a snapshot at b2, and keeps what was given up.
  const auto history = committed_history({log({a1, a2, a3, b2}), log({b2})}, {log({a1, a2, b1})}, {b2});
  EXPECT_THAT(zxids(history), ElementsAre(a1, a2, b1, b2));
}

TEST(MembersLog, KeepsWhatAClientSaw) {
  const std::vector<MemberLog> logs{log({a1, a2, a3, b1}), log({a1, a2, b1}), log({a1, a2, b1})};
  EXPECT_THAT(zxids(committed_history(logs, {}, {a3, b1})), ElementsAre(a1, a2, a3, b1));
}

TEST(MembersLog, AnEpochWithoutTransactionsIsNone) {
  EXPECT_THAT(zxids(committed_history({log({a1, a2})}, {}, {epoch(2)})), ElementsAre(a1, a2));
  EXPECT_THAT(zxids(committed_history({log({a1, epoch(3) + 1})}, {}, {epoch(2), epoch(3) + 1})), ElementsAre(a1, epoch(3) + 1));
}

TEST(MembersLog, TellsWhatIsInNoLog) {
  EXPECT_THAT(committed_history({log({a1, a3})}, {}, {a3}).faults, ElementsAre(HasSubstr("0x100000002 was committed and is in no")));
}

TEST(MembersLog, TellsContradictions) {
  MemberLog other = log({a1});
  other[0].checksum = 77;
  EXPECT_THAT(committed_history({log({a1}), other}, {}, {a1}).faults, ElementsAre(HasSubstr("another in member 2")));
}

TEST(MembersLog, AJavaServersMultisAreNotCompared) {
  MemberLog ours = log({a1}), java = log({a1});
  java[0].checksum = 77;
  ours[0].type = java[0].type = 14;
  EXPECT_THAT(committed_history({ours, java}, {}, {a1}).faults, ElementsAre(HasSubstr("another in member 2")));
  compare_no_multis(java);
  EXPECT_THAT(committed_history({ours, java}, {}, {a1}).faults, IsEmpty());
  EXPECT_THAT(committed_history({java, ours}, {}, {a1}).faults, IsEmpty());
}

}  // namespace
}  // namespace chorus::chaos
