// The one table of properties: it feeds the parser, `chorus config`, docs/configuration.md and the checks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "app/config/settings.h"

namespace chorus::app {

enum class Kind { integer, boolean, text, address, list };

struct Property {
  std::string_view key;   // table.name; the unit is the name's end
  std::string_view help;  // what it does, one sentence
  std::int64_t min = 0;   // integers: bounds, both allowed
  std::int64_t max = 0;
  std::string_view choices = {};  // text: "a|b|c"; empty: any
  bool live = false;              // SIGHUP applies a new value; every other key needs a restart
  bool secret = false;            // not to be shown
  Kind kind = Kind::text;

  /// Reads `text` into its place; the answer says what is wrong with it, and is empty when nothing is.
  std::string (*set)(Settings& settings, std::string_view text, const Property& property) = nullptr;
  /// The reverse; set() of it changes nothing.
  std::string (*get)(const Settings& settings) = nullptr;
};

/// In the order in which people should meet them, a table's keys together.
std::span<const Property> properties();
/// Of these, the rows of [cache]; they are many.
std::span<const Property> cache_properties();
/// Null when there is none.
const Property* find_property(std::string_view key);
/// "coord.tick_time_ms" -> "CHORUS_COORD_TICK_TIME_MS"
std::string environment_name(std::string_view key);
/// "x is not a known key", and when there is one near "; did you mean y?"
std::string unknown_key(std::string_view key);

}  // namespace chorus::app
