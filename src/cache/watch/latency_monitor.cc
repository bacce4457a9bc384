#include "cache/watch/latency_monitor.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace chorus::cache {
namespace {

constexpr std::size_t columns_max = 80;
constexpr std::size_t rows = 4;

/// "5s", "3m", "2h", "1d": what fits above one another in a column.
std::string age(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 86'400) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86'400);
}

}  // namespace

void LatencyMonitor::add(std::string_view event, std::int64_t unix_s, std::int64_t ms) {
  auto at = events_.find(event);
  if (at == events_.end()) at = events_.try_emplace(std::string(event)).first;
  Series& series = at->second;
  series.worst_ms = std::max(series.worst_ms, ms);
  if (!series.samples.empty() && series.samples.back().unix_s == unix_s) {
    series.samples.back().ms = std::max(series.samples.back().ms, ms);
    return;
  }
  if (series.samples.size() == samples_max) series.samples.erase(series.samples.begin());
  series.samples.push_back({.unix_s = unix_s, .ms = ms});
}

const LatencyMonitor::Series* LatencyMonitor::find(std::string_view event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? nullptr : &found->second;
}

bool LatencyMonitor::reset(std::string_view event) {
  const auto found = events_.find(event);
  if (found == events_.end()) return false;
  events_.erase(found);
  return true;
}

std::size_t LatencyMonitor::reset_all() { return std::exchange(events_, {}).size(); }

std::string graph_of(std::string_view event, const LatencyMonitor::Series& series, std::int64_t unix_s) {
  const std::size_t count = std::min(series.samples.size(), columns_max);
  const auto* const first = series.samples.data() + (series.samples.size() - count);
  const auto by_ms = [](const LatencyMonitor::Sample& a, const LatencyMonitor::Sample& b) { return a.ms < b.ms; };
  const auto [low, high] = std::minmax_element(series.samples.begin(), series.samples.end(), by_ms);
  std::string out = fmt::format("{} - high {} ms, low {} ms (all time high {} ms)\n{}\n", event, high->ms, low->ms, series.worst_ms,
                                std::string(columns_max, '-'));
  // Each row has a third of its height as '_', 'o' and '#'; what reaches above is a bar.
  constexpr std::string_view marks = "_o#";
  const std::int64_t span = std::max<std::int64_t>(1, high->ms - low->ms);
  for (std::size_t row = rows; row-- > 0;) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto height = static_cast<std::size_t>((first[i].ms - low->ms) * static_cast<std::int64_t>(rows * marks.size() - 1) / span);
      const std::size_t reached = height / marks.size();
      out += reached > row ? '|' : reached == row ? marks[height % marks.size()] : ' ';
    }
    out += '\n';
  }
  out += '\n';
  std::vector<std::string> ages;
  std::size_t longest = 0;
  for (std::size_t i = 0; i < count; ++i) longest = std::max(longest, ages.emplace_back(age(unix_s - first[i].unix_s)).size());
  for (std::size_t line = 0; line < longest; ++line) {
    for (const std::string& each : ages) out += line < each.size() ? each[line] : ' ';
    out += '\n';
  }
  return out;
}

}  // namespace chorus::cache
