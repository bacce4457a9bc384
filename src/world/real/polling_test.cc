#include "world/real/polling.h"

#include <gtest/gtest.h>

namespace chorus::world::real {
namespace {

using namespace std::chrono_literals;

/// A clock, and looks that lose `lost` each.
struct Looks {
  Polling polling;
  Instant now{};

  Looks() { polling.set_limit(400us); }
  void judge(Duration lost) {
    for (int i = 0; i < Polling::looks_judged; ++i) {
      now += 100us;
      polling.looked(100us, 100us - lost, now);
    }
  }
};

TEST(Polling, IsForDiskWorkThatIsShort) {
  Polling polling;
  Instant now{};
  polling.job_given(now);
  EXPECT_FALSE(polling.is_job_under_way()) << "it is off unless a limit is set";
  polling.set_limit(400us);
  EXPECT_TRUE(polling.is_job_under_way());
  polling.job_done(now += 100us);
  EXPECT_FALSE(polling.is_job_under_way());
  for (int i = 0; i < 100; ++i) {
    polling.job_given(now);
    polling.job_done(now += 2ms);
  }
  polling.job_given(now);
  EXPECT_FALSE(polling.is_job_under_way()) << "the disk became slow";
  polling.job_done(now);
  for (int i = 0; i < 100; ++i) {
    polling.job_given(now);
    polling.job_done(now += 100us);
  }
  polling.job_given(now);
  EXPECT_TRUE(polling.is_job_under_way()) << "it is quick again";
}

TEST(Polling, KnowsThatWorkIsShortOnceItHasSeenSome) {
  Polling polling;
  Instant now{};
  const auto do_one = [&](Duration time) {
    polling.job_given(now);
    polling.job_done(now += time);
  };
  for (int i = 0; i < 100; ++i) do_one(100us);
  EXPECT_FALSE(polling.is_short()) << "it is off unless a limit is set";
  polling = Polling();
  polling.set_limit(400us);
  for (int i = 0; i < Polling::jobs_judged; ++i) {
    EXPECT_FALSE(polling.is_short());
    do_one(100us);
  }
  EXPECT_TRUE(polling.is_short());
  do_one(10ms);
  EXPECT_FALSE(polling.is_short()) << "one that was held up is enough";
  for (int i = 0; i < 20; ++i) do_one(100us);
  EXPECT_TRUE(polling.is_short());
}

TEST(Polling, GoesOnWhileNobodyWantsTheProcessor) {
  Looks looks;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(looks.polling.is_worth_it(looks.now));
    looks.judge(20us);
  }
}

TEST(Polling, PausesLongerAndLongerWhileOthersWantTheProcessor) {
  Looks looks;
  for (const Duration pause : {Duration(250ms), Duration(500ms), Duration(1s), Duration(2s), Duration(4s), Duration(4s)}) {
    looks.judge(40us);
    looks.now += pause - 1us;
    EXPECT_FALSE(looks.polling.is_worth_it(looks.now));
    looks.now += 1us;
    EXPECT_TRUE(looks.polling.is_worth_it(looks.now));
  }
  looks.judge(0us);
  looks.judge(40us);
  EXPECT_FALSE(looks.polling.is_worth_it(looks.now));
  EXPECT_TRUE(looks.polling.is_worth_it(looks.now + Polling::pause_min)) << "a judgement to the contrary makes pauses short again";
}

}  // namespace
}  // namespace chorus::world::real
