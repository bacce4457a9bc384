#include "cache/watch/slowlog.h"

#include <fmt/format.h>

#include <algorithm>

namespace chorus::cache {
namespace {

constexpr std::size_t arguments_max = 32, octets_max = 128;

std::string cut(std::string_view argument) {
  if (argument.size() <= octets_max) return std::string(argument);
  return fmt::format("{}... ({} more bytes)", argument.substr(0, octets_max), argument.size() - octets_max);
}

}  // namespace

void Slowlog::add(std::int64_t unix_s, std::int64_t us, Arguments arguments, std::string_view address, std::string_view name,
                  std::size_t entries_max) {
  Entry& entry = entries_.emplace_front(
      Entry{.id = next_id_++, .unix_s = unix_s, .us = us, .arguments = {}, .address = std::string(address), .name = std::string(name)});
  const bool is_cut = arguments.size() > arguments_max;
  for (const std::string_view argument : arguments.first(is_cut ? arguments_max - 1 : arguments.size())) {
    entry.arguments.push_back(cut(argument));
  }
  if (is_cut) entry.arguments.push_back(fmt::format("... ({} more arguments)", arguments.size() - arguments_max + 1));
  while (entries_.size() > entries_max) entries_.pop_back();
}

}  // namespace chorus::cache
