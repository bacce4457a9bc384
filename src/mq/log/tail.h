// The newest entries, kept in memory as they were written: consumers that follow are answered without a look at the disk.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "mq/log/store.h"

namespace chorus::mq::log {

class Tail {
 public:
  /// Bounded by octets, save for the newest group.
  explicit Tail(std::uint64_t octets_max) : octets_max_(octets_max) {}

  void add(Position first, std::string octets) {
    if (octets.capacity() > octets.size() + octets.size() / 2 + 256) octets.shrink_to_fit();
    octets_ += cost(octets);
    groups_.push_back({first, std::move(octets)});
    while (octets_ > octets_max_ && groups_.size() > 1) {
      octets_ -= cost(groups_.front().octets);
      groups_.pop_front();
    }
  }
  void clear() {
    groups_.clear();
    octets_ = 0;
  }
  /// From the entry at `position` on; empty: not here. Good until the next add().
  std::string_view from(Position position) const {
    auto group = std::partition_point(groups_.begin(), groups_.end(), [&](const Group& g) { return g.first <= position; });
    if (group == groups_.begin()) return {};
    --group;
    const auto at = static_cast<std::uint64_t>(position - group->first);
    return at < group->octets.size() ? std::string_view(group->octets).substr(at) : std::string_view();
  }
  /// Whole entries, the first of which begins at or before `position`, as far as the end of their group; `first`: where that is.
  std::string_view around(Position position, Position& first) const {
    auto group = std::partition_point(groups_.begin(), groups_.end(), [&](const Group& g) { return g.first <= position; });
    if (group == groups_.begin()) return {};
    --group;
    first = group->first;
    return group->octets;
  }

 private:
  struct Group {
    Position first;
    std::string octets;
  };
  static std::uint64_t cost(const std::string& octets) { return octets.capacity() + sizeof(Group); }

  const std::uint64_t octets_max_;
  std::uint64_t octets_ = 0;
  std::deque<Group> groups_;
};

}  // namespace chorus::mq::log
