// Streams: entries added and taken out.
#include <fmt/format.h>

#include <algorithm>

#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

/// What "*" and "ms-*" stand for; empty: an entry with a larger id is there.
std::optional<StreamId> next_id(const Stream& stream, const TrimOptions& options, std::int64_t now_ms) {
  if (!options.id) {
    const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ms, 0));
    return now > stream.last_id.ms ? StreamId{now, 0} : stream.last_id.next();
  }
  StreamId id = *options.id;
  if (!options.has_seq && id.ms == stream.last_id.ms) {
    if (stream.last_id.seq == StreamId::last().seq) return {};
    id.seq = stream.last_id.seq + 1;
  }
  return id > stream.last_id ? std::optional(id) : std::nullopt;
}

}  // namespace

void xadd(Call& call) {
  TrimOptions options;
  if (!read_trim_options(call, true, options)) return;
  const auto fields = call.arguments().subspan(std::min(options.end + 1, call.size()));
  if (fields.size() < 2 || fields.size() % 2 != 0) return call.error("ERR wrong number of arguments for 'xadd' command");
  if (options.id && options.has_seq && options.id->is_zero()) return call.error("ERR The ID specified in XADD must be greater than 0-0");
  const std::string_view key = call[1];
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::stream)) return;
  const bool is_new = entry == nullptr;
  if (is_new) {
    if (options.makes_no_stream) return call.reply.null();
    entry = Entry::make(key, Type::stream, Encoding::stream, Stream::make());
    call.insert(entry);
  }
  Stream& stream = stream_in(entry);
  if (stream.last_id == StreamId::last()) {
    return call.error("ERR The stream has exhausted the last possible ID, unable to add more items");
  }
  const auto id = next_id(stream, options, call.now_ms());
  if (!id) return call.error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
  const Thresholds& thresholds = call.options().thresholds;
  if (!stream.append(*id, fields, thresholds.stream_node_octets, thresholds.stream_node_entries)) {
    if (is_new) call.erase(entry);
    return call.error("ERR Elements are too large to be stored");
  }
  const std::string text = id->text();
  call.reply.bulk(text);
  call.changed(key, Notify::stream, "xadd");
  if (options.trim && stream.trim(*options.trim) > 0) call.event(key, Notify::stream, "xtrim");
  const bool trims_some = options.trim && options.trim->whole_nodes;
  if (trims_some || !options.id || !options.has_seq) {
    std::vector<std::string> trim;
    if (options.trim) trim = exact_trim(stream, *options.trim);
    std::vector<std::string_view> words{"XADD", key};
    words.insert(words.end(), trim.begin(), trim.end());
    words.push_back(text);
    words.insert(words.end(), fields.begin(), fields.end());
    call.effect(words);
  }
  if (!is_new) call.ready(key);
}

void xdel(Call& call) {
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::stream)) return;
  if (entry == nullptr) return call.reply.integer(0);
  const auto ids = stream_ids(call, 2);
  if (!ids) return;
  Stream& stream = stream_in(entry);
  const auto removed = std::count_if(ids->begin(), ids->end(), [&](StreamId id) { return stream.erase(id); });
  if (removed > 0) call.changed(call[1], Notify::stream, "xdel");
  call.reply.integer(removed);
}

void xtrim(Call& call) {
  TrimOptions options;
  if (!read_trim_options(call, false, options)) return;
  Entry* entry = call.write(call[1]);
  if (!call.is(entry, Type::stream)) return;
  if (entry == nullptr) return call.reply.integer(0);
  Stream& stream = stream_in(entry);
  const std::uint64_t removed = stream.trim(*options.trim);
  if (removed > 0) {
    call.changed(call[1], Notify::stream, "xtrim");
    if (options.trim->whole_nodes) {
      const auto trim = exact_trim(stream, *options.trim);
      call.effect({"XTRIM", call[1], trim[0], trim[1], trim[2]});
    }
  }
  call.reply.integer(static_cast<std::int64_t>(removed));
}

void xsetid(Call& call) {
  const auto id = stream_id(call, 2);
  if (!id) return;
  std::optional<std::int64_t> added;
  StreamId max_deleted;
  for (std::size_t i = 3; i < call.size(); i += 2) {
    const bool has_value = i + 1 < call.size();
    if (has_value && call.is_word(i, "ENTRIESADDED")) {
      added = call.integer(i + 1);
      if (!added) return;
      if (*added < 0) return call.error("ERR entries_added must be positive");
    } else if (has_value && call.is_word(i, "MAXDELETEDID")) {
      const auto given = stream_id(call, i + 1);
      if (!given) return;
      max_deleted = *given;
      if (*id < max_deleted) return call.error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
    } else {
      return call.error(errors::syntax);
    }
  }
  Entry* entry = call.write(call[1]);
  if (entry == nullptr) return call.error(errors::no_such_key);
  if (!call.is(entry, Type::stream)) return;
  Stream& stream = stream_in(entry);
  // Redis 7.0 takes it; what a primary has taken is done.
  if (*id < stream.max_deleted_id && !call.client().is_primary)
    return call.error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
  if (stream.length > 0) {
    if (*id < stream.top()) return call.error("ERR The ID specified in XSETID is smaller than the target stream top item");
    if (added && stream.length > static_cast<std::uint64_t>(*added)) {
      return call.error("ERR The entries_added specified in XSETID is smaller than the target stream length");
    }
  }
  stream.last_id = *id;
  if (added) stream.entries_added = static_cast<std::uint64_t>(*added);
  if (!max_deleted.is_zero()) stream.max_deleted_id = max_deleted;
  call.changed();
  call.event(call[1], Notify::stream, "xsetid");
  call.reply.ok();
}

}  // namespace chorus::cache
