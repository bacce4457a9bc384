// SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.
#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "cache/bitmaps/bits.h"
#include "cache/bitmaps/handlers.h"
#include "cache/command/rows.h"

namespace chorus::cache {

std::optional<std::uint64_t> bit_offset(Call& call, std::size_t argument, unsigned width) {
  std::string_view text = call[argument];
  const bool in_steps = width > 0 && text.starts_with('#');
  if (in_steps) text.remove_prefix(1);
  const auto given = parse_integer(text);
  const auto wrong = [&]() -> std::optional<std::uint64_t> {
    call.error(errors::bit_offset);
    return {};
  };
  if (!given || *given < 0) return wrong();
  auto offset = static_cast<std::uint64_t>(*given);
  if (in_steps && __builtin_mul_overflow(offset, std::uint64_t{width}, &offset)) return wrong();
  if (offset / 8 >= call.options().bulk_octets_max) return wrong();
  return offset;
}

std::uint64_t read_bits(std::string_view octets, std::uint64_t offset, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t at = offset + i;
    const unsigned octet = at / 8 < octets.size() ? static_cast<unsigned char>(octets[at / 8]) : 0;
    value = value << 1 | (octet >> (7 - at % 8) & 1);
  }
  return value;
}

void write_bits(char* octets, std::uint64_t offset, unsigned count, std::uint64_t value) {
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t at = offset + i;
    const auto mask = static_cast<unsigned char>(0x80U >> (at % 8));
    auto& octet = reinterpret_cast<unsigned char&>(octets[at / 8]);
    const bool set = (value >> (count - 1 - i) & 1) != 0;
    octet = static_cast<unsigned char>(set ? octet | mask : octet & ~mask);
  }
}

std::uint64_t count_bits(std::string_view octets, std::uint64_t first, std::uint64_t last) {
  std::uint64_t count = 0;
  for (; first <= last && first % 8 != 0; ++first) count += read_bits(octets, first, 1);
  for (; first + 64 <= last + 1; first += 64) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data() + first / 8, sizeof word);
    count += static_cast<std::uint64_t>(std::popcount(word));
  }
  for (; first <= last; ++first) count += read_bits(octets, first, 1);
  return count;
}

namespace {

bool is_bit(Call& call, std::size_t argument, std::string_view error) {
  if (call[argument] == "0" || call[argument] == "1") return true;
  call.error(error);
  return false;
}

/// A range as BITCOUNT and BITPOS take it, in bits, both ends included. False: it is empty.
bool bit_range(std::int64_t start, std::int64_t end, bool in_bits, std::size_t size, std::uint64_t& first, std::uint64_t& last) {
  const auto total = static_cast<std::int64_t>(in_bits ? size * 8 : size);
  if (start < 0 && end < 0 && start > end) return false;
  if (start < 0) start = std::max<std::int64_t>(start + total, 0);
  if (end < 0) end = std::max<std::int64_t>(end + total, 0);
  end = std::min(end, total - 1);
  if (start > end) return false;
  first = static_cast<std::uint64_t>(in_bits ? start : start * 8);
  last = static_cast<std::uint64_t>(in_bits ? end : end * 8 + 7);
  return true;
}

/// "BYTE" or "BIT" at `at`, where there is such an argument; else replied.
std::optional<bool> counts_bits(Call& call, std::size_t at) {
  if (call.size() <= at) return false;
  if (call.is_word(at, "BIT")) return true;
  if (call.is_word(at, "BYTE")) return false;
  call.error(errors::syntax);
  return {};
}

}  // namespace

void setbit(Call& call) {
  const auto offset = bit_offset(call, 2);
  if (!offset || !is_bit(call, 3, "ERR bit is not an integer or out of range")) return;
  const std::string_view key = call[1];
  const bool bit = call[3] == "1";
  Entry* entry = call.write(key);
  if (!call.is(entry, Type::string)) return;
  const std::size_t needed = *offset / 8 + 1;
  const bool grows = entry == nullptr || entry->text_size() < needed;
  if (entry == nullptr) {
    entry = Entry::make(key, Type::string, Encoding::raw, make_text({}, needed, needed));
    call.insert(entry);
  }
  char* octets = call.database().writable(entry, std::max(entry->text_size(), needed));
  const std::uint64_t before = read_bits({octets, needed}, *offset, 1);
  write_bits(octets, *offset, 1, bit ? 1 : 0);
  if (grows || (before != 0) != bit) call.changed(key, Notify::string, "setbit");
  call.reply.integer(static_cast<std::int64_t>(before));
}

void getbit(Call& call) {
  const auto offset = bit_offset(call, 2);
  if (!offset) return;
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  NumberText scratch;
  call.reply.integer(entry == nullptr ? 0 : static_cast<std::int64_t>(read_bits(entry->text(scratch), *offset, 1)));
}

void bitcount(Call& call) {
  // With a start alone, the end is the string's.
  std::int64_t start = 0, end = -1;
  if (call.size() > 5) return call.error(errors::syntax);
  if (call.size() > 2) {
    const auto given = call.integer(2);
    if (!given) return;
    start = *given;
  }
  if (call.size() > 3) {
    const auto given = call.integer(3);
    if (!given) return;
    end = *given;
  }
  const auto in_bits = counts_bits(call, 4);
  if (!in_bits) return;
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  if (entry == nullptr) return call.reply.integer(0);
  NumberText scratch;
  const std::string_view octets = entry->text(scratch);
  std::uint64_t first = 0, last = 0;
  if (octets.empty() || !bit_range(start, end, *in_bits, octets.size(), first, last)) return call.reply.integer(0);
  call.reply.integer(static_cast<std::int64_t>(count_bits(octets, first, last)));
}

void bitpos(Call& call) {
  const auto given_bit = call.integer(2);
  if (!given_bit) return;
  if (*given_bit != 0 && *given_bit != 1) return call.error("ERR The bit argument must be 1 or 0.");
  if (call.size() > 6) return call.error(errors::syntax);
  std::int64_t start = 0, end = -1;
  if (call.size() > 3) {
    const auto given = call.integer(3);
    if (!given) return;
    start = *given;
  }
  const auto in_bits = counts_bits(call, 5);
  if (!in_bits) return;
  const bool has_end = call.size() > 4;
  if (has_end) {
    const auto given = call.integer(4);
    if (!given) return;
    end = *given;
  }
  const Entry* entry = call.read(call[1]);
  if (!call.is(entry, Type::string)) return;
  const bool bit = *given_bit == 1;
  if (entry == nullptr) return call.reply.integer(bit ? -1 : 0);
  NumberText scratch;
  const std::string_view octets = entry->text(scratch);
  std::uint64_t first = 0, last = 0;
  if (octets.empty() || !bit_range(start, end, *in_bits, octets.size(), first, last)) return call.reply.integer(-1);
  const auto all_other = static_cast<unsigned char>(bit ? 0 : 0xff);
  for (std::uint64_t at = first; at <= last;) {
    if (at % 8 == 0 && at + 8 <= last + 1 && static_cast<unsigned char>(octets[at / 8]) == all_other) {
      at += 8;
      continue;
    }
    if ((read_bits(octets, at, 1) != 0) == bit) return call.reply.integer(static_cast<std::int64_t>(at));
    ++at;
  }
  // Zeros are thought to follow the string, where no end was named.
  call.reply.integer(!bit && !has_end ? static_cast<std::int64_t>(octets.size() * 8) : -1);
}

void bitop(Call& call) {
  const bool is_and = call.is_word(1, "AND"), is_or = call.is_word(1, "OR"), is_xor = call.is_word(1, "XOR"),
             is_not = call.is_word(1, "NOT");
  if (!is_and && !is_or && !is_xor && !is_not) return call.error(errors::syntax);
  if (is_not && call.size() != 4) return call.error("ERR BITOP NOT must be called with a single source key.");
  std::vector<std::string_view> sources;
  std::vector<NumberText> scratch(call.size() - 3);
  std::size_t longest = 0;
  for (const std::string_view key : call.arguments().subspan(3)) {
    const Entry* entry = call.read(key);
    if (!call.is(entry, Type::string)) return;
    sources.push_back(entry == nullptr ? std::string_view() : entry->text(scratch[sources.size()]));
    longest = std::max(longest, sources.back().size());
  }
  Entry* old = call.write(call[2]);
  if (longest == 0) {
    if (old != nullptr) {
      call.erase(old);
      call.changed(call[2], Notify::generic, "del");
    }
    return call.reply.integer(0);
  }
  // One string more than there are, however many are named: where a source ends, zeros are thought to follow.
  Text* result = make_text(sources.front(), longest, longest);
  char* to = result->octets();
  if (is_not) std::transform(to, to + longest, to, [](char octet) { return static_cast<char>(~octet); });
  for (const std::string_view source : std::span(sources).subspan(1)) {
    const auto combine = [&](auto operation) { std::transform(source.begin(), source.end(), to, to, operation); };
    if (is_and) {
      combine([](char a, char b) { return static_cast<char>(a & b); });
      std::memset(to + source.size(), 0, longest - source.size());
    } else if (is_or) {
      combine([](char a, char b) { return static_cast<char>(a | b); });
    } else {
      combine([](char a, char b) { return static_cast<char>(a ^ b); });
    }
  }
  if (old != nullptr) call.erase(old);
  call.insert(Entry::make(call[2], Type::string, Encoding::raw, result));
  call.changed(call[2], Notify::string, "set");
  call.reply.integer(static_cast<std::int64_t>(longest));
}

std::span<const Command> bitmap_rows() {
  constexpr KeyRange one{1, 1, 1};
  constexpr Group group = Group::bitmap;
  static constexpr Command rows[] = {
      {"bitcount", -2, "r", one, group, "2.6.0", bitcount},
      {"bitfield", -2, "wm", one, group, "3.2.0", bitfield},
      {"bitfield_ro", -2, "rF", one, group, "6.0.0", bitfield_ro},
      {"bitop", -4, "wm", {2, -1, 1}, group, "2.6.0", bitop},
      {"bitpos", -3, "r", one, group, "2.8.7", bitpos},
      {"getbit", 3, "rF", one, group, "2.2.0", getbit},
      {"setbit", 4, "wm", one, group, "2.2.0", setbit},
  };
  return rows;
}

}  // namespace chorus::cache
