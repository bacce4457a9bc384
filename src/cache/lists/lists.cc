// Lists: everything but pushing, popping and moving.
#include <algorithm>
#include <limits>
#include <vector>

#include "cache/lists/handlers.h"
#include "cache/lists/list_value.h"

namespace chorus::cache {
namespace {

bool find_for_reading(Call& call, Entry*& entry) {
  entry = call.read(call[1]);
  return call.is(entry, Type::list);
}

ListValue value_of(Call& call, Entry* entry) { return {call.options().thresholds, entry}; }

struct Range {
  std::size_t start = 0, count = 0;
};

/// The two ends as LRANGE and LTRIM count them, within the list.
Range clamp(std::int64_t start, std::int64_t end, std::size_t size) {
  const auto total = static_cast<std::int64_t>(size);
  if (start < 0) start = std::max<std::int64_t>(start + total, 0);
  if (end < 0) end += total;
  if (start > end || start >= total) return {};
  end = std::min(end, total - 1);
  return {.start = static_cast<std::size_t>(start), .count = static_cast<std::size_t>(end - start + 1)};
}

void end_change(Call& call, Entry* entry, std::string_view event) {
  const bool is_empty = value_of(call, entry).size() == 0;
  if (is_empty) call.erase(entry);
  call.changed(call[1], Notify::list, event);
  if (is_empty) call.event(call[1], Notify::generic, "del");
}

}  // namespace

void llen(Call& call) {
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(value_of(call, entry).size()));
}

void lindex(Call& call) {
  Entry* entry = call.read(call[1]);
  if (entry == nullptr) return call.reply.null();
  if (!call.is(entry, Type::list)) return;
  const auto index = call.integer(2);
  if (!index) return;
  const auto value = value_of(call, entry).at(*index);
  value ? call.reply.bulk(*value) : call.reply.null();
}

void lrange(Call& call) {
  const auto start = call.integer(2);
  const auto end = start ? call.integer(3) : std::nullopt;
  if (!end) return;
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return call.reply.array(0);
  const ListValue list = value_of(call, entry);
  const Range range = clamp(*start, *end, list.size());
  call.reply.array(range.count);
  list.for_range(range.start, range.count, false, [&](std::string_view value) { call.reply.bulk(value); });
}

void lset(Call& call) {
  Entry* entry = call.write(call[1]);
  if (entry == nullptr) return call.error(errors::no_such_key);
  if (!call.is(entry, Type::list)) return;
  const auto index = call.integer(2);
  if (!index) return;
  if (!value_of(call, entry).set(*index, call[3])) return call.error(errors::out_of_range);
  call.changed(call[1], Notify::list, "lset");
  call.reply.ok();
}

void ltrim(Call& call) {
  const auto start = call.integer(2);
  const auto end = start ? call.integer(3) : std::nullopt;
  if (!end) return;
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::list)) return;
  if (entry == nullptr) return call.reply.ok();
  ListValue list = value_of(call, entry);
  const Range range = clamp(*start, *end, list.size());
  if (range.count == 0) {
    call.erase(entry);
    call.changed(call[1], Notify::list, "ltrim");
    call.event(call[1], Notify::generic, "del");
    return call.reply.ok();
  }
  list.erase(range.start + range.count, list.size() - range.start - range.count);
  list.erase(0, range.start);
  call.changed(call[1], Notify::list, "ltrim");
  call.reply.ok();
}

void lrem(Call& call) {
  const auto count = call.integer(2);
  if (!count) return;
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::list)) return;
  if (entry == nullptr) return call.reply.integer(0);
  const std::uint64_t limit = *count < 0 ? 0 - static_cast<std::uint64_t>(*count) : static_cast<std::uint64_t>(*count);
  const std::size_t removed = value_of(call, entry).remove(call[3], limit, *count < 0 ? End::right : End::left);
  if (removed > 0) end_change(call, entry, "lrem");
  call.reply.integer(static_cast<std::int64_t>(removed));
}

void linsert(Call& call) {
  const bool after = call.is_word(2, "AFTER");
  if (!after && !call.is_word(2, "BEFORE")) return call.error(errors::syntax);
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::list)) return;
  if (entry == nullptr) return call.reply.integer(0);
  ListValue list = value_of(call, entry);
  if (!list.insert(call[3], after, call[4])) return call.reply.integer(-1);
  call.changed(call[1], Notify::list, "linsert");
  call.reply.integer(static_cast<std::int64_t>(list.size()));
}

void lpos(Call& call) {
  std::int64_t rank = 1, limit = 0;
  std::optional<std::int64_t> count;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    if (i + 1 >= call.size()) return call.error(errors::syntax);
    if (call.is_word(i, "RANK")) {
      const auto given = call.integer(i + 1);
      if (!given) return;
      rank = *given;
      if (rank == std::numeric_limits<std::int64_t>::min()) {
        return call.error("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
      }
      if (rank == 0) {
        return call.error(
            "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of "
            "the list");
      }
    } else if (call.is_word(i, "COUNT")) {
      count = call.integer(i + 1, "ERR COUNT can't be negative");
      if (!count) return;
      if (*count < 0) return call.error("ERR COUNT can't be negative");
    } else if (call.is_word(i, "MAXLEN")) {
      const auto given = call.integer(i + 1, "ERR MAXLEN can't be negative");
      if (!given) return;
      if (*given < 0) return call.error("ERR MAXLEN can't be negative");
      limit = *given;
    } else {
      return call.error(errors::syntax);
    }
  }
  Entry* entry = nullptr;
  if (!find_for_reading(call, entry)) return;
  if (entry == nullptr) return count ? call.reply.array(0) : call.reply.null();
  const std::size_t wanted = !count ? 1 : *count == 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(*count);
  std::int64_t skipped = rank < 0 ? -rank - 1 : rank - 1;
  std::vector<std::size_t> found;
  value_of(call, entry).find(call[2], rank < 0 ? End::right : End::left, static_cast<std::size_t>(limit), [&](std::size_t index) {
    if (skipped-- > 0) return true;
    found.push_back(index);
    return found.size() < wanted;
  });
  if (!count) return found.empty() ? call.reply.null() : call.reply.integer(static_cast<std::int64_t>(found.front()));
  call.reply.array(found.size());
  for (const std::size_t index : found) call.reply.integer(static_cast<std::int64_t>(index));
}

}  // namespace chorus::cache
