// ZRANGE, what it replaced, and ZRANGESTORE.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "cache/zsets/bounds.h"
#include "cache/zsets/handlers.h"

namespace chorus::cache {
namespace {

enum class By { rank, score, lex };

struct Query {
  By by = By::rank;
  bool reverse = false, with_scores = false;
  std::size_t low_at = 2, high_at = 3;  // arguments
  std::int64_t offset = 0, limit = -1;
  bool has_limit = false;
};

/// Options from argument `from` on. is_zrange: BYSCORE, BYLEX and REV may be chosen. False: replied.
bool read_options(Call& call, std::size_t from, bool is_zrange, bool is_store, Query& query) {
  bool by_is_given = false;
  for (std::size_t i = from; i < call.size(); ++i) {
    if (!is_store && call.is_word(i, "WITHSCORES")) {
      query.with_scores = true;
    } else if (call.is_word(i, "LIMIT") && i + 2 < call.size()) {
      const auto offset = call.integer(i + 1);
      const auto limit = offset ? call.integer(i + 2) : std::nullopt;
      if (!limit) return false;
      query.offset = *offset;
      query.limit = *limit;
      query.has_limit = true;
      i += 2;
    } else if (is_zrange && !by_is_given && call.is_word(i, "BYLEX")) {
      query.by = By::lex;
      by_is_given = true;
    } else if (is_zrange && !by_is_given && call.is_word(i, "BYSCORE")) {
      query.by = By::score;
      by_is_given = true;
    } else if (is_zrange && call.is_word(i, "REV")) {
      query.reverse = true;
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  if (query.has_limit && query.by == By::rank) {
    call.error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return false;
  }
  if (query.with_scores && query.by == By::lex) {
    call.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return false;
  }
  // The larger end is said first.
  if (query.reverse && query.by != By::rank) std::swap(query.low_at, query.high_at);
  return true;
}

struct Bounds {
  std::int64_t first = 0, last = 0;
  ScoreBound low_score, high_score;
  LexBound low_lex, high_lex;
};

bool read_bounds(Call& call, const Query& query, Bounds& bounds) {
  if (query.by == By::rank) {
    const auto first = call.integer(query.low_at);
    const auto last = first ? call.integer(query.high_at) : std::nullopt;
    if (!last) return false;
    bounds.first = *first;
    bounds.last = *last;
    return true;
  }
  if (query.by == By::score) {
    const auto low = parse_score_bound(call[query.low_at]), high = parse_score_bound(call[query.high_at]);
    if (!low || !high) {
      call.error(errors::score_bound);
      return false;
    }
    bounds.low_score = *low;
    bounds.high_score = *high;
    return true;
  }
  const auto low = parse_lex_bound(call[query.low_at]), high = parse_lex_bound(call[query.high_at]);
  if (!low || !high) {
    call.error(errors::lex_bound);
    return false;
  }
  bounds.low_lex = *low;
  bounds.high_lex = *high;
  return true;
}

/// Where to begin, and how many, in the direction of the query.
RankRange range_of(const ZsetValue& set, const Query& query, const Bounds& bounds) {
  const std::size_t size = set.size();
  RankRange range;
  switch (query.by) {
    case By::rank:
      range = between(size, bounds.first, bounds.last);
      if (query.reverse && range.count > 0) range.start = size - 1 - range.start;
      return range;
    case By::score:
      range = between(set, bounds.low_score, bounds.high_score);
      break;
    case By::lex:
      range = between(set, bounds.low_lex, bounds.high_lex);
  }
  if (query.offset < 0 || static_cast<std::uint64_t>(query.offset) >= range.count) return {};
  const auto offset = static_cast<std::size_t>(query.offset);
  std::size_t count = range.count - offset;
  if (query.limit >= 0) count = std::min(count, static_cast<std::size_t>(query.limit));
  return {.start = query.reverse ? range.start + range.count - 1 - offset : range.start + offset, .count = count};
}

void answer(Call& call, const Query& query) {
  Bounds bounds;
  if (!read_bounds(call, query, bounds)) return;
  Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::zset)) return;
  if (entry == nullptr) return call.reply.array(0);
  const ZsetValue set(call.options().thresholds, entry);
  const RankRange range = range_of(set, query, bounds);
  const bool nests = query.with_scores && call.reply.protocol() > 2;
  call.reply.array(query.with_scores && !nests ? range.count * 2 : range.count);
  set.for_range(range.start, range.count, query.reverse, [&](std::string_view member, double score) {
    if (nests) call.reply.array(2);
    call.reply.bulk(member);
    if (query.with_scores) call.reply.real(score);
  });
}

void old_form(Call& call, By by, bool reverse) {
  Query query{.by = by, .reverse = reverse};
  if (read_options(call, 4, false, false, query)) answer(call, query);
}

}  // namespace

void zrange(Call& call) {
  Query query;
  if (read_options(call, 4, true, false, query)) answer(call, query);
}

void zrevrange(Call& call) { old_form(call, By::rank, true); }
void zrangebyscore(Call& call) { old_form(call, By::score, false); }
void zrevrangebyscore(Call& call) { old_form(call, By::score, true); }
void zrangebylex(Call& call) { old_form(call, By::lex, false); }
void zrevrangebylex(Call& call) { old_form(call, By::lex, true); }

void zrangestore(Call& call) {
  Query query{.low_at = 3, .high_at = 4};
  Bounds bounds;
  if (!read_options(call, 5, true, true, query) || !read_bounds(call, query, bounds)) return;
  Entry* source = call.read(call[2]);
  if (!call.is(source, Type::zset)) return;
  std::vector<std::pair<std::string, double>> found;
  if (source != nullptr) {
    const ZsetValue set(call.options().thresholds, source);
    const RankRange range = range_of(set, query, bounds);
    set.for_range(range.start, range.count, query.reverse,
                  [&](std::string_view member, double score) { found.emplace_back(member, score); });
  }
  Entry* old = call.write(call[1]);
  if (old != nullptr) call.erase(old);
  if (!found.empty()) {
    Entry* entry = ZsetValue::make(call.options().thresholds, call[1], found.front().first.size());
    ZsetValue set(call.options().thresholds, entry);
    for (const auto& [member, score] : found) set.set(member, score);
    call.insert(entry);
    call.changed(call[1], Notify::zset, "zrangestore");
  } else if (old != nullptr) {
    call.changed(call[1], Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(found.size()));
}

}  // namespace chorus::cache
