#include "cache/rdb/packed.h"

#include <absl/container/flat_hash_set.h>

#include <cstring>

#include "cache/memory.h"

namespace chorus::cache::rdb {
namespace {

std::uint64_t little(std::string_view octets, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(octets[at + i]);
  return value;
}

std::int64_t little_signed(std::string_view octets, std::size_t at, std::size_t size) {
  const auto shift = static_cast<int>(64 - 8 * size);
  return static_cast<std::int64_t>(little(octets, at, size) << shift) >> shift;
}

unsigned octet(std::string_view octets, std::size_t at) { return static_cast<unsigned char>(octets[at]); }

bool is_number(std::string_view text) { return text.size() <= 20 && parse_integer(text).has_value(); }

/// How many octets our Listpack takes for a number, the encoding included.
std::size_t number_size(std::int64_t value) {
  const auto fits = [value](int bits) { return value >= -(1LL << (bits - 1)) && value < 1LL << (bits - 1); };
  if (value >= 0 && value <= 127) return 1;
  if (fits(13)) return 2;
  if (fits(16)) return 3;
  if (fits(24)) return 4;
  return fits(32) ? 5 : 9;
}

/// One element of a listpack at `at`, whose octets end before `end`.
struct PackedElement {
  Element element;
  std::size_t size = 0;  // encoding and data
  bool is_ours = true;
};

std::optional<PackedElement> element_at(std::string_view blob, std::size_t at, std::size_t end) {
  const unsigned first = octet(blob, at);
  const auto room = [&](std::size_t octets) { return octets <= end - at; };
  const auto text = [&](std::size_t head, std::size_t size, std::size_t least) -> std::optional<PackedElement> {
    if (size > end - at - head) return {};
    const std::string_view view = blob.substr(at + head, size);
    return PackedElement{.element = {.text = view, .integer = {}}, .size = head + size, .is_ours = size >= least && !is_number(view)};
  };
  const auto number = [&](std::size_t octets) -> std::optional<PackedElement> {
    if (!room(1 + octets)) return {};
    const std::int64_t value = little_signed(blob, at + 1, octets);
    return PackedElement{.element = {.text = {}, .integer = value}, .size = 1 + octets, .is_ours = number_size(value) == 1 + octets};
  };
  if (first < 0x80) return PackedElement{.element = {.text = {}, .integer = first}, .size = 1};
  if (first < 0xc0) return text(1, first & 63, 0);
  if (first < 0xe0) {
    if (!room(2)) return {};
    const std::int64_t bits = (first & 31) << 8 | octet(blob, at + 1);
    const std::int64_t value = (bits & 0x1000) != 0 ? bits - 0x2000 : bits;
    return PackedElement{.element = {.text = {}, .integer = value}, .size = 2, .is_ours = number_size(value) == 2};
  }
  if (first < 0xf0) return room(2) ? text(2, (first & 15) << 8 | octet(blob, at + 1), 64) : std::nullopt;
  switch (first) {
    case 0xf0:
      return room(5) ? text(5, little(blob, at + 1, 4), 4096) : std::nullopt;
    case 0xf1:
      return number(2);
    case 0xf2:
      return number(3);
    case 0xf3:
      return number(4);
    case 0xf4:
      return number(8);
    default:
      return {};
  }
}

/// The length behind an element, to be read backwards, is that of the element: its octets, 0 when it is not.
std::size_t back_length(std::string_view blob, std::size_t at, std::size_t end, std::size_t size) {
  const std::size_t octets = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
  if (octets > end - at) return 0;
  for (std::size_t i = 0; i < octets; ++i) {
    const std::size_t wanted = (size >> (7 * (octets - 1 - i)) & 127) | (i == 0 ? 0 : 128);
    if (octet(blob, at + i) != wanted) return 0;
  }
  return octets;
}

template <class Walk>
std::optional<Listpack> rebuild(Walk walk) {
  Listpack pack = Listpack::make();
  NumberText digits;
  const bool is_whole = walk([&](const Element& element) {
    const std::string_view text = element.in(digits);
    if (!pack.has_room(Listpack::size_of(text))) return false;
    pack.append(text);
    return true;
  });
  if (is_whole) return pack;
  pack.destroy();
  return {};
}

}  // namespace

bool visit_listpack(std::string_view blob, bool& is_ours, const VisitElement& visit) {
  constexpr std::size_t header = 6, count_unknown = 65535;
  if (blob.size() <= header || blob.size() > Listpack::octets_max || little(blob, 0, 4) != blob.size()) return false;
  const std::size_t end = blob.size() - 1, stored = little(blob, 4, 2);
  if (octet(blob, end) != 0xff) return false;
  std::size_t count = 0;
  for (std::size_t at = header; at < end; ++count) {
    const auto each = element_at(blob, at, end);
    if (!each) return false;
    at += each->size;
    const std::size_t back = back_length(blob, at, end, each->size);
    if (back == 0 || !visit(each->element)) return false;
    at += back;
    is_ours = is_ours && each->is_ours;
  }
  if (count >= count_unknown) is_ours = is_ours && stored == count_unknown;
  return stored == count_unknown || stored == count;
}

bool visit_ziplist(std::string_view blob, const VisitElement& visit) {
  constexpr std::size_t header = 10, count_unknown = 65535;
  if (blob.size() <= header || little(blob, 0, 4) != blob.size()) return false;
  const std::size_t end = blob.size() - 1, stored = little(blob, 8, 2);
  if (octet(blob, end) != 0xff) return false;
  std::size_t count = 0, before = 0, last = header;
  for (std::size_t at = header; at < end; ++count) {
    const std::size_t begin = at;
    const auto room = [&](std::size_t octets) { return octets <= end - at; };
    // The size of the element before.
    const bool is_long = octet(blob, at) == 0xfe;
    if (octet(blob, at) == 0xff || !room(is_long ? 5 : 1)) return false;
    const std::size_t previous = is_long ? little(blob, at + 1, 4) : octet(blob, at);
    if (previous != before) return false;
    at += is_long ? 5 : 1;
    if (!room(1)) return false;
    const unsigned first = octet(blob, at++);
    Element element;
    std::size_t size = 0;
    if (first < 0x40) {
      size = first;
    } else if (first < 0x80) {
      if (!room(1)) return false;
      size = (first & 63) << 8 | octet(blob, at++);
    } else if (first == 0x80) {
      if (!room(4)) return false;
      for (int i = 0; i < 4; ++i) size = size << 8 | octet(blob, at++);
    } else if (first >= 0xf1 && first <= 0xfd) {
      element.integer = first - 0xf1;
    } else {
      const std::size_t octets = first == 0xc0 ? 2 : first == 0xd0 ? 4 : first == 0xe0 ? 8 : first == 0xf0 ? 3 : first == 0xfe ? 1 : 0;
      if (octets == 0 || !room(octets)) return false;
      element.integer = little_signed(blob, at, octets);
      at += octets;
    }
    if (!element.integer) {
      if (!room(size)) return false;
      element.text = blob.substr(at, size);
      at += size;
    }
    if (!visit(element)) return false;
    before = at - begin;
    last = begin;
  }
  return (stored == count_unknown || stored == count) && little(blob, 4, 4) == last;
}

bool visit_zipmap(std::string_view blob, const VisitElement& visit) {
  if (blob.size() < 2 || octet(blob, blob.size() - 1) != 0xff) return false;
  const std::size_t end = blob.size() - 1;
  std::size_t at = 1;
  const auto length = [&](std::size_t& size) {
    if (at >= end) return false;
    size = octet(blob, at++);
    if (size < 254) return true;
    if (size == 255 || end - at < 4) return false;
    size = little(blob, at, 4);
    at += 4;
    return true;
  };
  std::size_t pairs = 0;
  for (; at < end; ++pairs) {
    for (const bool is_value : {false, true}) {
      std::size_t size = 0, unused = 0;
      if (!length(size)) return false;
      if (is_value) {
        if (at >= end) return false;
        unused = octet(blob, at++);
      }
      if (size > end - at || unused > end - at - size) return false;
      if (!visit(Element{.text = blob.substr(at, size), .integer = {}})) return false;
      at += size + unused;
    }
  }
  return octet(blob, 0) >= 254 || octet(blob, 0) == pairs;
}

std::optional<Listpack> adopt_listpack(std::string_view blob) {
  bool is_ours = true;
  if (!visit_listpack(blob, is_ours, [](const Element&) { return true; })) return {};
  if (!is_ours) {
    return rebuild([&](const VisitElement& visit) { return visit_listpack(blob, is_ours, visit); });
  }
  void* block = memory::allocate(blob.size());
  std::memcpy(block, blob.data(), blob.size());
  return Listpack(block);
}

std::optional<Listpack> adopt_ziplist(std::string_view blob) {
  return rebuild([&](const VisitElement& visit) { return visit_ziplist(blob, visit); });
}

std::optional<Listpack> adopt_zipmap(std::string_view blob) {
  return rebuild([&](const VisitElement& visit) { return visit_zipmap(blob, visit); });
}

std::optional<Intset> adopt_intset(std::string_view blob) {
  constexpr std::size_t header = 8;
  if (blob.size() < header) return {};
  const std::uint64_t width = little(blob, 0, 4), count = little(blob, 4, 4);
  if ((width != 2 && width != 4 && width != 8) || blob.size() - header != count * width) return {};
  for (std::size_t i = 1; i < count; ++i) {
    if (little_signed(blob, header + i * width, width) <= little_signed(blob, header + (i - 1) * width, width)) return {};
  }
  void* block = memory::allocate(blob.size());
  std::memcpy(block, blob.data(), blob.size());
  return Intset(block);
}

bool has_no_duplicates(const Listpack& pack, std::size_t stride) {
  constexpr std::size_t few = 8;
  const auto step = [&](Listpack::Position at) {
    for (std::size_t i = 0; i < stride && at != pack.end(); ++i) at = pack.next(at);
    return at;
  };
  if (pack.count() <= few * stride) {
    NumberText digits;
    for (auto at = pack.begin(); at != pack.end(); at = step(at)) {
      const auto after = step(at);
      if (after != pack.end() && pack.find(pack.get(at).in(digits), after, stride) != pack.end()) return false;
    }
    return true;
  }
  // What reads as a number is stored as one, so the two never meet.
  absl::flat_hash_set<std::string_view> texts;
  absl::flat_hash_set<std::int64_t> numbers;
  for (auto at = pack.begin(); at != pack.end(); at = step(at)) {
    const Element element = pack.get(at);
    if (!(element.integer ? numbers.insert(*element.integer).second : texts.insert(element.text).second)) return false;
  }
  return true;
}

}  // namespace chorus::cache::rdb
