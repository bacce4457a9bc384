#include "zookeeper/failover/record.h"

#include <algorithm>

namespace chorus::bench {

void Record::acknowledged(std::size_t client, std::uint64_t zxid, Clock::time_point now) {
  const std::uint64_t epoch = zxid >> 32;
  Client& one = clients_[client];
  one.writes = true;
  if (!gone_at_) {
    ++before_;
    epoch_ = std::max(epoch_, epoch);
  }
  if (epoch <= epoch_) {
    last_old_at_ = now;
    return;
  }
  if (!first_at_) first_at_ = now;
  if (!one.is_back) last_first_at_ = now;
  one.is_back = true;
}

bool Record::all_write() const { return std::ranges::all_of(clients_, &Client::writes); }
bool Record::all_are_back() const { return std::ranges::all_of(clients_, &Client::is_back); }

std::optional<Record::Clock::duration> Record::since_gone(const std::optional<Clock::time_point>& then) const {
  return gone_at_ && then ? std::optional(*then - *gone_at_) : std::nullopt;
}

std::optional<Record::Clock::duration> Record::pause() const {
  return first_at_ && last_old_at_ ? std::optional(*first_at_ - *last_old_at_) : std::nullopt;
}

}  // namespace chorus::bench
