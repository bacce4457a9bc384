// Acknowledgements of the last while: who says the same again is told that all is well, and nobody else is.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <tuple>

#include "mq/broker/pop_handles.h"

namespace chorus::mq {

/// Of messages that are not held any more. Pure. 16 octets and some for each, `count_max` of them at most: the oldest are forgotten.
class RecentAcks {
 public:
  explicit RecentAcks(std::size_t count_max) : count_max_(count_max) {}

  void add(const GroupQueue& of, Offset offset, std::int64_t pop_time_ms) {
    const std::size_t hash = hash_of(of, offset, pop_time_ms);
    if (!known_.insert(hash).second) return;
    order_.push_back(hash);
    if (order_.size() <= count_max_) return;
    known_.erase(order_.front());
    order_.pop_front();
  }
  bool contains(const GroupQueue& of, Offset offset, std::int64_t pop_time_ms) const {
    return known_.contains(hash_of(of, offset, pop_time_ms));
  }
  std::size_t size() const { return order_.size(); }

 private:
  // 64 bits, salted anew in each process: two of them are not the same by chance, nor by a client's will.
  static std::size_t hash_of(const GroupQueue& of, Offset offset, std::int64_t pop_time_ms) {
    return absl::HashOf(std::tie(of, offset, pop_time_ms));
  }

  const std::size_t count_max_;
  absl::flat_hash_set<std::size_t> known_;
  std::deque<std::size_t> order_;  // oldest first
};

}  // namespace chorus::mq
