// How values of parameters are read and shown. What readers return is what is wrong with the text, in Redis' words; empty: nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache/options.h"
#include "cache/value/listpack.h"

namespace chorus::cache {

/// Longer ones would not fit into an element of a list.
inline constexpr std::int64_t bulk_octets_most = Listpack::octets_max - (1 << 20);

/// The whole number of `text` within bounds; why not otherwise.
std::string parse_number(std::string_view text, std::int64_t least, std::int64_t most, std::int64_t& value);
/// With a unit, in any case: b, k (1000), kb (1024), m, mb, g, gb.
std::string parse_octets(std::string_view text, std::int64_t least, std::int64_t most, std::int64_t& value);

template <class Assign>
std::string read_number(std::string_view text, std::int64_t least, std::int64_t most, Assign assign) {
  std::int64_t value = 0;
  std::string wrong = parse_number(text, least, most, value);
  if (wrong.empty()) assign(value);
  return wrong;
}
template <class Assign>
std::string read_octets(std::string_view text, std::int64_t least, std::int64_t most, Assign assign) {
  std::int64_t value = 0;
  std::string wrong = parse_octets(text, least, most, value);
  if (wrong.empty()) assign(value);
  return wrong;
}
std::string read_flag(std::string_view text, bool& to);
/// "5%" becomes -5.
std::string read_octets_or_percent(std::string_view text, std::int64_t& to);
std::string read_policy(std::string_view text, EvictionPolicy& to);
/// "normal 0 0 0 replica 256mb 64mb 60": classes that are not named stay as they are.
std::string read_output_limits(std::string_view text, ServerOptions& to);
std::string show_output_limits(const ServerOptions& options);
std::string read_percentiles(std::string_view text, std::vector<double>& to);
std::string show_percentiles(const std::vector<double>& percentiles);
std::string read_sync_policy(std::string_view text, SyncPolicy& to);
/// "no", "always", "everysec"
std::string_view name_of(SyncPolicy policy);
std::string read_preferred(std::string_view text, cluster::Preferred& to);
/// "ip", "hostname", "unknown-endpoint"
std::string_view name_of(cluster::Preferred preferred);
/// "no", "yes", "local"
std::string_view name_of(ProtectedAccess access);

}  // namespace chorus::cache
