#include "ring/slots.h"

#include <fmt/format.h>

#include <array>

namespace chorus::ring {
namespace {

constexpr auto crc_table = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned octet = 0; octet < table.size(); ++octet) {
    unsigned crc = octet << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    table[octet] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

}  // namespace

std::uint16_t crc16(std::string_view octets) {
  std::uint16_t crc = 0;
  for (const char octet : octets)
    crc = static_cast<std::uint16_t>((crc << 8) ^ crc_table[static_cast<std::uint8_t>(crc >> 8) ^ static_cast<std::uint8_t>(octet)]);
  return crc;
}

std::string_view hash_tag(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

Result<SlotPlacement> SlotPlacement::make(std::span<const NodeIndex> owners, std::size_t nodes) {
  if (owners.size() != slot_count)
    return base::error(Errc::invalid, fmt::format("{} owners are given for {} slots", owners.size(), slot_count));
  if (nodes > max_nodes) return base::error(Errc::too_large, fmt::format("{} nodes are too many: at most {}", nodes, max_nodes));
  std::vector<std::uint16_t> table;
  table.reserve(slot_count);
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    if (owners[slot] >= nodes) return base::error(Errc::invalid, fmt::format("slot {} has no owner among the nodes", slot));
    table.push_back(static_cast<std::uint16_t>(owners[slot]));
  }
  return SlotPlacement(std::move(table), nodes);
}

}  // namespace chorus::ring
