// PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "cache/call.h"
#include "cache/command/rows.h"
#include "cache/hyperloglog/sketch.h"
#include "cache/resp/quote.h"

namespace chorus::cache {
namespace {

constexpr std::string_view not_a_sketch = "WRONGTYPE Key is not a valid HyperLogLog string value.";
constexpr std::string_view damaged = "INVALIDOBJ Corrupted HLL object detected";

/// False: replied. Without an entry: an empty one.
bool read_sketch(Call& call, const Entry* entry, Sketch& sketch) {
  if (!call.is(entry, Type::string)) return false;
  if (entry == nullptr) return true;
  NumberText scratch;
  auto parsed = Sketch::parse(entry->text(scratch));
  if (!parsed) {
    call.error(not_a_sketch);
    return false;
  }
  sketch = std::move(*parsed);
  return true;
}

void store(Call& call, std::string_view key, Entry* entry, const Sketch& sketch) {
  const std::string& octets = sketch.octets();
  if (entry == nullptr) {
    call.insert(Entry::make(key, Type::string, Encoding::raw, make_text(octets, octets.size(), octets.size())));
    return;
  }
  char* to = call.database().writable(entry, octets.size());
  std::memcpy(to, octets.data(), octets.size());
}

void pfadd(Call& call) {
  Entry* entry = call.write(call[1]);
  Sketch sketch;
  if (!read_sketch(call, entry, sketch)) return;
  bool changed = entry == nullptr;
  for (const std::string_view element : call.arguments().subspan(2)) {
    if (!sketch.add(element, call.options().sparse_sketch_octets_max, changed)) return call.error(damaged);
  }
  if (changed) {
    sketch.invalidate();
    store(call, call[1], entry, sketch);
    call.changed(call[1], Notify::string, "pfadd");
  }
  call.reply.integer(changed ? 1 : 0);
}

void pfcount(Call& call) {
  Sketch::Registers all{};
  if (call.size() > 2) {
    for (const std::string_view key : call.arguments().subspan(1)) {
      const Entry* entry = call.read(key);
      if (entry == nullptr) continue;
      Sketch sketch;
      if (!read_sketch(call, entry, sketch)) return;
      if (!sketch.read(all)) return call.error(damaged);
    }
    return call.reply.integer(static_cast<std::int64_t>(Sketch::estimate(all)));
  }
  Entry* entry = call.read(call[1]);
  if (entry == nullptr) return call.reply.integer(0);
  Sketch sketch;
  if (!read_sketch(call, entry, sketch)) return;
  if (const auto cached = sketch.cached_estimate()) return call.reply.integer(static_cast<std::int64_t>(*cached));
  if (!sketch.read(all)) return call.error(damaged);
  const std::uint64_t estimate = Sketch::estimate(all);
  // The estimate is kept in the string: a change, as GET shows it.
  sketch.cache_estimate(estimate);
  store(call, call[1], entry, sketch);
  call.changed_quietly(call[1]);
  call.reply.integer(static_cast<std::int64_t>(estimate));
}

void pfmerge(Call& call) {
  Sketch::Registers all{};
  bool any_dense = false;
  for (const std::string_view key : call.arguments().subspan(1)) {
    const Entry* entry = call.read(key);
    if (entry == nullptr) continue;
    Sketch sketch;
    if (!read_sketch(call, entry, sketch)) return;
    any_dense = any_dense || sketch.is_dense();
    if (!sketch.read(all)) return call.error(damaged);
  }
  Entry* entry = call.write(call[1]);
  Sketch sketch;
  if (!read_sketch(call, entry, sketch)) return;
  if ((any_dense && !sketch.make_dense()) || !sketch.raise(all, call.options().sparse_sketch_octets_max)) return call.error(damaged);
  sketch.invalidate();
  store(call, call[1], entry, sketch);
  call.changed(call[1], Notify::string, "pfadd");
  call.reply.ok();
}

/// In the dense form from then on.
bool make_dense(Call& call, Entry* entry, Sketch& sketch) {
  if (sketch.is_dense()) return true;
  if (!sketch.make_dense()) {
    call.error(damaged);
    return false;
  }
  store(call, call[2], entry, sketch);
  call.changed_quietly(call[2]);
  return true;
}

void pfdebug(Call& call) {
  Entry* entry = call.write(call[2]);
  if (entry == nullptr) return call.error("ERR The specified key does not exist");
  Sketch sketch;
  if (!read_sketch(call, entry, sketch)) return;
  if (call.is_word(1, "GETREG")) {
    if (!make_dense(call, entry, sketch)) return;
    Sketch::Registers all{};
    sketch.read(all);
    call.reply.array(all.size());
    for (const std::uint8_t value : all) call.reply.integer(value);
  } else if (call.is_word(1, "DECODE")) {
    if (sketch.is_dense()) return call.error("ERR HLL encoding is not sparse");
    call.reply.bulk(sketch.describe_runs());
  } else if (call.is_word(1, "ENCODING")) {
    call.reply.simple(sketch.is_dense() ? "dense" : "sparse");
  } else if (call.is_word(1, "TODENSE")) {
    const bool was_dense = sketch.is_dense();
    if (make_dense(call, entry, sketch)) call.reply.integer(was_dense ? 0 : 1);
  } else {
    call.error(fmt::format("ERR Unknown PFDEBUG subcommand '{}'", shown(call[1])));
  }
}

/// Both forms agree, and are as exact as they have to be.
void pfselftest(Call& call) {
  constexpr std::uint64_t elements = 100'000;
  const std::uint64_t seed = call.random().next();
  Sketch sparse, dense;
  dense.make_dense();
  std::uint64_t checkpoint = 1;
  for (std::uint64_t i = 1; i <= elements; ++i) {
    const std::uint64_t element = i ^ seed;
    const std::string_view octets(reinterpret_cast<const char*>(&element), sizeof element);
    bool changed = false;
    if (!sparse.add(octets, call.options().sparse_sketch_octets_max, changed) || !dense.add(octets, 0, changed))
      return call.error("TESTFAILED Element refused");
    if (i != checkpoint) continue;
    Sketch::Registers of_sparse{}, of_dense{};
    if (!sparse.read(of_sparse) || !dense.read(of_dense) || of_sparse != of_dense) return call.error("TESTFAILED dense/sparse disagree");
    const auto estimate = static_cast<double>(Sketch::estimate(of_dense)), count = static_cast<double>(i);
    // Six times the standard error; of ten, two may have fallen together.
    const double error_max = i == 10 ? 1 : std::ceil(6 * 1.04 / std::sqrt(static_cast<double>(Sketch::registers)) * count);
    if (std::fabs(estimate - count) > error_max)
      return call.error(fmt::format("TESTFAILED Too big error. card:{} abserr:{}", i, std::fabs(estimate - count)));
    checkpoint *= 10;
  }
  call.reply.ok();
}

}  // namespace

std::span<const Command> hyperloglog_rows() {
  constexpr Group group = Group::hyperloglog;
  constexpr KeyRange all{1, -1, 1};
  static constexpr Command rows[] = {
      {"pfadd", -2, "wmF", {1, 1, 1}, group, "2.8.9", pfadd},    {"pfcount", -2, "rR", all, group, "2.8.9", pfcount},
      {"pfdebug", 3, "wma", {2, 2, 1}, group, "2.8.9", pfdebug}, {"pfmerge", -2, "wm", all, group, "2.8.9", pfmerge},
      {"pfselftest", 1, "a", {}, group, "2.8.9", pfselftest},
  };
  return rows;
}

}  // namespace chorus::cache
