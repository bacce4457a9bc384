// Reads one segment file and judges what stands behind its last whole record.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/format.h"
#include "world/files.h"

namespace chorus::store {

enum class LogErrc {
  no_space,  // the log is as it was before: try again when there is room
  failed,    // the disk failed: nothing can be appended until the log is opened anew
  corrupt,   // records that were promised to be there are damaged: a person has to decide
};
using LogError = base::Error<LogErrc>;
template <class T>
using LogResult = base::Result<T, LogError>;

/// The group mark: eight octets behind the last record of each group, overwritten by the next one. They say where the octets begin that
/// had not been synced when the group was written, so recovery can tell a write cut short by a crash from damage to older records.
///   u32 octets from there to the mark (0: everything before the mark is synced)
///   u32 CRC-32C over the segment's first id, the mark's offset and those four octets
/// A mark that would lie across the border of two sectors is left out (zeros): half of one could be mistaken for damage.
inline constexpr std::size_t mark_size = 8;
inline constexpr std::uint64_t sector_size = 512;
std::string make_mark(Id first, std::uint64_t offset, std::uint32_t unsynced);
/// Octets before the mark that were not synced when it was written; empty: no mark.
std::optional<std::uint32_t> read_mark(Id first, std::uint64_t offset, std::string_view octets);

/// A group and what is left un-synced before it stay below this, save for one larger record (Log and its callers see to that).
inline constexpr std::uint64_t unsynced_octets_max = 16 << 20;

struct Record {
  Id id = 0;
  std::string_view payload;  // borrowed until the next call
  std::uint64_t offset = 0;  // of its framing, in the segment
};

/// Goes through one segment from its first record on, with a window of bounded size (or of the one record that is larger).
class SegmentReader {
 public:
  /// Does not look at the header: see check_header().
  static LogResult<SegmentReader> open(world::Files& files, const Format& format, std::string path, Id first);

  /// Why the header may not be read, empty when it may.
  LogResult<std::string> check_header();
  /// What stands at offset(). `complete`: passes over it. Else stays; `more` then says that the file ends inside of the record.
  LogResult<Scan> next();
  /// Passes over `octets` that next() could not read.
  void skip(std::uint64_t octets) { offset_ += octets; }

  /// Where next() will look.
  std::uint64_t offset() const { return offset_; }
  std::uint64_t size() const { return size_; }
  /// Nothing from here on counts (a log that is being appended to).
  void limit(std::uint64_t size) { size_ = size; }
  Id first() const { return first_; }
  const std::string& path() const { return path_; }
  world::File& file() { return *file_; }
  /// Up to `size` octets at `offset`; fewer only at the end. Borrowed until the next call of anything.
  LogResult<std::string_view> octets_at(std::uint64_t offset, std::size_t size);

 private:
  SegmentReader(const Format& format, std::string path, Id first, std::unique_ptr<world::File> file, std::uint64_t size);

  const Format* format_;
  std::string path_;
  Id first_;
  std::unique_ptr<world::File> file_;
  std::uint64_t size_;
  std::uint64_t offset_;
  std::string window_;
  std::uint64_t window_offset_ = 0;
};

/// What stands behind the last whole record of a segment. docs/decisions has the reasons: "torn tails".
struct Tail {
  enum class Kind {
    clean,    // zeros or a mark: the segment ends here
    torn,     // what a crash leaves of a write that was never synced, so never acknowledged
    corrupt,  // damage that a crash cannot explain
  };
  Kind kind = Kind::clean;
  std::uint64_t octets = 0;  // from there to the last one that is not zero
  bool marked = false;       // this store wrote the segment's end
  std::string why{};
};
/// Judges what is behind reader.offset(), given what next() said of it and the id of the record before.
LogResult<Tail> judge_tail(SegmentReader& reader, const Format& format, const Scan& stop, Id last);

/// For a person: file, offset, what is wrong and how to go on.
LogError corruption(const std::string& path, std::uint64_t offset, std::string_view why);
LogError disk_error(const world::FileError& error);

}  // namespace chorus::store
