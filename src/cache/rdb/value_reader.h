// A value out of a file or payload, as far as its octets are there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cache/rdb/format.h"
#include "cache/rdb/input.h"
#include "cache/rdb/stream_reader.h"
#include "cache/value/entry.h"
#include "cache/value/listpack.h"

namespace chorus::cache::rdb {

/// Reads one value at a time: begin(), step() until it is whole, take(). Whatever it is given, it checks: the value can be used as one that
/// commands made. Memory is taken for what has been read only.
class ValueReader {
 public:
  /// thresholds: which encodings values get; borrowed.
  explicit ValueReader(const Thresholds& thresholds) : thresholds_(thresholds) {}
  ~ValueReader() { drop(); }
  ValueReader(const ValueReader&) = delete;
  ValueReader& operator=(const ValueReader&) = delete;

  /// The error names a type that cannot be read.
  base::Result<void, std::string> begin(std::uint8_t type, std::string_view key, std::optional<std::int64_t> expiry);
  /// Goes on. True: the value is whole. False: more octets are needed, and what could not be used is left in the input.
  base::Result<bool, std::string> step(Input& input);
  /// The caller's; null: a collection without elements, which is no value.
  Entry* take();

 private:
  bool read(Input& input);
  bool read_elements(Input& input, const std::function<bool()>& read_one);
  bool read_blob(Input& input);
  bool adopt(Input& input, Type type, std::optional<Listpack> pack);
  bool adopt_hash(Input& input, Listpack pack);
  bool adopt_zset(Input& input, Listpack pack);
  bool adopt_set(Input& input, Listpack pack);
  bool read_node(Input& input);
  bool read_score(Input& input, double& score);
  void begin_entry(Type type, Encoding encoding, void* payload);
  void finish_list();
  void drop();

  const Thresholds& thresholds_;
  ValueType type_ = ValueType::string;
  std::string key_;
  std::optional<std::int64_t> expiry_;
  Entry* entry_ = nullptr;
  std::optional<StreamReader> stream_;
  std::optional<std::uint64_t> left_;  // elements or nodes
  Token first_, second_;
};

}  // namespace chorus::cache::rdb
