#include "cache/command/rows.h"

#include "base/text.h"
#include "cache/geo/handlers.h"

namespace chorus::cache {
namespace {

/// The set, and what the last of STORE and STOREDIST names.
bool find_radius_keys(Arguments arguments, std::vector<std::size_t>& at, std::size_t options_at) {
  at.push_back(1);
  std::size_t to = 0;
  for (std::size_t i = options_at; i + 1 < arguments.size(); ++i) {
    const std::string word = base::lower(arguments[i]);
    if (word == "store" || word == "storedist") to = ++i;
  }
  if (to > 0) at.push_back(to);
  return true;
}
bool find_georadius_keys(Arguments arguments, std::vector<std::size_t>& at) { return find_radius_keys(arguments, at, 5); }

}  // namespace

std::span<const Command> geo_rows() {
  constexpr KeyRange one{1, 1, 1};
  constexpr Group group = Group::geo;
  static constexpr Command rows[] = {
      {"geoadd", -5, "wm", one, group, "3.2.0", geoadd},
      {"geodist", -4, "r", one, group, "3.2.0", geodist},
      {"geohash", -2, "r", one, group, "3.2.0", geohash},
      {"geopos", -2, "r", one, group, "3.2.0", geopos},
      {.name = "georadius",
       .arity = -6,
       .flags = "wm*",
       .keys = one,
       .group = group,
       .since = "3.2.0",
       .run = georadius,
       .find_keys = find_georadius_keys},
      {"georadius_ro", -6, "r", one, group, "3.2.10", georadius_ro},
      {.name = "georadiusbymember",
       .arity = -5,
       .flags = "wm*",
       .keys = one,
       .group = group,
       .since = "3.2.0",
       .run = georadiusbymember,
       .find_keys = find_georadius_keys},
      {"georadiusbymember_ro", -5, "r", one, group, "3.2.10", georadiusbymember_ro},
      {"geosearch", -7, "r", one, group, "6.2.0", geosearch},
      {"geosearchstore", -8, "wm", {1, 2, 1}, group, "6.2.0", geosearchstore},
  };
  return rows;
}

}  // namespace chorus::cache
