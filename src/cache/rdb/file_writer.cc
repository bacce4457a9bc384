#include "cache/rdb/file_writer.h"

#include <fmt/format.h>

#include "base/checksum.h"

namespace chorus::cache::rdb {
namespace {

void put(std::string& out, Opcode code) { out.push_back(static_cast<char>(code)); }
constexpr char end_opcode[] = {static_cast<char>(Opcode::end)};

}  // namespace

void write_header(std::string& out, const WriteOptions& options) { out += fmt::format("REDIS{:04}", options.version); }

void write_aux(std::string& out, std::string_view name, std::string_view value, const WriteOptions& options) {
  put(out, Opcode::aux);
  write_string(out, name, options);
  write_string(out, value, options);
}

void write_function(std::string& out, std::string_view code, const WriteOptions& options) {
  put(out, Opcode::function);
  write_string(out, code, options);
}

void write_database(std::string& out, std::uint64_t db) {
  put(out, Opcode::database);
  write_length(out, db);
}

void write_sizes(std::string& out, std::uint64_t keys, std::uint64_t expiring) {
  put(out, Opcode::sizes);
  write_length(out, keys);
  write_length(out, expiring);
}

void write_key(std::string& out, const Entry& entry, const KeyUse& use, const WriteOptions& options) {
  if (const auto expiry = entry.expiry()) {
    put(out, Opcode::expiry_ms);
    write_little(out, 8, static_cast<std::uint64_t>(*expiry));
  }
  if (use.idle_s) {
    put(out, Opcode::idle);
    write_length(out, *use.idle_s);
  }
  if (use.frequency) {
    put(out, Opcode::frequency);
    out.push_back(static_cast<char>(*use.frequency));
  }
  out.push_back(static_cast<char>(value_type(entry, options)));
  write_string(out, entry.key(), options);
}

std::uint64_t end_checksum(std::uint64_t before) { return base::crc64_jones({end_opcode, 1}, before); }

void write_end(std::string& out, std::uint64_t checksum) {
  put(out, Opcode::end);
  write_little(out, 8, checksum);
}

}  // namespace chorus::cache::rdb
