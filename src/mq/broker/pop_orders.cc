#include "mq/broker/pop_orders.h"

#include <algorithm>

namespace chorus::mq {
namespace {

std::optional<std::size_t> index_of(const OrderedPop& taken, Offset offset) {
  const auto at = std::ranges::find(taken.offsets, offset);
  if (at == taken.offsets.end()) return std::nullopt;
  return static_cast<std::size_t>(at - taken.offsets.begin());
}

bool is_acked(const OrderedPop& taken, std::size_t index) { return taken.acked >> index & 1; }

/// What was acknowledged behind the first of these does not come again, also once these are acknowledged.
void keep_acked(const OrderedPop& before, OrderedPop& taken) {
  const auto keep = [&](Offset offset) {
    if (offset > taken.offsets.front() && !index_of(taken, offset)) taken.ahead.insert(offset);
  };
  for (std::size_t i = 0; i < before.offsets.size(); ++i) {
    if (is_acked(before, i)) keep(before.offsets[i]);
  }
  for (const Offset offset : before.ahead) keep(offset);
}

}  // namespace

std::int64_t PopOrders::free_at_ms(const OrderedPop& taken) const {
  std::int64_t free_ms = 0;
  for (std::size_t i = 0; i < taken.offsets.size(); ++i) {
    if (is_acked(taken, i)) continue;
    const auto own = taken.visible_ms.find(taken.offsets[i]);
    free_ms = std::max(free_ms, own != taken.visible_ms.end() ? own->second : taken.pop_time_ms + taken.invisible_ms);
  }
  return free_ms;
}

template <class F>
void PopOrders::with(std::map<GroupQueue, OrderedPop>::iterator at, F&& change) {
  by_free_.erase({free_at_ms(at->second), at->first});
  change(at->second);
  by_free_.emplace(free_at_ms(at->second), at->first);
}

void PopOrders::erase(std::map<GroupQueue, OrderedPop>::iterator at) {
  by_free_.erase({free_at_ms(at->second), at->first});
  taken_.erase(at);
}

void PopOrders::pop(const GroupQueue& of, OrderedPop taken) {
  if (const auto before = taken_.find(of); before != taken_.end()) {
    if (!taken.attempt_id.empty() && before->second.attempt_id == taken.attempt_id) {
      taken.counts = before->second.counts;
    } else {
      for (const Offset offset : taken.offsets) {
        if (!index_of(before->second, offset)) continue;
        const auto count = before->second.counts.find(offset);
        taken.counts[offset] = count == before->second.counts.end() ? 1 : count->second + 1;
      }
    }
    if (!taken.offsets.empty()) keep_acked(before->second, taken);
    erase(before);
  }
  if (taken.offsets.empty()) return;
  const auto at = taken_.emplace(of, std::move(taken)).first;
  by_free_.emplace(free_at_ms(at->second), of);
}

std::optional<Offset> PopOrders::ack(const GroupQueue& of, std::int64_t pop_time_ms, Offset offset) {
  const auto at = taken_.find(of);
  if (at == taken_.end() || at->second.pop_time_ms != pop_time_ms) return std::nullopt;
  const auto index = index_of(at->second, offset);
  if (!index) return std::nullopt;
  with(at, [&](OrderedPop& taken) { taken.acked |= std::uint64_t{1} << *index; });
  OrderedPop& taken = at->second;
  for (std::size_t i = 0; i < taken.offsets.size(); ++i) {
    if (!is_acked(taken, i)) return taken.offsets[i];
  }
  Offset next = taken.offsets.back() + 1;
  while (taken.ahead.contains(next)) ++next;
  taken.ahead.erase(taken.ahead.begin(), taken.ahead.lower_bound(next));
  if (taken.ahead.empty()) erase(at);
  return next;
}

bool PopOrders::change(const GroupQueue& of, std::int64_t pop_time_ms, Offset offset, std::int64_t visible_ms) {
  const auto at = taken_.find(of);
  if (at == taken_.end() || at->second.pop_time_ms != pop_time_ms || !index_of(at->second, offset)) return false;
  with(at, [&](OrderedPop& taken) { taken.visible_ms[offset] = visible_ms; });
  return true;
}

void PopOrders::clear(const GroupQueue& of) {
  if (const auto at = taken_.find(of); at != taken_.end()) erase(at);
}

void PopOrders::remove_group(std::string_view group) {
  for (auto at = taken_.begin(); at != taken_.end();) {
    const auto next = std::next(at);
    if (at->first.group == group) erase(at);
    at = next;
  }
}

void PopOrders::remove_topic(std::string_view topic) {
  for (auto at = taken_.begin(); at != taken_.end();) {
    const auto next = std::next(at);
    if (at->first.queue.topic == topic) erase(at);
    at = next;
  }
}

std::set<Offset> PopOrders::acked(const GroupQueue& of) const {
  std::set<Offset> offsets;
  if (const OrderedPop* taken = find(of)) {
    for (std::size_t i = 0; i < taken->offsets.size(); ++i) {
      if (is_acked(*taken, i)) offsets.insert(taken->offsets[i]);
    }
    offsets.insert(taken->ahead.begin(), taken->ahead.end());
  }
  return offsets;
}

const OrderedPop* PopOrders::find(const GroupQueue& of) const {
  const auto at = taken_.find(of);
  return at == taken_.end() ? nullptr : &at->second;
}

bool PopOrders::is_blocked(const GroupQueue& of, std::string_view attempt_id, std::int64_t now_ms) const {
  const OrderedPop* taken = find(of);
  if (taken == nullptr || (!attempt_id.empty() && taken->attempt_id == attempt_id)) return false;
  return now_ms < free_at_ms(*taken);
}

bool PopOrders::has_group(std::string_view group) const {
  const auto first = taken_.lower_bound({.group = std::string(group), .queue = {.topic = {}, .queue = 0}});
  return first != taken_.end() && first->first.group == group;
}

std::vector<GroupQueue> PopOrders::freed(std::int64_t after_ms, std::int64_t to_ms) const {
  std::vector<GroupQueue> found;
  for (auto at = by_free_.lower_bound({after_ms + 1, GroupQueue{}}); at != by_free_.end() && at->first <= to_ms; ++at) {
    found.push_back(at->second);
  }
  return found;
}

std::optional<std::int64_t> PopOrders::next_free_ms(std::int64_t after_ms) const {
  const auto at = by_free_.lower_bound({after_ms + 1, GroupQueue{}});
  if (at == by_free_.end()) return std::nullopt;
  return at->first;
}

// u32 n, then each: u16 group · u16 topic · i32 queue · u16 attempt · i64 pop time, i64 invisible, u64 acked · u32 n, i64 offsets · u32 n,
// i64 offsets ahead · u32 n, visible: i64 offset, i64 time · u32 n, counts: i64 offset, i32 count.
void PopOrders::write(base::Writer& out) const {
  const auto text = [&](std::string_view one) {
    out.u16(static_cast<std::uint16_t>(one.size()));
    out.octets(one);
  };
  out.u32(static_cast<std::uint32_t>(taken_.size()));
  for (const auto& [of, taken] : taken_) {
    text(of.group);
    text(of.queue.topic);
    out.i32(of.queue.queue);
    text(taken.attempt_id);
    out.i64(taken.pop_time_ms);
    out.i64(taken.invisible_ms);
    out.u64(taken.acked);
    out.u32(static_cast<std::uint32_t>(taken.offsets.size()));
    for (const Offset offset : taken.offsets) out.i64(offset);
    out.u32(static_cast<std::uint32_t>(taken.ahead.size()));
    for (const Offset offset : taken.ahead) out.i64(offset);
    out.u32(static_cast<std::uint32_t>(taken.visible_ms.size()));
    for (const auto& [offset, time_ms] : taken.visible_ms) {
      out.i64(offset);
      out.i64(time_ms);
    }
    out.u32(static_cast<std::uint32_t>(taken.counts.size()));
    for (const auto& [offset, count] : taken.counts) {
      out.i64(offset);
      out.i32(count);
    }
  }
}

bool PopOrders::read(base::Reader& in) {
  taken_.clear();
  by_free_.clear();
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    GroupQueue of{.group = std::string(in.octets(in.u16())), .queue = {}};
    of.queue.topic = in.octets(in.u16());
    of.queue.queue = in.i32();
    OrderedPop taken{.attempt_id = std::string(in.octets(in.u16()))};
    taken.pop_time_ms = in.i64();
    taken.invisible_ms = in.i64();
    taken.acked = in.u64();
    for (std::uint32_t m = in.u32(); m > 0 && in.ok(); --m) taken.offsets.push_back(in.i64());
    for (std::uint32_t m = in.u32(); m > 0 && in.ok(); --m) taken.ahead.insert(in.i64());
    for (std::uint32_t m = in.u32(); m > 0 && in.ok(); --m) {
      const Offset offset = in.i64();
      taken.visible_ms[offset] = in.i64();
    }
    for (std::uint32_t m = in.u32(); m > 0 && in.ok(); --m) {
      const Offset offset = in.i64();
      taken.counts[offset] = in.i32();
    }
    if (!in.ok() || taken.offsets.empty() || taken.offsets.size() > offsets_max) return false;
    const auto at = taken_.insert_or_assign(of, std::move(taken)).first;
    by_free_.emplace(free_at_ms(at->second), of);
  }
  return in.ok();
}

}  // namespace chorus::mq
