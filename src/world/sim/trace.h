// What happened, in order: the last events in words for a person, all of them in one hash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::sim {

enum class Happening : std::uint8_t {
  task,
  started,
  crashed,
  killed,
  crash_point,
  paused,
  resumed,
  connect,
  connect_failed,
  accepted,
  delivered,
  closed,
  broken,
  blocked,
  healed,
  job,
  opened,
  read,
  written,
  synced,
  truncated,
  allocated,
  renamed,
  removed,
  directory_synced,
  disk_fault,
  clock_step,
  note,
};

class Trace {
 public:
  explicit Trace(std::size_t length) : ring_(length) {}

  /// `node` counts from 1 in order of creation; 0 is the simulation itself. The meaning of a and b depends on what happened.
  void add(std::int64_t time_ns, std::uint32_t node, Happening what, std::uint64_t a = 0, std::uint64_t b = 0) {
    Line& line = next(time_ns, node, what, a, b);
    line.text.clear();
  }
  void note(std::int64_t time_ns, std::uint32_t node, std::string_view text) { add_text(time_ns, node, Happening::note, text); }
  void add_text(std::int64_t time_ns, std::uint32_t node, Happening what, std::string_view text, std::uint64_t a = 0, std::uint64_t b = 0);

  /// Equal for equal seeds and options; differs when anything happened differently.
  std::uint64_t hash() const { return hash_; }
  std::uint64_t count() const { return count_; }
  /// The last `lines` events, one a line, oldest first.
  std::string tail(std::size_t lines = 100) const;

 private:
  struct Line {
    std::int64_t time_ns = 0;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint32_t node = 0;
    Happening what = Happening::task;
    std::string text;
  };
  void mix(std::uint64_t value) {
    hash_ ^= value;
    hash_ *= 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 29;
  }
  Line& next(std::int64_t time_ns, std::uint32_t node, Happening what, std::uint64_t a, std::uint64_t b) {
    mix(static_cast<std::uint64_t>(time_ns));
    mix(a);
    mix(b << 16 ^ node << 8 ^ static_cast<std::uint64_t>(what));
    Line& line = ring_[count_++ % ring_.size()];
    line.time_ns = time_ns;
    line.node = node;
    line.what = what;
    line.a = a;
    line.b = b;
    return line;
  }

  std::vector<Line> ring_;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0x243f6a8885a308d3;
};

}  // namespace chorus::sim
