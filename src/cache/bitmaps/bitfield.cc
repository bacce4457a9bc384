// BITFIELD: integers of any width within a string.
#include <algorithm>
#include <vector>

#include "cache/bitmaps/bits.h"
#include "cache/bitmaps/handlers.h"

namespace chorus::cache {
namespace {

enum class Overflow { wrap, saturate, fail };
enum class What { get, set, increase };

struct Operation {
  What what;
  bool is_signed;
  unsigned width;
  std::uint64_t offset;
  std::int64_t value = 0;
  Overflow overflow = Overflow::wrap;
};

constexpr std::string_view bad_type = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";

/// False: replied.
bool read_type(Call& call, std::size_t argument, Operation& operation) {
  const std::string_view text = call[argument];
  const auto width = text.size() > 1 ? parse_integer(text.substr(1)) : std::nullopt;
  operation.is_signed = text.starts_with('i');
  const bool known = operation.is_signed || text.starts_with('u');
  if (!known || !width || *width < 1 || *width > (operation.is_signed ? 64 : 63)) {
    call.error(bad_type);
    return false;
  }
  operation.width = static_cast<unsigned>(*width);
  return true;
}

bool read_operations(Call& call, std::vector<Operation>& operations) {
  Overflow overflow = Overflow::wrap;
  for (std::size_t i = 2; i < call.size();) {
    const std::size_t left = call.size() - i - 1;
    if (call.is_word(i, "OVERFLOW") && left >= 1) {
      if (call.is_word(i + 1, "WRAP")) {
        overflow = Overflow::wrap;
      } else if (call.is_word(i + 1, "SAT")) {
        overflow = Overflow::saturate;
      } else if (call.is_word(i + 1, "FAIL")) {
        overflow = Overflow::fail;
      } else {
        call.error("ERR Invalid OVERFLOW type specified");
        return false;
      }
      i += 2;
      continue;
    }
    Operation operation{.what = What::get, .is_signed = false, .width = 0, .offset = 0, .overflow = overflow};
    std::size_t size = 3;
    if (call.is_word(i, "GET") && left >= 2) {
      operation.what = What::get;
    } else if (call.is_word(i, "SET") && left >= 3) {
      operation.what = What::set;
      size = 4;
    } else if (call.is_word(i, "INCRBY") && left >= 3) {
      operation.what = What::increase;
      size = 4;
    } else {
      call.error(errors::syntax);
      return false;
    }
    if (!read_type(call, i + 1, operation)) return false;
    const auto offset = bit_offset(call, i + 2, operation.width);
    if (!offset) return false;
    operation.offset = *offset;
    if (size == 4) {
      const auto value = call.integer(i + 3);
      if (!value) return false;
      operation.value = *value;
    }
    operations.push_back(operation);
    i += size;
  }
  return true;
}

__extension__ using Wide = __int128;

Wide lowest(const Operation& operation) { return operation.is_signed ? -(Wide{1} << (operation.width - 1)) : Wide{0}; }
Wide highest(const Operation& operation) { return (Wide{1} << (operation.width - (operation.is_signed ? 1U : 0U))) - 1; }

std::int64_t value_of(std::uint64_t bits, const Operation& operation) {
  if (!operation.is_signed || operation.width == 64) return static_cast<std::int64_t>(bits);
  const unsigned unused = 64 - operation.width;
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

/// Empty: it does not fit, and the operation is to fail then.
std::optional<std::int64_t> fitted(Wide value, const Operation& operation) {
  if (value >= lowest(operation) && value <= highest(operation)) return static_cast<std::int64_t>(value);
  if (operation.overflow == Overflow::fail) return {};
  if (operation.overflow == Overflow::saturate) return static_cast<std::int64_t>(value < 0 ? lowest(operation) : highest(operation));
  const auto bits = static_cast<std::uint64_t>(value);
  return value_of(operation.width == 64 ? bits : bits & ((std::uint64_t{1} << operation.width) - 1), operation);
}

void run(Call& call, bool only_reads) {
  std::vector<Operation> operations;
  if (!read_operations(call, operations)) return;
  const bool writes = std::any_of(operations.begin(), operations.end(), [](const Operation& each) { return each.what != What::get; });
  if (writes && only_reads) return call.error("ERR BITFIELD_RO only supports the GET subcommand");
  const std::string_view key = call[1];
  Entry* entry = writes ? call.write(key) : call.read(key);
  if (!call.is(entry, Type::string)) return;
  std::size_t needed = 0;
  for (const Operation& each : operations) {
    if (each.what != What::get) needed = std::max<std::size_t>(needed, (each.offset + each.width - 1) / 8 + 1);
  }
  char* octets = nullptr;
  const bool grows = writes && (entry == nullptr || entry->text_size() < needed);
  if (writes) {
    if (entry == nullptr) {
      entry = Entry::make(key, Type::string, Encoding::raw, make_text({}, needed, needed));
      call.insert(entry);
    }
    octets = call.database().writable(entry, std::max(entry->text_size(), needed));
  }
  std::size_t changes = 0;
  call.reply.array(operations.size());
  for (const Operation& each : operations) {
    NumberText scratch;
    const std::string_view text = entry == nullptr ? std::string_view() : entry->text(scratch);
    const std::int64_t before = value_of(read_bits(text, each.offset, each.width), each);
    if (each.what == What::get) {
      call.reply.integer(before);
      continue;
    }
    // What is set is taken as the type's own kind of number, so that -1 is the largest without a sign.
    const Wide wanted = each.what == What::increase ? Wide{before} + each.value
                        : each.is_signed            ? Wide{each.value}
                                                    : Wide{static_cast<std::uint64_t>(each.value)};
    const auto after = fitted(wanted, each);
    if (!after) {
      call.reply.null();
      continue;
    }
    write_bits(octets, each.offset, each.width, static_cast<std::uint64_t>(*after));
    changes += *after == before ? 0 : 1;
    call.reply.integer(each.what == What::set ? before : *after);
  }
  // A key that came to be, or a string that became longer, is a change although nothing fitted into it.
  if (changes > 0 || grows) call.changed(key, Notify::string, "setbit");
}

}  // namespace

void bitfield(Call& call) { run(call, false); }
void bitfield_ro(Call& call) { run(call, true); }

}  // namespace chorus::cache
