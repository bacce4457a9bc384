// Streams: entries by their ids.
#include <algorithm>

#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

void range(Call& call, bool reverse) {
  const std::size_t start_at = reverse ? 3 : 2, end_at = reverse ? 2 : 3;
  const auto start = interval_start(call, start_at);
  const auto end = start ? interval_end(call, end_at) : std::nullopt;
  if (!end) return;
  std::optional<std::int64_t> limit;
  for (std::size_t i = 4; i < call.size(); i += 2) {
    if (!call.is_word(i, "COUNT") || i + 1 >= call.size()) return call.error(errors::syntax);
    limit = call.integer(i + 1);
    if (!limit) return;
    limit = std::max<std::int64_t>(*limit, 0);
  }
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::stream)) return;
  if (entry == nullptr) return call.reply.array(0);
  if (limit && *limit == 0) return call.reply.null_array();
  const std::size_t mark = call.reply.begin();
  std::int64_t count = 0;
  StreamCursor cursor(stream_in(entry), *start, *end, reverse);
  while ((!limit || count < *limit) && !call.is_too_long() && cursor.next()) {
    reply_entry(call, cursor);
    ++count;
  }
  call.reply.end_array(mark, static_cast<std::size_t>(count));
}

}  // namespace

void xlen(Call& call) {
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::stream)) return;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(stream_in(entry).length));
}

void xrange(Call& call) { range(call, false); }
void xrevrange(Call& call) { range(call, true); }

}  // namespace chorus::cache
