// Values as Redis' files and payloads have them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cache/rdb/format.h"
#include "cache/value/entry.h"
#include "cache/value/stream_id.h"

namespace chorus::cache::rdb {

void write_little(std::string& out, std::size_t size, std::uint64_t value);
void write_length(std::string& out, std::uint64_t length);
void write_string(std::string& out, std::string_view octets, const WriteOptions& options);
/// A number that is a string.
void write_number(std::string& out, std::int64_t value);

/// By what type the value of `entry` is written.
ValueType value_type(const Entry& entry, const WriteOptions& options);

/// Writes one value, a large one in pieces. The entry, borrowed, must not change until it is whole.
class ValueWriter {
 public:
  /// Strings from here on are written as they are, without compression, where they are written in pieces: compressing takes its time.
  static constexpr std::size_t piece_octets = std::size_t{1} << 18;

  ValueWriter(const Entry& entry, const WriteOptions& options) : entry_(&entry), options_(options) {}
  /// Appends the next of it, without its type; stops, between two elements, once `out` has `octets_max`. True: it is whole.
  bool step(std::string& out, std::size_t octets_max);

 private:
  bool write_text(std::string& out, std::size_t octets_max);
  bool write_table(std::string& out, std::size_t octets_max);
  bool write_ranked(std::string& out, std::size_t octets_max);
  bool write_stream(std::string& out, std::size_t octets_max);
  bool write_chain(std::string& out, std::size_t octets_max);
  void write_members(std::string& out);

  const Entry* entry_;
  WriteOptions options_;
  bool is_begun_ = false;
  std::uint64_t cursor_ = 0;    // of a table, octets of a string, or what is left of a sorted set
  StreamId node_;               // the last node of a stream that was written
  const void* next_ = nullptr;  // node of a chain
};

/// The whole value at once, without its type.
void write_value(std::string& out, const Entry& entry, const WriteOptions& options);

}  // namespace chorus::cache::rdb
