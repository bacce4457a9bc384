#include "cache/streams/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace chorus::cache {
namespace {

/// As strtoull reads all of it, but nothing negative.
std::optional<std::uint64_t> parse_unsigned(const std::string& text) {
  if (const auto number = parse_integer(text)) {
    if (*number < 0) return {};
    return static_cast<std::uint64_t>(*number);
  }
  char* end = nullptr;
  errno = 0;
  const std::uint64_t value = std::strtoull(text.c_str(), &end, 10);
  if (errno != 0 || text.empty() || *end != '\0') return {};
  return value;
}

}  // namespace

std::optional<StreamId> parse_stream_id(std::string_view text, const StreamIdOptions& options) {
  constexpr std::size_t octets_max = 127;
  if (text.size() > octets_max) return {};
  if (text == "-" || text == "+") {
    if (!options.takes_ends) return {};
    return text == "-" ? StreamId{} : StreamId::last();
  }
  // Up to a zero octet, as Redis reads it.
  const std::string all(text.substr(0, text.find('\0')));
  if (options.has_seq != nullptr) *options.has_seq = true;
  const std::size_t dash = all.find('-');
  const auto ms = parse_unsigned(all.substr(0, dash));
  if (!ms) return {};
  if (dash == std::string::npos) return StreamId{*ms, options.missing_seq};
  if (options.has_seq != nullptr && all.substr(dash + 1) == "*") {
    *options.has_seq = false;
    return StreamId{*ms, 0};
  }
  const auto seq = parse_unsigned(all.substr(dash + 1));
  if (!seq) return {};
  return StreamId{*ms, *seq};
}

std::optional<StreamId> stream_id(Call& call, std::size_t i, const StreamIdOptions& options) {
  const auto id = parse_stream_id(call[i], options);
  if (!id) call.error(errors::stream_id);
  return id;
}

namespace {

std::optional<StreamId> interval_id(Call& call, std::size_t i, std::uint64_t missing_seq, bool& excluded) {
  const std::string_view text = call[i];
  excluded = text.size() > 1 && text.front() == '(';
  const auto id = parse_stream_id(excluded ? text.substr(1) : text, {.missing_seq = missing_seq, .takes_ends = !excluded});
  if (!id) call.error(errors::stream_id);
  return id;
}

}  // namespace

std::optional<StreamId> interval_start(Call& call, std::size_t i) {
  bool excluded = false;
  auto id = interval_id(call, i, 0, excluded);
  if (!id || !excluded) return id;
  id = id->next();
  if (!id) call.error("ERR invalid start ID for the interval");
  return id;
}

std::optional<StreamId> interval_end(Call& call, std::size_t i) {
  bool excluded = false;
  auto id = interval_id(call, i, StreamId::last().seq, excluded);
  if (!id || !excluded) return id;
  id = id->previous();
  if (!id) call.error("ERR invalid end ID for the interval");
  return id;
}

std::optional<std::vector<StreamId>> stream_ids(Call& call, std::size_t from) {
  std::vector<StreamId> ids;
  for (std::size_t i = from; i < call.size(); ++i) {
    const auto id = stream_id(call, i);
    if (!id) return {};
    ids.push_back(*id);
  }
  return ids;
}

StreamGroup* find_group(const Entry* entry, std::string_view name) {
  if (entry == nullptr) return nullptr;
  auto& groups = stream_in(entry).groups;
  const auto found = groups.find(name);
  return found == groups.end() ? nullptr : &found->second;
}

StreamGroup* need_group(Call& call, Entry* entry) {
  if (!call.is(entry, Type::stream)) return nullptr;
  StreamGroup* group = find_group(entry, call[2]);
  if (group == nullptr) call.error(fmt::format("NOGROUP No such key '{}' or consumer group '{}'", call[1], call[2]));
  return group;
}

namespace {

/// MAXLEN or MINID with its "~", "=" and value; i: of the word, then of the value.
bool read_strategy(Call& call, bool by_length, std::size_t& i, TrimOptions& options) {
  if (options.trim) {
    call.error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    return false;
  }
  StreamTrim& trim = options.trim.emplace();
  if (i + 2 < call.size() && (call[i + 1] == "~" || call[i + 1] == "=")) trim.whole_nodes = call[++i] == "~";
  ++i;
  if (!by_length) {
    const auto id = stream_id(call, i);
    if (id) trim.id = *id;
    return id.has_value();
  }
  const auto length = call.integer(i);
  if (!length) return false;
  if (*length < 0) {
    call.error("ERR The MAXLEN argument must be >= 0.");
    return false;
  }
  trim.length = static_cast<std::uint64_t>(*length);
  return true;
}

}  // namespace

bool read_trim_options(Call& call, bool is_xadd, TrimOptions& options) {
  std::optional<std::int64_t> limit;
  std::size_t i = 2;
  for (; i < call.size(); ++i) {
    const bool has_more = i + 1 < call.size();
    if (is_xadd && call[i] == "*") break;
    if (has_more && (call.is_word(i, "MAXLEN") || call.is_word(i, "MINID"))) {
      if (!read_strategy(call, call.is_word(i, "MAXLEN"), i, options)) return false;
    } else if (has_more && call.is_word(i, "LIMIT")) {
      limit = call.integer(++i);
      if (!limit) return false;
      if (*limit < 0) return call.error("ERR The LIMIT argument must be >= 0."), false;
    } else if (is_xadd && call.is_word(i, "NOMKSTREAM")) {
      options.makes_no_stream = true;
    } else if (is_xadd) {
      options.id = stream_id(call, i, {.has_seq = &options.has_seq});
      if (!options.id) return false;
      break;
    } else {
      return call.error(errors::syntax), false;
    }
  }
  options.end = i;
  if (limit.value_or(0) != 0 && !options.trim) {
    return call.error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"), false;
  }
  if (!is_xadd && !options.trim) return call.error("ERR syntax error, XTRIM must be called with a trimming strategy"), false;
  // A primary says how far it has trimmed, and may leave the limit that was given behind that.
  if (call.client().is_primary && options.trim && !options.trim->whole_nodes) limit.reset();
  if (limit && !(options.trim && options.trim->whole_nodes)) {
    return call.error("ERR syntax error, LIMIT cannot be used without the special ~ option"), false;
  }
  if (options.trim && options.trim->whole_nodes) {
    // So that no single command trims for long.
    constexpr std::size_t nodes_max = 10'000;
    const std::size_t entries = std::min(call.options().thresholds.stream_node_entries, nodes_max);
    const std::uint64_t usual = entries == 0 ? 10'000 : 100 * entries;
    options.trim->limit = limit ? static_cast<std::uint64_t>(*limit) : usual;
  }
  return true;
}

std::vector<std::string> exact_trim(const Stream& stream, const StreamTrim& trim) {
  if (trim.length) return {"MAXLEN", "=", std::to_string(stream.length)};
  return {"MINID", "=", (stream.length == 0 ? StreamId::last() : stream.first_id).text()};
}

void reply_entry(Call& call, const StreamCursor& entry) {
  call.reply.array(2);
  call.reply.bulk(entry.id().text());
  call.reply.array(entry.fields() * 2);
  entry.for_each([&](std::string_view name, std::string_view value) {
    call.reply.bulk(name);
    call.reply.bulk(value);
  });
}

bool reply_entry(Call& call, const Stream& stream, StreamId id) {
  StreamCursor cursor(stream, id, id);
  if (!cursor.next()) return false;
  reply_entry(call, cursor);
  return true;
}

void ClaimEffects::add(StreamId id, const StreamPending& pending) {
  constexpr std::size_t ids_max = 256;
  const bool shares =
      pending.consumer == shared_.consumer && pending.delivered_ms == shared_.delivered_ms && pending.deliveries == shared_.deliveries;
  if (!shares || ids_.size() == ids_max) say();
  shared_ = pending;
  ids_.push_back(id);
}

void ClaimEffects::say() {
  if (ids_.empty()) return;
  const std::string time = std::to_string(shared_.delivered_ms), count = std::to_string(shared_.deliveries), last = group_.last_id.text();
  std::vector<std::string> ids;
  for (const StreamId id : ids_) ids.push_back(id.text());
  std::vector<std::string_view> words{"XCLAIM", name_.key, name_.group, shared_.consumer->name, "0"};
  words.insert(words.end(), ids.begin(), ids.end());
  words.insert(words.end(), {"TIME", time, "RETRYCOUNT", count, "FORCE", "JUSTID", "LASTID", last});
  call_.effect(words);
  ids_.clear();
}

void group_id_effect(Call& call, GroupName name, const StreamGroup& group) {
  const std::string last = group.last_id.text(), read = std::to_string(group.entries_read);
  call.effect({"XGROUP", "SETID", name.key, name.group, last, "ENTRIESREAD", read});
}

StreamConsumer& consumer_of(Call& call, GroupName name, StreamGroup& group, std::string_view consumer) {
  if (StreamConsumer* there = group.find(consumer)) return *there;
  StreamConsumer& made = group.add(consumer, call.now_ms());
  call.changed();
  call.event(name.key, Notify::stream, "xgroup-createconsumer");
  call.effect({"XGROUP", "CREATECONSUMER", name.key, name.group, consumer});
  return made;
}

}  // namespace chorus::cache
