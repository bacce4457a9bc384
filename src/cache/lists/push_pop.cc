// Lists: elements pushed, popped, moved and waited for.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cache/generic/numkeys.h"
#include "cache/generic/timeout.h"
#include "cache/lists/handlers.h"
#include "cache/lists/list_value.h"

namespace chorus::cache {
namespace {

constexpr std::string_view pop_name(End end) { return end == End::left ? "LPOP" : "RPOP"; }
constexpr std::string_view pop_event(End end) { return end == End::left ? "lpop" : "rpop"; }
constexpr std::string_view push_event(End end) { return end == End::left ? "lpush" : "rpush"; }

void push(Call& call, End end, bool only_if_there) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::list)) return;
  if (entry == nullptr) {
    if (only_if_there) return call.reply.integer(0);
    entry = ListValue::make(call[1]);
    call.insert(entry);
  }
  ListValue list(call.options().thresholds, entry);
  for (std::size_t i = 2; i < call.size(); ++i) list.push(end, call[i]);
  call.changed(call[1], Notify::list, push_event(end));
  call.reply.integer(static_cast<std::int64_t>(list.size()));
}

/// After elements were popped: the key goes with the last.
void popped(Call& call, Entry* entry, std::string_view key, End end) {
  const bool is_empty = ListValue(call.options().thresholds, entry).size() == 0;
  if (is_empty) call.erase(entry);
  call.changed(key, Notify::list, pop_event(end));
  if (is_empty) call.event(key, Notify::generic, "del");
}

/// `count` elements, as many as there are, into an array.
void pop_many(Call& call, Entry* entry, std::string_view key, End end, std::size_t count) {
  ListValue list(call.options().thresholds, entry);
  const std::size_t size = list.size();
  count = std::min(count, size);
  call.reply.array(count);
  list.for_range(end == End::left ? 0 : size - 1, count, end == End::right, [&](std::string_view value) { call.reply.bulk(value); });
  list.erase(end == End::left ? 0 : size - count, count);
  popped(call, entry, key, end);
}

void pop(Call& call, End end) {
  if (call.size() > 3) return call.error(fmt::format("ERR wrong number of arguments for '{}' command", call.command().name));
  std::optional<std::int64_t> count;
  if (call.size() == 3) {
    count = call.integer(2, errors::not_positive);
    if (!count) return;
    if (*count < 0) return call.error(errors::not_positive);
  }
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::list)) return;
  if (entry == nullptr) return count ? call.reply.null_array() : call.reply.null();
  if (!count) {
    call.reply.bulk(ListValue(call.options().thresholds, entry).pop(end));
    return popped(call, entry, call[1], end);
  }
  if (*count == 0) return call.reply.array(0);
  pop_many(call, entry, call[1], end, static_cast<std::size_t>(*count));
}

/// "LEFT" or "RIGHT"; else replied.
std::optional<End> end_of(Call& call, std::size_t at) {
  if (call.is_word(at, "LEFT")) return End::left;
  if (call.is_word(at, "RIGHT")) return End::right;
  call.error(errors::syntax);
  return {};
}

/// True: replied, be it with an error. False: there is nothing to move.
bool move_element(Call& call, std::string_view from, std::string_view to, End pops, End pushes) {
  Entry* source = call.write(from);
  if (source == nullptr) return false;
  if (!call.is(source, Type::list)) return true;
  Entry* target = call.write(to);
  if (!call.is(target, Type::list)) return true;
  const std::string value = ListValue(call.options().thresholds, source).pop(pops);
  if (target == nullptr) {
    target = ListValue::make(to);
    call.insert(target);
  }
  ListValue(call.options().thresholds, target).push(pushes, value);
  call.changed(to, Notify::list, push_event(pushes));
  popped(call, source, from, pops);
  call.effect({"LMOVE", from, to, pops == End::left ? "LEFT" : "RIGHT", pushes == End::left ? "LEFT" : "RIGHT"});
  call.reply.bulk(value);
  return true;
}

void move(Call& call, End pops, End pushes) {
  if (!move_element(call, call[1], call[2], pops, pushes)) call.reply.null();
}

void blocking_move(Call& call, std::size_t timeout_at, End pops, End pushes) {
  const auto timeout = timeout_of(call, timeout_at);
  if (!timeout) return;
  // While it waits, a key of another type is as good as none.
  const Entry* source = call.peek(call[1]);
  if (call.client().blocked != nullptr && source != nullptr && source->type() != Type::list) return;
  if (move_element(call, call[1], call[2], pops, pushes)) return;
  // Where it may not wait it is as if LMOVE had been asked; where it waited in vain, the time's end replies a null array.
  if (!call.block(call.arguments().subspan(1, 1), *timeout)) call.reply.null();
}

void blocking_pop(Call& call, End end) {
  const auto timeout = timeout_of(call, call.size() - 1);
  if (!timeout) return;
  const auto keys = call.arguments().subspan(1, call.size() - 2);
  for (const std::string_view key : keys) {
    Entry* entry = call.write(key);
    if (entry == nullptr) continue;
    if (entry->type() != Type::list) {
      if (call.client().blocked != nullptr) continue;
      return call.error(errors::wrong_type);
    }
    call.reply.array(2);
    call.reply.bulk(key);
    call.reply.bulk(ListValue(call.options().thresholds, entry).pop(end));
    popped(call, entry, key, end);
    return call.effect({pop_name(end), key});
  }
  if (!call.block(keys, *timeout)) call.reply.null_array();
}

/// numkeys key.. LEFT|RIGHT [COUNT n], behind argument `at`.
void pop_from_first(Call& call, std::size_t at, std::optional<std::int64_t> timeout) {
  const auto keys = counted_keys(call, at);
  if (keys.empty()) return;
  const std::size_t where = at + 1 + keys.size();
  if (where >= call.size()) return call.error(errors::syntax);
  const auto end = end_of(call, where);
  if (!end) return;
  const auto count = pop_count(call, where + 1);
  if (!count) return;
  for (const std::string_view key : keys) {
    Entry* entry = call.write(key);
    if (entry == nullptr) continue;
    if (entry->type() != Type::list) {
      if (call.client().blocked != nullptr) continue;
      return call.error(errors::wrong_type);
    }
    const std::size_t size = ListValue(call.options().thresholds, entry).size();
    call.reply.array(2);
    call.reply.bulk(key);
    const auto taken = std::min(size, *count);
    pop_many(call, entry, key, *end, taken);
    NumberText number;
    return call.effect({pop_name(*end), key, number.of(static_cast<std::int64_t>(taken))});
  }
  if (!timeout || !call.block(keys, *timeout)) call.reply.null_array();
}

}  // namespace

void lpush(Call& call) { push(call, End::left, false); }
void rpush(Call& call) { push(call, End::right, false); }
void lpushx(Call& call) { push(call, End::left, true); }
void rpushx(Call& call) { push(call, End::right, true); }
void lpop(Call& call) { pop(call, End::left); }
void rpop(Call& call) { pop(call, End::right); }
void blpop(Call& call) { blocking_pop(call, End::left); }
void brpop(Call& call) { blocking_pop(call, End::right); }
void lmpop(Call& call) { pop_from_first(call, 1, {}); }
void rpoplpush(Call& call) { move(call, End::right, End::left); }
void brpoplpush(Call& call) { blocking_move(call, 3, End::right, End::left); }

void blmpop(Call& call) {
  if (const auto timeout = timeout_of(call, 1)) pop_from_first(call, 2, timeout);
}

void lmove(Call& call) {
  const auto pops = end_of(call, 3);
  const auto pushes = pops ? end_of(call, 4) : std::nullopt;
  if (pushes) move(call, *pops, *pushes);
}

void blmove(Call& call) {
  const auto pops = end_of(call, 3);
  const auto pushes = pops ? end_of(call, 4) : std::nullopt;
  if (pushes) blocking_move(call, 5, *pops, *pushes);
}

}  // namespace chorus::cache
