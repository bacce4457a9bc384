#include "coord/disk/names.h"

#include <fmt/format.h>

#include <charconv>

namespace chorus::coord::disk {

std::string numbered_name(std::string_view prefix, std::int64_t zxid) {
  return fmt::format("{}.{:x}", prefix, static_cast<std::uint64_t>(zxid));
}

std::optional<std::int64_t> number_of(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix) || name.size() <= prefix.size() + 1 || name[prefix.size()] != '.') return std::nullopt;
  const std::string_view digits = name.substr(prefix.size() + 1);
  std::uint64_t zxid = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), zxid, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (static_cast<std::int64_t>(zxid) < 0 || numbered_name(prefix, static_cast<std::int64_t>(zxid)) != name) return std::nullopt;
  return static_cast<std::int64_t>(zxid);
}

}  // namespace chorus::coord::disk
