// Checksums of the formats that we read and write, by ISA-L's vector code.
#pragma once

#include <cstdint>
#include <string_view>

namespace chorus::base {

/// Adler-32 as zlib computes it; `start` continues an earlier sum (1 is the sum of nothing). RFC 1950
std::uint32_t adler32(std::string_view octets, std::uint32_t start = 1);
/// CRC-32 as zlib and java.util.zip.CRC32 compute it; `start` continues an earlier sum. RFC 1952
std::uint32_t crc32(std::string_view octets, std::uint32_t start = 0);
/// CRC-32C (Castagnoli), initial value and final complement included. RFC 3720 appendix B.4
std::uint32_t crc32c(std::string_view octets, std::uint32_t start = 0);
/// CRC-64 "Jones", reflected, as Redis' files have it: no initial value and no final complement. "123456789": 0xe9c6d914c4b8d9ca
std::uint64_t crc64_jones(std::string_view octets, std::uint64_t start = 0);

}  // namespace chorus::base
