#include "cache/zsets/bounds.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

namespace chorus::cache {
namespace {

RankRange from_to(std::size_t first, std::size_t beyond) { return beyond > first ? RankRange{first, beyond - first} : RankRange{}; }

}  // namespace

std::optional<ScoreBound> parse_score_bound(std::string_view text) {
  ScoreBound bound;
  if (text.starts_with('(')) {
    bound.excluded = true;
    text.remove_prefix(1);
  }
  // Laxer than a score itself: a space in front, nothing at all (zero) and what is beyond a double are fine, as in Redis.
  const std::string terminated(text);
  char* end = nullptr;
  bound.score = std::strtod(terminated.c_str(), &end);
  if (*end != '\0' || std::isnan(bound.score)) return {};
  return bound;
}

std::optional<LexBound> parse_lex_bound(std::string_view text) {
  if (text == "-") return LexBound{.kind = LexBound::Kind::lowest, .member = {}};
  if (text == "+") return LexBound{.kind = LexBound::Kind::highest, .member = {}};
  if (text.starts_with('(')) return LexBound{.member = text.substr(1), .excluded = true};
  if (text.starts_with('[')) return LexBound{.member = text.substr(1), .excluded = false};
  return {};
}

RankRange between(const ZsetValue& set, ScoreBound low, ScoreBound high) {
  return from_to(set.count_below(low.score, low.excluded), set.count_below(high.score, !high.excluded));
}

RankRange between(const ZsetValue& set, LexBound low, LexBound high) {
  using Kind = LexBound::Kind;
  const auto below = [&](LexBound bound, bool is_low) -> std::size_t {
    if (bound.kind == Kind::lowest) return 0;
    if (bound.kind == Kind::highest) return set.size();
    return set.count_below_lex(bound.member, is_low ? bound.excluded : !bound.excluded);
  };
  return from_to(below(low, true), below(high, false));
}

RankRange between(std::size_t size, std::int64_t start, std::int64_t end) {
  const auto total = static_cast<std::int64_t>(size);
  if (start < 0) start = std::max<std::int64_t>(start + total, 0);
  if (end < 0) end += total;
  if (start > end || start >= total) return {};
  end = std::min(end, total - 1);
  return {.start = static_cast<std::size_t>(start), .count = static_cast<std::size_t>(end - start + 1)};
}

}  // namespace chorus::cache
