// HyperLogLog in the form in which Redis keeps it, within a string.
//
//   "HYLL", encoding (0 dense, 1 sparse), 3 octets of 0, the last estimate (8 octets LE; the highest bit: it is out of date), registers
//   dense: 16,384 registers of 6 bits, the lowest bit first
//   sparse: 00xxxxxx  x+1 registers of 0 · 01xxxxxx yyyyyyyy  xy+1 registers of 0 · 1vvvvvxx  x+1 registers of v+1
//
// paper: Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace chorus::cache {

class Sketch {
 public:
  static constexpr std::size_t registers = 16'384;
  static constexpr std::size_t header_octets = 16;
  static constexpr std::size_t dense_octets = header_octets + registers * 6 / 8;
  using Registers = std::array<std::uint8_t, registers>;

  /// An empty one, sparse.
  Sketch();
  /// What a string has; empty: it is no sketch by its header.
  static std::optional<Sketch> parse(std::string_view octets);
  const std::string& octets() const { return octets_; }
  bool is_dense() const { return octets_[4] == 0; }

  /// `changed`: a register grew. False: the sparse form is damaged.
  bool add(std::string_view element, std::size_t sparse_octets_max, bool& changed);
  /// Raises each of ours to at least that of `to`. False: damaged.
  bool raise(const Registers& to, std::size_t sparse_octets_max);
  /// Raises each of `into` to at least ours. False: damaged.
  bool read(Registers& into) const;
  /// False: damaged.
  bool make_dense();

  /// Of the sparse form: "z:63 Z:1000 v:2,3" for 63 and 1000 registers of 0, and three of 2. As far as it is sound.
  std::string describe_runs() const;

  std::optional<std::uint64_t> cached_estimate() const;
  /// The estimate is out of date; its octets stay.
  void invalidate();
  void cache_estimate(std::uint64_t estimate);
  static std::uint64_t estimate(const Registers& of);

 private:
  bool set(std::size_t index, unsigned value, std::size_t sparse_octets_max, bool& changed);
  bool set_sparse(std::size_t index, unsigned value, std::size_t sparse_octets_max, bool& changed);
  void merge_runs(std::size_t from);
  unsigned dense(std::size_t index) const;
  void set_dense(std::size_t index, unsigned value);

  std::string octets_;
};

}  // namespace chorus::cache
