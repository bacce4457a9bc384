#include "ring/slots.h"

#include <fmt/format.h>

#include <array>

namespace chorus::ring {
namespace {

constexpr std::size_t slice = 8;

/// tables[k][octet]: of that octet and k octets of zero behind it, so that eight octets are looked up independently of one another.
constexpr auto tables = [] {
  std::array<std::array<std::uint16_t, 256>, slice> out{};
  for (unsigned octet = 0; octet < 256; ++octet) {
    unsigned crc = octet << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1) ^ ((crc & 0x8000) != 0 ? 0x1021U : 0U);
    out[0][octet] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < slice; ++k) {
    for (std::size_t octet = 0; octet < 256; ++octet) {
      const std::uint16_t before = out[k - 1][octet];
      out[k][octet] = static_cast<std::uint16_t>((before << 8) ^ out[0][before >> 8]);
    }
  }
  return out;
}();

}  // namespace

std::uint16_t crc16(std::string_view octets) {
  std::uint16_t crc = 0;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(octets[i]); };
  for (; octets.size() >= slice; octets.remove_prefix(slice)) {
    const std::size_t high = crc >> 8, low = crc & 0xff;
    crc = static_cast<std::uint16_t>(tables[7][at(0) ^ high] ^ tables[6][at(1) ^ low] ^ tables[5][at(2)] ^ tables[4][at(3)] ^
                                     tables[3][at(4)] ^ tables[2][at(5)] ^ tables[1][at(6)] ^ tables[0][at(7)]);
  }
  for (std::size_t i = 0; i < octets.size(); ++i)
    crc = static_cast<std::uint16_t>((crc << 8) ^ tables[0][static_cast<std::uint8_t>(crc >> 8) ^ at(i)]);
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
