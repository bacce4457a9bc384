// Bodies as RocketMQ's producers compress them: sysFlag says how.
// source: common/compression/ZlibCompressor.java, Lz4Compressor.java (LZ4's frames), ZstdCompressor.java
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mq/message/names.h"

namespace chorus::mq {

/// As it stands in sysFlag. RocketMQ 4 knows zlib alone, and does not say so there.
enum class Compression : std::int32_t {
  lz4 = sys_flag::compressor_lz4,
  zstd = sys_flag::compressor_zstd,
  zlib = sys_flag::compressor_zlib,
};

/// Larger ones are not taken for bodies: a few octets can say that they stand for gigabytes.
inline constexpr std::size_t body_octets_max = 64 << 20;

/// At RocketMQ's level (compressLevel, 5); LZ4 has none there.
std::string compress(std::string_view body, Compression how);
/// flags: a sysFlag, of which the compressor bits count. Empty: what is there is not whole, of another kind, or more than `octets_max` when
/// inflated.
std::optional<std::string> decompress(std::string_view octets, std::int32_t flags, std::size_t octets_max = body_octets_max);

}  // namespace chorus::mq
