#include "mq/broker/pop_handles.h"

namespace chorus::mq {

void PopHandles::put(const GroupQueue& of, const PopHandle& handle) {
  if (const PopHandle* before = find(of, handle.offset)) end(before->id);
  const auto at = queues_.try_emplace(of, Queue{.of = of, .handles = {}}).first;
  at->second.handles[handle.offset] = handle;
  by_id_[handle.id] = {.queue = &at->second, .offset = handle.offset};
  by_due_.emplace(handle.due_ms(), handle.id);
}

void PopHandles::end(Position id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const Place place = found->second;
  by_id_.erase(found);
  const auto handle = place.queue->handles.find(place.offset);
  by_due_.erase({handle->second.due_ms(), id});
  place.queue->handles.erase(handle);
  if (place.queue->handles.empty()) queues_.erase(GroupQueue(place.queue->of));
}

void PopHandles::change(Position id, std::int64_t pop_time_ms, std::int64_t invisible_ms) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  PopHandle& handle = found->second.queue->handles.at(found->second.offset);
  by_due_.erase({handle.due_ms(), id});
  handle.pop_time_ms = pop_time_ms;
  handle.invisible_ms = invisible_ms;
  by_due_.emplace(handle.due_ms(), id);
}

void PopHandles::drop(const Queue& queue) {
  for (const auto& [offset, handle] : queue.handles) {
    by_due_.erase({handle.due_ms(), handle.id});
    by_id_.erase(handle.id);
  }
}

void PopHandles::remove_group(std::string_view group) {
  std::erase_if(queues_, [&](const auto& queue) {
    if (queue.first.group != group) return false;
    drop(queue.second);
    return true;
  });
}

void PopHandles::remove_topic(std::string_view topic) {
  std::erase_if(queues_, [&](const auto& queue) {
    if (queue.first.queue.topic != topic) return false;
    drop(queue.second);
    return true;
  });
}

const PopHandle* PopHandles::find(const GroupQueue& of, Offset offset) const {
  const auto queue = queues_.find(of);
  if (queue == queues_.end()) return nullptr;
  const auto found = queue->second.handles.find(offset);
  return found == queue->second.handles.end() ? nullptr : &found->second;
}

std::size_t PopHandles::size(const GroupQueue& of) const {
  const auto queue = queues_.find(of);
  return queue == queues_.end() ? 0 : queue->second.handles.size();
}

bool PopHandles::has_group(std::string_view group) const {
  const auto first = queues_.lower_bound({.group = std::string(group), .queue = {.topic = {}, .queue = 0}});
  return first != queues_.end() && first->first.group == group;
}

std::vector<PopHandles::Held> PopHandles::due(std::int64_t now_ms, std::size_t max, const std::function<bool(Position id)>& skip) const {
  std::vector<Held> found;
  for (const auto& [due_ms, id] : by_due_) {
    if (due_ms > now_ms || found.size() >= max) break;
    if (skip(id)) continue;
    const Place& place = by_id_.at(id);
    found.push_back({.of = place.queue->of, .handle = place.queue->handles.at(place.offset)});
  }
  return found;
}

std::optional<std::int64_t> PopHandles::next_due_ms() const {
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->first;
}

// u32 n, queues: u16 group · u16 topic · i32 queue · u32 n, handles: i64 id, i64 offset, i64 pop time, i64 invisible.
void PopHandles::write(base::Writer& out) const {
  out.u32(static_cast<std::uint32_t>(queues_.size()));
  for (const auto& [of, queue] : queues_) {
    out.u16(static_cast<std::uint16_t>(of.group.size()));
    out.octets(of.group);
    out.u16(static_cast<std::uint16_t>(of.queue.topic.size()));
    out.octets(of.queue.topic);
    out.i32(of.queue.queue);
    out.u32(static_cast<std::uint32_t>(queue.handles.size()));
    for (const auto& [offset, handle] : queue.handles) {
      out.i64(handle.id);
      out.i64(handle.offset);
      out.i64(handle.pop_time_ms);
      out.i64(handle.invisible_ms);
    }
  }
}

bool PopHandles::read(base::Reader& in) {
  *this = {};
  for (std::uint32_t n = in.u32(); n > 0 && in.ok(); --n) {
    GroupQueue of{.group = std::string(in.octets(in.u16())), .queue = {}};
    of.queue.topic = in.octets(in.u16());
    of.queue.queue = in.i32();
    for (std::uint32_t m = in.u32(); m > 0 && in.ok(); --m) {
      PopHandle handle{.id = in.i64()};
      handle.offset = in.i64();
      handle.pop_time_ms = in.i64();
      handle.invisible_ms = in.i64();
      if (in.ok()) put(of, handle);
    }
  }
  return in.ok();
}

}  // namespace chorus::mq
