// Virtual time and the events in it.
#pragma once

#include <cstdint>
#include <vector>

#include "world/sim/trace.h"
#include "world/world.h"

namespace chorus::sim {

/// Whose events can end or be held up together: one life of a process.
struct Owner {
  bool alive = true;
  bool paused = false;
  std::uint32_t node = 0;              // for the trace
  std::vector<std::uint32_t> held_up;  // slots whose time came during the pause, in order
};

/// Runs callbacks in order of virtual time, those of the same time in order of scheduling. A 4-ary heap of small records over a slab of
/// callbacks: some tens of nanoseconds an event.
class Scheduler {
 public:
  explicit Scheduler(std::size_t trace_length) : trace(trace_length) {}

  std::int64_t now_ns() const { return now_; }
  /// Without an owner it always runs. The id can be cancelled until it ran.
  std::uint64_t schedule(std::int64_t at_ns, world::Callback run, Owner* owner = nullptr);
  void cancel(std::uint64_t id);
  /// Runs the next event; false when there is none before or at `until_ns`, to which time then advances.
  bool step(std::int64_t until_ns);

  void pause(Owner& owner) { owner.paused = true; }
  void resume(Owner& owner);
  /// Destroys the callbacks of the owner without running them.
  void end(Owner& owner);

  bool empty() const { return heap_.empty(); }
  std::uint64_t events() const { return events_; }
  Trace trace;

 private:
  struct Entry {
    std::int64_t time;
    std::uint64_t sequence;
    std::uint32_t slot;
    bool before(const Entry& other) const { return time != other.time ? time < other.time : sequence < other.sequence; }
  };
  struct Task {
    world::Callback run;
    Owner* owner = nullptr;
    std::uint32_t generation = 1;
    bool live = false;  // false: cancelled, or free
  };
  void push(Entry entry);
  void pop();
  void release(std::uint32_t slot);

  std::vector<Entry> heap_;
  std::vector<Task> tasks_;
  std::vector<std::uint32_t> free_;
  std::int64_t now_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace chorus::sim
