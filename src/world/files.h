// Files with explicit durability. All calls block: a service makes them in jobs for the disk thread (World::run_on_disk) or at start-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace chorus::world {

/// One enumerator per reaction. The message names the path and says what to do.
enum class FileErrc {
  not_found,
  exists,
  not_permitted,  // wrong owner or mode
  no_space,       // disk or quota full: may go through later
  in_use,         // another process holds the lock
  io,             // the device failed, or the path is of the wrong kind
};
using FileError = base::Error<FileErrc>;
template <class T>
using FileResult = base::Result<T, FileError>;

/// An open file, closed when destroyed. Used by one thread at a time.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` octets at `offset`; fewer only at the end of the file, none beyond it.
  virtual FileResult<std::size_t> read_at(std::uint64_t offset, char* to, std::size_t size) = 0;
  /// Writes all octets or fails; after a failure any part may be there. Not durable before sync().
  virtual FileResult<void> write_at(std::uint64_t offset, std::string_view octets) = 0;
  /// Contents and size durable (fdatasync). After a failure nothing written since the last success may be trusted: open the file anew.
  virtual FileResult<void> sync() = 0;
  virtual FileResult<std::uint64_t> size() = 0;
  virtual FileResult<void> truncate(std::uint64_t size) = 0;
  /// Grows the file to `size` with zeros whose space is taken on the disk, so that later writes inside cannot run out of it and need no
  /// change of metadata: syncing 4 to 16 KiB of them takes half to two thirds of the time. The zeros are written and synced, about 2 ms for
  /// each MiB, so grow by a few MiB at a time. Never shrinks; unchanged after an error.
  virtual FileResult<void> allocate(std::uint64_t size) = 0;
};

enum class OpenMode {
  read,        // must exist
  read_write,  // must exist
  create,      // made when missing; contents kept
  create_new,  // must not exist
};

struct Entry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;
};

/// Held while it lives; the lock goes with the process at the latest.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

/// The file system. Safe to use from any thread. Creating, renaming or removing is durable after sync_directory() of the parent.
class Files {
 public:
  virtual ~Files() = default;
  virtual FileResult<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Sorted by name.
  virtual FileResult<std::vector<Entry>> list(const std::string& directory) = 0;
  virtual bool exists(const std::string& path) = 0;
  /// With all missing parents; fine when it is there.
  virtual FileResult<void> make_directories(const std::string& path) = 0;
  /// Replaces `to` atomically.
  virtual FileResult<void> rename(const std::string& from, const std::string& to) = 0;
  virtual FileResult<void> remove(const std::string& path) = 0;
  virtual FileResult<void> sync_directory(const std::string& path) = 0;
  /// Octets left for this user on the disk that holds `path`.
  virtual FileResult<std::uint64_t> free_space(const std::string& path) = 0;
  /// Of which that is a part.
  virtual FileResult<std::uint64_t> total_space(const std::string& path) = 0;
  /// Exclusive among processes, by the file `.lock` in `directory`; in_use names the holder's pid when it can be known.
  virtual FileResult<std::unique_ptr<DirectoryLock>> lock(const std::string& directory) = 0;
};

/// The whole file; no_space never. At most `limit` octets, else io.
FileResult<std::string> read_file(Files& files, const std::string& path, std::uint64_t limit = 1 << 30);
/// Atomic and durable: `path`.tmp, sync, rename, sync_directory.
FileResult<void> write_file(Files& files, const std::string& path, std::string_view octets);
/// The directory with all missing parents, each durable, also when an earlier process made them and died before they were:
/// make_directories alone leaves them to be forgotten in a power failure.
FileResult<void> make_durable_directories(Files& files, const std::string& path);
/// The text before the last '/', "." when there is none.
std::string parent_directory(const std::string& path);

}  // namespace chorus::world
