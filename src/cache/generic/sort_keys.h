// Where SORT's keys are, for its rows.
#pragma once

#include <vector>

#include "cache/command/command.h"

namespace chorus::cache {

/// The key that is sorted, and the one that STORE names.
bool find_sort_keys(Arguments arguments, std::vector<std::size_t>& at);
bool find_sort_ro_keys(Arguments arguments, std::vector<std::size_t>& at);

}  // namespace chorus::cache
