// Messages of one queue between their arrival at a consumer and their end: how far the queue is consumed. Without I/O.
#pragma once

#include <cstdint>
#include <map>

namespace chorus::mqclient {

class InFlight {
 public:
  /// next: the offset from which the queue is read.
  explicit InFlight(std::int64_t next = 0) : next_(next) {}

  /// Messages come in ascending order, not below what was read already.
  void add(std::int64_t offset, std::size_t octets) {
    held_.emplace(offset, octets);
    octets_ += octets;
    next_ = offset + 1;
  }
  /// Everything below is read: some of it was not for us.
  void read_to(std::int64_t next) { next_ = next > next_ ? next : next_; }
  /// Fine for one that is not held (any more).
  void done(std::int64_t offset) {
    const auto at = held_.find(offset);
    if (at == held_.end()) return;
    octets_ -= at->second;
    held_.erase(at);
  }

  /// What may be committed: all below is done.
  std::int64_t consumed_to() const { return held_.empty() ? next_ : held_.begin()->first; }
  std::int64_t next() const { return next_; }
  std::size_t count() const { return held_.size(); }
  std::size_t octets() const { return octets_; }
  /// Between the oldest and the newest that is held.
  std::int64_t span() const { return held_.empty() ? 0 : held_.rbegin()->first - held_.begin()->first; }

 private:
  std::map<std::int64_t, std::size_t> held_;
  std::size_t octets_ = 0;
  std::int64_t next_;
};

}  // namespace chorus::mqclient
