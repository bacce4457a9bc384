// KEYS and SCAN.
#include <fmt/format.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"
#include "cache/generic/handlers.h"
#include "cache/generic/scan_options.h"

namespace chorus::cache {
namespace {

std::optional<Type> type_of(std::string_view name) {
  const std::string lower = base::lower(name);
  for (const Type type : {Type::string, Type::list, Type::set, Type::zset, Type::hash, Type::stream}) {
    if (name_of(type) == lower) return type;
  }
  return {};
}

}  // namespace

bool read_scan_cursor(Call& call, std::size_t at, ScanOptions& options) {
  // As strtoul reads all of it: with a sign, and nothing is 0.
  const std::string text(call[at]);
  char* end = nullptr;
  errno = 0;
  options.cursor = std::strtoull(text.c_str(), &end, 10);
  const bool begins_with_space = !text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0;
  if (!begins_with_space && end == text.c_str() + text.size() && errno != ERANGE) return true;
  call.error("ERR invalid cursor");
  return false;
}

Entry* begin_scan(Call& call, Type type, ScanOptions& options) {
  if (!read_scan_cursor(call, 2, options)) return nullptr;
  Entry* entry = call.read(call[1]);
  if (entry == nullptr) {
    end_scan(call, 0, 0, {});
    return nullptr;
  }
  return call.is(entry, type) && read_scan_options(call, 3, false, options) ? entry : nullptr;
}

void end_scan(Call& call, std::uint64_t cursor, std::size_t count, std::string_view found) {
  call.reply.array(2);
  call.reply.bulk(std::to_string(cursor));
  call.reply.array(count);
  call.reply.out() += found;
}

bool read_scan_options(Call& call, std::size_t from, bool takes_type, ScanOptions& options) {
  for (std::size_t i = from; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is_word(i, "COUNT")) {
      const auto count = call.integer(i + 1);
      if (!count) return false;
      if (*count < 1) {
        call.error(errors::syntax);
        return false;
      }
      options.count = *count;
    } else if (has_value && call.is_word(i, "MATCH")) {
      options.pattern = call[i + 1];
      if (options.pattern == "*") options.pattern.reset();
    } else if (has_value && takes_type && call.is_word(i, "TYPE")) {
      options.type = type_of(call[i + 1]);
      if (!options.type) {
        call.error(fmt::format("ERR unknown type name '{}'", call[i + 1]));
        return false;
      }
    } else {
      call.error(errors::syntax);
      return false;
    }
  }
  return true;
}

void scan(Call& call) {
  ScanOptions options;
  if (!read_scan_cursor(call, 1, options) || !read_scan_options(call, 2, true, options)) return;
  std::vector<std::string> found, gone;
  std::int64_t seen = 0, visits = options.count < (std::int64_t{1} << 50) ? options.count * 10 : options.count;
  std::uint64_t cursor = options.cursor;
  do {
    cursor = call.database().scan(cursor, [&](Entry* entry) {
      ++seen;
      if (entry->is_expired(call.now_ms())) {
        gone.emplace_back(entry->key());
      } else if ((!options.type || entry->type() == *options.type) && options.matches(entry->key())) {
        found.emplace_back(entry->key());
      }
    });
  } while (cursor != 0 && seen < options.count && --visits > 0);
  for (const std::string& key : gone) call.peek(key);  // which removes it
  call.reply.array(2);
  call.reply.bulk(std::to_string(cursor));
  call.reply.array(found.size());
  for (const std::string& key : found) call.reply.bulk(key);
}

void keys(Call& call) {
  const std::string_view pattern = call[1];
  const bool all = pattern == "*";
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  std::vector<std::string> gone;
  call.database().for_each([&](Entry* entry) {
    if (!all && !glob_matches(pattern, entry->key())) return;
    if (entry->is_expired(call.now_ms())) {
      gone.emplace_back(entry->key());
      return;
    }
    call.reply.bulk(entry->key());
    ++count;
  });
  call.reply.end_array(mark, count);
  for (const std::string& key : gone) call.peek(key);
}

}  // namespace chorus::cache
