// Popping against a simple model, with kills and power failures at any moment: what is acknowledged never comes again, what is held is
// given to nobody else, in order nothing overtakes, and in the end every message was acknowledged or is a dead letter.
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "mq/broker/broker_fixture.h"

namespace chorus::mq {
namespace {

class Model : public BrokerWorld {
 public:
  explicit Model(std::uint64_t seed) : BrokerWorld(seed), random_(seed) {
    catalogue.groups["few"] = {.name = "few", .retry_max_times = 1};
    options.pop_retry_topic_v2 = random_.chance(0.3);
    options.offset_interval = 50ms;
    restart();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    drain();
  }

 private:
  struct Held {
    GroupQueue of;
    Offset offset = 0;
    std::int64_t pop_time_ms = 0;
    std::int64_t until_ms = 0;
    bool in_order = false;
  };
  /// A message as one group sees it.
  struct Seen {
    bool done = false;
    std::optional<Held> held;  // empty: nobody has it, or nobody knows
  };
  using Seens = std::map<std::string, Seen>;  // by body

  std::int64_t now_ms() const { return catalogue.world->wall_now().time_since_epoch().count(); }
  static bool in_order(const std::string& group) { return group == "order"; }

  void boot() {
    for (int i = 0; i < 40; ++i) {
      broker = nullptr;
      ++totals.restarts;
      machine.start();
      if (broker != nullptr && machine.running()) return;
      machine.kill();  // it died again while it came up
    }
    FAIL() << "does not come up";
  }

  /// What was to make it fail later may do so now.
  void come_back() {
    if (machine.running()) return;
    power_failed();
    boot();
  }

  void step() {
    bool killed = false;
    switch (random_.below(24)) {
      case 0:
        machine.crash();
        power_failed();
        break;
      case 1:
        machine.crash_after_file_operations(1 + random_.below(40));
        break;
      case 2:
        machine.kill();
        killed = true;
        break;
      case 3:
        simulation.run_for(std::chrono::milliseconds(random_.below(4'000)));
        break;
      case 4:
        broker->store_offsets([](BrokerResult<void>) {});
        break;
      case 5:
      case 6:
      case 7:
      case 8:
      case 9:
        send_one();
        break;
      case 10:
      case 11:
      case 12:
      case 13:
      case 14:
        pop_some(groups_[random_.below(groups_.size())], std::chrono::milliseconds(500 + random_.below(4'000)),
                 random_.chance(0.3) ? 1s : 0s);
        break;
      default:
        tell_of_one();
    }
    simulation.run_for(world::Duration(random_.between(0, 8'000'000)));
    if (machine.running()) return;
    // It may have been the power: then what was written and not synced is gone.
    if (!killed) power_failed();
    boot();
  }

  void power_failed() {
    for (auto& [group, seens] : groups_seen_) {
      if (in_order(group)) continue;  // these are synced before they are given
      for (auto& [body, seen] : seens) seen.held.reset();
    }
  }

  void send_one() {
    const std::string body = fmt::format("m{}", ++sent_);
    NewMessage message{.topic = "t", .queue = static_cast<std::int32_t>(random_.below(2)), .body = body};
    broker->send(std::move(message), {.queues = 2}, [this, body](BrokerResult<StoredMessage> stored) {
      if (stored) stored_.insert(body);
    });
  }

  void pop_some(const std::string& group, std::chrono::milliseconds invisible, std::chrono::milliseconds hold) {
    PopRequest request{.group = group,
                       .topic = "t",
                       .queue = static_cast<std::int32_t>(random_.below(3)) - 1,
                       .messages_max = 1 + static_cast<std::uint32_t>(random_.below(5)),
                       .invisible_ms = invisible.count(),
                       .in_order = in_order(group),
                       .connection = ConnectionId(1)};
    if (hold > 0ms) request.hold_until = catalogue.world->now() + hold;
    broker->pop(std::move(request), [this, group, invisible](BrokerResult<PopAnswer> answer) {
      if (answer) popped(group, invisible.count(), *answer);
    });
  }

  void popped(const std::string& group, std::int64_t invisible_ms, const PopAnswer& answer) {
    for (const Popped& of : answer.queues) {
      std::string_view rest = of.payloads;
      std::set<std::string> batch;
      for (std::size_t i = 0; i < of.offsets.size(); ++i) {
        const auto message = decode_message(rest.substr(0, of.sizes[i]));
        rest.remove_prefix(of.sizes[i]);
        const std::string body(message->body);
        Seen& seen = groups_seen_[group][body];
        EXPECT_FALSE(seen.done) << body << " of " << group << " was acknowledged, and came again";
        EXPECT_FALSE(seen.held && seen.held->until_ms > answer.pop_time_ms)
            << body << " of " << group << " was held until " << seen.held->until_ms << " and given at " << answer.pop_time_ms;
        if (in_order(group)) expect_order(group, of.queue.queue, message->queue_offset, body, batch);
        batch.insert(body);
        ++totals.given;
        totals.given_again += message->reconsume_times > 0 || !of.counts.empty() ? 1 : 0;
        seen.held = Held{.of = {.group = group, .queue = of.queue},
                         .offset = message->queue_offset,
                         .pop_time_ms = answer.pop_time_ms,
                         .until_ms = answer.pop_time_ms + invisible_ms,
                         .in_order = in_order(group)};
      }
    }
  }

  void expect_order(const std::string& group, std::int32_t queue, Offset offset, const std::string& body,
                    const std::set<std::string>& batch) {
    order_[queue][offset] = body;
    for (const auto& [before, earlier] : order_[queue]) {
      if (before >= offset) return;
      EXPECT_TRUE(groups_seen_[group][earlier].done || unsure_.contains(group + earlier) || batch.contains(earlier))
          << body << " overtook " << earlier;
    }
  }

  /// Acknowledges one that is held, or changes its time.
  void tell_of_one() {
    std::vector<std::pair<std::string, std::string>> held;
    for (const auto& [group, seens] : groups_seen_) {
      for (const auto& [body, seen] : seens) {
        if (seen.held && !seen.done) held.emplace_back(group, body);
      }
    }
    if (held.empty()) return;
    const auto& [group, body] = held[random_.below(held.size())];
    if (random_.chance(0.8)) return ack_one(group, body);
    const Held had = *groups_seen_[group][body].held;
    const std::int64_t invisible_ms = static_cast<std::int64_t>(random_.below(5'000));
    if (!in_order(group)) groups_seen_[group][body].held.reset();  // it is not known which time counts until it is told
    broker->change_invisible(
        {.of = had.of, .offset = had.offset, .pop_time_ms = had.pop_time_ms, .invisible_ms = invisible_ms, .in_order = had.in_order},
        [this, group, body, had](BrokerResult<PopChanged> changed) {
          Seen& seen = groups_seen_[group][body];
          if (!changed || seen.done) return;
          if (had.in_order && (!seen.held || seen.held->pop_time_ms != had.pop_time_ms)) return;
          if (!had.in_order && seen.held) return;
          seen.held = had;
          seen.held->pop_time_ms = changed->pop_time_ms;
          // In order another one of the same pop may free the queue no earlier, and this one alone does not hold what is not its own.
          seen.held->until_ms = had.in_order ? 0 : changed->pop_time_ms + changed->invisible_ms;
        });
    if (had.in_order) groups_seen_[group][body].held->until_ms = 0;
  }

  void ack_one(const std::string& group, const std::string& body) {
    Seen& seen = groups_seen_[group][body];
    const Held had = *seen.held;
    const bool in_time = had.in_order || now_ms() < had.until_ms;
    unsure_.insert(group + body);
    broker->ack({{.of = had.of, .offsets = {had.offset}, .pop_time_ms = had.pop_time_ms, .in_order = had.in_order}},
                [this, group, body, in_time](BrokerResult<void> acked) {
                  if (acked && in_time) groups_seen_[group][body].done = true;
                  totals.acked += acked && in_time ? 1 : 0;
                  if (!acked && acked.error().code == BrokerErrc::not_found) unsure_.erase(group + body);
                });
  }

  void drain() {
    options.offset_interval = 1s;
    int idle = 0;
    for (int i = 0; i < 4'000 && idle < 12 && !testing::Test::HasFailure(); ++i) {
      const std::size_t before = acked_in_drain_;
      for (const std::string& group : groups_) {
        come_back();
        pop_some(group, 30s, 0s);
        simulation.run_for(50ms);
      }
      come_back();
      for (auto& [group, seens] : groups_seen_) {
        std::vector<std::string> bodies;
        for (const auto& [body, seen] : seens) {
          if (seen.held && !seen.done) bodies.push_back(body);
        }
        for (const std::string& body : bodies) ack_one(group, body);
      }
      simulation.run_for(200ms);
      acked_in_drain_ = 0;
      for (const auto& [group, seens] : groups_seen_) {
        for (const auto& [body, seen] : seens) acked_in_drain_ += seen.done ? 1 : 0;
      }
      if (acked_in_drain_ != before) {
        idle = 0;
      } else {
        ++idle;
        simulation.run_for(5s);  // what is held comes again
      }
    }
    come_back();
    for (const std::string& group : groups_) {
      std::set<std::string> dead;
      const QueueKey letters{topic::dead_letter_of(group), 0};
      for (Offset from = 0; from < broker->bounds(letters).max;) {
        const auto batch = pull(letters, from);
        ASSERT_TRUE(batch);
        for (const std::string& body : bodies(*batch)) dead.insert(body);
        from = batch->next;
      }
      totals.dead += dead.size();
      for (const std::string& body : stored_) {
        EXPECT_TRUE(groups_seen_[group][body].done || unsure_.contains(group + body) || dead.contains(body))
            << body << " is lost to " << group;
      }
    }
    EXPECT_EQ(broker->state().pops().handles().size(), 0u);
  }

 public:
  struct Totals {
    std::size_t given = 0, given_again = 0, acked = 0, dead = 0, restarts = 0;
  };
  Totals totals;

 private:
  base::Random random_;
  const std::vector<std::string> groups_{"many", "few", "order"};
  int sent_ = 0;
  std::set<std::string> stored_;
  std::map<std::string, Seens> groups_seen_;
  std::set<std::string> unsure_;  // an acknowledgement was sent: it may have come through though nobody was told
  std::map<std::int32_t, std::map<Offset, std::string>> order_;
  std::size_t acked_in_drain_ = 0;
};

TEST(BrokerPopRandom, NothingIsLostAndNothingAcknowledgedComesAgain) {
  Model::Totals totals;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Model model(seed);
    model.run(250);
    if (testing::Test::HasFailure()) return;
    totals.given += model.totals.given;
    totals.given_again += model.totals.given_again;
    totals.acked += model.totals.acked;
    totals.dead += model.totals.dead;
    totals.restarts += model.totals.restarts;
  }
  // Or it would say nothing.
  EXPECT_GT(totals.given, 5'000u);
  EXPECT_GT(totals.given_again, 500u);
  EXPECT_GT(totals.acked, 3'000u);
  EXPECT_GT(totals.dead, 20u);
  EXPECT_GT(totals.restarts, 500u);
}

}  // namespace
}  // namespace chorus::mq
