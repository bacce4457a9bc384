// The parameters of CONFIG: one table, of those that do something here and of those that are as they are.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cache/options.h"

namespace chorus::cache {

struct Parameter {
  enum class Change : std::uint8_t {
    live,      // CONFIG SET changes it
    at_start,  // read when the process starts
    fixed,     // nothing here answers to it: it has one value, which may be set and asked for
  };
  std::string_view name;
  std::string (*get)(const ServerOptions& options, const Parameter& self);
  /// Empty: done; else what is wrong.
  std::string (*set)(ServerOptions& options, std::string_view text, const Parameter& self) = nullptr;
  Change change = Change::live;
  std::int64_t least = 0, most = 0;  // of numbers
  std::string_view value = {};       // of fixed ones
  bool is_secret = false;            // not to be seen in MONITOR and SLOWLOG
  std::string_view setting = {};     // where it is kept: the key of chorus.toml; empty: nowhere
};

/// By name. Names of before (slave, ziplist) are rows of their own.
std::span<const Parameter> parameters();
/// In any case; null: there is none.
const Parameter* find_parameter(std::string_view name);

}  // namespace chorus::cache
