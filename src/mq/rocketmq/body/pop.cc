#include "mq/rocketmq/body/pop.h"

#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace chorus::mq::rocketmq {
namespace {

constexpr std::string_view retry_prefix = "%RETRY%";

// Debian's Abseil is built for C++14, with a type of its own.
absl::string_view absl_view(std::string_view text) { return {text.data(), text.size()}; }

std::optional<PopSource> parse_source(std::string_view text) {
  if (text.size() != 1 || text[0] < '0' || text[0] > '2') return std::nullopt;
  return static_cast<PopSource>(text[0] - '0');
}

char digit_of(PopSource source) { return static_cast<char>('0' + static_cast<int>(source)); }

std::optional<std::int32_t> parse_i32(std::string_view text) {
  const auto number = base::parse_int(text);
  if (!number || *number != static_cast<std::int32_t>(*number)) return std::nullopt;
  return static_cast<std::int32_t>(*number);
}

template <class... Parts>
void append_entry(std::string& info, PopSource source, fmt::format_string<Parts...> format, Parts&&... parts) {
  if (!info.empty()) info.push_back(';');
  info.push_back(digit_of(source));
  info.push_back(' ');
  fmt::format_to(std::back_inserter(info), format, std::forward<Parts>(parts)...);
}

// Calls with the three words of each entry; false: there are not three, or it is refused.
template <class Use>
bool for_each_entry(std::string_view info, Use&& use) {
  if (info.empty()) return true;
  for (const std::string_view entry : base::split(info, ';')) {
    const std::vector<std::string_view> words = base::split(entry, ' ');
    if (words.size() != 3) return false;
    const auto source = parse_source(words[0]);
    if (!source || !use(*source, words[1], words[2])) return false;
  }
  return true;
}

}  // namespace

PopSource pop_source_of(std::string_view topic) {
  if (!topic.starts_with(retry_prefix)) return PopSource::normal;
  return topic.find('+') != std::string_view::npos ? PopSource::retry_v2 : PopSource::retry_v1;
}

std::string pop_topic(PopSource source, std::string_view topic, std::string_view group) {
  if (source == PopSource::normal) return std::string(topic);
  return fmt::format("{}{}{}{}", retry_prefix, group, source == PopSource::retry_v1 ? '_' : '+', topic);
}

std::string to_string(const PopCheckPoint& check_point) {
  std::string text = fmt::format("{} {} {} {} {} {} {}", check_point.start_offset, check_point.pop_time_ms, check_point.invisible_ms,
                                 check_point.revive_queue, digit_of(check_point.source), check_point.broker_name, check_point.queue_id);
  if (check_point.offset) fmt::format_to(std::back_inserter(text), " {}", *check_point.offset);
  return text;
}

std::optional<PopCheckPoint> parse_pop_check_point(std::string_view text) {
  const std::vector<std::string_view> words = base::split(text, ' ');
  if (words.size() < 7) return std::nullopt;
  const auto start = base::parse_int(words[0]), pop_time = base::parse_int(words[1]), invisible = base::parse_int(words[2]);
  const auto revive = parse_i32(words[3]), queue = parse_i32(words[6]);
  const auto source = parse_source(words[4]);
  if (!start || !pop_time || !invisible || !revive || !source || !queue || words[5].empty()) return std::nullopt;
  PopCheckPoint check_point{*start, *pop_time, *invisible, *revive, *source, std::string(words[5]), *queue, std::nullopt};
  if (words.size() > 7) {
    check_point.offset = base::parse_int(words[7]);
    if (!check_point.offset) return std::nullopt;
  }
  return check_point;
}

void append_start_offset(std::string& info, PopSource source, std::int32_t queue_id, std::int64_t start_offset) {
  append_entry(info, source, "{} {}", queue_id, start_offset);
}
void append_order_count(std::string& info, PopSource source, std::int32_t queue_id, std::int32_t count) {
  append_entry(info, source, "{} {}", queue_id, count);
}
void append_order_count(std::string& info, PopSource source, std::int32_t queue_id, std::int64_t offset, std::int32_t count) {
  append_entry(info, source, "qo{}%{} {}", queue_id, offset, count);
}

std::optional<std::vector<PopQueueNumber>> parse_queue_numbers(std::string_view info) {
  std::vector<PopQueueNumber> entries;
  const bool good = for_each_entry(info, [&](PopSource source, std::string_view queue, std::string_view number) {
    const auto value = base::parse_int(number);
    if (value && !queue.empty()) entries.push_back({source, std::string(queue), *value});
    return value && !queue.empty();
  });
  if (!good) return std::nullopt;
  return entries;
}

void append_message_offsets(std::string& info, PopSource source, std::int32_t queue_id, std::span<const std::int64_t> offsets) {
  append_entry(info, source, "{} {}", queue_id, fmt::join(offsets, ","));
}

std::optional<std::vector<PopQueueOffsets>> parse_message_offsets(std::string_view info) {
  std::vector<PopQueueOffsets> entries;
  const bool good = for_each_entry(info, [&](PopSource source, std::string_view queue, std::string_view list) {
    const auto id = parse_i32(queue);
    if (!id) return false;
    PopQueueOffsets& entry = entries.emplace_back(source, *id);
    for (const std::string_view number : base::split(list, ',')) {
      const auto offset = base::parse_int(number);
      if (!offset) return false;
      entry.offsets.push_back(*offset);
    }
    return true;
  });
  if (!good) return std::nullopt;
  return entries;
}

void read(JsonReader& in, AckBits& bits) {
  bits.set.clear();
  const std::string_view value = in.raw();
  if (!in.ok() || value == "null") return;
  JsonReader again(value);
  std::string octets;
  if (value.starts_with('[')) {
    again.array([&] { octets.push_back(static_cast<char>(again.i32())); });
  } else if (!absl::Base64Unescape(absl_view(again.text_or_empty()), &octets)) {
    in.fail();
  }
  if (!again.ok() || octets.size() * 8 > ack_bits_max) {
    in.fail();
    return;
  }
  for (std::uint32_t i = 0; i < octets.size() * 8; ++i)
    if (octets[i / 8] >> (i % 8) & 1) bits.set.push_back(i);
}

void write(JsonWriter& out, const AckBits& bits) {
  std::string octets;
  for (const std::uint32_t bit : bits.set) {
    if (octets.size() <= bit / 8) octets.resize(bit / 8 + 1);
    octets[bit / 8] = static_cast<char>(octets[bit / 8] | 1 << bit % 8);
  }
  out.value(absl::Base64Escape(octets));
}

std::string to_string(const RecallHandle& handle) {
  const std::string plain = fmt::format("v1 {} {} {} {}", handle.topic, handle.broker_name, handle.deliver_time_ms, handle.unique_key);
  std::string text;
  absl::WebSafeBase64Escape(plain, &text);
  text.append((4 - text.size() % 4) % 4, '=');  // Java's encoder pads
  return text;
}

std::optional<RecallHandle> parse_recall_handle(std::string_view text) {
  std::string plain;
  if (!absl::WebSafeBase64Unescape(absl_view(text), &plain)) return std::nullopt;
  const std::vector<std::string_view> words = base::split(plain, ' ');
  if (words.size() < 5 || words[0] != "v1" || words[1].empty() || words[2].empty() || words[4].empty()) return std::nullopt;
  const auto time = base::parse_int(words[3]);
  if (!time) return std::nullopt;
  return RecallHandle{std::string(words[1]), std::string(words[2]), *time, std::string(words[4])};
}

}  // namespace chorus::mq::rocketmq
