// Redis' packed list: strings and integers one behind the other in one block, read from either end. Also its form in DUMP and RDB files.
//
//   u32 LE octets, u16 LE count (65535: walk to count), elements, 0xFF; element: encoding and data, then the length of both, to be read
//   backwards
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cache/resp/number.h"

namespace chorus::cache {

/// A handle on a block: copying it copies no data. Whoever keeps the block stores block() again after each change, as it may move.
class Listpack {
 public:
  /// Where an element is; end(): behind the last. Changes invalidate those at and behind them.
  using Position = std::uint32_t;
  struct Element {
    std::string_view text;                // empty when it is an integer
    std::optional<std::int64_t> integer;  // stored as one
    /// scratch: for an integer's digits.
    std::string_view in(NumberText& scratch) const { return integer ? scratch.of(*integer) : text; }
  };
  static constexpr std::size_t octets_max = 1U << 30;

  explicit Listpack(void* block) : block_(static_cast<unsigned char*>(block)) {}
  static Listpack make();
  void destroy();
  void* block() const { return block_; }

  std::size_t count() const;
  std::size_t octets() const;

  Position begin() const { return header; }
  Position end() const { return static_cast<Position>(octets() - 1); }
  Position next(Position at) const;
  /// Of begin(): end().
  Position previous(Position at) const;
  Position last() const { return previous_of(end()); }
  /// index: from 0, or from the end with -1. end() when there is none.
  Position seek(std::int64_t index) const;
  Element get(Position at) const;
  bool equals(Position at, std::string_view value) const;
  /// The first that is `value`, looking at every `stride`-th from `from` on; end(): none.
  Position find(std::string_view value, Position from, std::size_t stride = 1) const;

  /// Before `at`; `value` must lie elsewhere; what reads as an integer is stored as one. Returns where it is.
  Position insert(Position at, std::string_view value);
  Position append(std::string_view value) { return insert(end(), value); }
  /// All of them at the end, in one go; the block takes more than it needs, so that many such calls do not copy each time.
  void append_all(std::span<const std::string_view> values);
  /// Gives back what append_all() took beyond what is needed.
  void trim();
  Position replace(Position at, std::string_view value);
  /// `count` elements from `at` on; returns where the next is.
  Position erase(Position at, std::size_t count = 1);
  /// Whether that many octets more may come into it; whoever keeps the block turns it into something else before.
  bool has_room(std::size_t added) const { return added <= octets_max && octets() + added <= octets_max; }
  /// Octets that `value` would add.
  static std::size_t size_of(std::string_view value);

 private:
  static constexpr Position header = 6;
  Position previous_of(Position at) const;
  std::size_t element_size(Position at) const;  // without its backward length
  Position splice(Position at, std::size_t removed, std::string_view value, bool has_value, std::ptrdiff_t count_change);

  unsigned char* block_;
};

}  // namespace chorus::cache
