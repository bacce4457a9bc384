// Unions, intersections and differences of sorted sets and sets.
#include <absl/container/flat_hash_map.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cache/generic/numkeys.h"
#include "cache/sets/set_value.h"
#include "cache/zsets/bounds.h"
#include "cache/zsets/handlers.h"

namespace chorus::cache {
namespace {

enum class Operation { sum, intersection, difference };
enum class Aggregate { sum, min, max };

struct Query {
  std::span<const std::string_view> keys;
  std::vector<double> weights;
  Aggregate aggregate = Aggregate::sum;
  bool with_scores = false;
};

/// A source: a sorted set, a set whose members all have the score 1, or nothing.
class Source {
 public:
  Source(const Thresholds& thresholds, Entry* entry) : thresholds_(thresholds), entry_(entry) {}
  std::size_t size() const {
    if (entry_ == nullptr) return 0;
    return is_set() ? SetValue(thresholds_, entry_).size() : ZsetValue(thresholds_, entry_).size();
  }
  std::optional<double> score(std::string_view member) const {
    if (entry_ == nullptr) return {};
    if (is_set()) return SetValue(thresholds_, entry_).contains(member) ? std::optional(1.0) : std::nullopt;
    return ZsetValue(thresholds_, entry_).score(member);
  }
  void for_each(const ZsetValue::Visit& visit) const {
    if (entry_ == nullptr) return;
    if (is_set()) return SetValue(thresholds_, entry_).for_each([&](std::string_view member) { visit(member, 1); });
    ZsetValue(thresholds_, entry_).for_range(0, size(), false, visit);
  }
  /// The same a part a call; see Table::scan.
  std::uint64_t scan(std::uint64_t cursor, const ZsetValue::Visit& visit) const {
    if (entry_ == nullptr) return 0;
    if (!is_set()) return ZsetValue(thresholds_, entry_).scan(cursor, visit);
    return SetValue(thresholds_, entry_).scan(cursor, [&](std::string_view member) { visit(member, 1); });
  }

 private:
  bool is_set() const { return entry_->type() == Type::set; }
  const Thresholds& thresholds_;
  Entry* entry_;
};

/// numkeys at argument `at`, and what the keys are. False: replied.
bool find_sources(Call& call, std::size_t at, Query& query, std::vector<Source>& sources) {
  const auto count = call.integer(at);
  if (!count) return false;
  if (*count < 1) {
    call.error(fmt::format("ERR at least 1 input key is needed for '{}' command", call.command().name));
    return false;
  }
  if (static_cast<std::uint64_t>(*count) > call.size() - at - 1) {
    call.error(errors::syntax);
    return false;
  }
  query.keys = call.arguments().subspan(at + 1, static_cast<std::size_t>(*count));
  for (const std::string_view key : query.keys) {
    Entry* entry = call.read(key);
    if (entry != nullptr && entry->type() != Type::set && entry->type() != Type::zset) {
      call.error(errors::wrong_type);
      return false;
    }
    sources.emplace_back(call.options().thresholds, entry);
  }
  query.weights.assign(query.keys.size(), 1);
  return true;
}

/// What follows the keys, from argument `from` on. False: replied.
bool read_options(Call& call, std::size_t from, Operation operation, bool is_store, Query& query) {
  for (std::size_t i = from; i < call.size(); ++i) {
    const std::size_t left = call.size() - i - 1;
    if (operation != Operation::difference && call.is_word(i, "WEIGHTS") && left >= query.keys.size()) {
      for (double& weight : query.weights) {
        const auto given = call.real(++i, "ERR weight value is not a float");
        if (!given) return false;
        weight = *given;
      }
    } else if (operation != Operation::difference && call.is_word(i, "AGGREGATE") && left >= 1) {
      ++i;
      if (call.is_word(i, "SUM")) {
        query.aggregate = Aggregate::sum;
      } else if (call.is_word(i, "MIN")) {
        query.aggregate = Aggregate::min;
      } else if (call.is_word(i, "MAX")) {
        query.aggregate = Aggregate::max;
      } else {
        call.error(errors::syntax);
        return false;
      }
    } else if (!is_store && call.is_word(i, "WITHSCORES")) {
      query.with_scores = true;
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  return true;
}

/// Infinity times nothing is nothing.
double weighted(double weight, double score) {
  const double product = weight * score;
  return std::isnan(product) ? 0 : product;
}

double joined(Aggregate aggregate, double a, double b) {
  if (aggregate == Aggregate::min) return std::min(a, b);
  if (aggregate == Aggregate::max) return std::max(a, b);
  const double sum = a + b;
  return std::isnan(sum) ? 0 : sum;  // infinity less infinity
}

using Result = std::vector<std::pair<std::string, double>>;

/// In the order of a sorted set. The sources are gone through from the smallest on, as sums of doubles depend on it.
Result combine(const std::vector<Source>& sources, const Query& query, Operation operation) {
  Result result;
  std::vector<std::size_t> order(sources.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (operation != Operation::difference) {
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return std::pair(sources[a].size(), a) < std::pair(sources[b].size(), b); });
  }
  const std::size_t first = order.front();
  if (operation == Operation::sum) {
    absl::flat_hash_map<std::string, double> scores;
    for (const std::size_t i : order) {
      sources[i].for_each([&](std::string_view member, double score) {
        const double own = weighted(query.weights[i], score);
        const auto [at, is_new] = scores.try_emplace(std::string(member), own);
        if (!is_new) at->second = joined(query.aggregate, at->second, own);
      });
    }
    result.assign(scores.begin(), scores.end());
  } else {
    sources[first].for_each([&](std::string_view member, double score) {
      double total = operation == Operation::difference ? score : weighted(query.weights[first], score);
      for (std::size_t n = 1; n < order.size(); ++n) {
        const auto there = sources[order[n]].score(member);
        if (there.has_value() != (operation == Operation::intersection)) return;
        if (there) total = joined(query.aggregate, total, weighted(query.weights[order[n]], *there));
      }
      result.emplace_back(member, total);
    });
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.second < b.second || (a.second == b.second && a.first < b.first); });
  return result;
}

void answer(Call& call, Operation operation) {
  Query query;
  std::vector<Source> sources;
  if (!find_sources(call, 1, query, sources) || !read_options(call, 2 + query.keys.size(), operation, false, query)) return;
  const Result result = combine(sources, query, operation);
  const bool nests = query.with_scores && call.reply.protocol() > 2;
  call.reply.array(query.with_scores && !nests ? result.size() * 2 : result.size());
  for (const auto& [member, score] : result) {
    if (nests) call.reply.array(2);
    call.reply.bulk(member);
    if (query.with_scores) call.reply.real(score);
  }
}

void store(Call& call, Operation operation, std::string_view event) {
  Query query;
  std::vector<Source> sources;
  if (!find_sources(call, 2, query, sources) || !read_options(call, 3 + query.keys.size(), operation, true, query)) return;
  const Result result = combine(sources, query, operation);
  Entry* old = call.write(call[1]);
  if (old != nullptr) call.erase(old);
  if (!result.empty()) {
    Entry* entry = ZsetValue::make(call.options().thresholds, call[1], result.front().first.size());
    ZsetValue set(call.options().thresholds, entry);
    for (const auto& [member, score] : result) set.set(member, score);
    call.insert(entry);
    call.changed(call[1], Notify::zset, event);
  } else if (old != nullptr) {
    call.changed(call[1], Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(result.size()));
}

}  // namespace

void zunion(Call& call) { answer(call, Operation::sum); }
void zinter(Call& call) { answer(call, Operation::intersection); }
void zdiff(Call& call) { answer(call, Operation::difference); }
void zunionstore(Call& call) { store(call, Operation::sum, "zunionstore"); }
void zinterstore(Call& call) { store(call, Operation::intersection, "zinterstore"); }
void zdiffstore(Call& call) { store(call, Operation::difference, "zdiffstore"); }

void zintercard(Call& call) {
  Query query;
  std::vector<Source> sources;
  if (!find_sources(call, 1, query, sources)) return;
  std::int64_t limit = 0;
  for (std::size_t i = 2 + query.keys.size(); i < call.size(); i += 2) {
    if (!call.is_word(i, "LIMIT") || i + 1 >= call.size()) return call.error(errors::syntax);
    const auto given = call.integer(i + 1, "ERR LIMIT can't be negative");
    if (!given) return;
    if (*given < 0) return call.error("ERR LIMIT can't be negative");
    limit = *given;
  }
  const auto smallest =
      std::min_element(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.size() < b.size(); });
  std::int64_t count = 0;
  std::uint64_t cursor = 0;
  do {
    cursor = smallest->scan(cursor, [&](std::string_view member, double) {
      if (limit > 0 && count == limit) return;
      if (std::all_of(sources.begin(), sources.end(), [&](const Source& each) { return each.score(member).has_value(); })) ++count;
    });
  } while (cursor != 0 && (limit == 0 || count < limit));
  call.reply.integer(count);
}

}  // namespace chorus::cache
