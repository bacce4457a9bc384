// Octets as people may read them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace chorus::cache {

/// In double quotes, with \n \r \t \a \b \\ \" and \xHH, as an inline command takes them.
std::string quoted(std::string_view octets);

/// As errors repeat what a client sent, after printf: up to the first NUL.
std::string_view shown(std::string_view octets, std::size_t octets_max = 128);

}  // namespace chorus::cache
