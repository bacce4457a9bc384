// Strings changed in place: ranges and numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cache/call.h"
#include "cache/strings/handlers.h"

namespace chorus::cache {
namespace {

bool fits(Call& call, std::uint64_t size) {
  if (size <= call.options().bulk_octets_max) return true;
  call.error(errors::too_long);
  return false;
}

void add(Call& call, std::int64_t by) {
  const std::string_view key = call[1];
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::string)) return;
  std::int64_t value = 0;
  if (entry != nullptr) {
    NumberText scratch;
    const auto before = entry->encoding() == Encoding::integer ? std::optional(entry->integer()) : parse_integer(entry->text(scratch));
    if (!before) return call.error(errors::not_integer);
    value = *before;
  }
  if (__builtin_add_overflow(value, by, &value)) return call.error("ERR increment or decrement would overflow");
  if (entry == nullptr) {
    call.insert(Entry::make_integer(key, value));
  } else if (entry->encoding() == Encoding::integer) {
    entry->set_integer(value);
  } else {
    Entry* fresh = Entry::make_integer(key, value, entry->expiry());
    fresh->set_access(entry->access());
    call.database().replace(entry, fresh, false);
  }
  call.changed(key, Notify::string, "incrby");
  call.reply.integer(value);
}

}  // namespace

void incr(Call& call) { add(call, 1); }
void decr(Call& call) { add(call, -1); }

void incrby(Call& call) {
  if (const auto by = call.integer(2)) add(call, *by);
}

void decrby(Call& call) {
  const auto by = call.integer(2);
  if (!by) return;
  if (*by == std::numeric_limits<std::int64_t>::min()) return call.error("ERR decrement would overflow");
  add(call, -*by);
}

void incrbyfloat(Call& call) {
  const std::string_view key = call[1];
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::string)) return;
  long double value = 0;
  if (entry != nullptr) {
    NumberText scratch;
    const auto before = parse_long_double(entry->text(scratch));
    if (!before) return call.error(errors::not_float);
    value = *before;
  }
  const auto by = parse_long_double(call[2]);
  if (!by) return call.error(errors::not_float);
  value += *by;
  if (std::isnan(value) || std::isinf(value)) return call.error("ERR increment would produce NaN or Infinity");
  const std::string text = long_double_text(value);
  const auto expiry = entry == nullptr ? std::nullopt : entry->expiry();
  call.set_string(key, text, expiry, false);
  call.changed(key, Notify::string, "incrbyfloat");
  call.effect({"SET", key, text, "KEEPTTL"});
  call.reply.bulk(text);
}

void append(Call& call) {
  const std::string_view key = call[1], value = call[2];
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::string)) return;
  if (entry == nullptr) {
    call.insert(Entry::make_string(key, value));
    call.changed(key, Notify::string, "append");
    return call.reply.integer(static_cast<std::int64_t>(value.size()));
  }
  const std::size_t before = entry->text_size();
  if (!fits(call, before + value.size())) return;
  char* octets = call.database().writable(entry, before + value.size());
  if (!value.empty()) std::memcpy(octets + before, value.data(), value.size());
  call.changed(key, Notify::string, "append");
  call.reply.integer(static_cast<std::int64_t>(before + value.size()));
}

void strlen(Call& call) {
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(entry->text_size()));
}

void getrange(Call& call) {
  auto start = call.integer(2);
  auto end = start ? call.integer(3) : std::nullopt;
  if (!end) return;
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  if (entry == nullptr) return call.reply.bulk("");
  NumberText scratch;
  const std::string_view text = entry->text(scratch);
  const auto size = static_cast<std::int64_t>(text.size());
  if (*start < 0 && *end < 0 && *start > *end) return call.reply.bulk("");
  if (*start < 0) start = std::max<std::int64_t>(*start + size, 0);
  if (*end < 0) end = std::max<std::int64_t>(*end + size, 0);
  end = std::min(*end, size - 1);
  if (*start > *end || size == 0) return call.reply.bulk("");
  call.reply.bulk(text.substr(static_cast<std::size_t>(*start), static_cast<std::size_t>(*end - *start + 1)));
}

void setrange(Call& call) {
  const auto offset = call.integer(2);
  if (!offset) return;
  if (*offset < 0) return call.error("ERR offset is out of range");
  const std::string_view key = call[1], value = call[3];
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::string)) return;
  if (value.empty()) return call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(entry->text_size()));
  const auto at = static_cast<std::uint64_t>(*offset);
  if (!fits(call, at + value.size())) return;
  if (entry == nullptr) {
    Text* text = make_text({}, at + value.size(), at + value.size());
    entry = Entry::make(key, Type::string, Encoding::raw, text);
    call.insert(entry);
  }
  const std::size_t size = std::max<std::size_t>(entry->text_size(), at + value.size());
  char* octets = call.database().writable(entry, size);
  std::memcpy(octets + at, value.data(), value.size());
  call.changed(key, Notify::string, "setrange");
  call.reply.integer(static_cast<std::int64_t>(size));
}

}  // namespace chorus::cache
