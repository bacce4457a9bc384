#include "mq/log/scan_segment.h"

#include <algorithm>

#include "base/bytes.h"

namespace chorus::mq::log {
namespace {

constexpr std::size_t search_step = 64 << 10;
constexpr std::size_t position_in_frame = 16;

/// The next place from `from` on where a whole entry says that it is; `size` when there is none.
store::LogResult<std::uint64_t> find_entry(store::SegmentReader& reader, Position base, std::uint64_t from, std::uint64_t size) {
  for (std::uint64_t at = from; at + frame_octets <= size; at += search_step) {
    auto window = reader.octets_at(at, std::min<std::uint64_t>(search_step + frame_octets, size - at));
    if (!window) return std::unexpected(window.error());
    std::vector<std::uint64_t> candidates;
    for (std::size_t i = 0; i < search_step && i + frame_octets <= window->size(); i += entry_alignment) {
      const Position position = base::Reader(window->substr(i + position_in_frame)).i64();
      if (position == base + static_cast<Position>(at + i)) candidates.push_back(at + i);
    }
    for (const std::uint64_t candidate : candidates) {
      auto frame = reader.octets_at(candidate, frame_octets);
      if (!frame) return std::unexpected(frame.error());
      const std::uint64_t framed = framed_octets(*frame);
      if (framed == 0 || framed > size - candidate) continue;
      auto whole = reader.octets_at(candidate, framed);
      if (!whole) return std::unexpected(whole.error());
      if (check_entry(*whole, base + static_cast<Position>(candidate))) return candidate;
    }
  }
  return size;
}

}  // namespace

store::LogResult<SegmentScan> scan_segment(world::Files& files, const std::string& path, Position base, std::uint64_t size,
                                           const std::function<void(const EntryView&, std::uint64_t framed)>& visit) {
  SegmentScan result;
  auto reader = store::SegmentReader::open(files, entry_format, path, base + static_cast<Position>(segment_header_octets));
  if (!reader) return std::unexpected(reader.error());
  const std::uint64_t there = std::min(size, reader->size());
  reader->limit(there);
  result.end = reader->offset();
  const auto add_hole = [&](std::uint64_t from, std::uint64_t to) {
    if (!result.holes.empty() && result.holes.back().second == from) {
      result.holes.back().second = to;
    } else {
      result.holes.emplace_back(from, to);
    }
  };
  while (reader->offset() < there) {
    const std::uint64_t at = reader->offset();
    auto scan = reader->next();
    if (!scan) return std::unexpected(scan.error());
    if (scan->kind == store::Scan::Kind::complete && scan->id == base + static_cast<Position>(at)) {
      auto whole = reader->octets_at(at, scan->length);
      if (!whole) return std::unexpected(whole.error());
      if (const auto entry = decode_entry(*whole)) {
        visit(*entry, scan->length);
      } else {
        add_hole(at, reader->offset());
      }
      result.end = reader->offset();
      continue;
    }
    if (there - at < frame_octets) break;  // the mark of a segment that was left as it is
    auto next = find_entry(*reader, base, at + entry_alignment, there);
    if (!next) return std::unexpected(next.error());
    add_hole(at, *next);
    reader->skip(*next - reader->offset());
  }
  if (size > there && size > segment_header_octets) add_hole(there, size);
  return result;
}

}  // namespace chorus::mq::log
