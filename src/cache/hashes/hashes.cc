// Hashes: every command but HRANDFIELD and HSCAN.
#include <fmt/format.h>

#include <cmath>

#include "cache/command/rows.h"
#include "cache/hashes/handlers.h"
#include "cache/hashes/hash_value.h"

namespace chorus::cache {
namespace {

Entry* found_or_made(Call& call, std::string_view key) {
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::hash)) return nullptr;
  if (entry == nullptr) {
    entry = HashValue::make(key);
    call.insert(entry);
  }
  return entry;
}

/// False: of another type, and that is replied; null: there is none.
bool find_for_reading(Call& call, Entry*& entry) {
  entry = call.read(call[1]);
  return call.is(entry, Type::hash);
}

/// HSET and HMSET; -1: refused.
std::int64_t set_fields(Call& call) {
  if (call.size() % 2 != 0) {
    call.error(fmt::format("ERR wrong number of arguments for '{}' command", call.command().name));
    return -1;
  }
  Entry* entry = found_or_made(call, call[1]);
  if (entry == nullptr) return -1;
  HashValue hash(call.options().thresholds, entry);
  std::int64_t added = 0;
  for (std::size_t i = 2; i < call.size(); i += 2) added += hash.set(call[i], call[i + 1]) ? 1 : 0;
  call.changed(call[1], Notify::hash, "hset");
  return added;
}

}  // namespace

void hset(Call& call) {
  const std::int64_t added = set_fields(call);
  if (added >= 0) call.reply.integer(added);
}

void hmset(Call& call) {
  if (set_fields(call) >= 0) call.reply.ok();
}

void hsetnx(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::hash)) return;
  NumberText scratch;
  if (entry != nullptr && HashValue(call.options().thresholds, entry).get(call[2], scratch)) return call.reply.integer(0);
  HashValue(call.options().thresholds, found_or_made(call, call[1])).set(call[2], call[3]);
  call.changed(call[1], Notify::hash, "hset");
  call.reply.integer(1);
}

void hget(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  NumberText scratch;
  const auto value = entry == nullptr ? std::nullopt : HashValue(call.options().thresholds, entry).get(call[2], scratch);
  value ? call.reply.bulk(*value) : call.reply.null();
}

void hmget(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.array(call.size() - 2);
  for (std::size_t i = 2; i < call.size(); ++i) {
    NumberText scratch;
    const auto value = entry == nullptr ? std::nullopt : HashValue(call.options().thresholds, entry).get(call[i], scratch);
    value ? call.reply.bulk(*value) : call.reply.null();
  }
}

void hdel(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::hash)) return;
  if (entry == nullptr) return call.reply.integer(0);
  HashValue hash(call.options().thresholds, entry);
  std::int64_t removed = 0;
  for (std::size_t i = 2; i < call.size() && hash.size() > 0; ++i) removed += hash.remove(call[i]) ? 1 : 0;
  if (removed > 0) {
    const bool is_empty = hash.size() == 0;
    if (is_empty) call.erase(entry);
    call.changed(call[1], Notify::hash, "hdel");
    if (is_empty) call.event(call[1], Notify::generic, "del");
  }
  call.reply.integer(removed);
}

void hexists(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  NumberText scratch;
  call.reply.integer(entry != nullptr && HashValue(call.options().thresholds, entry).get(call[2], scratch) ? 1 : 0);
}

void hlen(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(HashValue(call.options().thresholds, entry).size()));
}

void hstrlen(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  NumberText scratch;
  const auto value = entry == nullptr ? std::nullopt : HashValue(call.options().thresholds, entry).get(call[2], scratch);
  call.reply.integer(value ? static_cast<std::int64_t>(value->size()) : 0);
}

void hgetall(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return call.reply.map(0);
  const HashValue hash(call.options().thresholds, entry);
  call.reply.map(hash.size());
  hash.for_each([&](std::string_view field, std::string_view value) {
    call.reply.bulk(field);
    call.reply.bulk(value);
  });
}

void hkeys(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return call.reply.array(0);
  const HashValue hash(call.options().thresholds, entry);
  call.reply.array(hash.size());
  hash.for_each([&](std::string_view field, std::string_view) { call.reply.bulk(field); });
}

void hvals(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return call.reply.array(0);
  const HashValue hash(call.options().thresholds, entry);
  call.reply.array(hash.size());
  hash.for_each([&](std::string_view, std::string_view value) { call.reply.bulk(value); });
}

void hincrby(Call& call) {
  const auto by = call.integer(3);
  if (!by) return;
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::hash)) return;
  std::int64_t value = 0;
  if (entry != nullptr) {
    NumberText scratch;
    if (const auto before = HashValue(call.options().thresholds, entry).get(call[2], scratch)) {
      const auto number = parse_integer(*before);
      if (!number) return call.error("ERR hash value is not an integer");
      value = *number;
    }
  }
  if (__builtin_add_overflow(value, *by, &value)) return call.error("ERR increment or decrement would overflow");
  NumberText text;
  HashValue(call.options().thresholds, found_or_made(call, call[1])).set(call[2], text.of(value));
  call.changed(call[1], Notify::hash, "hincrby");
  call.reply.integer(value);
}

void hincrbyfloat(Call& call) {
  const auto by = parse_long_double(call[3]);
  if (!by) return call.error(errors::not_float);
  if (std::isinf(*by)) return call.error("ERR value is NaN or Infinity");
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::hash)) return;
  long double value = 0;
  if (entry != nullptr) {
    NumberText scratch;
    if (const auto before = HashValue(call.options().thresholds, entry).get(call[2], scratch)) {
      const auto number = parse_long_double(*before);
      if (!number) return call.error("ERR hash value is not a float");
      value = *number;
    }
  }
  value += *by;
  if (std::isnan(value) || std::isinf(value)) return call.error("ERR increment would produce NaN or Infinity");
  const std::string text = long_double_text(value);
  HashValue(call.options().thresholds, found_or_made(call, call[1])).set(call[2], text);
  call.changed(call[1], Notify::hash, "hincrbyfloat");
  call.effect({"HSET", call[1], call[2], text});
  call.reply.bulk(text);
}

std::span<const Command> hash_rows() {
  constexpr KeyRange one{1, 1, 1};
  constexpr Group group = Group::hash;
  constexpr const char* order = "nondeterministic_output_order";
  static constexpr Command rows[] = {
      {"hdel", -3, "wF", one, group, "2.0.0", hdel},
      {"hexists", 3, "rF", one, group, "2.0.0", hexists},
      {"hget", 3, "rF", one, group, "2.0.0", hget},
      {.name = "hgetall", .arity = 2, .flags = "r", .keys = one, .group = group, .since = "2.0.0", .run = hgetall, .tips = order},
      {"hincrby", 4, "wmF", one, group, "2.0.0", hincrby},
      {"hincrbyfloat", 4, "wmF", one, group, "2.6.0", hincrbyfloat},
      {.name = "hkeys", .arity = 2, .flags = "r", .keys = one, .group = group, .since = "2.0.0", .run = hkeys, .tips = order},
      {"hlen", 2, "rF", one, group, "2.0.0", hlen},
      {"hmget", -3, "rF", one, group, "2.0.0", hmget},
      {"hmset", -4, "wmF", one, group, "2.0.0", hmset},
      {.name = "hrandfield",
       .arity = -2,
       .flags = "r",
       .keys = one,
       .group = group,
       .since = "6.2.0",
       .run = hrandfield,
       .tips = "nondeterministic_output"},
      {.name = "hscan",
       .arity = -3,
       .flags = "r",
       .keys = one,
       .group = group,
       .since = "2.8.0",
       .run = hscan,
       .tips = "nondeterministic_output"},
      {"hset", -4, "wmF", one, group, "2.0.0", hset},
      {"hsetnx", 4, "wmF", one, group, "2.0.0", hsetnx},
      {"hstrlen", 3, "rF", one, group, "3.2.0", hstrlen},
      {.name = "hvals", .arity = 2, .flags = "r", .keys = one, .group = group, .since = "2.0.0", .run = hvals, .tips = order},
  };
  return rows;
}

}  // namespace chorus::cache
