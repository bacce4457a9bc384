// What groups that pop in order have taken of each queue: nothing more is given of it until all of that is acknowledged, or the time of
// what is not is over; then the same comes again. source: broker/offset/ConsumerOrderInfoManager.java
#pragma once

#include <absl/container/btree_set.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "mq/broker/pop_handles.h"

namespace chorus::mq {

/// What was taken of one queue, by one pop.
struct OrderedPop {
  std::string attempt_id;  // of the client's try: the same one asks again where an answer was lost. Empty: none
  std::int64_t pop_time_ms = 0;
  std::int64_t invisible_ms = 0;
  std::vector<Offset> offsets;                // rising, at most 64
  std::uint64_t acked = 0;                    // bits, by index
  std::set<Offset> ahead;                     // acknowledged behind these, when an earlier pop had them
  std::map<Offset, std::int64_t> visible_ms;  // where it is not the common time
  std::map<Offset, std::int32_t> counts;      // how often it was taken before; 0 is left out

  friend bool operator==(const OrderedPop&, const OrderedPop&) = default;
};

/// Pure: made by entries of the log, one after the other.
class PopOrders {
 public:
  static constexpr std::size_t offsets_max = 64;

  /// Takes these, and counts those once more that were taken before (unless it is the same try). What was acknowledged behind the first of
  /// them stays so.
  void pop(const GroupQueue& of, OrderedPop taken);
  /// Where the group is then: the first offset that is not acknowledged. Empty: it is not of this pop.
  std::optional<Offset> ack(const GroupQueue& of, std::int64_t pop_time_ms, Offset offset);
  /// False: it is not of this pop.
  bool change(const GroupQueue& of, std::int64_t pop_time_ms, Offset offset, std::int64_t visible_ms);
  void clear(const GroupQueue& of);
  void remove_group(std::string_view group);
  void remove_topic(std::string_view topic);

  /// Forgotten once everything is acknowledged up to the last of what was.
  const OrderedPop* find(const GroupQueue& of) const;
  /// Acknowledged, while something before them is not.
  std::set<Offset> acked(const GroupQueue& of) const;
  bool is_blocked(const GroupQueue& of, std::string_view attempt_id, std::int64_t now_ms) const;
  bool has_group(std::string_view group) const;
  std::size_t size() const { return taken_.size(); }

  /// Queues that are given again from some moment in ]after, to] on, and the next such moment behind `after`.
  std::vector<GroupQueue> freed(std::int64_t after_ms, std::int64_t to_ms) const;
  std::optional<std::int64_t> next_free_ms(std::int64_t after_ms) const;

  void write(base::Writer& out) const;
  bool read(base::Reader& in);

 private:
  std::int64_t free_at_ms(const OrderedPop& taken) const;
  template <class F>
  void with(std::map<GroupQueue, OrderedPop>::iterator at, F&& change);
  void erase(std::map<GroupQueue, OrderedPop>::iterator at);

  std::map<GroupQueue, OrderedPop> taken_;
  absl::btree_set<std::pair<std::int64_t, GroupQueue>> by_free_;
};

}  // namespace chorus::mq
