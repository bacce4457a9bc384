#include <algorithm>
#include <sstream>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "mq/log/checkpoint.h"
#include "mq/log/frame.h"
#include "mq/log/index_file.h"
#include "mq/log/index_layout.h"
#include "mq/log/inspect.h"
#include "mq/log/recovery.h"
#include "mq/log/scan_segment.h"
#include "store/memory_files.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace mq;
using namespace mq::log;

const StoreOptions options{.directory = "d", .segment_octets = 1 << 20};

void patch(std::string& octets, std::size_t at, std::uint32_t value) { base::Writer(octets).patch_u32(at, value); }

void repair_segment(std::string& entries) {
  for (std::size_t at = 0; at + frame_octets <= entries.size();) {
    const std::uint64_t framed = framed_octets(std::string_view(entries).substr(at));
    if (framed == 0 || framed > entries.size() - at) return;
    patch(entries, at + 16, 0);
    patch(entries, at + 20, static_cast<std::uint32_t>(segment_header_octets + at));
    patch(entries, at, base::crc32c(std::string_view(entries).substr(at + 4, framed - 4)));
    at += framed;
  }
}

std::uint64_t entries_of(store::MemoryFiles& files, const Recovered& recovered) {
  std::uint64_t count = 0;
  for (const Segment& segment : recovered.catalogue.sealed) {
    ENSURE(scan_segment(files, "d/" + log_name(segment.base), segment.base, static_cast<std::uint64_t>(segment.end - segment.base),
                        [&](const EntryView&, std::uint64_t) { ++count; }));
  }
  return count + recovered.catalogue.open->entries;
}

void segment(std::string entries) {
  store::MemoryFiles files;
  files.put("d/" + log_name(0), entry_format.header(segment_header_octets) + entries);
  auto first = recover(files, options, nullptr);
  // Whatever it holds, the store opens and can be opened again, with the same in it.
  ENSURE(first, first ? "" : first.error().message);
  const std::uint64_t count = entries_of(files, *first);
  const Position end = first->catalogue.open->end;
  first->log.reset();
  auto again = recover(files, options, nullptr);
  ENSURE(again, again ? "" : again.error().message);
  ENSURE(entries_of(files, *again) == count && again->catalogue.open->end == end, count, end);
  ENSURE(again->report.torn.empty(), to_lines(again->report).front());
}

void index(std::string octets, bool repair) {
  if (repair) {
    for (std::size_t at = 0, number = 0; octets.size() - at > 4; ++number) {
      const std::size_t size = std::min(index_block_content, octets.size() - at - 4);
      const std::uint32_t check = index_layout::block_check(0, number, std::string_view(octets).substr(at, size));
      patch(octets, at + size, check);
      at += size + 4;
    }
  }
  store::MemoryFiles files;
  files.put("d/" + index_name(0), octets);
  IndexFiles indexes(files, "d", 1);
  const auto header = indexes.header(0);
  if (!header) return;
  std::vector<IndexQueue> queues;
  static_cast<void>(indexes.for_each_queue(0, [&](const IndexQueue& queue) { queues.push_back(queue); }));
  for (const IndexQueue& queue : queues) {
    static_cast<void>(indexes.find_queue(0, queue.topic, queue.queue, queue.hash));
    static_cast<void>(indexes.find_time(0, queue, 1));
    auto number = indexes.find_offset(0, queue, queue.base);
    if (number && *number < queue.entries) {
      const auto place = indexes.entry(0, queue, *number);
      ENSURE(!place || place->entry.position <= header->end, header->end);
    }
  }
  std::vector<Due> dues;
  static_cast<void>(indexes.dues(0, {}, INT64_MAX, 100, dues));
  static_cast<void>(indexes.next_due(0, {5, 5}));
  static_cast<void>(indexes.for_each_with_key(0, hash64("k"), 0, INT64_MAX, [](Position) { return true; }));
  static_cast<void>(indexes.mark_before(0, 100));
  static_cast<void>(indexes.epochs(0));
  static_cast<void>(indexes.holes(0));
  static_cast<void>(indexes.check(0));
}

void checkpoint(std::string octets, bool repair) {
  if (repair && octets.size() >= 4) patch(octets, octets.size() - 4, base::crc32c(std::string_view(octets).substr(0, octets.size() - 4)));
  const auto read = decode_checkpoint(octets);
  ENSURE(!read || encode_checkpoint(*read) == octets);
}

void inspected(const std::string& octets, bool repair) {
  std::string entries = octets;
  if (repair) repair_segment(entries);
  store::MemoryFiles files;
  files.put("d/" + log_name(0), entry_format.header(segment_header_octets) + entries);
  files.put("d/" + index_name(0), octets);
  for (const std::string& path : {"d/" + log_name(0), "d/" + index_name(0)}) {
    static_cast<void>(is_log_file(files, path));
    for (const bool json : {false, true}) {
      std::ostringstream out;
      inspect(files, path, {.json = json, .paths = true, .sizes = true, .data = true}, out);
      ENSURE(!out.str().empty());
    }
  }
}

}  // namespace

void fuzz_mq_log(std::string_view input) {
  if (input.empty()) return;
  const bool repair = (input[0] & 4) != 0;
  std::string octets(input.substr(1));
  switch (input[0] & 3) {
    case 0:
      if (repair) repair_segment(octets);
      return segment(std::move(octets));
    case 1:
      return index(std::move(octets), repair);
    case 3:
      return inspected(octets, repair);
    default:
      return checkpoint(std::move(octets), repair);
  }
}

}  // namespace chorus::fuzz
