// Commands that took long: SLOWLOG.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cache/command/command.h"

namespace chorus::cache {

class Slowlog {
 public:
  struct Entry {
    std::uint64_t id;
    std::int64_t unix_s;
    std::int64_t us;
    std::vector<std::string> arguments;  // cut: 32 of them, 128 octets of each
    std::string address, name;           // of the client
  };

  /// Keeps the newest `entries_max`.
  void add(std::int64_t unix_s, std::int64_t us, Arguments arguments, std::string_view address, std::string_view name,
           std::size_t entries_max);
  /// The newest first.
  const std::deque<Entry>& entries() const { return entries_; }
  void clear() { entries_.clear(); }

 private:
  std::deque<Entry> entries_;
  std::uint64_t next_id_ = 0;
};

}  // namespace chorus::cache
