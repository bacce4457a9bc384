// Types and encodings of values, by the names that TYPE and OBJECT ENCODING give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace chorus::cache {

enum class Type : std::uint8_t { string, list, set, zset, hash, stream };
enum class Encoding : std::uint8_t {
  integer,    // string: the number itself
  embedded,   // string: its octets lie behind the key
  raw,        // string: a Text
  listpack,   // list, set, zset, hash: one Listpack
  quicklist,  // list: a Quicklist
  intset,     // set: an Intset
  hashtable,  // set: a MemberTable; hash: a FieldTable
  skiplist,   // zset: a RankedSet
  stream,     // stream: a Stream
};

/// "string", "list", ... as TYPE says.
std::string_view name_of(Type type);

/// Where a small value becomes a large one; CONFIG SET changes them.
struct Thresholds {
  std::int64_t list_listpack_size = -2;  // -1 .. -5: 4 .. 64 KiB; positive: elements
  std::size_t set_intset_entries = 512;
  std::size_t set_listpack_entries = 128, set_listpack_value = 64;
  std::size_t zset_listpack_entries = 128, zset_listpack_value = 64;
  std::size_t hash_listpack_entries = 512, hash_listpack_value = 64;
  std::size_t stream_node_octets = 4096, stream_node_entries = 100;  // 0: no limit
};

}  // namespace chorus::cache
