// Sorted sets: the lowest and highest taken out, and waited for.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cache/generic/numkeys.h"
#include "cache/generic/timeout.h"
#include "cache/zsets/bounds.h"
#include "cache/zsets/handlers.h"

namespace chorus::cache {
namespace {

struct Popped {
  std::string member;
  double score;
};

/// The lowest or highest `count`, out of the set; the key goes with the last.
std::vector<Popped> take(Call& call, Entry* entry, std::string_view key, bool highest, std::size_t count) {
  ZsetValue set(call.options().thresholds, entry);
  const std::size_t size = set.size();
  count = std::min(count, size);
  std::vector<Popped> out;
  out.reserve(count);
  set.for_range(highest ? size - 1 : 0, count, highest,
                [&](std::string_view member, double score) { out.push_back({std::string(member), score}); });
  set.erase_range(highest ? size - count : 0, count);
  const bool is_empty = set.size() == 0;
  if (is_empty) call.erase(entry);
  call.changed(key, Notify::zset, highest ? "zpopmax" : "zpopmin");
  if (is_empty) call.event(key, Notify::generic, "del");
  return out;
}

void pop(Call& call, bool highest) {
  if (call.size() > 3) return call.error(fmt::format("ERR wrong number of arguments for '{}' command", call.command().name));
  std::optional<std::int64_t> count;
  if (call.size() == 3) {
    count = call.integer(2, errors::not_positive);
    if (!count) return;
    if (*count < 0) return call.error(errors::not_positive);
  }
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::zset)) return;
  if (entry == nullptr || (count && *count == 0)) return call.reply.array(0);
  const auto popped = take(call, entry, call[1], highest, count ? static_cast<std::size_t>(*count) : 1);
  // With a count, and only in RESP3, each pair is an array of its own.
  const bool nests = count && call.reply.protocol() > 2;
  call.reply.array(nests ? popped.size() : popped.size() * 2);
  for (const Popped& each : popped) {
    if (nests) call.reply.array(2);
    call.reply.bulk(each.member);
    call.reply.real(each.score);
  }
}

void blocking_pop(Call& call, bool highest) {
  const auto timeout = timeout_of(call, call.size() - 1);
  if (!timeout) return;
  const auto keys = call.arguments().subspan(1, call.size() - 2);
  for (const std::string_view key : keys) {
    Entry* entry = call.write(key);
    if (entry == nullptr) continue;
    if (entry->type() != Type::zset) {
      if (call.client().blocked != nullptr) continue;
      return call.error(errors::wrong_type);
    }
    const auto popped = take(call, entry, key, highest, 1);
    call.reply.array(3);
    call.reply.bulk(key);
    call.reply.bulk(popped.front().member);
    call.reply.real(popped.front().score);
    return call.effect({highest ? "ZPOPMAX" : "ZPOPMIN", key});
  }
  if (!call.block(keys, *timeout)) call.reply.null_array();
}

/// numkeys key.. MIN|MAX [COUNT n], behind argument `at`.
void pop_from_first(Call& call, std::size_t at, std::optional<std::int64_t> timeout) {
  const auto keys = counted_keys(call, at);
  if (keys.empty()) return;
  const std::size_t where = at + 1 + keys.size();
  if (where >= call.size() || (!call.is_word(where, "MIN") && !call.is_word(where, "MAX"))) return call.error(errors::syntax);
  const bool highest = call.is_word(where, "MAX");
  const auto count = pop_count(call, where + 1);
  if (!count) return;
  for (const std::string_view key : keys) {
    Entry* entry = call.write(key);
    if (entry == nullptr) continue;
    if (entry->type() != Type::zset) {
      if (call.client().blocked != nullptr) continue;
      return call.error(errors::wrong_type);
    }
    const auto popped = take(call, entry, key, highest, *count);
    call.reply.array(2);
    call.reply.bulk(key);
    call.reply.array(popped.size());
    for (const Popped& each : popped) {
      call.reply.array(2);
      call.reply.bulk(each.member);
      call.reply.real(each.score);
    }
    NumberText number;
    return call.effect({highest ? "ZPOPMAX" : "ZPOPMIN", key, number.of(static_cast<std::int64_t>(popped.size()))});
  }
  if (!timeout || !call.block(keys, *timeout)) call.reply.null_array();
}

}  // namespace

void zpopmin(Call& call) { pop(call, false); }
void zpopmax(Call& call) { pop(call, true); }
void bzpopmin(Call& call) { blocking_pop(call, false); }
void bzpopmax(Call& call) { blocking_pop(call, true); }
void zmpop(Call& call) { pop_from_first(call, 1, {}); }

void bzmpop(Call& call) {
  if (const auto timeout = timeout_of(call, 1)) pop_from_first(call, 2, timeout);
}

}  // namespace chorus::cache
