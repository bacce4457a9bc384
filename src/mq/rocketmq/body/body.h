// How bodies are JSON: each names its members once, in `describe`, and is read and written by that.
//
// Written as fastjson writes: names sorted, what is missing left out, UTF-8; but keys that are numbers in quotes, which everybody reads.
// Read as fastjson reads (json.h): unknown names are passed over, missing ones keep their defaults.
#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/text.h"
#include "mq/rocketmq/json.h"

namespace chorus::mq::rocketmq {

/// A queue as clients name it. As a key of a map it is a JSON object where a string should be: `{{"brokerName":…}:1}`.
struct MessageQueue {
  std::string topic;
  std::string broker_name;
  std::int32_t queue_id = 0;

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("brokerName", self.broker_name);
    member("queueId", self.queue_id);
    member("topic", self.topic);
  }
  friend bool operator==(const MessageQueue&, const MessageQueue&) = default;
  friend auto operator<=>(const MessageQueue&, const MessageQueue&) = default;
};

/// A part that is passed on as it came.
struct RawJson {
  std::string text = "null";
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

namespace detail {
struct AnyMember {
  template <class T>
  void operator()(std::string_view, T&) const {}
  template <class T>
  void operator()(std::string_view, T&, std::string_view) const {}
};
}  // namespace detail

template <class T>
concept Described = requires(T& value) { T::describe(value, detail::AnyMember{}); };
/// An enumeration has its names as RocketMQ's in `names_of`, in the order of its values, which count from 0.
template <class E>
concept Named = std::is_enum_v<E> && requires(E value) {
  { names_of(value) } -> std::convertible_to<std::span<const std::string_view>>;
};

inline void read(JsonReader& in, std::string& value) { value = in.text_or_empty(); }
inline void read(JsonReader& in, std::int32_t& value) { value = in.i32(value); }
inline void read(JsonReader& in, std::int64_t& value) { value = in.i64(value); }
inline void read(JsonReader& in, double& value) { value = in.f64(value); }
inline void read(JsonReader& in, bool& value) { value = in.boolean(value); }
inline void read(JsonReader& in, RawJson& value) { value.text = in.raw(); }
template <Named E>
void read(JsonReader& in, E& value);
template <Described T>
bool read_members(JsonReader& in, T& value);
template <Described T>
void read(JsonReader& in, T& value);
template <class T>
void read(JsonReader& in, std::vector<T>& values);
template <class K, class T>
void read(JsonReader& in, std::map<K, T>& values);
template <class T>
void read(JsonReader& in, std::optional<T>& value) {
  const std::string_view rest = in.raw();
  value.reset();
  if (!in.ok() || rest == "null") return;
  JsonReader again(rest);
  read(again, value.emplace());
  if (!again.ok()) in.fail();
}

inline void read_key(std::string_view key, std::string& value, JsonReader&) { value = key; }
inline void read_key(std::string_view key, std::int64_t& value, JsonReader& in) {
  if (const auto number = base::parse_int(key))
    value = *number;
  else
    in.fail();
}
inline void read_key(std::string_view key, std::int32_t& value, JsonReader& in) {
  std::int64_t wide = 0;
  read_key(key, wide, in);
  value = static_cast<std::int32_t>(wide);
  if (value != wide) in.fail();
}
inline void read_key(std::string_view key, MessageQueue& value, JsonReader& in) {
  JsonReader object(key);
  if (!read_members(object, value)) in.fail();
}

template <Named E>
void read(JsonReader& in, E& value) {
  const auto text = in.text();
  if (!text) return;
  const std::span<const std::string_view> names = names_of(value);
  const auto number = base::parse_int(*text);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == *text || (number && *number == static_cast<std::int64_t>(i))) value = static_cast<E>(i);
}
/// Returns whether it was an object.
template <Described T>
bool read_members(JsonReader& in, T& value) {
  return in.object([&](std::string_view key) {
    T::describe(value, [&](std::string_view name, auto& member, std::string_view other_name = {}) {
      if (key == name || (!other_name.empty() && key == other_name)) read(in, member);
    });
  });
}
template <Described T>
void read(JsonReader& in, T& value) {
  read_members(in, value);
}
template <class T>
void read(JsonReader& in, std::vector<T>& values) {
  values.clear();
  in.array([&] { read(in, values.emplace_back()); });
}
template <class K, class T>
void read(JsonReader& in, std::map<K, T>& values) {
  values.clear();
  in.object([&](std::string_view text) {
    K key{};
    read_key(text, key, in);
    T& value = values[std::move(key)];
    value = T{};  // a key that comes twice counts as it came last
    read(in, value);
  });
}

template <class T>
  requires(std::same_as<T, std::string> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> || std::same_as<T, double> ||
           std::same_as<T, bool>)
void write(JsonWriter& out, const T& value) {
  out.value(value);
}
inline void write(JsonWriter& out, const RawJson& value) { out.raw(value.text); }
template <Named E>
void write(JsonWriter& out, const E& value) {
  out.value(names_of(value)[static_cast<std::size_t>(value)]);
}
template <Described T>
void write(JsonWriter& out, const T& value);
template <class T>
void write(JsonWriter& out, const std::vector<T>& values);
template <class K, class T>
void write(JsonWriter& out, const std::map<K, T>& values);

inline void write_key(JsonWriter& out, const std::string& key) { out.key(key); }
inline void write_key(JsonWriter& out, std::int64_t key) { out.key(key); }
inline void write_key(JsonWriter& out, std::int32_t key) { out.key(std::int64_t{key}); }
inline void write_key(JsonWriter& out, const MessageQueue& key) {
  std::string text;
  JsonWriter object(text);
  write(object, key);
  out.raw_key(text);
}

template <class T>
void write_member(JsonWriter& out, std::string_view name, const T& value) {
  out.key(name);
  write(out, value);
}
template <class T>
void write_member(JsonWriter& out, std::string_view name, const std::optional<T>& value) {
  if (value) write_member(out, name, *value);
}

template <Described T>
void write(JsonWriter& out, const T& value) {
  out.begin_object();
  T::describe(value, [&](std::string_view name, const auto& member, std::string_view = {}) { write_member(out, name, member); });
  out.end_object();
}
template <class T>
void write(JsonWriter& out, const std::vector<T>& values) {
  out.begin_array();
  for (const T& value : values) write(out, value);
  out.end_array();
}
template <class K, class T>
void write(JsonWriter& out, const std::map<K, T>& values) {
  out.begin_object();
  for (const auto& [key, value] : values) {
    write_key(out, key);
    write(out, value);
  }
  out.end_object();
}

/// Empty when the body is no such object: ill-formed, nothing at all, or with a text where a number belongs.
template <Described T>
std::optional<T> decode_body(std::string_view json) {
  JsonReader in(json);
  std::optional<T> body(std::in_place);
  if (!read_members(in, *body) || !in.at_end()) body.reset();
  return body;
}

template <Described T>
std::string encode_body(const T& body) {
  std::string json;
  JsonWriter out(json);
  write(out, body);
  return json;
}

}  // namespace chorus::mq::rocketmq
