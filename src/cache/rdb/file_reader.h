// A snapshot file, octets as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cache/rdb/value_reader.h"

namespace chorus::cache::rdb {

/// Takes what is in a file, in its order. An error, in words, ends the reading.
class FileSink {
 public:
  using Outcome = base::Result<void, std::string>;
  virtual ~FileSink() = default;
  /// Facts about the file ("redis-ver", "repl-stream-db", ...); unknown ones are to be ignored.
  virtual void on_aux(std::string_view /*name*/, std::string_view /*value*/) {}
  /// The database of the keys that follow.
  virtual Outcome on_database(std::uint64_t db) = 0;
  /// How many keys follow in this database, of which how many expire: a hint.
  virtual void on_sizes(std::uint64_t /*keys*/, std::uint64_t /*expiring*/) {}
  /// The entry is the sink's.
  virtual Outcome on_key(Entry* entry, KeyUse use) = 0;
  /// The code of a library of functions.
  virtual Outcome on_function(std::string_view code) = 0;
};

/// Versions 1 to 12 of Redis and those of Valkey. Keeps no more than the key, the string or node that is under way and the value that is
/// being made; takes memory for what was read, not for what lengths claim.
class FileReader {
 public:
  FileReader(const Thresholds& thresholds, FileSink& sink) : sink_(sink), value_(thresholds) {}

  /// Octets in order, in any pieces. True: the file has ended (rest() is what followed). An error is final.
  base::Result<bool, std::string> feed(std::string_view octets);
  bool has_ended() const { return state_ == State::ended; }
  /// What feed() was given beyond the end; good until the next call.
  std::string_view rest() const { return rest_; }
  /// Octets of the file that were used.
  std::uint64_t offset() const { return offset_; }

 private:
  enum class State : std::uint8_t { header, opcode, module_aux, value, checksum, ended };
  using Progress = base::Result<bool, std::string>;  // false: more octets

  Progress read(Input& input);
  Progress read_header(Input& input);
  Progress read_opcode(Input& input);
  Progress read_key(Input& input, std::uint8_t type);
  Progress read_module_aux(Input& input);
  Progress read_value(Input& input);
  Progress read_checksum(Input& input);
  Progress skip_lengths(Input& input, std::size_t count);
  void commit(Input& input);

  FileSink& sink_;
  ValueReader value_;
  State state_ = State::header;
  unsigned version_ = 0;
  std::string buffer_;  // not used yet
  std::string_view rest_;
  std::string_view octets_;  // under way, and how many of them are in the checksum
  std::size_t committed_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t checksum_ = 0;
  std::string error_;
  std::optional<std::int64_t> expiry_;
  KeyUse use_;
  Token first_, second_;
};

}  // namespace chorus::cache::rdb
