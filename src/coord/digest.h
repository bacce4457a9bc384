// The digest of a tree: a sum over its nodes, kept up to date change by change. source: DigestCalculator, AdHash
#pragma once

#include <cstdint>
#include <string_view>

#include "jute/codec.h"
#include "jute/txns.h"

namespace chorus::coord {

inline constexpr std::int32_t digest_version = 2;

/// CRC-32 over path and data, which digest_of_node continues over the stat: changes of the stat alone need not read the data again.
/// path: "" for the root.
std::uint32_t digest_prefix(std::string_view path, const jute::Buffer& data);
/// A node's share of the sum; 0 for everything below /zookeeper, which servers change on their own.
std::uint32_t digest_of_node(std::string_view path, std::uint32_t prefix, const jute::StatPersisted& stat);

}  // namespace chorus::coord
