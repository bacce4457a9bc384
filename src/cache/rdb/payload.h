// What DUMP gives and RESTORE takes: one value with its version and checksum. The same for libraries of functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/rdb/format.h"
#include "cache/value/entry.h"

namespace chorus::cache::rdb {

std::string make_payload(const Entry& entry, const WriteOptions& options);

/// The same; none where it would have more than about that many octets, which is known without making all of it.
std::optional<std::string> make_small_payload(const Entry& entry, const WriteOptions& options, std::size_t octets_max);

/// One enumerator an answer of RESTORE's.
enum class PayloadErrc : std::uint8_t {
  checksum,  // too short, of a later version, or damaged on the way
  format,    // the value is none
};

/// The value under that key, in the encoding that `thresholds` give; the caller's.
base::Result<Entry*, PayloadErrc> read_payload(std::string_view payload, std::string_view key, std::optional<std::int64_t> expiry,
                                               const Thresholds& thresholds);

/// What FUNCTION DUMP gives: the codes of libraries.
std::string make_functions_payload(std::span<const std::string_view> codes, const WriteOptions& options);

/// One enumerator an answer of FUNCTION RESTORE's.
enum class FunctionsErrc : std::uint8_t {
  checksum,  // too short, of a later version, or damaged on the way
  type,      // something else than a library
  format,    // a library that is not whole
};
/// The codes, in their order; what they are worth is for others to say.
base::Result<std::vector<std::string>, FunctionsErrc> read_functions_payload(std::string_view payload);

}  // namespace chorus::cache::rdb
