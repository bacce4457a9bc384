#include <fmt/format.h>

#include <string>

#include "base/ensure.h"
#include "cache/rdb/file_reader.h"
#include "cache/rdb/value_writer.h"
#include "cache/value/destroy.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace cache;

struct Told final : rdb::FileSink {
  std::string text;
  void on_aux(std::string_view name, std::string_view value) override { text += fmt::format("aux {} {}\n", name, value); }
  Outcome on_database(std::uint64_t db) override {
    text += fmt::format("db {}\n", db);
    return {};
  }
  Outcome on_key(Entry* entry, rdb::KeyUse) override {
    std::string value;
    rdb::write_value(value, *entry, {.compresses = false});
    text += fmt::format("{} {} {}\n", entry->key(), entry->expiry().value_or(0), value.size());
    destroy(entry);
    return {};
  }
  Outcome on_function(std::string_view code) override {
    text += fmt::format("function {}\n", code);
    return {};
  }
};

std::string read(std::string_view input, std::size_t step) {
  const Thresholds thresholds;
  Told told;
  rdb::FileReader reader(thresholds, told);
  for (std::size_t at = 0; at < input.size(); at += step) {
    const auto fed = reader.feed(input.substr(at, step));
    if (!fed) return told.text + fed.error();
    if (*fed) return told.text + fmt::format("end {}", reader.offset());
  }
  return told.text;
}

}  // namespace

void fuzz_cache_rdb(std::string_view input) {
  if (input.size() < 2) return;
  const auto step = static_cast<std::size_t>(static_cast<unsigned char>(input[0]) % 16 + 1);
  input.remove_prefix(1);
  // However the octets are cut, the same is in them.
  const std::string whole = read(input, input.size()), pieces = read(input, step);
  ENSURE(whole == pieces, whole, pieces);
}

}  // namespace chorus::fuzz
