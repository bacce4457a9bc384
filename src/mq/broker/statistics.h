// What went in and out, by topic and group, over the last minute, hour and day, as RocketMQ's tools ask for it.
// source: common/stats/StatsItem.java, store/stats/BrokerStatsManager.java, store/StoreStatsService.java, store/stats/BrokerStats.java
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::mq {

/// Names of what is counted; the key is a topic, "topic@group", or the cluster.
namespace stats {
inline constexpr std::string_view topic_put_count = "TOPIC_PUT_NUMS", topic_put_octets = "TOPIC_PUT_SIZE";
inline constexpr std::string_view group_get_count = "GROUP_GET_NUMS", group_get_octets = "GROUP_GET_SIZE";
inline constexpr std::string_view send_back_count = "SNDBCK_PUT_NUMS";
inline constexpr std::string_view broker_put_count = "BROKER_PUT_NUMS", broker_get_count = "BROKER_GET_NUMS";
}  // namespace stats

/// Pure. Memory is bounded: what has not moved for a day is forgotten, and beyond `items_max` nothing new is counted.
class Statistics {
 public:
  struct Period {
    std::int64_t sum = 0;
    double per_second = 0;
    double per_call = 0;
  };
  struct Item {
    Period minute, hour, day;
  };

  explicit Statistics(std::size_t items_max = 200'000) : items_max_(items_max) {}

  /// By one call. octets: of what has a name for them too, beside that of the messages.
  void add(std::string_view name, std::string_view key, std::int64_t value, std::int64_t now_ms, std::int64_t octets = 0);
  /// Each 10 s.
  void sample(std::int64_t now_ms);
  /// Empty: nothing of it was ever counted, or not for a day.
  std::optional<Item> find(std::string_view name, std::string_view key, std::int64_t now_ms) const;
  std::size_t size() const { return size_; }

 private:
  struct Snapshot {
    std::int64_t ms = 0, value = 0, octets = 0, calls = 0;
  };
  struct Counter {
    Snapshot now;
    std::vector<Snapshot> minute, hour, day;  // oldest first; each begins where counting began
  };
  using Counters = absl::flat_hash_map<std::string, Counter>;  // by key: looked up for each message, without making a string

  std::size_t items_max_;
  std::size_t size_ = 0;
  absl::flat_hash_map<std::string, Counters> counters_;  // by name
  std::optional<std::int64_t> hour_sampled_ms_, day_sampled_ms_;
};

/// How fast totals grow. Pure.
class Rates {
 public:
  struct Totals {
    std::uint64_t puts = 0, gets = 0, pulls = 0, pulls_found = 0, pulls_missed = 0;
  };
  /// Each second.
  void sample(const Totals& totals, std::int64_t now_ms);
  /// "a b c": a second, over the last 10 s, minute and ten minutes.
  std::string per_second(std::uint64_t Totals::* what) const;

 private:
  struct Sample {
    std::int64_t ms = 0;
    Totals totals;
  };
  std::deque<Sample> samples_;  // oldest first
};

/// How long messages took to be stored, over the last whole minute; until the first one is over, over what there is of it. Pure.
class StoreTimes {
 public:
  /// RocketMQ's names of them, in the order of counts().
  static constexpr std::array<std::string_view, 13> classes{"<=0ms", "0~10ms", "10~50ms", "50~100ms", "100~200ms", "200~500ms", "500ms~1s",
                                                            "1~2s",  "2~3s",   "3~4s",    "4~5s",     "5~10s",     "10s~"};

  void note(std::chrono::milliseconds took, std::uint64_t messages);
  /// Each minute.
  void turn();
  const std::array<std::uint64_t, classes.size()>& counts() const { return shown().by_class; }
  /// Milliseconds that this part of them (0.99) did not take longer than, between steps of 1 ms to 1 s; 10 s are the most. 0: there is
  /// none.
  double percentile(double part) const;

 private:
  static constexpr std::size_t steps = 76;  // of 1 ms up to 20, then longer ones up to 10 s, and what is beyond
  struct Minute {
    std::array<std::uint64_t, classes.size()> by_class{};
    std::array<std::uint64_t, steps> by_step{};
  };
  static const std::array<std::int64_t, steps - 1>& ends();
  const Minute& shown() const { return last_ ? *last_ : now_; }

  Minute now_;
  std::optional<Minute> last_;
};

/// Totals at the last two midnights. Pure.
class Days {
 public:
  struct Totals {
    std::uint64_t puts = 0, gets = 0;
  };
  /// day: a number that changes at midnight.
  void note(std::int64_t day, const Totals& now);
  const Totals& today_morning() const { return today_; }
  const Totals& yesterday_morning() const { return yesterday_; }

 private:
  std::optional<std::int64_t> day_;
  Totals today_, yesterday_;
};

}  // namespace chorus::mq
