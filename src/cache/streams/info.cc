// XINFO.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/connection/help.h"
#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

/// The stream of argument 2; null: replied.
const Entry* need_stream(Call& call) {
  const Entry* entry = call.read(call[2]);
  if (entry == nullptr) call.error(errors::no_such_key);
  return entry != nullptr && call.is(entry, Type::stream) ? entry : nullptr;
}

void reply_count(Call& call, std::string_view name, std::size_t value) {
  call.reply.bulk(name);
  call.reply.integer(static_cast<std::int64_t>(value));
}

void reply_id(Call& call, std::string_view name, StreamId id) {
  call.reply.bulk(name);
  call.reply.bulk(id.text());
}

void reply_maybe(Call& call, std::string_view name, std::optional<std::int64_t> value) {
  call.reply.bulk(name);
  value ? call.reply.integer(*value) : call.reply.null();
}

std::optional<std::int64_t> entries_read(const StreamGroup& group) {
  return group.entries_read < 0 ? std::nullopt : std::optional(group.entries_read);
}

void reply_edge(Call& call, std::string_view name, const Stream& stream, bool last) {
  call.reply.bulk(name);
  StreamCursor cursor(stream, {}, StreamId::last(), last);
  cursor.next() ? reply_entry(call, cursor) : call.reply.null();
}

void reply_consumer(Call& call, const StreamGroup& group, std::string_view name, const StreamConsumer& consumer, std::size_t limit) {
  call.reply.map(5);
  call.reply.bulk("name");
  call.reply.bulk(name);
  call.reply.bulk("seen-time");
  call.reply.integer(consumer.seen_ms);
  call.reply.bulk("active-time");
  call.reply.integer(consumer.active_ms);
  reply_count(call, "pel-count", consumer.pending.size());
  call.reply.bulk("pending");
  call.reply.array(std::min(limit, consumer.pending.size()));
  std::size_t left = limit;
  for (auto at = consumer.pending.begin(); at != consumer.pending.end() && left > 0; ++at, --left) {
    const StreamPending& pending = group.pending.find(*at)->second;
    call.reply.array(3);
    call.reply.bulk(at->text());
    call.reply.integer(pending.delivered_ms);
    call.reply.integer(static_cast<std::int64_t>(pending.deliveries));
  }
}

void reply_group(Call& call, const Stream& stream, std::string_view name, const StreamGroup& group, std::size_t limit) {
  call.reply.map(7);
  call.reply.bulk("name");
  call.reply.bulk(name);
  reply_id(call, "last-delivered-id", group.last_id);
  reply_maybe(call, "entries-read", entries_read(group));
  reply_maybe(call, "lag", stream.lag_of(group));
  reply_count(call, "pel-count", group.pending.size());
  call.reply.bulk("pending");
  call.reply.array(std::min(limit, group.pending.size()));
  std::size_t left = limit;
  for (auto at = group.pending.begin(); at != group.pending.end() && left > 0; ++at, --left) {
    call.reply.array(4);
    call.reply.bulk(at->first.text());
    call.reply.bulk(at->second.consumer->name);
    call.reply.integer(at->second.delivered_ms);
    call.reply.integer(static_cast<std::int64_t>(at->second.deliveries));
  }
  call.reply.bulk("consumers");
  call.reply.array(group.consumers.size());
  for (const auto& [consumer_name, consumer] : group.consumers) reply_consumer(call, group, consumer_name, consumer, limit);
}

void reply_full(Call& call, const Stream& stream, std::int64_t count) {
  const std::size_t limit = count == 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(count);
  call.reply.bulk("entries");
  const std::size_t mark = call.reply.begin();
  std::size_t entries = 0;
  StreamCursor cursor(stream, {}, StreamId::last());
  for (; entries < limit && !call.is_too_long() && cursor.next(); ++entries) reply_entry(call, cursor);
  call.reply.end_array(mark, entries);
  call.reply.bulk("groups");
  call.reply.array(stream.groups.size());
  for (const auto& [name, group] : stream.groups) reply_group(call, stream, name, group, limit);
}

}  // namespace

void xinfo_stream(Call& call) {
  const Entry* entry = need_stream(call);
  if (entry == nullptr) return;
  const bool is_full = call.size() > 3;
  std::int64_t count = 10;
  if (is_full) {
    const bool has_count = call.size() == 6 && call.is_word(4, "COUNT");
    if (!call.is_word(3, "FULL") || (call.size() != 4 && !has_count)) {
      return call.error(
          fmt::format("ERR unknown subcommand or wrong number of arguments for '{}'. Try XINFO HELP.", call[1].substr(0, 128)));
    }
    if (has_count) {
      const auto given = call.integer(5);
      if (!given) return;
      if (*given >= 0) count = *given;
    }
  }
  const Stream& stream = stream_in(entry);
  call.reply.map(is_full ? 9 : 10);
  reply_count(call, "length", stream.length);
  reply_count(call, "radix-tree-keys", stream.nodes().size());
  // Redis' tree has a node for each key and one for what they share.
  reply_count(call, "radix-tree-nodes", stream.nodes().size() + 1);
  reply_id(call, "last-generated-id", stream.last_id);
  reply_id(call, "max-deleted-entry-id", stream.max_deleted_id);
  reply_count(call, "entries-added", stream.entries_added);
  reply_id(call, "recorded-first-entry-id", stream.first_id);
  if (is_full) return reply_full(call, stream, count);
  reply_count(call, "groups", stream.groups.size());
  reply_edge(call, "first-entry", stream, false);
  reply_edge(call, "last-entry", stream, true);
}

void xinfo_groups(Call& call) {
  const Entry* entry = need_stream(call);
  if (entry == nullptr) return;
  const Stream& stream = stream_in(entry);
  call.reply.array(stream.groups.size());
  for (const auto& [name, group] : stream.groups) {
    call.reply.map(6);
    call.reply.bulk("name");
    call.reply.bulk(name);
    reply_count(call, "consumers", group.consumers.size());
    reply_count(call, "pending", group.pending.size());
    reply_id(call, "last-delivered-id", group.last_id);
    reply_maybe(call, "entries-read", entries_read(group));
    reply_maybe(call, "lag", stream.lag_of(group));
  }
}

void xinfo_consumers(Call& call) {
  const Entry* entry = need_stream(call);
  if (entry == nullptr) return;
  const StreamGroup* group = find_group(entry, call[3]);
  if (group == nullptr) return call.error(fmt::format("NOGROUP No such consumer group '{}' for key name '{}'", call[3], call[2]));
  call.reply.array(group->consumers.size());
  for (const auto& [name, consumer] : group->consumers) {
    call.reply.map(4);
    call.reply.bulk("name");
    call.reply.bulk(name);
    reply_count(call, "pending", consumer.pending.size());
    call.reply.bulk("idle");
    call.reply.integer(std::max<std::int64_t>(call.now_ms() - consumer.seen_ms, 0));
    call.reply.bulk("inactive");
    call.reply.integer(consumer.active_ms < 0 ? -1 : std::max<std::int64_t>(call.now_ms() - consumer.active_ms, 0));
  }
}

void xinfo_help(Call& call) {
  reply_help(call,
             {"CONSUMERS <key> <groupname>", "    Show consumers of <groupname>.", "GROUPS <key>", "    Show the stream consumer groups.",
              "STREAM <key> [FULL [COUNT <count>]", "    Show information about the stream."});
}

}  // namespace chorus::cache
