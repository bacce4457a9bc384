#include "cache/value/listpack.h"

#include <absl/container/inlined_vector.h>

#include <algorithm>
#include <cstring>

#include "base/ensure.h"
#include "cache/memory.h"

namespace chorus::cache {
namespace {

constexpr std::size_t count_unknown = 65535;

std::uint32_t load32(const unsigned char* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 | static_cast<std::uint32_t>(at[2]) << 16 |
         static_cast<std::uint32_t>(at[3]) << 24;
}

void store32(unsigned char* at, std::size_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<unsigned char>(value >> (8 * i));
}

void store_count(unsigned char* block, std::size_t count) {
  const std::size_t stored = std::min(count, count_unknown);
  block[4] = static_cast<unsigned char>(stored);
  block[5] = static_cast<unsigned char>(stored >> 8);
}

std::size_t back_size(std::size_t size) {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

void write_back(unsigned char* to, std::size_t size) {
  const std::size_t octets = back_size(size);
  for (std::size_t i = 0; i < octets; ++i) {
    const std::size_t group = size >> (7 * (octets - 1 - i)) & 127;
    to[i] = static_cast<unsigned char>(group | (i == 0 ? 0 : 128));
  }
}

/// How an element is written: up to 9 octets of encoding and number, and the string's octets behind them.
struct Encoded {
  unsigned char head[9];
  std::size_t head_size = 0;
  std::string_view tail;
  std::size_t size() const { return head_size + tail.size(); }

  explicit Encoded(std::string_view value) {
    if (const auto number = value.size() <= 20 ? parse_integer(value) : std::nullopt) {
      encode(*number);
    } else {
      encode(value);
    }
  }

 private:
  void put(unsigned octet) { head[head_size++] = static_cast<unsigned char>(octet); }
  void put_number(unsigned encoding, std::int64_t value, int octets) {
    put(encoding);
    for (int i = 0; i < octets; ++i) put(static_cast<unsigned>(static_cast<std::uint64_t>(value) >> (8 * i) & 255));
  }
  void encode(std::int64_t value) {
    const auto fits = [value](int bits) { return value >= -(1LL << (bits - 1)) && value < 1LL << (bits - 1); };
    if (value >= 0 && value <= 127) return put(static_cast<unsigned>(value));
    if (fits(13)) {
      const auto bits = static_cast<unsigned>(value) & 0x1fff;
      put(0xc0 | bits >> 8);
      return put(bits & 255);
    }
    if (fits(16)) return put_number(0xf1, value, 2);
    if (fits(24)) return put_number(0xf2, value, 3);
    if (fits(32)) return put_number(0xf3, value, 4);
    put_number(0xf4, value, 8);
  }
  void encode(std::string_view value) {
    if (value.size() < 64) {
      put(0x80 | static_cast<unsigned>(value.size()));
    } else if (value.size() < 4096) {
      put(0xe0 | static_cast<unsigned>(value.size() >> 8));
      put(static_cast<unsigned>(value.size() & 255));
    } else {
      put_number(0xf0, static_cast<std::int64_t>(value.size()), 4);
    }
    tail = value;
  }
};

std::int64_t load_signed(const unsigned char* at, int octets) {
  std::uint64_t value = 0;
  for (int i = 0; i < octets; ++i) value |= static_cast<std::uint64_t>(at[i]) << (8 * i);
  const int shift = 64 - 8 * octets;
  return static_cast<std::int64_t>(value << shift) >> shift;
}

}  // namespace

Listpack Listpack::make() {
  auto* block = static_cast<unsigned char*>(memory::allocate(header + 1));
  store32(block, header + 1);
  store_count(block, 0);
  block[header] = 0xff;
  return Listpack(block);
}

void Listpack::destroy() { memory::release(block_); }
std::size_t Listpack::octets() const { return load32(block_); }

std::size_t Listpack::count() const {
  const std::size_t stored = static_cast<std::size_t>(block_[4]) | static_cast<std::size_t>(block_[5]) << 8;
  if (stored != count_unknown) return stored;
  std::size_t count = 0;
  for (Position at = begin(); at != end(); at = next(at)) ++count;
  return count;
}

std::size_t Listpack::element_size(Position at) const {
  const unsigned char* p = block_ + at;
  const unsigned first = *p;
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 63);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + ((first & 15) << 8 | p[1]);
  switch (first) {
    case 0xf0:
      return 5 + static_cast<std::size_t>(load32(p + 1));
    case 0xf1:
      return 3;
    case 0xf2:
      return 4;
    case 0xf3:
      return 5;
    default:
      return 9;
  }
}

Listpack::Position Listpack::next(Position at) const {
  const std::size_t size = element_size(at);
  return static_cast<Position>(at + size + back_size(size));
}

Listpack::Position Listpack::previous_of(Position at) const {
  if (at == header) return end();
  std::size_t size = 0;
  unsigned shift = 0;
  Position back = at;
  do {
    --back;
    size |= static_cast<std::size_t>(block_[back] & 127) << shift;
    shift += 7;
  } while ((block_[back] & 128) != 0);
  return static_cast<Position>(back - size);
}

Listpack::Position Listpack::previous(Position at) const { return previous_of(at); }

Listpack::Position Listpack::seek(std::int64_t index) const {
  const auto total = static_cast<std::int64_t>(count());
  if (index < 0) index += total;
  if (index < 0 || index >= total) return end();
  if (index <= total / 2) {
    Position at = begin();
    while (index-- > 0) at = next(at);
    return at;
  }
  Position at = end();
  for (std::int64_t i = total; i > index; --i) at = previous_of(at);
  return at;
}

Listpack::Element Listpack::get(Position at) const {
  const unsigned char* p = block_ + at;
  const unsigned first = *p;
  const auto text = [&](std::size_t head, std::size_t size) {
    return Element{.text = {reinterpret_cast<const char*>(p) + head, size}, .integer = {}};
  };
  if (first < 0x80) return {.text = {}, .integer = first};
  if (first < 0xc0) return text(1, first & 63);
  if (first < 0xe0) {
    const unsigned bits = (first & 31) << 8 | p[1];
    return {.text = {}, .integer = (bits & 0x1000) != 0 ? static_cast<std::int64_t>(bits) - 0x2000 : static_cast<std::int64_t>(bits)};
  }
  if (first < 0xf0) return text(2, (first & 15) << 8 | p[1]);
  switch (first) {
    case 0xf0:
      return text(5, load32(p + 1));
    case 0xf1:
      return {.text = {}, .integer = load_signed(p + 1, 2)};
    case 0xf2:
      return {.text = {}, .integer = load_signed(p + 1, 3)};
    case 0xf3:
      return {.text = {}, .integer = load_signed(p + 1, 4)};
    default:
      return {.text = {}, .integer = load_signed(p + 1, 8)};
  }
}

bool Listpack::equals(Position at, std::string_view value) const {
  const Element element = get(at);
  if (!element.integer) return element.text == value;
  NumberText scratch;
  return scratch.of(*element.integer) == value;
}

Listpack::Position Listpack::find(std::string_view value, Position from, std::size_t stride) const {
  // Equal values are encoded alike, so that octets can be compared without decoding.
  const Encoded wanted(value);
  const Position stop = end();
  for (Position at = from; at != stop;) {
    const std::size_t size = element_size(at);
    if (size == wanted.size() && std::memcmp(block_ + at, wanted.head, wanted.head_size) == 0 &&
        (wanted.tail.empty() || std::memcmp(block_ + at + wanted.head_size, wanted.tail.data(), wanted.tail.size()) == 0)) {
      return at;
    }
    at = static_cast<Position>(at + size + back_size(size));
    for (std::size_t skip = 1; skip < stride && at != stop; ++skip) at = next(at);
  }
  return stop;
}

std::size_t Listpack::size_of(std::string_view value) {
  const std::size_t size = Encoded(value).size();
  return size + back_size(size);
}

Listpack::Position Listpack::splice(Position at, std::size_t removed, std::string_view value, bool has_value, std::ptrdiff_t count_change) {
  const std::size_t before = octets();
  // `value` must not lie in this block, which may move.
  std::optional<Encoded> encoded;
  std::size_t added = 0;
  if (has_value) {
    encoded.emplace(value);
    added = encoded->size() + back_size(encoded->size());
  }
  const std::size_t after = before - removed + added;
  ENSURE(after <= octets_max, after);
  if (after > before) block_ = static_cast<unsigned char*>(memory::resize(block_, after));
  if (added != removed) std::memmove(block_ + at + added, block_ + at + removed, before - at - removed);
  if (encoded) {
    unsigned char* to = block_ + at;
    std::memcpy(to, encoded->head, encoded->head_size);
    if (!encoded->tail.empty()) std::memcpy(to + encoded->head_size, encoded->tail.data(), encoded->tail.size());
    write_back(to + encoded->size(), encoded->size());
  }
  if (after < before && memory::capacity(block_) > after + 64) block_ = static_cast<unsigned char*>(memory::resize(block_, after));
  store32(block_, after);
  const std::size_t stored = static_cast<std::size_t>(block_[4]) | static_cast<std::size_t>(block_[5]) << 8;
  if (stored != count_unknown) {
    store_count(block_, static_cast<std::size_t>(static_cast<std::ptrdiff_t>(stored) + count_change));
  } else if (count_change < 0) {
    store_count(block_, count());
  }
  return at;
}

Listpack::Position Listpack::insert(Position at, std::string_view value) { return splice(at, 0, value, true, 1); }

void Listpack::append_all(std::span<const std::string_view> values) {
  absl::InlinedVector<Encoded, 16> encoded;
  const std::size_t before = octets();
  std::size_t after = before;
  for (const std::string_view value : values) {
    const std::size_t size = encoded.emplace_back(value).size();
    after += size + back_size(size);
  }
  ENSURE(after <= octets_max, after);
  if (memory::capacity(block_) < after) block_ = static_cast<unsigned char*>(memory::resize(block_, after + after / 2));
  unsigned char* to = block_ + before - 1;
  for (const Encoded& each : encoded) {
    std::memcpy(to, each.head, each.head_size);
    if (!each.tail.empty()) std::memcpy(to + each.head_size, each.tail.data(), each.tail.size());
    write_back(to + each.size(), each.size());
    to += each.size() + back_size(each.size());
  }
  *to = 0xff;
  store32(block_, after);
  const std::size_t stored = static_cast<std::size_t>(block_[4]) | static_cast<std::size_t>(block_[5]) << 8;
  if (stored != count_unknown) store_count(block_, stored + values.size());
}

void Listpack::trim() { block_ = static_cast<unsigned char*>(memory::resize(block_, octets())); }

Listpack::Position Listpack::replace(Position at, std::string_view value) {
  const std::size_t size = element_size(at);
  return splice(at, size + back_size(size), value, true, 0);
}

Listpack::Position Listpack::erase(Position at, std::size_t count) {
  Position stop = at;
  std::size_t erased = 0;
  for (; erased < count && stop != end(); ++erased) stop = next(stop);
  return splice(at, stop - at, {}, false, -static_cast<std::ptrdiff_t>(erased));
}

}  // namespace chorus::cache
