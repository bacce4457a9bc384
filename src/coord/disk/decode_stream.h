// The octets of a file, decompressed as they are read. For snapshots.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "coord/disk/snapshot.h"
#include "world/files.h"

namespace chorus::coord::disk {

class DecodeStream {
 public:
  virtual ~DecodeStream() = default;
  /// Appends some octets to `out`; returns how many, 0 at the end. At most some 100 KiB at a time, whatever the file says.
  virtual SnapshotResult<std::size_t> read(std::string& out) = 0;
};

/// By the file's extension. The path is named in errors.
SnapshotResult<std::unique_ptr<DecodeStream>> open_decode_stream(world::Files& files, const std::string& path);

}  // namespace chorus::coord::disk
