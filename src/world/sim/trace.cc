#include "world/sim/trace.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::sim {

namespace {

const char* name(Happening what) {
  switch (what) {
    case Happening::task:
      return "task";
    case Happening::started:
      return "started life";
    case Happening::crashed:
      return "crashed";
    case Happening::killed:
      return "killed";
    case Happening::crash_point:
      return "crash point: power fails";
    case Happening::paused:
      return "paused";
    case Happening::resumed:
      return "resumed";
    case Happening::connect:
      return "connects";
    case Happening::connect_failed:
      return "connect failed";
    case Happening::accepted:
      return "accepted";
    case Happening::delivered:
      return "received";
    case Happening::closed:
      return "connection closed";
    case Happening::broken:
      return "connection broken";
    case Happening::blocked:
      return "blocked";
    case Happening::healed:
      return "healed";
    case Happening::job:
      return "disk job";
    case Happening::opened:
      return "open";
    case Happening::read:
      return "read";
    case Happening::written:
      return "write";
    case Happening::synced:
      return "sync";
    case Happening::truncated:
      return "truncate";
    case Happening::allocated:
      return "allocate";
    case Happening::renamed:
      return "rename";
    case Happening::removed:
      return "remove";
    case Happening::directory_synced:
      return "sync directory";
    case Happening::disk_fault:
      return "disk fault";
    case Happening::clock_step:
      return "wall clock stepped";
    case Happening::note:
      return "";
  }
  return "?";
}

}  // namespace

void Trace::add_text(std::int64_t time_ns, std::uint32_t node, Happening what, std::string_view text, std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  mix(sum);
  next(time_ns, node, what, a, b).text.assign(text);
}

std::string Trace::tail(std::size_t lines) const {
  const std::size_t have = static_cast<std::size_t>(std::min<std::uint64_t>(count_, ring_.size()));
  lines = std::min(lines, have);
  std::string out;
  for (std::uint64_t i = count_ - lines; i < count_; ++i) {
    const Line& line = ring_[i % ring_.size()];
    out += fmt::format("{:>14.6f} ms  node {}  {}", static_cast<double>(line.time_ns) / 1e6, line.node, name(line.what));
    if (!line.text.empty()) out += (line.what == Happening::note ? "" : " ") + line.text;
    if (line.what != Happening::note) out += fmt::format(" {} {}", line.a, line.b);
    out += '\n';
  }
  return out;
}

}  // namespace chorus::sim
