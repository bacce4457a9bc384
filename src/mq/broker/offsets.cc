#include "mq/broker/offsets.h"

#include <algorithm>
#include <set>

#include "base/bytes.h"

namespace chorus::mq {

// A record of the journal, big-endian, as often as there are groups and topics in it:
//   u16 n, group · u16 n, topic · u32 n, then n times: i32 queue, i64 offset (-1: none any more)

std::optional<Offset> Offsets::committed(std::string_view group, const QueueKey& queue) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return std::nullopt;
  const auto at = found->second.find(queue);
  if (at == found->second.end()) return std::nullopt;
  return at->second;
}

void Offsets::put(std::string_view group, const QueueKey& queue, Offset offset) {
  dirty_.insert({std::string(group), queue});
  groups_[std::string(group)][queue] = offset;
}

void Offsets::commit(std::string_view group, const QueueKey& queue, Offset offset) {
  if (offset < 0 || pending_reset(group, queue)) return;
  if (committed(group, queue) != offset) put(group, queue, offset);
}

void Offsets::reset(std::string_view group, const QueueKey& queue, Offset offset) {
  resets_[{std::string(group), queue}] = offset;
  put(group, queue, offset);
}

std::optional<Offset> Offsets::pending_reset(std::string_view group, const QueueKey& queue) const {
  if (resets_.empty()) return std::nullopt;
  const auto found = resets_.find({std::string(group), queue});
  if (found == resets_.end()) return std::nullopt;
  return found->second;
}

std::optional<Offset> Offsets::take_reset(std::string_view group, const QueueKey& queue) {
  const std::optional<Offset> offset = pending_reset(group, queue);
  if (offset) resets_.erase({std::string(group), queue});
  return offset;
}

void Offsets::remove_group(std::string_view group) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  for (const auto& [queue, offset] : found->second) {
    dirty_.insert({std::string(group), queue});
    resets_.erase({std::string(group), queue});
  }
  groups_.erase(found);
}

void Offsets::remove_topic(std::string_view topic) {
  for (auto& [group, queues] : groups_) {
    absl::erase_if(queues, [&](const auto& of) {
      if (of.first.topic != topic) return false;
      dirty_.insert({group, of.first});
      resets_.erase({group, of.first});
      return true;
    });
  }
  std::erase_if(groups_, [](const auto& group) { return group.second.empty(); });
}

void Offsets::copy(std::string_view from_group, std::string_view to_group, std::string_view topic) {
  for (const Of& of : of_group(from_group, topic)) put(to_group, of.queue, of.offset);
}

std::vector<Offsets::Of> Offsets::of_group(std::string_view group, std::string_view topic) const {
  std::vector<Of> found;
  const auto of = groups_.find(group);
  if (of == groups_.end()) return found;
  for (const auto& [queue, offset] : of->second) {
    if (topic.empty() || queue.topic == topic) found.push_back({.queue = queue, .offset = offset});
  }
  std::ranges::sort(found, {}, &Of::queue);
  return found;
}

std::vector<std::string> Offsets::groups_of(std::string_view topic) const {
  std::vector<std::string> names;
  for (const auto& [group, queues] : groups_) {
    if (std::ranges::any_of(queues, [&](const auto& of) { return of.first.topic == topic; })) names.push_back(group);
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> Offsets::topics_of(std::string_view group) const {
  std::set<std::string> names;
  for (const Of& of : of_group(group)) names.insert(of.queue.topic);
  return {names.begin(), names.end()};
}

std::vector<std::string> Offsets::encode(std::vector<Key> keys, std::size_t octets_max) const {
  std::vector<std::string> records;
  std::ranges::sort(keys);
  std::size_t count_at = 0;
  std::uint32_t count = 0;
  const Key* run = nullptr;  // the first of those with the same group and topic in this record
  for (const Key& key : keys) {
    if (records.empty() || records.back().size() >= octets_max) {
      records.emplace_back();
      run = nullptr;
    }
    base::Writer out(records.back());
    if (run == nullptr || run->group != key.group || run->queue.topic != key.queue.topic) {
      out.u16(static_cast<std::uint16_t>(key.group.size()));
      out.octets(key.group);
      out.u16(static_cast<std::uint16_t>(key.queue.topic.size()));
      out.octets(key.queue.topic);
      count_at = out.size();
      out.u32(0);
      count = 0;
      run = &key;
    }
    out.i32(key.queue.queue);
    out.i64(committed(key.group, key.queue).value_or(removed));
    out.patch_u32(count_at, ++count);
  }
  return records;
}

void Offsets::hold(std::string_view group, const QueueKey& queue) { ++held_[{std::string(group), queue}]; }

void Offsets::release(std::string_view group, const QueueKey& queue) {
  const auto found = held_.find({std::string(group), queue});
  if (found != held_.end() && --found->second == 0) held_.erase(found);
}

std::vector<Offsets::Held> Offsets::held_changes() const {
  std::vector<Held> changes;
  for (const auto& [key, times] : held_) {
    if (dirty_.contains(key)) changes.push_back({.group = key.group, .queue = key.queue});
  }
  return changes;
}

std::vector<std::string> Offsets::take_changes(std::size_t octets_max) {
  std::vector<Key> keys;
  absl::erase_if(dirty_, [&](const Key& key) {
    if (held_.contains(key)) return false;
    keys.push_back(key);
    return true;
  });
  return encode(std::move(keys), octets_max);
}

std::vector<std::string> Offsets::all(std::size_t octets_max) const {
  std::vector<Key> keys;
  for (const auto& [group, queues] : groups_) {
    for (const auto& [queue, offset] : queues) keys.push_back({.group = group, .queue = queue});
  }
  return encode(std::move(keys), octets_max);
}

namespace {

/// Calls with each group, queue and offset of a record; false: it is none.
template <class F>
bool for_each(std::string_view record, F&& use) {
  base::Reader in(record);
  while (in.remaining() > 0) {
    const std::string group(in.octets(in.u16()));
    QueueKey queue{.topic = std::string(in.octets(in.u16())), .queue = 0};
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      queue.queue = in.i32();
      const Offset offset = in.i64();
      if (in.ok()) use(group, queue, offset);
    }
    if (!in.ok()) return false;
  }
  return true;
}

}  // namespace

void Offsets::mark_dirty(std::string_view record) {
  for_each(record, [this](const std::string& group, const QueueKey& queue, Offset) { dirty_.insert({group, queue}); });
}

bool Offsets::apply(std::string_view record) {
  return for_each(record, [this](const std::string& group, const QueueKey& queue, Offset offset) {
    if (offset != removed) {
      groups_[group][queue] = offset;
    } else if (const auto found = groups_.find(group); found != groups_.end()) {
      found->second.erase(queue);
      if (found->second.empty()) groups_.erase(found);
    }
  });
}

}  // namespace chorus::mq
