#include "cache/persistence/saving.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cache/resp/number.h"

namespace chorus::cache {
namespace {

constexpr std::int64_t retry_after_us = 5'000'000;

}  // namespace

std::optional<std::vector<SavePoint>> parse_save_points(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (const std::string_view word : base::split(text, ' ')) {
    if (word.empty()) continue;
    const auto number = parse_integer(word);
    if (!number || *number < 0) return {};
    numbers.push_back(*number);
  }
  if (numbers.size() % 2 != 0) return {};
  std::vector<SavePoint> points;
  for (std::size_t i = 0; i < numbers.size(); i += 2) {
    if (numbers[i] < 1) return {};
    points.push_back({.seconds = numbers[i], .changes = static_cast<std::uint64_t>(numbers[i + 1])});
  }
  return points;
}

std::string to_string(const std::vector<SavePoint>& points) {
  std::string out;
  for (const SavePoint& point : points) out += fmt::format("{}{} {}", out.empty() ? "" : " ", point.seconds, point.changes);
  return out;
}

bool SaveState::is_due(const std::vector<SavePoint>& points, std::int64_t unix_s, std::int64_t monotonic_us) const {
  if (has_failed && monotonic_us - begun_us < retry_after_us) return false;
  return std::any_of(points.begin(), points.end(),
                     [&](const SavePoint& point) { return changes >= point.changes && unix_s - last_save_s > point.seconds; });
}

}  // namespace chorus::cache
