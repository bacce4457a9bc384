#include "cache_judge.h"

#include <gtest/gtest.h>

namespace chorus::cache_sim {
namespace {

TEST(CounterJudge, TakesWhatCanBeTrue) {
  CounterJudge judge;
  const auto first = judge.begin("k", true), second = judge.begin("k", true), lost = judge.begin("k", true);
  judge.answered(second, 1);
  judge.answered(first, 3);  // `lost` was done in between
  judge.answered(judge.begin("k", false), 3);
  judge.answered(judge.begin("k", true), 4);
  EXPECT_TRUE(judge.faults().empty());
  EXPECT_EQ(judge.judged(), 4U);
}

TEST(CounterJudge, FindsWhatCannot) {
  const auto faults = [](auto body) {
    CounterJudge judge;
    judge.answered(judge.begin("k", true), 1);
    body(judge);
    return judge.faults().size();
  };
  EXPECT_EQ(faults([](CounterJudge& judge) { judge.answered(judge.begin("k", false), 0); }), 1U);  // lost
  EXPECT_EQ(faults([](CounterJudge& judge) { judge.answered(judge.begin("k", true), 1); }), 2U);   // lost, and given twice
  EXPECT_EQ(faults([](CounterJudge& judge) { judge.answered(judge.begin("k", true), 3); }), 1U);   // from nowhere
  EXPECT_EQ(faults([](CounterJudge& judge) {
              const auto early = judge.begin("k", true);
              judge.answered(judge.begin("k", true), 2);
              judge.answered(early, 2);
            }),
            1U);
  EXPECT_EQ(faults([](CounterJudge& judge) {
              judge.refused(judge.begin("k", true));
              judge.answered(judge.begin("k", true), 3);
            }),
            1U);
}

TEST(CounterJudge, AnEraBeginsAnew) {
  CounterJudge judge;
  judge.answered(judge.begin("k", true), 1);
  const auto over = judge.begin("k", true);
  judge.begin_era("k");
  judge.answered(judge.begin("k", true), 77);
  judge.end_era("k", 1000);
  judge.answered(over, 2);
  EXPECT_TRUE(judge.faults().empty());
  judge.answered(judge.begin("k", true), 1001);
  EXPECT_TRUE(judge.faults().empty());
  judge.answered(judge.begin("k", true), 2);  // of the node that had it before
  EXPECT_EQ(judge.faults().size(), 1U);
  // What is asked for before the new beginning is acknowledged may come behind it.
  judge.begin_era("k");
  judge.answered(judge.begin("k", true), 2001);
  judge.end_era("k", 2000);
  judge.answered(judge.begin("k", true), 2002);
  EXPECT_EQ(judge.faults().size(), 1U);
  EXPECT_EQ(judge.acknowledged("k"), 2002);
  judge.revived("k", 2001, 2001);
  EXPECT_EQ(judge.faults().size(), 1U);
  judge.revived("k", 2000, 2001);
  EXPECT_EQ(judge.faults().size(), 2U);
  judge.taint("k");
  judge.answered(judge.begin("k", true), 2);
  EXPECT_EQ(judge.faults().size(), 2U);
}

}  // namespace
}  // namespace chorus::cache_sim
