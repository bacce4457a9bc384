// Key specifications: where the keys of a command are, and what it does to each.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cache/command/command.h"

namespace chorus::cache {

/// How a command works with a key. The first four tell of its value as a whole: read only, read and write, overwrite, remove. Of what users
/// have put into it: returned or used (access), changed, added to, deleted.
enum class KeyUse : std::uint16_t {
  ro = 1U << 0,
  rw = 1U << 1,
  ow = 1U << 2,
  rm = 1U << 3,
  access = 1U << 4,
  update = 1U << 5,
  insert = 1U << 6,
  remove = 1U << 7,
  not_key = 1U << 8,  // the name of a shard channel: it has a slot, and is no key
  incomplete = 1U << 9,
  variable_flags_of_options = 1U << 10,
};

struct KeySpec {
  enum class Begin : std::uint8_t { index, keyword, unknown };
  enum class Find : std::uint8_t { range, count, unknown };
  std::uint16_t flags = 0;  // of KeyUse
  Begin begin = Begin::index;
  int index = 0;                  // of the first; of a keyword: where the search for it begins
  std::string_view keyword = {};  // before the first
  Find find = Find::range;
  std::array<int, 3> how{};  // range: last (negative: from the end), step, limit; count: where the number is, the first, step
};

/// In the order of COMMAND; empty: the command has no keys.
std::span<const KeySpec> key_specs(const Command& command);
/// "RW", "access" and so on.
std::vector<std::string_view> key_flag_names(std::uint16_t flags);

struct FoundKey {
  std::size_t at;  // of the arguments
  std::uint16_t flags;
};
/// The keys that these arguments name, with what is done to each. False: they cannot be told.
bool find_keys_and_flags(const Command& command, Arguments arguments, std::vector<FoundKey>& keys);

}  // namespace chorus::cache
