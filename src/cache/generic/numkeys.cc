#include "cache/generic/numkeys.h"

namespace chorus::cache {
namespace {

bool find_counted(Arguments arguments, std::size_t number_at, std::vector<std::size_t>& at) {
  if (number_at >= arguments.size()) return false;
  const auto count = parse_integer(arguments[number_at]);
  if (!count || *count < 1 || static_cast<std::uint64_t>(*count) > arguments.size() - number_at - 1) return false;
  for (std::size_t i = 0; i < static_cast<std::size_t>(*count); ++i) at.push_back(number_at + 1 + i);
  return true;
}

}  // namespace

std::span<const std::string_view> counted_keys(Call& call, std::size_t at, std::string_view too_many) {
  const auto count = parse_integer(call[at]);
  if (!count || *count <= 0) {
    call.error("ERR numkeys should be greater than 0");
    return {};
  }
  if (static_cast<std::uint64_t>(*count) > call.size() - at - 1) {
    call.error(too_many);
    return {};
  }
  return call.arguments().subspan(at + 1, static_cast<std::size_t>(*count));
}

std::optional<std::size_t> pop_count(Call& call, std::size_t at) {
  std::optional<std::int64_t> count;
  for (std::size_t i = at; i < call.size(); i += 2) {
    if (count || !call.is_word(i, "COUNT") || i + 1 >= call.size()) {
      call.error(errors::syntax);
      return std::nullopt;
    }
    count = parse_integer(call[i + 1]);
    if (!count || *count <= 0) {
      call.error("ERR count should be greater than 0");
      return std::nullopt;
    }
  }
  return static_cast<std::size_t>(count.value_or(1));
}

bool find_counted_keys_1(Arguments arguments, std::vector<std::size_t>& at) { return find_counted(arguments, 1, at); }
bool find_counted_keys_2(Arguments arguments, std::vector<std::size_t>& at) { return find_counted(arguments, 2, at); }
bool find_stored_keys(Arguments arguments, std::vector<std::size_t>& at) {
  at.push_back(1);
  return find_counted(arguments, 2, at);
}

}  // namespace chorus::cache
