// Things that took longer than they should: LATENCY's events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::cache {

/// By the name of an event, of which there are few: the last samples, one a second at most, and the worst of all time.
class LatencyMonitor {
 public:
  static constexpr std::size_t samples_max = 160;
  struct Sample {
    std::int64_t unix_s;
    std::int64_t ms;
  };
  struct Series {
    std::vector<Sample> samples;  // the oldest first
    std::int64_t worst_ms = 0;
  };

  /// Within one second the worse sample stays.
  void add(std::string_view event, std::int64_t unix_s, std::int64_t ms);
  const std::map<std::string, Series, std::less<>>& events() const { return events_; }
  /// Null: nothing of the kind took long.
  const Series* find(std::string_view event) const;
  /// False: there is none of that name.
  bool reset(std::string_view event);
  std::size_t reset_all();

 private:
  std::map<std::string, Series, std::less<>> events_;
};

/// A few rows of characters, a column for each sample, the oldest to the left, with its age below.
std::string graph_of(std::string_view event, const LatencyMonitor::Series& series, std::int64_t unix_s);

}  // namespace chorus::cache
