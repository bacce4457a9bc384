// Sorted sets: scores given, members taken out.
#include <cmath>
#include <vector>

#include "cache/zsets/bounds.h"
#include "cache/zsets/handlers.h"

namespace chorus::cache {
namespace {

struct AddOptions {
  bool nx = false, xx = false, gt = false, lt = false, changes = false, increments = false;
};

void add_all(Call& call, const AddOptions& options, std::size_t from) {
  const std::size_t pairs = call.size() - from;
  if (pairs == 0 || pairs % 2 != 0) return call.error(errors::syntax);
  if (options.nx && options.xx) return call.error("ERR XX and NX options at the same time are not compatible");
  if ((options.gt && options.nx) || (options.lt && options.nx) || (options.gt && options.lt)) {
    return call.error("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if (options.increments && pairs > 2) return call.error("ERR INCR option supports a single increment-element pair");
  std::vector<double> scores;
  for (std::size_t i = from; i < call.size(); i += 2) {
    const auto score = call.real(i);
    if (!score) return;
    scores.push_back(*score);
  }
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::zset)) return;
  if (entry == nullptr) {
    if (options.xx) return options.increments ? call.reply.null() : call.reply.integer(0);
    entry = ZsetValue::make(call.options().thresholds, call[1], call[from + 1].size());
    call.insert(entry);
  }
  ZsetValue set(call.options().thresholds, entry);
  std::int64_t added = 0, updated = 0;
  std::optional<double> result;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::string_view member = call[from + 2 * i + 1];
    const auto before = set.score(member);
    double score = scores[i];
    if (!before) {
      if (options.xx) continue;
      set.set(member, score);
      ++added;
      result = score;
      continue;
    }
    if (options.nx) continue;
    if (options.increments) {
      score += *before;
      if (std::isnan(score)) return call.error("ERR resulting score is not a number (NaN)");
    }
    if ((options.lt && score >= *before) || (options.gt && score <= *before)) continue;
    result = score;
    if (score == *before) continue;
    set.set(member, score);
    ++updated;
  }
  if (added + updated > 0) call.changed(call[1], Notify::zset, options.increments ? "zincr" : "zadd");
  if (!options.increments) return call.reply.integer(options.changes ? added + updated : added);
  result ? call.reply.real(*result) : call.reply.null();
}

void end_change(Call& call, Entry* entry, std::size_t removed, std::string_view event) {
  if (removed > 0) {
    const bool is_empty = ZsetValue(call.options().thresholds, entry).size() == 0;
    if (is_empty) call.erase(entry);
    call.changed(call[1], Notify::zset, event);
    if (is_empty) call.event(call[1], Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(removed));
}

template <class Between>
void remove_range(Call& call, std::string_view event, Between range_of) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::zset)) return;
  if (entry == nullptr) return call.reply.integer(0);
  ZsetValue set(call.options().thresholds, entry);
  const RankRange range = range_of(set);
  set.erase_range(range.start, range.count);
  end_change(call, entry, range.count, event);
}

}  // namespace

void zadd(Call& call) {
  AddOptions options;
  std::size_t i = 2;
  for (; i < call.size(); ++i) {
    if (call.is_word(i, "NX")) {
      options.nx = true;
    } else if (call.is_word(i, "XX")) {
      options.xx = true;
    } else if (call.is_word(i, "CH")) {
      options.changes = true;
    } else if (call.is_word(i, "INCR")) {
      options.increments = true;
    } else if (call.is_word(i, "GT")) {
      options.gt = true;
    } else if (call.is_word(i, "LT")) {
      options.lt = true;
    } else {
      break;
    }
  }
  add_all(call, options, i);
}

void zincrby(Call& call) { add_all(call, {.increments = true}, 2); }

void zrem(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::zset)) return;
  if (entry == nullptr) return call.reply.integer(0);
  ZsetValue set(call.options().thresholds, entry);
  std::size_t removed = 0;
  for (std::size_t i = 2; i < call.size() && set.size() > 0; ++i) removed += set.remove(call[i]) ? 1 : 0;
  end_change(call, entry, removed, "zrem");
}

void zremrangebyrank(Call& call) {
  const auto start = call.integer(2);
  const auto end = start ? call.integer(3) : std::nullopt;
  if (!end) return;
  remove_range(call, "zremrangebyrank", [&](const ZsetValue& set) { return between(set.size(), *start, *end); });
}

void zremrangebyscore(Call& call) {
  const auto low = parse_score_bound(call[2]), high = parse_score_bound(call[3]);
  if (!low || !high) return call.error(errors::score_bound);
  remove_range(call, "zremrangebyscore", [&](const ZsetValue& set) { return between(set, *low, *high); });
}

void zremrangebylex(Call& call) {
  const auto low = parse_lex_bound(call[2]), high = parse_lex_bound(call[3]);
  if (!low || !high) return call.error(errors::lex_bound);
  remove_range(call, "zremrangebylex", [&](const ZsetValue& set) { return between(set, *low, *high); });
}

}  // namespace chorus::cache
