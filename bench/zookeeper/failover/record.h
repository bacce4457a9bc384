// What is kept of acknowledgements before and after the leader of an ensemble went: how long nothing was acknowledged.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace chorus::bench {

/// A write belongs to a leader's epoch, the upper half of its zxid. So an acknowledgement that was on its way when the leader went is told
/// from the first of the next leader.
class Record {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Record(std::size_t clients) : clients_(clients) {}

  void acknowledged(std::size_t client, std::uint64_t zxid, Clock::time_point now);
  /// The leader is told to go.
  void leader_goes(Clock::time_point now) { gone_at_ = now; }

  std::uint64_t acknowledged_before() const { return before_; }
  /// Whether each client was acknowledged a write at least once, or once by the next leader.
  bool all_write() const;
  bool all_are_back() const;

  /// From leader_goes() until the next leader's first acknowledgement; until it has acknowledged a write of every client.
  std::optional<Clock::duration> first() const { return since_gone(first_at_); }
  std::optional<Clock::duration> all() const { return all_are_back() ? since_gone(last_first_at_) : std::nullopt; }
  /// From the last acknowledgement of the old leader to the first of the next one: what all clients together felt.
  std::optional<Clock::duration> pause() const;

 private:
  struct Client {
    bool writes = false;
    bool is_back = false;
  };
  std::optional<Clock::duration> since_gone(const std::optional<Clock::time_point>& then) const;

  std::vector<Client> clients_;
  std::uint64_t epoch_ = 0;  // the old leader's
  std::uint64_t before_ = 0;
  std::optional<Clock::time_point> gone_at_, last_old_at_, first_at_, last_first_at_;
};

}  // namespace chorus::bench
