// Sets: members in and out, drawn and listed.
#include <limits>
#include <string>
#include <vector>

#include "cache/generic/sample.h"
#include "cache/generic/scan_options.h"
#include "cache/sets/handlers.h"
#include "cache/sets/set_value.h"

namespace chorus::cache {
namespace {

bool find_for_reading(Call& call, Entry*& entry) {
  entry = call.read(call[1]);
  return call.is(entry, Type::set);
}

/// After members went: the key goes with the last.
void removed(Call& call, Entry* entry, std::string_view key, std::string_view event) {
  const bool is_empty = SetValue(call.options().thresholds, entry).size() == 0;
  if (is_empty) call.erase(entry);
  call.changed(key, Notify::set, event);
  if (is_empty) call.event(key, Notify::generic, "del");
}

}  // namespace

void sadd(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::set)) return;
  if (entry == nullptr) {
    entry = SetValue::make(call.options().thresholds, call[1], call[2]);
    call.insert(entry);
  }
  SetValue set(call.options().thresholds, entry);
  std::int64_t added = 0;
  for (std::size_t i = 2; i < call.size(); ++i) added += set.add(call[i]) ? 1 : 0;
  if (added > 0) call.changed(call[1], Notify::set, "sadd");
  call.reply.integer(added);
}

void srem(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::set)) return;
  if (entry == nullptr) return call.reply.integer(0);
  SetValue set(call.options().thresholds, entry);
  std::int64_t count = 0;
  for (std::size_t i = 2; i < call.size() && set.size() > 0; ++i) count += set.remove(call[i]) ? 1 : 0;
  if (count > 0) removed(call, entry, call[1], "srem");
  call.reply.integer(count);
}

void smove(Call& call) {
  Entry* from = call.write(call[1]);
  Entry* to = call.write(call[2]);
  if (from == nullptr) return call.reply.integer(0);
  if (!call.is(from, Type::set) || !call.is(to, Type::set)) return;
  if (from == to) return call.reply.integer(SetValue(call.options().thresholds, from).contains(call[3]) ? 1 : 0);
  if (!SetValue(call.options().thresholds, from).remove(call[3])) return call.reply.integer(0);
  removed(call, from, call[1], "srem");
  if (to == nullptr) {
    to = SetValue::make(call.options().thresholds, call[2], call[3]);
    call.insert(to);
  }
  if (SetValue(call.options().thresholds, to).add(call[3])) call.changed(call[2], Notify::set, "sadd");
  call.reply.integer(1);
}

void sismember(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry != nullptr && SetValue(call.options().thresholds, entry).contains(call[2]) ? 1 : 0);
}

void smismember(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    call.reply.integer(entry != nullptr && SetValue(call.options().thresholds, entry).contains(call[i]) ? 1 : 0);
  }
}

void scard(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(SetValue(call.options().thresholds, entry).size()));
}

void smembers(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return call.reply.set(0);
  const SetValue set(call.options().thresholds, entry);
  call.reply.set(set.size());
  set.for_each([&](std::string_view member) { call.reply.bulk(member); });
}

void spop(Call& call) {
  if (call.size() > 3) return call.error(errors::syntax);
  std::optional<std::int64_t> count;
  if (call.size() == 3) {
    count = call.integer(2, errors::not_positive);
    if (!count) return;
    if (*count < 0) return call.error(errors::not_positive);
  }
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::set)) return;
  if (entry == nullptr) return count ? call.reply.set(0) : call.reply.null();
  SetValue set(call.options().thresholds, entry);
  if (count && *count == 0) return call.reply.set(0);
  const std::size_t wanted = count ? std::min(static_cast<std::size_t>(*count), set.size()) : 1;
  const bool all = wanted == set.size();
  std::vector<std::string> popped;
  popped.reserve(wanted);
  if (all) {
    set.for_each([&](std::string_view member) { popped.emplace_back(member); });
  } else {
    while (popped.size() < wanted) {
      popped.push_back(set.random(call.random()));
      set.remove(popped.back());
    }
  }
  if (count) call.reply.set(popped.size());
  for (const std::string& member : popped) call.reply.bulk(member);
  if (all) {
    call.erase(entry);
    call.changed(call[1], Notify::set, "spop");
    call.event(call[1], Notify::generic, "del");
    return call.effect({"UNLINK", call[1]});
  }
  call.changed(call[1], Notify::set, "spop");
  std::vector<std::string_view> words{"SREM", call[1]};
  words.insert(words.end(), popped.begin(), popped.end());
  call.effect(words);
}

void srandmember(Call& call) {
  if (call.size() > 3) return call.error(errors::syntax);
  std::optional<std::int64_t> count;
  if (call.size() == 3) {
    count = call.integer(2);
    if (!count) return;
    if (*count < -draws_max) return call.error("ERR value is out of range");
  }
  Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::set)) return;
  if (entry == nullptr) return count ? call.reply.array(0) : call.reply.null();
  const SetValue set(call.options().thresholds, entry);
  if (!count) return call.reply.bulk(set.random(call.random()));
  if (*count < 0) {
    // The same member may come again.
    call.reply.array(static_cast<std::size_t>(-*count));
    for (std::int64_t i = *count; i < 0 && !call.is_too_long(); ++i) call.reply.bulk(set.random(call.random()));
    return;
  }
  const std::size_t size = set.size(), wanted = std::min(static_cast<std::size_t>(*count), size);
  call.reply.array(wanted);
  const auto chosen = choose(call.random(), size, wanted);
  std::size_t index = 0, next = 0;
  set.for_each([&](std::string_view member) {
    if (next < chosen.size() && chosen[next] == index) {
      ++next;
      call.reply.bulk(member);
    }
    ++index;
  });
}

void sscan(Call& call) {
  ScanOptions options;
  Entry* entry = begin_scan(call, Type::set, options);
  if (entry == nullptr) return;
  std::string found;
  Reply reply(found, call.reply.protocol());
  std::size_t count = 0;
  std::int64_t seen = 0;
  std::uint64_t cursor = options.cursor;
  const SetValue set(call.options().thresholds, entry);
  do {
    cursor = set.scan(cursor, [&](std::string_view member) {
      ++seen;
      if (!options.matches(member)) return;
      reply.bulk(member);
      ++count;
    });
  } while (cursor != 0 && seen < options.count);
  end_scan(call, cursor, count, found);
}

}  // namespace chorus::cache
