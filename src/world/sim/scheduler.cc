#include "world/sim/scheduler.h"

#include <algorithm>
#include <utility>

namespace chorus::sim {

std::uint64_t Scheduler::schedule(std::int64_t at_ns, world::Callback run, Owner* owner) {
  std::uint32_t slot;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(tasks_.size());
    tasks_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Task& task = tasks_[slot];
  task.run = std::move(run);
  task.owner = owner;
  task.live = true;
  push({std::max(at_ns, now_), ++sequence_, slot});
  return std::uint64_t{task.generation} << 32 | (slot + 1);
}

void Scheduler::cancel(std::uint64_t id) {
  const std::uint32_t slot = static_cast<std::uint32_t>(id) - 1;
  if (slot >= tasks_.size()) return;
  Task& task = tasks_[slot];
  if (!task.live || task.generation != id >> 32) return;
  task.live = false;
  const world::Callback dropped = std::move(task.run);  // its destructor may schedule or cancel
}

bool Scheduler::step(std::int64_t until_ns) {
  for (;;) {
    if (heap_.empty() || heap_.front().time > until_ns) {
      now_ = std::max(now_, until_ns);
      return false;
    }
    const Entry entry = heap_.front();
    pop();
    Task& task = tasks_[entry.slot];
    if (!task.live) {
      release(entry.slot);
      continue;
    }
    now_ = std::max(now_, entry.time);
    if (task.owner != nullptr && task.owner->paused) {
      task.owner->held_up.push_back(entry.slot);
      continue;
    }
    world::Callback run = std::move(task.run);
    trace.add(now_, task.owner == nullptr ? 0 : task.owner->node, Happening::task, entry.sequence);
    release(entry.slot);
    ++events_;
    run();
    return true;
  }
}

void Scheduler::resume(Owner& owner) {
  owner.paused = false;
  for (const std::uint32_t slot : std::exchange(owner.held_up, {})) push({now_, ++sequence_, slot});
}

void Scheduler::end(Owner& owner) {
  owner.alive = false;
  std::vector<world::Callback> dropped;  // destroyed last: their destructors may schedule or cancel
  for (Task& task : tasks_) {
    if (!task.live || task.owner != &owner) continue;
    task.live = false;
    dropped.push_back(std::move(task.run));
  }
  for (const std::uint32_t slot : std::exchange(owner.held_up, {})) release(slot);
}

void Scheduler::release(std::uint32_t slot) {
  Task& task = tasks_[slot];
  task.run = nullptr;
  task.owner = nullptr;
  task.live = false;
  ++task.generation;
  free_.push_back(slot);
}

void Scheduler::push(Entry entry) {
  std::size_t at = heap_.size();
  heap_.push_back(entry);
  while (at > 0) {
    const std::size_t parent = (at - 1) / 4;
    if (!entry.before(heap_[parent])) break;
    heap_[at] = heap_[parent];
    at = parent;
  }
  heap_[at] = entry;
}

void Scheduler::pop() {
  const Entry last = heap_.back();
  heap_.pop_back();
  const std::size_t size = heap_.size();
  if (size == 0) return;
  std::size_t at = 0;
  for (;;) {
    const std::size_t first = at * 4 + 1;
    if (first >= size) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < std::min(first + 4, size); ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(last)) break;
    heap_[at] = heap_[least];
    at = least;
  }
  heap_[at] = last;
}

}  // namespace chorus::sim
