// The two ends of a range of a sorted set, as commands write them, into ranks.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "cache/zsets/zset_value.h"

namespace chorus::cache {

/// By ranks, in ascending order.
struct RankRange {
  std::size_t start = 0, count = 0;
};

struct ScoreBound {
  double score = 0;
  bool excluded = false;
};
/// "1.5", "(1.5", "-inf"; empty: it is none.
std::optional<ScoreBound> parse_score_bound(std::string_view text);

struct LexBound {
  enum class Kind { lowest, highest, member } kind = Kind::member;
  std::string_view member;
  bool excluded = false;
};
/// "[a", "(a", "-", "+"; empty: it is none.
std::optional<LexBound> parse_lex_bound(std::string_view text);

RankRange between(const ZsetValue& set, ScoreBound low, ScoreBound high);
RankRange between(const ZsetValue& set, LexBound low, LexBound high);
/// As ZRANGE counts positions: negative from the end.
RankRange between(std::size_t size, std::int64_t start, std::int64_t end);

namespace errors {
inline constexpr std::string_view score_bound = "ERR min or max is not a float";
inline constexpr std::string_view lex_bound = "ERR min or max not valid string range item";
}  // namespace errors

}  // namespace chorus::cache
