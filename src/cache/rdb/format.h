// What Redis' snapshot files and DUMP payloads are made of.
//
//   length   00 and 6 bits · 01 and 14 bits BE · 0x80 and u32 BE · 0x81 and u64 BE · 11 and the kind of a special string
//   string   length and octets, or special: 0 int8 · 1 int16 LE · 2 int32 LE (their decimal digits) · 3 LZF: length packed, length, octets
//   file     "REDIS" and four digits of version, opcodes, end, CRC-64 LE of all before (from version 5 on; 0: none)
//   payload  value type, value, u16 LE version, CRC-64 LE of all before
// source: files and payloads of Redis 7.0 and Valkey 8.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace chorus::cache::rdb {

enum class ValueType : std::uint8_t {
  string = 0,
  list = 1,
  set = 2,
  zset = 3,  // scores as text
  hash = 4,
  zset2 = 5,  // scores as eight octets
  module_before_4 = 6,
  module = 7,
  hash_zipmap = 9,
  list_ziplist = 10,
  set_intset = 11,
  zset_ziplist = 12,
  hash_ziplist = 13,
  list_quicklist = 14,  // of ziplists
  stream = 15,
  hash_listpack = 16,
  zset_listpack = 17,
  list_quicklist2 = 18,  // of listpacks
  stream2 = 19,
  set_listpack = 20,
  stream3 = 21,
};

enum class Opcode : std::uint8_t {
  slot_import = 243,
  slot_info = 244,
  function = 245,
  function_before_release = 246,
  module_aux = 247,
  idle = 248,
  frequency = 249,
  aux = 250,
  sizes = 251,
  expiry_ms = 252,
  expiry_s = 253,
  database = 254,
  end = 255,
};

/// Of files and payloads that are read.
inline constexpr unsigned version_max = 12;
/// The oldest whose files end with a checksum.
inline constexpr unsigned version_with_checksum = 5;

/// How recently or often a key was used, where the file says so.
struct KeyUse {
  std::optional<std::uint64_t> idle_s;
  std::optional<std::uint8_t> frequency;
};

/// How to write.
struct WriteOptions {
  /// 11: Redis 7.2 and later, Valkey. 10: also Redis 7.0, which has no packed sets of strings.
  unsigned version = 11;
  /// Strings above 20 octets by LZF, where that is shorter (rdbcompression).
  bool compresses = true;
};

/// No single string is longer: what holds it has to have room for it.
inline constexpr std::size_t string_octets_max = (1U << 30) - (1U << 20);

}  // namespace chorus::cache::rdb
