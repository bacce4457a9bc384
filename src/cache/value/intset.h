// Redis' set of integers: sorted, all of the width that the widest needs. Also its form in DUMP and RDB files.
//
//   u32 LE width (2, 4, 8), u32 LE count, integers LE
#pragma once

#include <cstddef>
#include <cstdint>

namespace chorus::cache {

/// A handle on a block, as Listpack is.
class Intset {
 public:
  explicit Intset(void* block) : block_(static_cast<unsigned char*>(block)) {}
  static Intset make();
  void destroy();
  void* block() const { return block_; }

  std::size_t count() const;
  std::size_t octets() const;
  /// index: 0 .. count() - 1, in ascending order.
  std::int64_t at(std::size_t index) const;
  bool contains(std::int64_t value) const;
  /// False: it was there (was not there) already.
  bool add(std::int64_t value);
  bool remove(std::int64_t value);

 private:
  std::size_t width() const;
  /// Where `value` is or would be.
  std::size_t lower_bound(std::int64_t value) const;
  void put(std::size_t index, std::int64_t value);
  void set_count(std::size_t count);

  unsigned char* block_;
};

}  // namespace chorus::cache
