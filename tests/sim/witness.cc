#include "witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/bytes.h"
#include "base/checksum.h"

namespace chorus::coord_sim {

namespace {

constexpr std::uint32_t magic = 0x5a4b4c47;  // "ZKLG"
constexpr std::size_t header_size = 16;

/// Entries up to the first that is not whole: there the file ends, or a crash tore it.
void read_file(std::string_view octets, std::vector<Transaction>& out) {
  base::Reader in(octets);
  if (in.u32() != magic || octets.size() < header_size) return;
  in.octets(header_size - 4);
  while (in.ok()) {
    const std::uint64_t checksum = in.u64();
    const std::uint32_t length = in.u32();
    if (!in.ok() || length == 0 || length > in.remaining()) return;
    const std::string_view entry = in.octets(length);
    if (in.u8() != 'B' || !in.ok() || checksum != base::adler32(entry)) return;
    base::Reader fields(entry);
    Transaction txn;
    txn.session = fields.i64();
    txn.cxid = fields.i32();
    txn.zxid = fields.i64();
    txn.time_ms = fields.i64();
    txn.type = fields.i32();
    if (txn.type == -1) txn.err = fields.i32();
    txn.checksum = static_cast<std::uint32_t>(checksum);
    if (txn.type == 20) txn.path = std::string(fields.octets(fields.u32()));
    out.push_back(std::move(txn));
  }
}

}  // namespace

std::vector<Transaction> read_log(FileContents files, std::string& trouble) {
  std::vector<std::tuple<std::uint64_t, std::string, std::string>> logs;
  for (auto& [name, octets] : files) {
    const std::string prefix = "log.";
    if (!name.starts_with(prefix)) continue;
    std::uint64_t zxid = 0;
    const auto [end, error] = std::from_chars(name.data() + prefix.size(), name.data() + name.size(), zxid, 16);
    if (error == std::errc() && end == name.data() + name.size()) logs.emplace_back(zxid, name, std::move(octets));
  }
  std::sort(logs.begin(), logs.end());
  std::vector<Transaction> all;
  for (const auto& [zxid, name, octets] : logs) {
    const std::size_t before = all.size();
    read_file(octets, all);
    if (all.size() > before && all[before].zxid != static_cast<std::int64_t>(zxid)) {
      trouble = fmt::format("{} begins with zxid {:#x}", name, all[before].zxid);
    }
  }
  return all;
}

std::vector<Transaction> read_log(const sim::Disk& disk, const std::string& directory, std::string& trouble) {
  FileContents files;
  for (const std::string& path : disk.all_files()) {
    const std::string prefix = directory + "/";
    if (path.starts_with(prefix)) files.emplace_back(path.substr(prefix.size()), *disk.contents(path));
  }
  return read_log(std::move(files), trouble);
}

std::vector<Transaction> read_transactions(const sim::Disk& disk, const std::string& directory, std::string& trouble) {
  std::vector<Transaction> all = read_log(disk, directory, trouble);
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (all[i].zxid != all[i - 1].zxid + 1 && trouble.empty()) {
      trouble = fmt::format("zxid {:#x} follows {:#x} in the log", all[i].zxid, all[i - 1].zxid);
    }
  }
  return all;
}

}  // namespace chorus::coord_sim
