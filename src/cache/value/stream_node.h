// The elements of a stream's packed list. For stream.cc and stream_cursor.cc; see stream.h for what they are.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cache/value/listpack.h"
#include "cache/value/stream_id.h"

namespace chorus::cache {

/// The head of a node.
class StreamNodeHead {
 public:
  explicit StreamNodeHead(const Listpack& pack);
  std::uint64_t count() const { return static_cast<std::uint64_t>(count_); }
  std::uint64_t deleted() const { return static_cast<std::uint64_t>(deleted_); }
  std::size_t fields() const { return fields_; }
  /// Of the first field's name.
  Listpack::Position names() const { return names_; }
  /// Of the first entry, or the end.
  Listpack::Position entries() const { return entries_; }
  /// Whether the names among `fields` (name, value, ...) are those of the node.
  bool has_fields(std::span<const std::string_view> fields) const;
  void change(Listpack& pack, std::int64_t to_count, std::int64_t to_deleted) const;

 private:
  Listpack pack_;
  std::int64_t count_, deleted_;
  std::size_t fields_ = 0;
  Listpack::Position names_ = 0, entries_ = 0;
};

struct StreamNodeEntry {
  /// node_fields: those of the node's head.
  StreamNodeEntry(const Listpack& pack, std::size_t node_fields, StreamId node, Listpack::Position at);
  /// Takes no more octets than before: positions stay.
  void mark_deleted(Listpack& pack) const;

  Listpack::Position at, values, end;  // end: of the next entry
  StreamId id;
  bool is_deleted, shares_fields;
  std::size_t fields;
};

/// The id of a node's last entry, deleted or not.
StreamId last_of_node(const Listpack& pack, StreamId node);
/// An element that has to be a number.
std::int64_t number_at(const Listpack& pack, Listpack::Position at);

}  // namespace chorus::cache
