// Octets of an index file. docs/formats.md has the tables; inside of log/ only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/checksum.h"
#include "mq/log/index_file.h"

namespace chorus::mq::log::index_layout {

inline constexpr std::string_view magic = "CHMQINDX";
inline constexpr std::uint32_t version = 1;
inline constexpr std::size_t header_octets = 128;
inline constexpr std::size_t queue_octets = 36;  // hash, base, next, first entry, entries, where its name is
inline constexpr std::size_t entry_octets = 28;  // Packed
inline constexpr std::size_t key_octets = 16;    // hash, place, time
inline constexpr std::size_t due_octets = 12;    // due time, place
inline constexpr std::size_t mark_octets = 4;
inline constexpr std::size_t epoch_octets = 12;
inline constexpr std::size_t hole_octets = 8;
inline constexpr std::size_t name_octets_max = 4 + 1 + 255;  // queue, length, topic

inline std::uint32_t block_check(Position segment, std::uint64_t number, std::string_view content) {
  std::string place;
  base::Writer out(place);
  out.i64(segment);
  out.u64(number);
  return base::crc32c(content, base::crc32c(place));
}

/// Of the file, given its content.
inline std::uint64_t file_octets(std::uint64_t content) { return content + (content + index_block_content - 1) / index_block_content * 4; }

inline IndexQueue read_queue(std::string_view octets, std::uint32_t& name_at) {
  base::Reader in(octets);
  IndexQueue queue;
  queue.hash = in.u64();
  queue.base = in.i64();
  queue.next = in.i64();
  queue.first_entry = in.u32();
  queue.entries = in.u32();
  name_at = in.u32();
  return queue;
}

inline bool read_name(std::string_view octets, IndexQueue& queue) {
  base::Reader in(octets);
  queue.queue = in.i32();
  queue.topic = in.octets(in.u8());
  return in.ok();
}

}  // namespace chorus::mq::log::index_layout
