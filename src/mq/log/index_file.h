// The immutable index of a sealed segment, written once in steps and read by small pieces. docs/formats.md has the layout.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mq/log/cold_files.h"
#include "mq/log/memory_index.h"
#include "mq/log/store.h"
#include "world/files.h"

namespace chorus::mq::log {

/// Blocks of 16 KiB, each with a checksum that knows its segment and number, so that a part can be trusted without the whole.
inline constexpr std::size_t index_block_octets = 16 << 10;
inline constexpr std::size_t index_block_content = index_block_octets - 4;

/// A queue as it stood when a segment ended: every queue ever written to is in every index file.
struct IndexQueue {
  std::string topic;
  std::int32_t queue = 0;
  std::uint64_t hash = 0;
  Offset base = 0;  // next record when the segment began
  Offset next = 0;  // next record when it ended
  std::uint32_t first_entry = 0;
  std::uint32_t entries = 0;
};

struct IndexHeader {
  Position base = 0;
  Position end = 0;
  std::int64_t first_time_ms = 0;
  std::int64_t last_time_ms = 0;
  std::uint32_t queues = 0;
  std::uint32_t entries = 0;
  std::uint32_t keys = 0;
  std::uint32_t dues = 0;
  std::uint32_t marks = 0;
  std::uint32_t epochs = 0;
  std::uint32_t holes = 0;
  std::uint64_t name_octets = 0;
  std::int64_t due_ms_min = 0;
  std::int64_t due_ms_max = 0;

  // Where the sections begin in the content, one after another.
  std::uint64_t queues_at() const;
  std::uint64_t entries_at() const;
  std::uint64_t keys_at() const;
  std::uint64_t dues_at() const;
  std::uint64_t marks_at() const;
  std::uint64_t epochs_at() const;
  std::uint64_t holes_at() const;
  std::uint64_t names_at() const;
  std::uint64_t octets() const;
};

struct IndexSource {
  std::shared_ptr<const MemoryIndex> index;
  Position end = 0;  // of the segment
  struct Line {
    std::string topic;
    std::int32_t queue = 0;
    std::uint64_t hash = 0;
    Offset base = 0;
    Offset next = 0;
    const Run* run = nullptr;  // of `index`
  };
  std::vector<Line> queues;
};

/// Writes an index file: to a temporary name, synced, renamed. Blocks.
class IndexWriter {
 public:
  IndexWriter(world::Files& files, std::string path, IndexSource source);
  /// Writes about `octets` more; true when the file is there.
  world::FileResult<bool> step(std::uint64_t octets);
  /// After an error: from the beginning.
  void restart();

 private:
  void prepare();
  void next_piece();
  world::FileResult<void> write_blocks(bool all);
  world::FileResult<void> finish();

  world::Files& files_;
  const std::string path_;
  IndexSource source_;
  IndexHeader header_;
  std::vector<std::pair<std::uint64_t, std::pair<std::uint32_t, std::uint32_t>>> keys_;
  std::string content_;  // made and not written
  std::uint64_t block_ = 0;
  std::unique_ptr<world::File> file_;
  enum class Section { start, entries, keys, dues, marks, names, done } section_ = Section::start;
  std::size_t at_ = 0;        // in the section
  std::size_t entry_at_ = 0;  // in a queue's run
};

/// Reads index files by blocks, kept while there is room. Belongs to the background thread.
///   errors   damaged: made by another program, cut short, or with a wrong checksum; make it again
class IndexFiles {
 public:
  IndexFiles(world::Files& files, const std::string& directory, std::uint64_t cache_octets);

  StoreResult<IndexHeader> header(Position base);
  StoreResult<std::optional<IndexQueue>> find_queue(Position base, std::string_view topic, std::int32_t queue, std::uint64_t hash);
  StoreResult<void> for_each_queue(Position base, const std::function<void(const IndexQueue&)>& visit);
  /// The `number`-th entry of the queue.
  StoreResult<Place> entry(Position base, const IndexQueue& queue, std::uint32_t number);
  /// Number of the first entry that reaches over `offset`; else the first behind it.
  StoreResult<std::uint32_t> find_offset(Position base, const IndexQueue& queue, Offset offset);
  StoreResult<std::uint32_t> find_time(Position base, const IndexQueue& queue, std::int64_t time_ms);
  /// Newest first, within that time, until `visit` is false.
  StoreResult<void> for_each_with_key(Position base, std::uint64_t hash, std::int64_t from_ms, std::int64_t to_ms,
                                      const std::function<bool(Position)>& visit);
  /// Delayed entries behind `after`, due by `to_ms`, at most `max`, in order.
  StoreResult<void> dues(Position base, Due after, std::int64_t to_ms, std::size_t max, std::vector<Due>& out);
  /// First due time behind `after`; empty when none is left.
  StoreResult<std::optional<std::int64_t>> next_due(Position base, Due after);
  StoreResult<std::uint32_t> mark_before(Position base, std::uint32_t place);
  StoreResult<std::vector<std::pair<Epoch, Position>>> epochs(Position base);
  StoreResult<std::vector<std::pair<std::uint32_t, std::uint32_t>>> holes(Position base);

  /// Checks every block.
  StoreResult<void> check(Position base);
  void forget(Position base);
  void clear();

 private:
  struct Block {
    Position base;
    std::uint64_t number;
    std::string content;
  };
  StoreResult<std::string_view> block(Position base, std::uint64_t number);
  StoreResult<std::string> octets(Position base, std::uint64_t at, std::size_t size);
  template <class Before>
  StoreResult<std::uint32_t> partition_point(std::uint32_t count, Before before);
  StoreResult<Packed> packed(Position base, std::uint64_t at);
  StoreResult<Due> due(Position base, const IndexHeader& header, std::uint32_t number);
  StoreResult<std::uint32_t> first_due_behind(Position base, const IndexHeader& header, Due after);

  OpenFiles files_;
  const std::uint64_t cache_octets_;
  std::list<Block> blocks_;  // the last used first
  absl::flat_hash_map<std::pair<Position, std::uint64_t>, std::list<Block>::iterator> by_number_;
  absl::flat_hash_map<Position, IndexHeader> headers_;  // a hundred octets a segment
};

}  // namespace chorus::mq::log
