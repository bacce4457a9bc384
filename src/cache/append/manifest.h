// Which files an append log consists of: Redis' manifest (since 7.0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chorus::cache::append {

/// A log is its base, if it has one, and what was appended since, file by file. Files of history are to be removed.
struct Manifest {
  struct File {
    std::string name{};  // within the log's directory
    std::uint64_t sequence = 0;
    friend bool operator==(const File&, const File&) = default;
  };
  std::optional<File> base{};
  std::vector<File> increments{};  // in order
  std::vector<File> history{};

  bool empty() const { return !base && increments.empty(); }
  bool names(std::string_view name) const;
  /// Numbers of new files.
  std::uint64_t next_base() const;
  std::uint64_t next_increment() const;
  friend bool operator==(const Manifest&, const Manifest&) = default;
};

/// Its largest: a file of thousands of increments.
inline constexpr std::uint64_t manifest_octets_max = 16U << 20;

/// The error says which line is wrong, and why.
base::Result<Manifest, std::string> parse_manifest(std::string_view text);
/// Whether files may begin with that: a name within a directory.
bool is_file_name(std::string_view name);
std::string to_string(const Manifest& manifest);

/// "appendonly.aof.manifest", "appendonly.aof.2.base.rdb", "appendonly.aof.3.incr.aof"
std::string manifest_name(std::string_view file);
std::string base_name(std::string_view file, std::uint64_t sequence);
std::string increment_name(std::string_view file, std::uint64_t sequence);

}  // namespace chorus::cache::append
