// Sorted sets: looked at by member.
#include <algorithm>
#include <limits>
#include <string>

#include "cache/generic/sample.h"
#include "cache/generic/scan_options.h"
#include "cache/zsets/bounds.h"
#include "cache/zsets/handlers.h"

namespace chorus::cache {
namespace {

/// False: of another type, and that is replied.
bool find_for_reading(Call& call, Entry*& entry) {
  entry = call.read(call[1]);
  return call.is(entry, Type::zset);
}

ZsetValue value_of(Call& call, Entry* entry) { return {call.options().thresholds, entry}; }

void rank(Call& call, bool reverse) {
  if (call.size() > 4 || (call.size() == 4 && !call.is_word(3, "WITHSCORE"))) return call.error(errors::syntax);
  const bool with_score = call.size() == 4;
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  const auto at = entry == nullptr ? std::nullopt : value_of(call, entry).rank(call[2]);
  if (!at) return with_score ? call.reply.null_array() : call.reply.null();
  const ZsetValue set = value_of(call, entry);
  const std::size_t shown = reverse ? set.size() - 1 - *at : *at;
  if (with_score) call.reply.array(2);
  call.reply.integer(static_cast<std::int64_t>(shown));
  if (with_score) call.reply.real(*set.score(call[2]));
}

}  // namespace

void zcard(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(value_of(call, entry).size()));
}

void zscore(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  const auto score = entry == nullptr ? std::nullopt : value_of(call, entry).score(call[2]);
  score ? call.reply.real(*score) : call.reply.null();
}

void zmscore(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    const auto score = entry == nullptr ? std::nullopt : value_of(call, entry).score(call[i]);
    score ? call.reply.real(*score) : call.reply.null();
  }
}

void zrank(Call& call) { rank(call, false); }
void zrevrank(Call& call) { rank(call, true); }

void zcount(Call& call) {
  const auto low = parse_score_bound(call[2]), high = parse_score_bound(call[3]);
  if (!low || !high) return call.error(errors::score_bound);
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(between(value_of(call, entry), *low, *high).count));
}

void zlexcount(Call& call) {
  const auto low = parse_lex_bound(call[2]), high = parse_lex_bound(call[3]);
  if (!low || !high) return call.error(errors::lex_bound);
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(between(value_of(call, entry), *low, *high).count));
}

void zrandmember(Call& call) {
  std::optional<std::int64_t> count;
  if (call.size() > 2) {
    count = call.integer(2);
    if (!count) return;
  }
  if (call.size() > 4 || (call.size() == 4 && !call.is_word(3, "WITHSCORES"))) return call.error(errors::syntax);
  const bool with_scores = call.size() == 4;
  // A reply has two elements for each that is drawn.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  if (count && (*count < -draws_max || (with_scores && *count > most))) return call.error("ERR value is out of range");
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return count ? call.reply.array(0) : call.reply.null();
  const ZsetValue set = value_of(call, entry);
  const std::size_t size = set.size();
  if (!count) return set.for_range(call.random().below(size), 1, false, [&](std::string_view member, double) { call.reply.bulk(member); });
  const bool nests = with_scores && call.reply.protocol() > 2;
  const auto write = [&](std::string_view member, double score) {
    if (nests) call.reply.array(2);
    call.reply.bulk(member);
    if (with_scores) call.reply.real(score);
  };
  const auto head = [&](std::size_t members) { call.reply.array(with_scores && !nests ? members * 2 : members); };
  if (*count < 0) {
    // The same member may come again.
    head(static_cast<std::size_t>(-*count));
    for (std::int64_t i = *count; i < 0 && !call.is_too_long(); ++i) set.for_range(call.random().below(size), 1, false, write);
    return;
  }
  const std::size_t wanted = std::min(static_cast<std::size_t>(*count), size);
  head(wanted);
  if (wanted == size) return set.for_range(0, size, false, write);
  for (const std::size_t at : choose(call.random(), size, wanted)) set.for_range(at, 1, false, write);
}

void zscan(Call& call) {
  ScanOptions options;
  Entry* entry = begin_scan(call, Type::zset, options);
  if (entry == nullptr) return;
  std::string found;
  Reply reply(found, 2);  // scores are bulk strings in both protocols
  std::size_t count = 0;
  std::int64_t seen = 0;
  std::uint64_t cursor = options.cursor;
  const ZsetValue set = value_of(call, entry);
  do {
    cursor = set.scan(cursor, [&](std::string_view member, double score) {
      ++seen;
      if (!options.matches(member)) return;
      reply.bulk(member);
      reply.real(score);
      count += 2;
    });
  } while (cursor != 0 && seen < options.count);
  end_scan(call, cursor, count, found);
}

}  // namespace chorus::cache
