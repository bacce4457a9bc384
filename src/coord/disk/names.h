// Names of ZooKeeper's files. source: persistence/Util
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::coord::disk {

/// "log.1f": prefix, dot, zxid in lower-case hexadecimal.
std::string numbered_name(std::string_view prefix, std::int64_t zxid);
/// The reverse; empty for any other spelling.
std::optional<std::int64_t> number_of(std::string_view prefix, std::string_view name);

}  // namespace chorus::coord::disk
