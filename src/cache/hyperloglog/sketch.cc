#include "cache/hyperloglog/sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace chorus::cache {
namespace {

constexpr unsigned index_bits = 14;
constexpr unsigned rank_bits = 64 - index_bits;
constexpr unsigned sparse_value_max = 32, sparse_run_max = 4, short_zeros_max = 64;

/// source: Appleby's MurmurHash2, 64-bit version; the seed is Redis'
std::uint64_t murmur(std::string_view octets) {
  constexpr std::uint64_t m = 0xc6a4a7935bd1e995ULL;
  constexpr int r = 47;
  std::uint64_t h = 0xadc83b19ULL ^ (octets.size() * m);
  while (octets.size() >= 8) {
    std::uint64_t k = 0;
    std::memcpy(&k, octets.data(), 8);
    octets.remove_prefix(8);
    k *= m;
    k ^= k >> r;
    k *= m;
    h ^= k;
    h *= m;
  }
  if (!octets.empty()) {
    for (std::size_t i = 0; i < octets.size(); ++i) h ^= static_cast<std::uint64_t>(static_cast<unsigned char>(octets[i])) << (8 * i);
    h *= m;
  }
  h ^= h >> r;
  h *= m;
  return h ^ h >> r;
}

struct Run {
  bool is_zeros;
  unsigned value;      // of each register
  std::size_t length;  // registers
  std::size_t octets;
};

/// The run that begins at `at`; empty: it is cut off.
std::optional<Run> run_at(std::string_view octets, std::size_t at) {
  const auto first = static_cast<unsigned char>(octets[at]);
  if ((first & 0x80) != 0) return Run{.is_zeros = false, .value = (first >> 2 & 31U) + 1, .length = (first & 3U) + 1, .octets = 1};
  if ((first & 0x40) == 0) return Run{.is_zeros = true, .value = 0, .length = (first & 63U) + 1, .octets = 1};
  if (at + 1 >= octets.size()) return {};
  const std::size_t length = ((first & 63U) << 8 | static_cast<unsigned char>(octets[at + 1])) + 1;
  return Run{.is_zeros = true, .value = 0, .length = length, .octets = 2};
}

void put_zeros(std::string& out, std::size_t length) {
  if (length == 0) return;
  if (length > short_zeros_max) {
    out += static_cast<char>(0x40 | (length - 1) >> 8);
    out += static_cast<char>((length - 1) & 255);
  } else {
    out += static_cast<char>(length - 1);
  }
}

char value_run(unsigned value, std::size_t length) { return static_cast<char>(0x80 | (value - 1) << 2 | (length - 1)); }

void put_values(std::string& out, unsigned value, std::size_t length) {
  if (length > 0) out += value_run(value, length);
}

double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1, z = x, before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before != z);
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x, before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= std::pow(1 - x, 2) * y;
  } while (before != z);
  return z / 3;
}

}  // namespace

Sketch::Sketch() : octets_("HYLL\1\0\0\0\0\0\0\0\0\0\0\0", header_octets) { put_zeros(octets_, registers); }

std::optional<Sketch> Sketch::parse(std::string_view octets) {
  if (octets.size() < header_octets || !octets.starts_with("HYLL") || static_cast<unsigned char>(octets[4]) > 1) return {};
  if (octets[4] == 0 && octets.size() != dense_octets) return {};
  Sketch sketch;
  sketch.octets_ = octets;
  return sketch;
}

unsigned Sketch::dense(std::size_t index) const {
  const std::size_t bit = index * 6, at = header_octets + bit / 8;
  unsigned both = static_cast<unsigned char>(octets_[at]);
  if (at + 1 < octets_.size()) both |= static_cast<unsigned>(static_cast<unsigned char>(octets_[at + 1])) << 8;
  return both >> (bit % 8) & 63;
}

void Sketch::set_dense(std::size_t index, unsigned value) {
  const std::size_t bit = index * 6, at = header_octets + bit / 8;
  const unsigned shift = bit % 8, mask = 63U << shift, bits = value << shift;
  const auto change = [&](std::size_t octet, unsigned m, unsigned b) {
    octets_[octet] = static_cast<char>((static_cast<unsigned char>(octets_[octet]) & ~m) | b);
  };
  change(at, mask & 255, bits & 255);
  if (shift > 2) change(at + 1, mask >> 8, bits >> 8);
}

bool Sketch::read(Registers& into) const {
  if (is_dense()) {
    for (std::size_t i = 0; i < registers; ++i) into[i] = std::max(into[i], static_cast<std::uint8_t>(dense(i)));
    return true;
  }
  std::size_t index = 0;
  for (std::size_t at = header_octets; at < octets_.size();) {
    const auto run = run_at(octets_, at);
    if (!run || run->length > registers - index) return false;
    for (std::size_t i = 0; i < run->length; ++i, ++index) into[index] = std::max(into[index], static_cast<std::uint8_t>(run->value));
    at += run->octets;
  }
  return index == registers;
}

std::string Sketch::describe_runs() const {
  std::string text;
  for (std::size_t at = header_octets; at < octets_.size();) {
    const auto run = run_at(octets_, at);
    if (!run) break;
    if (!text.empty()) text += ' ';
    if (run->is_zeros) {
      text += (run->octets == 1 ? "z:" : "Z:") + std::to_string(run->length);
    } else {
      text += "v:" + std::to_string(run->value) + "," + std::to_string(run->length);
    }
    at += run->octets;
  }
  return text;
}

bool Sketch::make_dense() {
  if (is_dense()) return true;
  Registers all{};
  if (!read(all)) return false;
  octets_.resize(header_octets);
  octets_[4] = 0;
  octets_.resize(dense_octets, '\0');
  for (std::size_t i = 0; i < registers; ++i) set_dense(i, all[i]);
  return true;
}

bool Sketch::add(std::string_view element, std::size_t sparse_octets_max, bool& changed) {
  const std::uint64_t hash = murmur(element);
  const std::uint64_t rest = hash >> index_bits | std::uint64_t{1} << rank_bits;
  return set(hash & (registers - 1), static_cast<unsigned>(std::countr_zero(rest)) + 1, sparse_octets_max, changed);
}

bool Sketch::raise(const Registers& to, std::size_t sparse_octets_max) {
  bool changed = false;
  for (std::size_t i = 0; i < registers; ++i) {
    if (to[i] != 0 && !set(i, to[i], sparse_octets_max, changed)) return false;
  }
  return true;
}

bool Sketch::set(std::size_t index, unsigned value, std::size_t sparse_octets_max, bool& changed) {
  if (!is_dense() && value <= sparse_value_max) return set_sparse(index, value, sparse_octets_max, changed);
  if (!make_dense()) return false;
  if (dense(index) >= value) return true;
  set_dense(index, value);
  changed = true;
  return true;
}

bool Sketch::set_sparse(std::size_t index, unsigned value, std::size_t sparse_octets_max, bool& changed) {
  std::size_t at = header_octets, before = header_octets, first = 0;
  std::optional<Run> run;
  for (;;) {
    if (at >= octets_.size()) return false;
    run = run_at(octets_, at);
    if (!run) return false;
    if (index < first + run->length) break;
    first += run->length;
    before = at;
    at += run->octets;
  }
  if (!run->is_zeros && run->value >= value) return true;
  // The run falls apart into what is before the register, the register, and what is behind it.
  const std::size_t left = index - first, right = first + run->length - 1 - index;
  std::string parts;
  run->is_zeros ? put_zeros(parts, left) : put_values(parts, run->value, left);
  put_values(parts, value, 1);
  run->is_zeros ? put_zeros(parts, right) : put_values(parts, run->value, right);
  if (parts.size() > run->octets && octets_.size() + parts.size() - run->octets > sparse_octets_max) {
    if (!make_dense()) return false;
    set_dense(index, value);
    changed = true;
    return true;
  }
  octets_.replace(at, run->octets, parts);
  changed = true;
  merge_runs(before);
  return true;
}

void Sketch::merge_runs(std::size_t from) {
  // Near the change only: five runs, as Redis does, so that the octets are the same as its.
  std::size_t at = from;
  for (int left = 5; left > 0 && at < octets_.size(); --left) {
    const auto run = run_at(octets_, at);
    if (!run) return;
    if (run->is_zeros) {
      at += run->octets;
      continue;
    }
    if (at + 1 < octets_.size()) {
      const auto next = run_at(octets_, at + 1);
      if (next && !next->is_zeros && next->value == run->value && run->length + next->length <= sparse_run_max) {
        octets_.replace(at, 2, 1, value_run(run->value, run->length + next->length));
        continue;
      }
    }
    ++at;
  }
}

std::optional<std::uint64_t> Sketch::cached_estimate() const {
  std::uint64_t stored = 0;
  std::memcpy(&stored, octets_.data() + 8, sizeof stored);
  if (stored >> 63 != 0) return {};
  return stored;
}

void Sketch::invalidate() { octets_[header_octets - 1] = static_cast<char>(octets_[header_octets - 1] | 0x80); }

void Sketch::cache_estimate(std::uint64_t estimate) { std::memcpy(octets_.data() + 8, &estimate, sizeof estimate); }

std::uint64_t Sketch::estimate(const Registers& of) {
  std::array<int, 64> count{};
  for (const std::uint8_t value : of) ++count[value & 63];
  constexpr double m = registers;
  double z = m * tau((m - count[rank_bits + 1]) / m);
  for (unsigned j = rank_bits; j >= 1; --j) {
    z += count[j];
    z *= 0.5;
  }
  z += m * sigma(count[0] / m);
  constexpr double alpha = 0.721347520444481703680;
  return static_cast<std::uint64_t>(std::llroundl(static_cast<long double>(alpha * m * m / z)));
}

}  // namespace chorus::cache
