// XREAD and XREADGROUP.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

struct Query {
  std::optional<std::int64_t> timeout_us;  // BLOCK was given; 0: forever
  std::int64_t count = 0;                  // 0: all
  std::size_t keys_at = 0, keys = 0;
  std::optional<std::string_view> group;
  std::string_view consumer;
  bool no_acknowledge = false;
};

bool read_query(Call& call, bool of_group, Query& query) {
  const auto refuse = [&](std::string_view text) {
    call.error(text);
    return false;
  };
  for (std::size_t i = 1; i < call.size() && query.keys_at == 0; ++i) {
    const std::size_t more = call.size() - i - 1;
    if (more >= 1 && call.is_word(i, "BLOCK")) {
      const auto ms = call.integer(++i, "ERR timeout is not an integer or out of range");
      if (!ms) return false;
      if (*ms < 0) return refuse("ERR timeout is negative");
      if (*ms > std::numeric_limits<std::int64_t>::max() - call.now_ms()) return refuse("ERR timeout is out of range");
      query.timeout_us = std::min(*ms, std::numeric_limits<std::int64_t>::max() / 2000) * 1000;
    } else if (more >= 1 && call.is_word(i, "COUNT")) {
      const auto count = call.integer(++i);
      if (!count) return false;
      query.count = std::max<std::int64_t>(*count, 0);
    } else if (more >= 1 && call.is_word(i, "STREAMS")) {
      query.keys_at = i + 1;
      if (more % 2 != 0) {
        return refuse(fmt::format("ERR Unbalanced '{}' list of streams: for each stream key an ID or '{}' must be specified.",
                                  call.command().name, of_group ? '>' : '$'));
      }
      query.keys = more / 2;
    } else if (more >= 2 && call.is_word(i, "GROUP")) {
      if (!of_group) return refuse("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
      query.group = call[i + 1];
      query.consumer = call[i + 2];
      i += 2;
    } else if (call.is_word(i, "NOACK")) {
      if (!of_group) return refuse("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
      query.no_acknowledge = true;
    } else {
      return refuse(errors::syntax);
    }
  }
  if (query.keys_at == 0) return refuse(errors::syntax);
  if (of_group && !query.group) return refuse("ERR Missing GROUP option for XREADGROUP");
  return true;
}

/// One of the streams asked for: what is wanted comes behind `after`.
struct Source {
  std::string_view key;
  Entry* entry;
  StreamGroup* group = nullptr;
  StreamId after;
  bool is_new = false;   // ">": what the group was not handed yet
  bool is_last = false;  // "$"
};

bool find_source(Call& call, const Query& query, std::size_t i, Source& source) {
  source.key = call[query.keys_at + i];
  source.entry = call.read(source.key);
  // What has become something else meanwhile does not concern a reader without a group.
  const bool is_other = source.entry != nullptr && source.entry->type() != Type::stream;
  if (is_other && !query.group && call.client().blocked != nullptr) source.entry = nullptr;
  if (!call.is(source.entry, Type::stream)) return false;
  if (query.group) {
    source.group = find_group(source.entry, *query.group);
    if (source.group == nullptr) {
      call.error(fmt::format("NOGROUP No such key '{}' or consumer group '{}' in XREADGROUP with GROUP option", source.key, *query.group));
      return false;
    }
  }
  const std::size_t id_at = query.keys_at + query.keys + i;
  if (call[id_at] == "$") {
    if (query.group) {
      call.error(
          "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper "
          "ID, or use the > ID to get new messages. The $ ID would just return an empty result set.");
      return false;
    }
    source.is_last = true;
    if (source.entry != nullptr) source.after = stream_in(source.entry).last_id;
    return true;
  }
  if (call[id_at] == ">") {
    source.is_new = true;
    if (!query.group) call.error("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.");
    return query.group.has_value();
  }
  const auto id = stream_id(call, id_at);
  if (!id) return false;
  source.after = *id;
  source.is_new = query.group && *id == StreamId::last();  // as Redis has it: behind the last possible is what is new
  return true;
}

/// Whether a reader without a group that waits gets something now. Only the key that woke it can have more than when it looked last; there
/// may be thousands of others, and this happens with each entry.
bool is_worth_reading(Call& call, const Query& query) {
  const std::string_view ready = call.client().blocked->ready_key;
  const Entry* entry = call.peek(ready);
  if (entry == nullptr || entry->type() != Type::stream) return false;
  const StreamId top = stream_in(entry).top();
  for (std::size_t i = 0; i < query.keys; ++i) {
    if (call[query.keys_at + i] != ready) continue;
    const auto after = parse_stream_id(call[query.keys_at + query.keys + i], {});
    if (after && *after < top) return true;
  }
  return false;
}

/// What was delivered to the consumer and not acknowledged; what is not in the stream any more comes without its fields.
std::size_t reply_history(Call& call, const Query& query, const Source& source, StreamConsumer& consumer) {
  std::size_t count = 0;
  const auto start = source.after.next();
  if (!start) return 0;
  ClaimEffects effects(call, {source.key, *query.group}, *source.group);
  for (auto at = consumer.pending.lower_bound(*start); at != consumer.pending.end() && !call.is_too_long(); ++at) {
    if (query.count > 0 && count == static_cast<std::size_t>(query.count)) break;
    if (reply_entry(call, stream_in(source.entry), *at)) {
      StreamPending& pending = source.group->pending.find(*at)->second;
      pending.delivered_ms = call.now_ms();
      pending.count_delivery();
      effects.add(*at, pending);
    } else {
      call.reply.array(2);
      call.reply.bulk(at->text());
      call.reply.null_array();
    }
    ++count;
  }
  return count;
}

void deliver(Call& call, const Source& source, ClaimEffects& effects, StreamConsumer& consumer, StreamId id) {
  const StreamPending fresh{.consumer = &consumer, .delivered_ms = call.now_ms()};
  const auto found = source.group->pending.find(id);
  if (found == source.group->pending.end()) {
    source.group->put(id, fresh);
  } else {
    // It is pending for someone: the group was set back.
    source.group->give(id, found->second, consumer);
    found->second = fresh;
  }
  consumer.active_ms = call.now_ms();
  effects.add(id, fresh);
}

std::size_t reply_new(Call& call, const Query& query, const Source& source, StreamConsumer* consumer) {
  const Stream& stream = stream_in(source.entry);
  const auto start = source.after.next();
  if (!start) return 0;
  const GroupName name{source.key, query.group.value_or("")};
  std::optional<ClaimEffects> effects;
  if (source.group != nullptr && !query.no_acknowledge) effects.emplace(call, name, *source.group);
  StreamCursor cursor(stream, *start, StreamId::last());
  std::size_t count = 0;
  bool has_advanced = false;
  while ((query.count == 0 || count < static_cast<std::size_t>(query.count)) && !call.is_too_long() && cursor.next()) {
    if (source.group != nullptr && stream.advance(*source.group, cursor.id())) has_advanced = true;
    reply_entry(call, cursor);
    ++count;
    if (effects) deliver(call, source, *effects, *consumer, cursor.id());
  }
  effects.reset();
  if (has_advanced) group_id_effect(call, name, *source.group);
  return count;
}

void read(Call& call, bool of_group) {
  Query query;
  if (!read_query(call, of_group, query)) return;
  if (!of_group && call.client().blocked != nullptr && !is_worth_reading(call, query)) return;
  std::vector<Source> sources(query.keys);
  for (std::size_t i = 0; i < query.keys; ++i) {
    if (!find_source(call, query, i, sources[i])) return;
  }
  const std::size_t mark = call.reply.begin();
  std::size_t served = 0;
  for (Source& source : sources) {
    if (source.entry == nullptr) continue;
    const Stream& stream = stream_in(source.entry);
    StreamConsumer* consumer = nullptr;
    if (source.group != nullptr) {
      consumer = &consumer_of(call, {source.key, *query.group}, *source.group, query.consumer);
      consumer->seen_ms = call.now_ms();
      if (source.is_new) source.after = source.group->last_id;
    }
    const bool is_history = source.group != nullptr && !source.is_new;
    if (!is_history && (stream.length == 0 || stream.top() <= source.after)) continue;
    ++served;
    if (call.reply.protocol() < 3) call.reply.array(2);
    call.reply.bulk(source.key);
    const std::size_t entries = call.reply.begin();
    const std::size_t count = is_history ? reply_history(call, query, source, *consumer) : reply_new(call, query, source, consumer);
    call.reply.end_array(entries, count);
    // What was handed out is an effect of its own.
    if (source.group != nullptr) {
      call.changed();
      call.no_effect();
    }
  }
  if (served > 0) {
    return call.reply.protocol() > 2 ? call.reply.end_map(mark, served) : call.reply.end_array(mark, served);
  }
  if (query.timeout_us) {
    // "$" is what was the last when it began to wait.
    std::vector<std::string> ids;
    for (const Source& source : sources) ids.push_back(source.after.text());
    std::vector<std::string_view> again(call.arguments().begin(), call.arguments().end());
    for (std::size_t i = 0; i < query.keys; ++i) {
      if (sources[i].is_last) again[query.keys_at + query.keys + i] = ids[i];
    }
    if (call.block(call.arguments().subspan(query.keys_at, query.keys), *query.timeout_us, again, of_group)) return;
  }
  call.reply.null_array();
}

}  // namespace

void xread(Call& call) { read(call, false); }
void xreadgroup(Call& call) { read(call, true); }

}  // namespace chorus::cache
