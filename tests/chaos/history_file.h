// A history on disk, so that it can be judged once the servers' logs are there, and again when the judge has learnt something.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "history.h"

namespace chorus::chaos {

std::string encode(const coord_sim::History& history);
/// Empty when the octets are no whole history.
std::optional<coord_sim::History> decode(std::string_view octets);

}  // namespace chorus::chaos
