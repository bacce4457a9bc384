// The load against a broker that misbehaves as the test says.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "rocketmq/load/fake_broker.h"
#include "rocketmq/load/load.h"

namespace chorus::bench::rocketmq {
namespace {

using namespace std::chrono_literals;

std::string field(const Answer& request, std::string_view name) { return std::string(text_field(request.header, name).value_or("")); }
std::int64_t number(const Answer& request, std::string_view name) { return std::stoll(field(request, name)); }

std::string stored(const Answer& request, std::int64_t offset, std::int64_t position) {
  return answer_frame(request, success,
                      fmt::format(R"("queueId":"0","queueOffset":"{}","msgId":"7F00000100002A9F{:016X}")", offset, position));
}

/// A message as it is stored.
std::string message(std::int64_t offset, std::string_view body) {
  std::string octets;
  base::Writer out(octets);
  out.u32(0);
  out.octets(std::string(16, '\0'));
  out.i64(offset);
  out.octets(std::string(56, '\0'));
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.octets(body);
  out.octets(std::string_view("\1t\0\0", 4));
  out.patch_u32(0, static_cast<std::uint32_t>(octets.size()));
  return octets;
}

Plan plan_of(std::uint32_t producers, std::uint32_t outstanding, std::uint64_t count) {
  Plan plan;
  plan.production = {.shape = {.body_octets = 20}, .queues = 1, .producers = producers, .outstanding = outstanding};
  plan.warm_up = 0s;
  plan.measure = 200ms;
  plan.count = count;
  return plan;
}

TEST(MqRun, CountsWhatIsAcknowledged) {
  std::atomic<std::uint64_t> sends = 0;
  FakeBroker broker([&](const Answer& request) {
    if (request.code == 310) ++sends;
    return request.code == 310 ? stored(request, 0, 0) : answer_frame(request, success);
  });
  const Outcome outcome = run_load(broker.target(), plan_of(3, 4, 200));
  EXPECT_GE(outcome.produced.messages, 200u);
  EXPECT_EQ(outcome.produced.octets, outcome.produced.messages * 20);
  EXPECT_EQ(outcome.produced.latency.count(), outcome.produced.messages);
  EXPECT_TRUE(outcome.produced.refused.empty());
  // What was on its way when the count was reached was waited for.
  EXPECT_GE(sends, outcome.produced.messages);
  EXPECT_LE(sends, outcome.produced.messages + 3 * 4);
}

TEST(MqRun, CountsRefusalsByTheirCodes) {
  std::atomic<int> sends = 0;
  FakeBroker broker([&](const Answer& request) {
    if (request.code != 310 || ++sends % 3 != 0) return stored(request, 0, 0);
    return answer_frame(request, sends % 2 ? 2 : 14, "", "", "busy");
  });
  const Tally produced = run_load(broker.target(), plan_of(2, 2, 60)).produced;
  EXPECT_GE(produced.refused.at(2), 9u);
  EXPECT_GE(produced.refused.at(14), 9u);
  EXPECT_EQ(produced.refused.size(), 2u);
  EXPECT_EQ(produced.last_remark, "busy");
  EXPECT_EQ(produced.latency.count(), produced.messages);
}

TEST(MqRun, SaysWhyTopicsCannotBeMade) {
  FakeBroker broker([](const Answer& request) { return answer_frame(request, 16, "", "", "not allowed"); });
  try {
    run_load(broker.target(), plan_of(1, 1, 1));
    FAIL() << "it was refused";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "request 17 was answered with code 16: not allowed");
  }
}

TEST(MqRun, ABatchIsOneRequestAndManyMessages) {
  std::atomic<int> batches = 0;
  FakeBroker broker([&](const Answer& request) {
    batches += request.code == 320;
    return stored(request, 0, 0);
  });
  Plan plan = plan_of(1, 1, 320);
  plan.production.shape.batch = 32;
  const Tally produced = run_load(broker.target(), plan).produced;
  EXPECT_EQ(produced.messages, 320u);
  EXPECT_EQ(produced.octets, 320u * 20);
  EXPECT_EQ(batches, 11);  // one was on its way when the count was reached
}

TEST(MqRun, ATransactionCountsWhenItsCommitIsAnswered) {
  std::mutex mutex;
  std::map<std::string, std::int64_t> halves;  // offset by unique id
  std::uint64_t committed = 0;
  FakeBroker broker([&](const Answer& request) {
    const std::lock_guard lock(mutex);
    if (request.code == 310) {
      const std::string properties = field(request, "i");
      EXPECT_TRUE(properties.starts_with("TRAN_MSG\\u0001true\\u0002")) << properties;
      const std::size_t id = properties.find("UNIQ_KEY\\u0001") + 14;
      const auto offset = static_cast<std::int64_t>(halves.size());
      halves[properties.substr(id, 32)] = offset;
      return stored(request, offset, 1000 + offset);
    }
    if (request.code == 37) {
      EXPECT_EQ(number(request, "tranStateTableOffset"), halves.at(field(request, "msgId")));
      EXPECT_EQ(number(request, "commitLogOffset"), 1000 + halves.at(field(request, "msgId")));
      ++committed;
    }
    return answer_frame(request, success);
  });
  Plan plan = plan_of(2, 3, 50);
  plan.production.shape.half = true;
  const Tally produced = run_load(broker.target(), plan).produced;
  EXPECT_GE(produced.messages, 50u);
  EXPECT_EQ(halves.size(), committed);  // all that was begun was ended
  EXPECT_LE(produced.messages, committed);
}

TEST(MqRun, MessagesAreSpreadOverAllQueues) {
  std::mutex mutex;
  std::map<std::string, int> sends;  // by topic and queue
  FakeBroker broker([&](const Answer& request) {
    const std::lock_guard lock(mutex);
    if (request.code == 310) ++sends[field(request, "b") + "/" + field(request, "e")];
    return stored(request, 0, 0);
  });
  Plan plan = plan_of(2, 1, 600);
  plan.production.topics = 3;
  plan.production.queues = 2;
  run_load(broker.target(), plan);
  EXPECT_EQ(sends.size(), 6u);
  for (const auto& [queue, count] : sends) EXPECT_NEAR(count, 100, 2) << queue;
}

// Requests leave when they are due although nothing is answered, and all of them are charged for the wait.
TEST(MqRun, AtAFixedRateWaitsCountFromWhenTheyWereDue) {
  int sends = 0;
  Clock::time_point stopped;
  std::string held;
  FakeBroker broker([&](const Answer& request) {
    if (request.code != 310) return answer_frame(request, success);
    if (++sends == 20) stopped = Clock::now();
    held += stored(request, 0, 0);
    return sends >= 20 && Clock::now() < stopped + 300ms ? "" : std::exchange(held, "");
  });
  Plan plan = plan_of(1, 1, 0);
  plan.production.rate = 1000;
  plan.measure = 500ms;
  const Tally produced = run_load(broker.target(), plan).produced;
  EXPECT_GE(produced.latency.max(), 250'000'000u);
  EXPECT_GE(produced.latency.quantile(0.5), 50'000'000u);
}

TEST(MqRun, ConsumersFollowTheHead) {
  std::mutex mutex;
  std::vector<std::string> log{message(0, "old")};
  FakeBroker broker([&](const Answer& request) {
    const std::lock_guard lock(mutex);
    if (request.code == 310) {
      log.push_back(message(static_cast<std::int64_t>(log.size()), request.body));
      return stored(request, 0, 0);
    }
    if (request.code == 30) return answer_frame(request, success, fmt::format(R"("offset":"{}")", log.size()));
    if (request.code != 11) return answer_frame(request, success);
    std::string body;
    for (auto at = static_cast<std::size_t>(number(request, "queueOffset")); at < log.size(); ++at) body += log[at];
    return answer_frame(request, body.empty() ? pull_not_found : success, "", body);
  });
  Plan plan = plan_of(1, 2, 100);
  plan.consumers = 1;
  const Outcome outcome = run_load(broker.target(), plan);
  // A few may be acknowledged and not consumed yet.
  EXPECT_GE(outcome.consumed.messages + 10, outcome.produced.messages);
  EXPECT_EQ(outcome.consumed.octets, outcome.consumed.messages * 20);
  EXPECT_EQ(outcome.consumed.latency.count(), outcome.consumed.messages);
}

TEST(MqRun, AHoleInAQueueEndsIt) {
  FakeBroker broker([](const Answer& request) {
    if (request.code == 30) return answer_frame(request, success, R"("offset":"5")");
    if (request.code == 11) return answer_frame(request, success, "", message(6, std::string(20, '\0')));
    return stored(request, 0, 0);
  });
  Plan plan = plan_of(1, 1, 1'000'000);
  plan.consumers = 1;
  try {
    run_load(broker.target(), plan);
    FAIL() << "a message was missing";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "bench-00000 queue 0: offset 6 came in place of 5");
  }
}

TEST(MqRun, ABacklogIsReadAgainAndAgain) {
  std::mutex mutex;
  std::set<std::int64_t> asked;
  FakeBroker broker([&](const Answer& request) {
    const std::lock_guard lock(mutex);
    if (request.code == 30) return answer_frame(request, success, R"("offset":"7")");
    if (request.code == 31) return answer_frame(request, success, R"("offset":"2")");
    if (request.code != 11) return answer_frame(request, 3);
    const std::int64_t from = number(request, "queueOffset");
    asked.insert(from);
    std::string body;
    for (std::int64_t at = from; at < std::min<std::int64_t>(from + 3, 9); ++at) body += message(at, "body");
    return answer_frame(request, success, "", body);
  });
  Plan plan = plan_of(0, 1, 0);
  plan.backlog = "old";
  plan.readers = 1;
  const Outcome outcome = run_load(broker.target(), plan);
  EXPECT_EQ(asked, (std::set<std::int64_t>{2, 5}));
  EXPECT_GT(outcome.read.messages, 5u);
  EXPECT_EQ(outcome.read.octets, outcome.read.messages * 4);
}

TEST(MqRun, AnEmptyBacklogIsSaid) {
  FakeBroker broker([](const Answer& request) { return answer_frame(request, success, R"("offset":"0")"); });
  Plan plan = plan_of(0, 1, 0);
  plan.backlog = "old";
  plan.readers = 1;
  EXPECT_THROW(run_load(broker.target(), plan), std::runtime_error);
}

}  // namespace
}  // namespace chorus::bench::rocketmq
