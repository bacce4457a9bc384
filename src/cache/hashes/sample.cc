// HRANDFIELD and HSCAN.
#include "cache/generic/sample.h"

#include <limits>
#include <string>

#include "cache/generic/scan_options.h"
#include "cache/hashes/handlers.h"
#include "cache/hashes/hash_value.h"

namespace chorus::cache {

void hrandfield(Call& call) {
  std::optional<std::int64_t> count;
  if (call.size() > 2) {
    count = call.integer(2);
    if (!count) return;
  }
  if (call.size() > 4 || (call.size() == 4 && !call.is_word(3, "WITHVALUES"))) return call.error(errors::syntax);
  const bool with_values = call.size() == 4;
  // A reply has two elements for each that is drawn.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  if (count && (*count < -draws_max || (with_values && *count > most))) return call.error("ERR value is out of range");
  Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::hash)) return;
  if (entry == nullptr) return count ? call.reply.array(0) : call.reply.null();
  const HashValue hash(call.options().thresholds, entry);
  if (!count) return hash.random(call.random(), [&](std::string_view field, std::string_view) { call.reply.bulk(field); });
  const bool nests = with_values && call.reply.protocol() > 2;
  const auto write = [&](std::string_view field, std::string_view value) {
    if (nests) call.reply.array(2);
    call.reply.bulk(field);
    if (with_values) call.reply.bulk(value);
  };
  const auto head = [&](std::size_t fields) { call.reply.array(with_values && !nests ? fields * 2 : fields); };
  if (*count < 0) {
    // The same field may come again.
    head(static_cast<std::size_t>(-*count));
    for (std::int64_t i = *count; i < 0 && !call.is_too_long(); ++i) hash.random(call.random(), write);
    return;
  }
  const std::size_t size = hash.size();
  const std::size_t wanted = std::min(static_cast<std::size_t>(*count), size);
  head(wanted);
  if (wanted == size) return hash.for_each(write);
  const auto chosen = choose(call.random(), size, wanted);
  std::size_t index = 0, next = 0;
  hash.for_each([&](std::string_view field, std::string_view value) {
    if (next < chosen.size() && chosen[next] == index) {
      ++next;
      write(field, value);
    }
    ++index;
  });
}

void hscan(Call& call) {
  ScanOptions options;
  Entry* entry = begin_scan(call, Type::hash, options);
  if (entry == nullptr) return;
  std::string found;
  Reply reply(found, call.reply.protocol());
  std::size_t count = 0;
  std::int64_t seen = 0;
  std::uint64_t cursor = options.cursor;
  const HashValue hash(call.options().thresholds, entry);
  do {
    cursor = hash.scan(cursor, [&](std::string_view field, std::string_view value) {
      ++seen;
      if (!options.matches(field)) return;
      reply.bulk(field);
      reply.bulk(value);
      count += 2;
    });
  } while (cursor != 0 && seen < options.count);
  end_scan(call, cursor, count, found);
}

}  // namespace chorus::cache
