// Intersections, unions and differences.
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cache/generic/numkeys.h"
#include "cache/sets/handlers.h"
#include "cache/sets/set_value.h"

namespace chorus::cache {
namespace {

using Keys = std::span<const std::string_view>;
using Sets = std::vector<std::optional<SetValue>>;  // empty: there is no such key

/// False: one is of another type, and that is replied.
bool find_sets(Call& call, Keys keys, Sets& sets) {
  for (const std::string_view key : keys) {
    Entry* entry = call.read(key);
    if (!call.is(entry, Type::set)) return false;
    sets.push_back(entry == nullptr ? std::nullopt : std::optional(SetValue(call.options().thresholds, entry)));
  }
  return true;
}

/// Until visit() says false.
void intersect(const Sets& sets, const std::function<bool(std::string_view member)>& visit) {
  if (std::any_of(sets.begin(), sets.end(), [](const auto& set) { return !set; })) return;
  // The smallest is gone through, and the next smallest are asked first; of two as large the one that was named first.
  std::vector<std::size_t> order(sets.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(sets[a]->size(), a) < std::pair(sets[b]->size(), b); });
  bool goes_on = true;
  std::uint64_t cursor = 0;
  do {
    cursor = sets[order.front()]->scan(cursor, [&](std::string_view member) {
      if (!goes_on) return;
      if (std::all_of(order.begin() + 1, order.end(), [&](std::size_t i) { return sets[i]->contains(member); })) goes_on = visit(member);
    });
  } while (cursor != 0 && goes_on);
}

/// In a set of its own that is in no database: the results of unions, and whatever is stored.
class Result {
 public:
  explicit Result(const Thresholds& thresholds, std::string_view key) : thresholds_(thresholds), key_(key) {}
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() {
    if (entry_ == nullptr) return;
    Reclaimer end;
    end.take(entry_);
  }
  void add(std::string_view member) {
    if (entry_ == nullptr) entry_ = SetValue::make(thresholds_, key_, member);
    SetValue(thresholds_, entry_).add(member);
  }
  void remove(std::string_view member) {
    if (entry_ != nullptr) SetValue(thresholds_, entry_).remove(member);
  }
  std::size_t size() const { return entry_ == nullptr ? 0 : SetValue(thresholds_, entry_).size(); }
  void for_each(const SetValue::Visit& visit) const {
    if (entry_ != nullptr) SetValue(thresholds_, entry_).for_each(visit);
  }
  Entry* release() { return std::exchange(entry_, nullptr); }

 private:
  const Thresholds& thresholds_;
  std::string_view key_;
  Entry* entry_ = nullptr;
};

enum class Operation { intersection, sum, difference };

bool combine(Call& call, Keys keys, Operation operation, Result& result) {
  Sets sets;
  if (!find_sets(call, keys, sets)) return false;
  const auto add = [&](std::string_view member) { result.add(member); };
  switch (operation) {
    case Operation::intersection:
      intersect(sets, [&](std::string_view member) {
        add(member);
        return true;
      });
      break;
    case Operation::sum:
      for (const auto& set : sets) {
        if (set) set->for_each(add);
      }
      break;
    case Operation::difference:
      if (!sets.front()) break;
      sets.front()->for_each([&](std::string_view member) {
        if (std::none_of(sets.begin() + 1, sets.end(), [&](const auto& set) { return set && set->contains(member); })) add(member);
      });
  }
  return true;
}

void answer(Call& call, Operation operation) {
  Result result(call.options().thresholds, {});
  if (!combine(call, call.arguments().subspan(1), operation, result)) return;
  call.reply.set(result.size());
  result.for_each([&](std::string_view member) { call.reply.bulk(member); });
}

void store(Call& call, Operation operation, std::string_view event) {
  Result result(call.options().thresholds, call[1]);
  if (!combine(call, call.arguments().subspan(2), operation, result)) return;
  Entry* old = call.write(call[1]);
  const std::size_t size = result.size();
  if (old != nullptr) call.erase(old);
  if (size > 0) {
    call.insert(result.release());
    call.changed(call[1], Notify::set, event);
  } else if (old != nullptr) {
    call.changed(call[1], Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(size));
}

}  // namespace

void sinter(Call& call) {
  // In the order of the smallest.
  Sets sets;
  if (!find_sets(call, call.arguments().subspan(1), sets)) return;
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  intersect(sets, [&](std::string_view member) {
    call.reply.bulk(member);
    ++count;
    return true;
  });
  call.reply.end_set(mark, count);
}

void sunion(Call& call) { answer(call, Operation::sum); }
void sdiff(Call& call) { answer(call, Operation::difference); }
void sinterstore(Call& call) { store(call, Operation::intersection, "sinterstore"); }
void sunionstore(Call& call) { store(call, Operation::sum, "sunionstore"); }
void sdiffstore(Call& call) { store(call, Operation::difference, "sdiffstore"); }

void sintercard(Call& call) {
  const Keys keys = counted_keys(call, 1, "ERR Number of keys can't be greater than number of args");
  if (keys.empty()) return;
  std::int64_t limit = 0;
  for (std::size_t i = 2 + keys.size(); i < call.size(); i += 2) {
    if (!call.is_word(i, "LIMIT") || i + 1 >= call.size()) return call.error(errors::syntax);
    const auto given = call.integer(i + 1, "ERR LIMIT can't be negative");
    if (!given) return;
    if (*given < 0) return call.error("ERR LIMIT can't be negative");
    limit = *given;
  }
  Sets sets;
  if (!find_sets(call, keys, sets)) return;
  std::int64_t count = 0;
  intersect(sets, [&](std::string_view) { return ++count != limit; });
  call.reply.integer(count);
}

}  // namespace chorus::cache
