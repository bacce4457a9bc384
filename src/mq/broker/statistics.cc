#include "mq/broker/statistics.h"

#include <absl/strings/string_view.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <numeric>
#include <utility>

namespace chorus::mq {
namespace {

constexpr std::int64_t second = 1000, minute = 60 * second, hour = 60 * minute;
// Samples kept of each period, the first of which is one period old.
constexpr std::size_t minute_samples = 7, hour_samples = 7, day_samples = 25;
constexpr std::size_t rate_samples = 601;

/// As Abseil looks a string up, where its own type of view is another one.
absl::string_view seen(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void Statistics::add(std::string_view name, std::string_view key, std::int64_t value, std::int64_t now_ms, std::int64_t octets) {
  auto of_name = counters_.find(seen(name));
  if (of_name == counters_.end()) of_name = counters_.try_emplace(std::string(name)).first;
  auto found = of_name->second.find(seen(key));
  if (found == of_name->second.end()) {
    if (size_ >= items_max_) return;
    ++size_;
    Counter counter{.now = {.ms = now_ms}, .minute = {{.ms = now_ms}}, .hour = {{.ms = now_ms}}, .day = {{.ms = now_ms}}};
    found = of_name->second.try_emplace(std::string(key), std::move(counter)).first;
  }
  Snapshot& now = found->second.now;
  now.value += value;
  now.octets += octets;
  ++now.calls;
}

void Statistics::sample(std::int64_t now_ms) {
  const auto keep = [now_ms](std::vector<Snapshot>& samples, Snapshot now, std::size_t most) {
    now.ms = now_ms;
    if (samples.size() == most) samples.erase(samples.begin());
    samples.push_back(now);
  };
  const bool hour_too = !hour_sampled_ms_ || now_ms - *hour_sampled_ms_ >= 10 * minute;
  const bool day_too = !day_sampled_ms_ || now_ms - *day_sampled_ms_ >= hour;
  if (hour_too) hour_sampled_ms_ = now_ms;
  if (day_too) day_sampled_ms_ = now_ms;
  for (auto& [name, counters] : counters_) {
    for (auto& [key, counter] : counters) {
      keep(counter.minute, counter.now, minute_samples);
      if (hour_too) keep(counter.hour, counter.now, hour_samples);
      if (day_too) keep(counter.day, counter.now, day_samples);
    }
    if (!day_too) continue;
    size_ -= absl::erase_if(counters, [](const auto& item) {
      const Counter& counter = item.second;
      return counter.day.size() == day_samples && counter.day.front().calls == counter.now.calls;
    });
  }
}

std::optional<Statistics::Item> Statistics::find(std::string_view name, std::string_view key, std::int64_t now_ms) const {
  const bool is_octets = name == stats::topic_put_octets || name == stats::group_get_octets;
  if (is_octets) name = name == stats::topic_put_octets ? stats::topic_put_count : stats::group_get_count;
  const auto of_name = counters_.find(seen(name));
  if (of_name == counters_.end()) return std::nullopt;
  const auto found = of_name->second.find(seen(key));
  if (found == of_name->second.end()) return std::nullopt;
  const Snapshot& now = found->second.now;
  const auto period = [&](const std::vector<Snapshot>& samples) {
    const Snapshot& first = samples.front();
    Period over{.sum = is_octets ? now.octets - first.octets : now.value - first.value};
    // What has only begun is not said to go on like that.
    over.per_second = static_cast<double>(over.sum) * 1000 / static_cast<double>(std::max<std::int64_t>(now_ms - first.ms, 10 * second));
    if (now.calls > first.calls) over.per_call = static_cast<double>(over.sum) / static_cast<double>(now.calls - first.calls);
    return over;
  };
  return Item{.minute = period(found->second.minute), .hour = period(found->second.hour), .day = period(found->second.day)};
}

void Rates::sample(const Totals& totals, std::int64_t now_ms) {
  samples_.push_back({now_ms, totals});
  if (samples_.size() > rate_samples) samples_.pop_front();
}

std::string Rates::per_second(std::uint64_t Totals::* what) const {
  const auto over = [&](std::size_t seconds) {
    if (samples_.size() < 2) return 0.0;
    const Sample& last = samples_.back();
    const Sample& first = samples_[samples_.size() - 1 - std::min(seconds, samples_.size() - 1)];
    if (last.ms <= first.ms) return 0.0;
    return static_cast<double>(last.totals.*what - first.totals.*what) * 1000 / static_cast<double>(last.ms - first.ms);
  };
  return fmt::format("{:.4f} {:.4f} {:.4f}", over(10), over(60), over(600));
}

const std::array<std::int64_t, StoreTimes::steps - 1>& StoreTimes::ends() {
  static constexpr auto all = [] {
    std::array<std::int64_t, steps - 1> made{};
    std::size_t count = 0;
    std::int64_t end = 0;
    constexpr std::pair<std::int64_t, int> parts[] = {{1, 20}, {2, 15}, {5, 10}, {10, 10}, {50, 6}, {100, 5}, {1000, 9}};
    for (const auto& [step, times] : parts) {
      for (int i = 0; i < times; ++i) made[count++] = end += step;
    }
    return made;
  }();
  static_assert(all.back() == 10'000);
  return all;
}

void StoreTimes::note(std::chrono::milliseconds took, std::uint64_t messages) {
  constexpr std::int64_t limits[] = {1, 10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10'000};  // first of the next class
  now_.by_class[static_cast<std::size_t>(std::ranges::upper_bound(limits, took.count()) - std::begin(limits))] += messages;
  now_.by_step[static_cast<std::size_t>(std::ranges::lower_bound(ends(), took.count()) - ends().begin())] += messages;
}

void StoreTimes::turn() { last_ = std::exchange(now_, {}); }

double StoreTimes::percentile(double part) const {
  const auto& counts = shown().by_step;
  const std::uint64_t all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  const double wanted = static_cast<double>(all) * part;
  double before = 0;
  for (std::size_t i = 0; i < counts.size() && all > 0; ++i) {
    const auto here = static_cast<double>(counts[i]);
    if (here > 0 && before + here >= wanted) {
      const double begin = i == 0 ? 0 : static_cast<double>(ends()[i - 1]);
      if (i == ends().size()) return begin;  // it has no end
      return begin + (static_cast<double>(ends()[i]) - begin) * std::max(0.0, wanted - before) / here;
    }
    before += here;
  }
  return 0;
}

void Days::note(std::int64_t day, const Totals& now) {
  if (day_ && *day_ != day) {
    yesterday_ = today_;
    today_ = now;
  }
  day_ = day;
}

}  // namespace chorus::mq
