#include "coord/disk/txn_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "coord/disk/names.h"
#include "jute/txns.h"

namespace chorus::coord::disk {
namespace {

constexpr std::int32_t log_magic = 0x5a4b4c47;  // "ZKLG"
constexpr std::int32_t log_version = 2;
constexpr std::size_t frame_octets = 12;  // checksum and length
constexpr std::size_t txn_header_octets = 32;
constexpr std::size_t zxid_offset = 12;  // in TxnHeader: after long clientId, int cxid
constexpr char end_of_entry = 'B';

const TxnFormat txn_format;

}  // namespace

std::string TxnFormat::name_of(store::Id first) const { return numbered_name("log", first); }
std::optional<store::Id> TxnFormat::first_of(std::string_view name) const { return number_of("log", name); }
std::string TxnFormat::header(store::Id) const { return jute::encode(jute::FileHeader{log_magic, log_version, 0}); }

std::string TxnFormat::refuse_header(std::string_view header) const {
  const auto decoded = jute::decode<jute::FileHeader>(header);
  if (!decoded || decoded->magic != log_magic) return "it does not begin as a ZooKeeper transaction log (ZKLG)";
  if (decoded->version != log_version)
    return fmt::format("it is a transaction log of version {}, only version {} is known", decoded->version, log_version);
  return {};
}

store::Scan TxnFormat::scan(std::string_view octets) const {
  using Kind = store::Scan::Kind;
  base::Reader in(octets);
  const std::uint64_t checksum = in.u64();
  const std::int32_t length = in.i32();
  if (!in.ok()) return {.kind = Kind::more, .length = frame_octets};
  if (length == 0) return {.kind = Kind::end};
  if (length < 0) return {.kind = Kind::bad, .length = frame_octets, .why = "a transaction has a negative length"};
  const std::uint64_t whole = frame_octets + static_cast<std::uint64_t>(length) + 1;
  if (octets.size() < whole) return {.kind = Kind::more, .length = whole};
  if (octets[whole - 1] != end_of_entry) return {.kind = Kind::bad, .length = whole, .why = "a transaction does not end with 'B'"};
  const std::string_view txn = octets.substr(frame_octets, static_cast<std::size_t>(length));
  if (checksum != base::adler32(txn)) return {.kind = Kind::bad, .length = whole, .why = "the checksum of a transaction is wrong"};
  if (txn.size() < txn_header_octets) return {.kind = Kind::bad, .length = whole, .why = "a transaction is too short for its header"};
  return {.kind = Kind::complete, .length = whole, .id = base::Reader(txn.substr(zxid_offset)).i64(), .payload = txn};
}

bool TxnFormat::follows(store::Id before, store::Id after) const {
  return after == before + 1 || (after >> 32 > before >> 32 && (after & 0xffffffff) == 1);
}

std::size_t TxnLog::begin_entry(std::string& group) {
  const std::size_t mark = group.size();
  group.append(frame_octets, '\0');
  return mark;
}

void TxnLog::end_entry(std::string& group, std::size_t mark) {
  const std::size_t length = group.size() - mark - frame_octets;
  ENSURE(length >= txn_header_octets && length < (std::size_t{1} << 31), length);
  base::Writer(group).patch_u32(mark + 8, static_cast<std::uint32_t>(length));
  group.push_back(end_of_entry);
}

LogResult<std::unique_ptr<TxnLog>> TxnLog::open(world::Files& files, const TxnLogOptions& options) {
  auto log = store::Log::open(files, txn_format,
                              {.directory = options.directory,
                               .allocate_octets = std::min(options.pre_alloc_octets, growth_octets_max),
                               .segment_octets_max = options.size_limit_octets});
  if (!log) return std::unexpected(log.error());
  return std::unique_ptr<TxnLog>(new TxnLog(std::move(*log), options.force_sync));
}

LogResult<void> TxnLog::append(std::string& group, std::int64_t first, std::int64_t last) {
  const std::int64_t before = log_->last();
  std::size_t piece = 0;  // what is written already, of a group too long for one write
  const auto append_part = [&](std::size_t end, std::int64_t from, std::int64_t to) -> LogResult<void> {
    std::string part = group.substr(piece, end - piece);
    auto done = log_->append(part, from, to);
    if (done || done.error().code != LogErrc::no_space || piece == 0) return done;
    if (auto undone = log_->truncate_after(before); !undone) return undone;
    return done;
  };
  for (std::size_t at = 0; at < group.size();) {
    base::Reader in(std::string_view(group).substr(at + 8));
    const std::size_t length = in.u32();
    const std::string_view txn = in.octets(length);
    ENSURE(in.ok() && length >= txn_header_octets, at, length, group.size());
    base::Writer(group).patch_u32(at + 4, base::adler32(txn));
    const std::size_t next = at + frame_octets + length + 1;
    if (next < group.size() && next - piece >= store::unsynced_octets_max) {
      const std::int64_t zxid = base::Reader(txn.substr(zxid_offset)).i64();
      if (auto done = append_part(next, first, zxid); !done) return done;
      first = zxid + 1;
      piece = next;
    }
    at = next;
  }
  if (piece == 0) return log_->append(group, first, last);
  return append_part(group.size(), first, last);
}

LogResult<void> TxnLog::sync() {
  if (!force_sync_) return {};
  return log_->sync();
}

}  // namespace chorus::coord::disk
