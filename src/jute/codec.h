// Encodes and decodes any record: a struct whose fields are named once, in wire order, by JUTE_FIELDS.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace chorus::jute {

/// Octets that may be null (length -1), which is not the same as empty.
using Buffer = std::optional<std::string_view>;

#define JUTE_FIELDS(...)                                 \
  template <class Visitor>                               \
  constexpr void visit_fields(Visitor&& visitor) {       \
    visitor(__VA_ARGS__);                                \
  }                                                      \
  template <class Visitor>                               \
  constexpr void visit_fields(Visitor&& visitor) const { \
    visitor(__VA_ARGS__);                                \
  }

template <class T>
concept Record = requires(T& record) { record.visit_fields([](auto&...) {}); };

inline void write(base::Writer& out, bool value) { out.u8(value ? 1 : 0); }
inline void write(base::Writer& out, std::int32_t value) { out.i32(value); }
inline void write(base::Writer& out, std::int64_t value) { out.i64(value); }
inline void write(base::Writer& out, std::string_view value) {
  out.i32(static_cast<std::int32_t>(value.size()));
  out.octets(value);
}
inline void write(base::Writer& out, const std::string& value) { write(out, std::string_view(value)); }
inline void write(base::Writer& out, const Buffer& value) {
  if (value) {
    write(out, *value);
  } else {
    out.i32(-1);
  }
}
template <Record T>
void write(base::Writer& out, const T& record);
template <class T>
void write(base::Writer& out, const std::vector<T>& values) {
  out.i32(static_cast<std::int32_t>(values.size()));
  for (const T& value : values) write(out, value);
}
template <Record T>
void write(base::Writer& out, const T& record) {
  record.visit_fields([&](const auto&... fields) { (write(out, fields), ...); });
}

inline void read(base::Reader& in, bool& value) { value = in.u8() != 0; }
inline void read(base::Reader& in, std::int32_t& value) { value = in.i32(); }
inline void read(base::Reader& in, std::int64_t& value) { value = in.i64(); }
inline void read(base::Reader& in, Buffer& value) {
  const std::int32_t length = in.i32();
  if (length >= 0) {
    value = in.octets(static_cast<std::size_t>(length));
  } else {
    value.reset();
    if (length != -1) in.fail();
  }
}
inline void read(base::Reader& in, std::string_view& value) {
  Buffer buffer;
  read(in, buffer);
  value = buffer.value_or(std::string_view());
}
template <Record T>
void read(base::Reader& in, T& record);
template <class T>
void read(base::Reader& in, std::vector<T>& values) {
  values.clear();
  const std::int32_t count = in.i32();
  if (count < -1) in.fail();
  // Every element takes at least one octet, so a count from a stranger cannot make us loop or allocate beyond what was sent.
  if (count > 0 && static_cast<std::size_t>(count) > in.remaining()) in.fail();
  for (std::int32_t i = 0; i < count && in.ok(); ++i) read(in, values.emplace_back());
}
template <Record T>
void read(base::Reader& in, T& record) {
  record.visit_fields([&](auto&... fields) { (read(in, fields), ...); });
}

/// Appends the record's octets.
template <Record T>
void encode(const T& record, std::string& out) {
  base::Writer writer(out);
  write(writer, record);
}
template <Record T>
std::string encode(const T& record) {
  std::string out;
  encode(record, out);
  return out;
}
/// The next record of `in`, or nothing when the octets end too early or a length is negative; what follows it is left.
template <Record T>
std::optional<T> decode(base::Reader& in) {
  T record;
  read(in, record);
  if (!in.ok()) return std::nullopt;
  return record;
}
template <Record T>
std::optional<T> decode(std::string_view octets) {
  base::Reader in(octets);
  return decode<T>(in);
}

}  // namespace chorus::jute
