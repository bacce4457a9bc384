// Units of effects as requests of clients: what the append log holds and replicas are sent.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cache/effects.h"

namespace chorus::cache {

/// Puts a request behind `out`, as clients send it: an array of bulk strings.
void append_request(std::string& out, std::span<const std::string_view> words);
void append_request(std::string& out, std::initializer_list<std::string_view> words);
void append_request(std::string& out, std::span<const std::string> words);

/// What one reader, of a file or at the other end of a connection, has to be told to have the same data. SELECT comes before what is of
/// another database than the last; units of more than one effect are within MULTI and EXEC, so that they happen together or not at all.
/// source: Redis 7.0, propagatePendingCommands()
class EffectCommands {
 public:
  /// PUBLISH and SPUBLISH, which change no data, are for replicas: a log has no use for them.
  enum class For : std::uint8_t { replicas, log };
  explicit EffectCommands(For whom) : for_(whom) {}

  /// Puts the requests of `unit` behind `out`; nothing where there is nothing for this reader in it.
  void append(std::span<const Effect> unit, std::string& out);
  /// A new reader, that knows of no database: SELECT comes first.
  void reset() { db_.reset(); }

 private:
  bool is_for_it(const Effect& effect) const;
  void select(unsigned db, std::string& out);

  const For for_;
  std::optional<unsigned> db_;
};

}  // namespace chorus::cache
