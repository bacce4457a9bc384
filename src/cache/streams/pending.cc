// Streams: what was delivered and not acknowledged, and who takes it over.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "cache/streams/arguments.h"
#include "cache/streams/handlers.h"

namespace chorus::cache {
namespace {

void reply_summary(Call& call, const StreamGroup& group) {
  call.reply.array(4);
  call.reply.integer(static_cast<std::int64_t>(group.pending.size()));
  if (group.pending.empty()) {
    call.reply.null();
    call.reply.null();
    return call.reply.null_array();
  }
  call.reply.bulk(group.pending.begin()->first.text());
  call.reply.bulk(std::prev(group.pending.end())->first.text());
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  for (const auto& [name, consumer] : group.consumers) {
    if (consumer.pending.empty()) continue;
    ++count;
    call.reply.array(2);
    call.reply.bulk(name);
    call.reply.bulk_integer(static_cast<std::int64_t>(consumer.pending.size()));
  }
  call.reply.end_array(mark, count);
}

struct Range {
  StreamId start, end;
  std::int64_t limit = 0, idle_ms = 0;
  std::optional<std::string_view> consumer;
};

bool read_range(Call& call, Range& range) {
  std::size_t at = 3;
  if (call.is_word(3, "IDLE")) {
    const auto idle = call.integer(4);
    if (!idle) return false;
    if (call.size() < 8) return call.error(errors::syntax), false;
    range.idle_ms = *idle;
    at = 5;
  }
  const auto limit = call.integer(at + 2);
  if (!limit) return false;
  range.limit = std::max<std::int64_t>(*limit, 0);
  const auto start = interval_start(call, at);
  const auto end = start ? interval_end(call, at + 1) : std::nullopt;
  if (!end) return false;
  range.start = *start;
  range.end = *end;
  if (at + 3 < call.size()) range.consumer = call[at + 3];
  return true;
}

void reply_range(Call& call, StreamGroup& group, const Range& range) {
  const StreamConsumer* consumer = nullptr;
  if (range.consumer) {
    consumer = group.find(*range.consumer);
    if (consumer == nullptr) return call.reply.array(0);
  }
  const std::size_t mark = call.reply.begin();
  std::int64_t count = 0;
  const auto add = [&](StreamId id, const StreamPending& pending) {
    const std::int64_t idle = std::max<std::int64_t>(call.now_ms() - pending.delivered_ms, 0);
    if (range.idle_ms != 0 && idle < range.idle_ms) return;
    ++count;
    call.reply.array(4);
    call.reply.bulk(id.text());
    call.reply.bulk(pending.consumer->name);
    call.reply.integer(idle);
    call.reply.integer(static_cast<std::int64_t>(pending.deliveries));
  };
  if (consumer != nullptr) {
    for (auto at = consumer->pending.lower_bound(range.start); at != consumer->pending.end() && *at <= range.end && count < range.limit;
         ++at) {
      add(*at, group.pending.find(*at)->second);
    }
  } else {
    for (auto at = group.pending.lower_bound(range.start); at != group.pending.end() && at->first <= range.end && count < range.limit;
         ++at) {
      add(at->first, at->second);
    }
  }
  call.reply.end_array(mark, static_cast<std::size_t>(count));
}

struct Claim {
  std::int64_t idle_ms = 0;  // of less, it is left where it is
  std::size_t ids_end = 5;
  std::int64_t delivered_ms = 0;
  std::optional<std::int64_t> deliveries;
  bool forces = false, only_ids = false;
  StreamId last_id;
};

bool read_claim(Call& call, Claim& claim) {
  const auto idle = call.integer(4, "ERR Invalid min-idle-time argument for XCLAIM");
  if (!idle) return false;
  claim.idle_ms = std::max<std::int64_t>(*idle, 0);
  while (claim.ids_end < call.size() && parse_stream_id(call[claim.ids_end], {})) ++claim.ids_end;
  const std::int64_t now = call.now_ms();
  claim.delivered_ms = -1;
  for (std::size_t i = claim.ids_end; i < call.size(); ++i) {
    const bool has_value = i + 1 < call.size();
    const auto number = [&](std::string_view wrong, std::optional<std::int64_t>& to) {
      to = call.integer(++i, wrong);
      return to.has_value();
    };
    std::optional<std::int64_t> value;
    if (call.is_word(i, "FORCE")) {
      claim.forces = true;
    } else if (call.is_word(i, "JUSTID")) {
      claim.only_ids = true;
    } else if (has_value && call.is_word(i, "IDLE")) {
      if (!number("ERR Invalid IDLE option argument for XCLAIM", value)) return false;
      if (__builtin_sub_overflow(now, *value, &claim.delivered_ms)) claim.delivered_ms = now;
    } else if (has_value && call.is_word(i, "TIME")) {
      if (!number("ERR Invalid TIME option argument for XCLAIM", value)) return false;
      claim.delivered_ms = *value;
    } else if (has_value && call.is_word(i, "RETRYCOUNT")) {
      if (!number("ERR Invalid RETRYCOUNT option argument for XCLAIM", claim.deliveries)) return false;
      if (*claim.deliveries < 0) claim.deliveries.reset();
    } else if (has_value && call.is_word(i, "LASTID")) {
      const auto id = stream_id(call, ++i);
      if (!id) return false;
      claim.last_id = *id;
    } else {
      call.error(fmt::format("ERR Unrecognized XCLAIM option '{}'", call[i]));
      return false;
    }
  }
  if (claim.delivered_ms < 0 || claim.delivered_ms > now) claim.delivered_ms = now;
  return true;
}

/// What is pending goes to the consumer, and into the reply.
void take_over(Call& call, ClaimEffects& effects, StreamGroup& group, const Stream& stream, StreamId id, StreamPending& pending,
               StreamConsumer& consumer, const Claim& claim) {
  group.give(id, pending, consumer);
  pending.delivered_ms = claim.delivered_ms;
  if (claim.deliveries) {
    pending.deliveries = static_cast<std::uint64_t>(*claim.deliveries);
  } else if (!claim.only_ids) {
    pending.count_delivery();
  }
  if (claim.only_ids) {
    call.reply.bulk(id.text());
  } else {
    reply_entry(call, stream, id);
  }
  consumer.active_ms = call.now_ms();
  call.changed();
  effects.add(id, pending);
}

/// Its entry is not in the stream any more.
void drop_pending(Call& call, ClaimEffects& effects, StreamGroup& group, StreamId id, const StreamPending& pending) {
  effects.add(id, pending);  // which drops it there as well
  group.acknowledge(id);
  call.changed();
}

}  // namespace

void xpending(Call& call) {
  if (call.size() != 3 && (call.size() < 6 || call.size() > 9)) return call.error(errors::syntax);
  Range range;
  if (call.size() >= 6 && !read_range(call, range)) return;
  StreamGroup* group = need_group(call, call.read(call[1]));
  if (group == nullptr) return;
  call.size() == 3 ? reply_summary(call, *group) : reply_range(call, *group, range);
}

void xclaim(Call& call) {
  Entry* entry = call.read(call[1]);
  StreamGroup* group = need_group(call, entry);
  if (group == nullptr) return;
  Claim claim;
  if (!read_claim(call, claim)) return;
  const GroupName name{call[1], call[2]};
  const Stream& stream = stream_in(entry);
  bool has_new_last = claim.last_id > group->last_id;
  if (has_new_last) group->last_id = claim.last_id;
  StreamConsumer& consumer = consumer_of(call, name, *group, call[3]);
  consumer.seen_ms = call.now_ms();
  ClaimEffects effects(call, name, *group);
  const std::size_t mark = call.reply.begin();
  std::size_t count = 0;
  // The same id may be named many times: what one short command is answered with has its bound.
  for (std::size_t i = 5; i < claim.ids_end && !call.is_too_long(); ++i) {
    const StreamId id = *parse_stream_id(call[i], {});
    auto found = group->pending.find(id);
    if (!stream.contains(id)) {
      if (found == group->pending.end()) continue;
      drop_pending(call, effects, *group, id, found->second);
      has_new_last = false;  // that effect says it
      continue;
    }
    if (found == group->pending.end()) {
      if (!claim.forces) continue;
      group->put(id, {.consumer = &consumer, .delivered_ms = claim.delivered_ms});
      found = group->pending.find(id);
    } else if (claim.idle_ms > 0 && call.now_ms() - found->second.delivered_ms < claim.idle_ms) {
      continue;
    }
    take_over(call, effects, *group, stream, id, found->second, consumer, claim);
    has_new_last = false;
    ++count;
  }
  if (has_new_last) {
    call.changed();
    group_id_effect(call, name, *group);
  }
  call.reply.end_array(mark, count);
}

void xautoclaim(Call& call) {
  const auto idle = call.integer(4, "ERR Invalid min-idle-time argument for XAUTOCLAIM");
  if (!idle) return;
  const auto start = interval_start(call, 5);
  if (!start) return;
  Claim claim{.idle_ms = std::max<std::int64_t>(*idle, 0), .delivered_ms = call.now_ms()};
  std::int64_t limit = 100;
  for (std::size_t i = 6; i < call.size(); ++i) {
    if (i + 1 < call.size() && call.is_word(i, "COUNT")) {
      constexpr std::int64_t limit_max = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(sizeof(StreamId));
      const auto count = call.integer(++i, "ERR COUNT must be > 0");
      if (!count) return;
      if (*count < 1 || *count > limit_max) return call.error("ERR COUNT must be > 0");
      limit = *count;
    } else if (call.is_word(i, "JUSTID")) {
      claim.only_ids = true;
    } else {
      return call.error(errors::syntax);
    }
  }
  Entry* entry = call.read(call[1]);
  StreamGroup* group = need_group(call, entry);
  if (group == nullptr) return;
  const GroupName name{call[1], call[2]};
  const Stream& stream = stream_in(entry);
  StreamConsumer& consumer = consumer_of(call, name, *group, call[3]);
  consumer.seen_ms = call.now_ms();

  // The reply begins with where to go on, which is known at the end.
  std::string entries;
  std::swap(entries, call.reply.out());
  std::vector<StreamId> deleted;
  ClaimEffects effects(call, name, *group);
  std::size_t count = 0;
  auto at = group->pending.lower_bound(*start);
  constexpr std::int64_t looked_at_each = 10;
  for (std::int64_t attempts = limit > std::numeric_limits<std::int64_t>::max() / looked_at_each ? limit : limit * looked_at_each;
       attempts > 0 && limit > 0 && !call.is_too_long() && at != group->pending.end(); --attempts) {
    const StreamId id = at->first;
    if (!stream.contains(id)) {
      drop_pending(call, effects, *group, id, at->second);
      deleted.push_back(id);
      at = group->pending.upper_bound(id);
      --limit;
      continue;
    }
    if (claim.idle_ms == 0 || call.now_ms() - at->second.delivered_ms >= claim.idle_ms) {
      take_over(call, effects, *group, stream, id, at->second, consumer, claim);
      ++count;
      --limit;
    }
    ++at;
  }
  std::swap(entries, call.reply.out());
  call.reply.array(3);
  call.reply.bulk((at == group->pending.end() ? StreamId{} : at->first).text());
  call.reply.array(count);
  call.reply.out() += entries;
  call.reply.array(deleted.size());
  for (const StreamId id : deleted) call.reply.bulk(id.text());
}

}  // namespace chorus::cache
