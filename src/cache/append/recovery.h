// Finds out what there is of a log when the node starts, and makes it safe to go on from there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cache/append/manifest.h"
#include "cache/append/options.h"
#include "world/files.h"

namespace chorus::cache::append {

/// Where the files of a log are.
struct Place {
  std::string data;       // dir
  std::string directory;  // appenddirname, within it
  std::string file;       // appendfilename
  std::string path(std::string_view name) const { return data + "/" + directory + "/" + std::string(name); }
  std::string log_directory() const { return data + "/" + directory; }
  std::string manifest() const { return path(manifest_name(file)); }
  /// There from before the first file of a first log is made until its manifest is: what is there beside it was never promised to anybody.
  std::string first_mark() const { return path("temp-" + file + ".first"); }
};
Place place_of(const std::string& data, const AppendOptions& options);

/// What a crash left of the last write, or whoever else wrote the file: it is cut off.
struct Cut {
  std::string path{};
  std::uint64_t offset = 0, octets = 0;
  std::string why{};
};

struct Recovered {
  struct File {
    std::string path{};
    std::uint64_t octets = 0;
    bool is_base = false;
  };
  Manifest manifest{};
  std::vector<File> files{};  // to be loaded, in this order
  std::vector<Cut> cuts{};
  /// The last increment is ours, whole and durable: it can be appended to.
  bool may_append = false;
};

/// Blocks. Empty: there is no log. A single file of a Redis before 7.0, in the data directory, becomes the base of a new one, as in Redis.
/// The error is for a person: what is damaged, where, and what to do; nothing was changed then.
base::Result<std::optional<Recovered>, std::string> recover(world::Files& files, const Place& place, bool loads_truncated);
/// The manifest that is there; empty: none.
base::Result<Manifest, std::string> read_manifest(world::Files& files, const Place& place);
/// Cuts a file durably.
world::FileResult<void> cut_file(world::Files& files, const std::string& path, std::uint64_t octets);

}  // namespace chorus::cache::append
