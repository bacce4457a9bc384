// What DUMP gives and RESTORE takes: one value with its version and checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

}  // namespace chorus::cache::rdb
