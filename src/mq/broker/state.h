// What a broker knows beside messages: how far groups are, which transactions are open, which delayed messages have gone out, what
// was popped.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mq/broker/offsets.h"
#include "mq/broker/pop_state.h"
#include "mq/log/store.h"

namespace chorus::mq {

/// Types of entries that change the state (EntryView::type). The number is on disk.
enum class EntryType : std::uint8_t {
  none = 0,
  offsets = 1,           // own: a record of Offsets
  half = 2,              // message: the first half of a transaction
  transaction_copy = 3,  // message: ends the transaction whose half is at its prepared offset, by a copy somewhere
  rollback = 4,          // own: i64 position of the half
  half_checked = 5,      // own: n times i64 position: the producer was asked once more
  delivery = 6,          // own: n times (i64 due, i64 position) of delayed messages whose copies follow, in this order
  delivered = 7,         // message: the copy of the next delayed message
  recalled = 8,          // own: i64 position of a delayed message that is not to be delivered
  topic_removed = 9,     // own: the name; from now on the topic of that name is another one
  skipped = 10,          // own: n times i64 position: delayed messages of a delivery that are no longer to be had, or were recalled
  popped = 11,           // own, as those of POP that follow: pop_entries.h
  pop_ended = 12,
  pop_changed = 13,
  revived = 14,  // message: the copy of a popped one that was not acknowledged; its prepared offset is the handle's id
  order_popped = 15,
  order_acked = 16,
  order_changed = 17,
  order_cleared = 18,
  request_mode = 19,
  group_removed = 20,
};

/// A half message that waits for its end.
struct Half {
  Offset queue_offset = 0;
  std::int64_t store_time_ms = 0;
  std::int64_t immunity_ms = -1;  // not asked about before it is this old; -1: the broker's usual time
  std::int32_t checks = 0;
};

class BrokerState final : public State {
 public:
  void restore(std::string_view checkpoint) override;
  void apply(const EntryView& entry) override;
  std::string checkpoint() override;

  /// From now on offsets come by commits, and entries only say again what is known.
  void go_live() { live_ = true; }
  /// What could not be understood while the state was restored, for a log.
  const std::vector<std::string>& complaints() const { return complaints_; }

  Offsets offsets;
  const std::map<Position, Half>& halves() const { return halves_; }

  /// Delayed messages up to and including this one have gone out, but for those in open_delivery().
  Due delivered_to() const { return delivered_to_; }
  /// Of which a crash may have kept the copies from the log.
  const std::vector<Due>& open_delivery() const { return open_delivery_; }
  bool is_recalled(Position position) const { return recalled_.contains(position); }

  const PopState& pops() const { return pops_; }

  /// How often a topic of this name has been removed.
  std::uint32_t incarnation(std::string_view topic) const;

 private:
  void close_one(Position position);
  bool apply_pop(EntryType type, const EntryView& entry);

  bool live_ = false;
  std::vector<std::string> complaints_;
  std::map<Position, Half> halves_;
  Due delivered_to_;
  std::vector<Due> open_delivery_;
  std::set<Position> recalled_;
  PopState pops_;
  std::map<std::string, std::uint32_t, std::less<>> incarnations_;
};

/// Payloads of the store's own entries.
std::string encode_positions(const std::vector<Position>& positions);
std::string encode_dues(const std::vector<Due>& dues);

}  // namespace chorus::mq
