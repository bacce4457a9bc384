// SORT.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "cache/generic/handlers.h"
#include "cache/generic/sort_keys.h"
#include "cache/hashes/hash_value.h"
#include "cache/lists/list_value.h"
#include "cache/sets/set_value.h"
#include "cache/zsets/zset_value.h"

namespace chorus::cache {
namespace {

struct Query {
  std::optional<std::string_view> by;
  std::vector<std::string_view> get;
  std::optional<std::string_view> to;
  std::int64_t start = 0, limit = -1;
  bool descending = false, alphabetic = false;
  bool keeps_order = false;  // BY something that is the same for all
};

bool read_options(Call& call, bool may_store, Query& query) {
  for (std::size_t i = 2; i < call.size(); ++i) {
    const std::size_t more = call.size() - i - 1;
    if (call.is_word(i, "ASC")) {
      query.descending = false;
    } else if (call.is_word(i, "DESC")) {
      query.descending = true;
    } else if (call.is_word(i, "ALPHA")) {
      query.alphabetic = true;
    } else if (more >= 2 && call.is_word(i, "LIMIT")) {
      const auto start = call.integer(i + 1);
      const auto limit = start ? call.integer(i + 2) : std::nullopt;
      if (!limit) return false;
      query.start = *start;
      query.limit = *limit;
      i += 2;
    } else if (more >= 1 && may_store && call.is_word(i, "STORE")) {
      query.to = call[++i];
    } else if (more >= 1 && call.is_word(i, "BY")) {
      query.by = call[++i];
      // Once without a pattern, there is no sorting, whatever other BY there is.
      if (query.by->find('*') == std::string_view::npos) query.keeps_order = true;
    } else if (more >= 1 && call.is_word(i, "GET")) {
      query.get.push_back(call[++i]);
    } else {
      return call.error(errors::syntax), false;
    }
  }
  return true;
}

/// What a pattern is for an element: "#" the element, "w_*" a string's value, "h_*->field" a field of a hash.
std::optional<std::string> look_up(Call& call, std::string_view pattern, std::string_view element) {
  if (pattern == "#") return std::string(element);
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) return {};
  const std::size_t arrow = pattern.find("->", star + 1);
  const bool has_field = arrow != std::string_view::npos && arrow + 2 < pattern.size();
  const std::string_view end = pattern.substr(star + 1, has_field ? arrow - star - 1 : std::string_view::npos);
  std::string key(pattern.substr(0, star));
  key += element;
  key += end;
  Entry* entry = call.read(key);
  if (entry == nullptr || entry->type() != (has_field ? Type::hash : Type::string)) return {};
  NumberText scratch;
  if (!has_field) return std::string(entry->text(scratch));
  const auto value = HashValue(call.options().thresholds, entry).get(pattern.substr(arrow + 2), scratch);
  return value ? std::optional(std::string(*value)) : std::nullopt;
}

struct Item {
  std::string element;
  std::size_t at = 0;  // where it was before
  double score = 0;
  std::optional<std::string> text;  // what it is sorted by, where that is another
};

std::vector<Item> elements_of(Call& call, Entry* entry, bool descending) {
  std::vector<Item> items;
  if (entry == nullptr) return items;
  const Thresholds& thresholds = call.options().thresholds;
  const auto add = [&](std::string_view element) { items.push_back({.element = std::string(element), .at = items.size()}); };
  if (entry->type() == Type::list) {
    const ListValue list(thresholds, entry);
    list.for_range(descending ? list.size() - 1 : 0, list.size(), descending, add);
  } else if (entry->type() == Type::set) {
    SetValue(thresholds, entry).for_each(add);
  } else {
    const ZsetValue set(thresholds, entry);
    set.for_range(descending ? set.size() - 1 : 0, set.size(), descending, [&](std::string_view member, double) { add(member); });
  }
  return items;
}

/// As strtod reads all of it; nothing is 0.
std::optional<double> score_of(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const double score = std::strtod(text.c_str(), &end);
  if (*end != '\0' || errno == ERANGE || std::isnan(score)) return {};
  return score;
}

/// As strcoll compares in the locale "C": up to the first zero octet. What is stored is compared as a whole.
int compare_texts(std::string_view one, std::string_view other, bool whole) {
  if (whole) return one.compare(other);
  return one.substr(0, one.find('\0')).compare(other.substr(0, other.find('\0')));
}

int compare(const Item& one, const Item& other, const Query& query) {
  const bool whole = query.to.has_value();
  if (!query.alphabetic) {
    if (one.score != other.score) return one.score < other.score ? -1 : 1;
    return one.element.compare(other.element);
  }
  if (!query.by) return compare_texts(one.element, other.element, whole);
  if (!one.text || !other.text) return (one.text ? 1 : 0) - (other.text ? 1 : 0);
  return compare_texts(*one.text, *other.text, whole);
}

bool sort_items(Call& call, const Query& query, std::vector<Item>& items) {
  for (Item& item : items) {
    if (query.by) item.text = look_up(call, *query.by, item.element);
    if (query.alphabetic || (query.by && !item.text)) continue;
    const auto score = score_of(query.by ? *item.text : item.element);
    if (!score) return call.error("ERR One or more scores can't be converted into double"), false;
    item.score = *score;
  }
  std::sort(items.begin(), items.end(), [&](const Item& one, const Item& other) {
    const int order = compare(one, other, query);
    if (order == 0) return one.at < other.at;
    return query.descending ? order > 0 : order < 0;
  });
  return true;
}

void store(Call& call, const Query& query, std::span<const Item> items) {
  const std::string_view to = *query.to;
  Entry* entry = items.empty() ? nullptr : ListValue::make(to);
  std::size_t count = 0;
  if (entry != nullptr) {
    ListValue list(call.options().thresholds, entry);
    for (const Item& item : items) {
      if (query.get.empty()) list.push(End::right, item.element);
      for (const std::string_view pattern : query.get) list.push(End::right, look_up(call, pattern, item.element).value_or(""));
    }
    count = list.size();
  }
  Entry* old = call.write(to);
  if (old != nullptr) call.erase(old);
  if (entry != nullptr) {
    call.insert(entry);
    call.changed(to, Notify::list, "sortstore");
  } else if (old != nullptr) {
    call.changed(to, Notify::generic, "del");
  }
  call.reply.integer(static_cast<std::int64_t>(count));
}

void reply(Call& call, const Query& query, std::span<const Item> items) {
  call.reply.array(items.size() * std::max<std::size_t>(query.get.size(), 1));
  for (const Item& item : items) {
    if (query.get.empty()) call.reply.bulk(item.element);
    for (const std::string_view pattern : query.get) {
      const auto value = look_up(call, pattern, item.element);
      value ? call.reply.bulk(*value) : call.reply.null();
    }
  }
}

void sort(Call& call, bool may_store) {
  Query query;
  if (!read_options(call, may_store, query)) return;
  Entry* entry = query.to ? call.write(call[1]) : call.read(call[1]);
  if (entry != nullptr && entry->type() != Type::list && entry->type() != Type::set && entry->type() != Type::zset) {
    return call.error(errors::wrong_type);
  }
  // The order of a set is nobody's: what is stored, or seen by a script, has to be the same everywhere.
  if (query.keeps_order && entry != nullptr && entry->type() == Type::set && (query.to || call.client().is_script)) {
    query.keeps_order = false;
    query.alphabetic = true;
    query.by.reset();
  }
  std::vector<Item> items = elements_of(call, entry, query.keeps_order && query.descending);
  if (!query.keeps_order && !sort_items(call, query, items)) return;
  const auto size = static_cast<std::int64_t>(items.size());
  const std::int64_t start = std::clamp<std::int64_t>(query.start, 0, size);
  const std::int64_t count = query.limit < 0 ? size - start : std::min(query.limit, size - start);
  const std::span<const Item> chosen(items.data() + start, static_cast<std::size_t>(count));
  query.to ? store(call, query, chosen) : reply(call, query, chosen);
}

}  // namespace

void sort(Call& call) { sort(call, true); }
void sort_ro(Call& call) { sort(call, false); }

bool find_sort_keys(Arguments arguments, std::vector<std::size_t>& at) {
  at.push_back(1);
  std::size_t to = 0;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    const std::string word = base::lower(arguments[i]);
    if (word == "limit") {
      i += 2;
    } else if (word == "get" || word == "by") {
      ++i;
    } else if (word == "store" && i + 1 < arguments.size()) {
      to = ++i;
    }
  }
  if (to > 0) at.push_back(to);
  return true;
}

bool find_sort_ro_keys(Arguments /*arguments*/, std::vector<std::size_t>& at) {
  at.push_back(1);  // what patterns name depends on the elements
  return true;
}

}  // namespace chorus::cache
