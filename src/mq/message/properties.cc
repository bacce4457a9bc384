#include "mq/message/properties.h"

#include "base/ensure.h"
#include "base/text.h"
#include "mq/message/ids.h"
#include "mq/message/names.h"

namespace chorus::mq {
namespace {

// The pair at the front, without its end mark; empty key: one that readers drop. source: MessageDecoder.string2messageProperties
Property pair_of(std::string_view part) {
  const std::size_t mark = part.find(property_value_mark);
  if (mark == std::string_view::npos || mark == 0 || mark + 1 >= part.size()) return {};
  return {part.substr(0, mark), part.substr(mark + 1)};
}

struct Range {
  std::size_t begin, end;  // the end mark, if there is one, included
};
// The first pair of that key at or after `from`.
std::optional<Range> find_pair(std::string_view text, std::string_view key, std::size_t from) {
  while (from < text.size()) {
    const std::size_t mark = std::min(text.find(property_end_mark, from), text.size());
    const std::size_t end = std::min(mark + 1, text.size());
    if (pair_of(text.substr(from, mark - from)).key == key) return Range{from, end};
    from = end;
  }
  return std::nullopt;
}

}  // namespace

void Properties::Iterator::next() {
  while (!rest_.empty()) {
    const std::size_t mark = rest_.find(property_end_mark);
    pair_ = pair_of(rest_.substr(0, mark));
    rest_.remove_prefix(mark == std::string_view::npos ? rest_.size() : mark + 1);
    if (!pair_.key.empty()) return;
  }
  done_ = true;
}

std::optional<std::string_view> Properties::get(std::string_view key) const {
  std::optional<std::string_view> found;
  for (const Property& pair : *this)
    if (pair.key == key) found = pair.value;
  return found;
}

std::optional<std::int64_t> Properties::get_int(std::string_view key) const {
  const auto value = get(key);
  return value ? base::parse_int(*value) : std::nullopt;
}

bool Properties::get_bool(std::string_view key, bool fallback) const {
  const auto value = get(key);
  return value ? base::lower(*value) == "true" : fallback;
}

bool can_be_property(std::string_view key, std::string_view value) {
  // Without a way out of the loop, so that it is done some octets at a time.
  const auto has_mark = [](std::string_view text) {
    bool found = false;
    for (const char c : text) found |= static_cast<unsigned char>(c - property_value_mark) < 2;
    return found;
  };
  return !key.empty() && !value.empty() && !has_mark(key) && !has_mark(value);
}

void append_property(std::string& text, std::string_view key, std::string_view value) {
  ENSURE(can_be_property(key, value), key);
  if (!text.empty() && text.back() != property_end_mark) text.push_back(property_end_mark);
  text.append(key).push_back(property_value_mark);
  text.append(value).push_back(property_end_mark);
}

void set_property(std::string& text, std::string_view key, std::string_view value) {
  if (value.empty()) {
    remove_property(text, key);
    return;
  }
  ENSURE(can_be_property(key, value), key);
  const auto first = find_pair(text, key, 0);
  if (!first) {
    append_property(text, key, value);
    return;
  }
  const bool marked = text[first->end - 1] == property_end_mark;
  const std::size_t value_at = first->begin + key.size() + 1;
  text.replace(value_at, first->end - (marked ? 1 : 0) - value_at, value);
  while (const auto again = find_pair(text, key, value_at + value.size() + (marked ? 1 : 0)))
    text.erase(again->begin, again->end - again->begin);
}

bool remove_property(std::string& text, std::string_view key) {
  bool removed = false;
  std::size_t from = 0;
  while (const auto found = find_pair(text, key, from)) {
    text.erase(found->begin, found->end - found->begin);
    from = found->begin;
    removed = true;
  }
  return removed;
}

std::int32_t tag_hash(Properties properties) {
  const auto tag = properties.get(property::tags);
  return tag ? java_hash(*tag) : 0;
}

}  // namespace chorus::mq
