// Reads of what lies on the disk alone: entries by their places, read together where they stand together.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "mq/log/store.h"
#include "world/files.h"

namespace chorus::mq::log {

/// Open files, the least lately used closed first. Belongs to the background thread.
class OpenFiles {
 public:
  OpenFiles(world::Files& files, std::string directory, std::size_t files_max)
      : files_(&files), directory_(std::move(directory)), files_max_(files_max) {}
  world::FileResult<world::File*> get(const std::string& name);
  void forget(const std::string& name);
  void clear() { open_.clear(); }

 private:
  world::Files* files_;
  const std::string directory_;
  const std::size_t files_max_;
  std::list<std::pair<std::string, std::unique_ptr<world::File>>> open_;  // the last used first
};

/// Where an entry lies, and the octets between its frame and its payload.
struct Place {
  IndexEntry entry;
  std::uint16_t head = 0;
};

/// Entries of one segment, in the order of their places, into `batch`. Ends before one that is damaged; when that is the first, the batch
/// says `lost`. Returns how many damaged ones were met (0 or 1).
StoreResult<std::uint64_t> read_places(OpenFiles& files, Position base, const std::vector<Place>& places, Batch& batch);

/// The octets of `file` at `offset`; fewer only at its end.
StoreResult<std::string> read_octets(world::File& file, std::uint64_t offset, std::size_t size);
StoreError store_error(const world::FileError& error);

}  // namespace chorus::mq::log
