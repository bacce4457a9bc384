#include "coord/disk/txn_log.h"

#include <sstream>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "coord/disk/describe.h"
#include "coord/disk/inspect.h"
#include "jute/txns.h"
#include "store/memory_files.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace coord::disk;

void repair_checksums(std::string& entries) {
  for (std::size_t at = 0; at + 12 <= entries.size();) {
    const std::size_t length = base::Reader(std::string_view(entries).substr(at + 8)).u32();
    if (length == 0 || length > entries.size() - at - 12) return;
    base::Writer writer(entries);
    writer.patch_u32(at, 0);
    writer.patch_u32(at + 4, base::adler32(std::string_view(entries).substr(at + 12, length)));
    if (at + 12 + length < entries.size()) entries[at + 12 + length] = 'B';
    at += 12 + length + 1;
  }
}

std::size_t count(const TxnLog& log) {
  std::size_t records = 0;
  Cursor cursor = log.read_after(-2);
  for (auto next = cursor.next();; next = cursor.next()) {
    ENSURE(next, next ? "" : next.error().message);  // what open() accepted can be read
    if (!*next) return records;
    ++records;
    to_json_line(describe_txn((*next)->payload, true));
  }
}

}  // namespace

void fuzz_txn_log(std::string_view input) {
  if (input.empty()) return;
  describe_txn(input.substr(1), true);
  std::string entries(input.substr(1));
  if ((input[0] & 1) != 0) repair_checksums(entries);
  store::MemoryFiles files;
  files.put("d/log.1", TxnFormat().header(1) + entries);

  for (const bool json : {false, true}) {
    std::ostringstream out;
    const InspectOutcome outcome = inspect(files, "d/log.1", {.json = json, .data = true, .all = true}, out);
    ENSURE(outcome != InspectOutcome::unusable && !out.str().empty(), out.str());
  }

  const TxnLogOptions options{.directory = "d", .pre_alloc_octets = 4096};
  auto log = TxnLog::open(files, options);
  if (!log) {
    ENSURE(log.error().code == LogErrc::corrupt && log.error().message.find("d/log.1") != std::string::npos, log.error().message);
    return;
  }
  const std::size_t records = count(**log);
  // It goes on from there, and what was cut off stays away.
  const std::int64_t zxid = (*log)->empty() ? 1 : (*log)->last_zxid() + 1;
  if (zxid < 1) return;
  std::string group;
  const std::size_t mark = TxnLog::begin_entry(group);
  jute::encode(jute::TxnHeader{1, 2, zxid, 3, -1}, group);
  jute::encode(jute::ErrorTxn{-101}, group);
  TxnLog::end_entry(group, mark);
  ENSURE((*log)->append(group, zxid, zxid));
  ENSURE((*log)->sync());
  log->reset();
  log = TxnLog::open(files, options);
  ENSURE(log, log ? "" : log.error().message);
  ENSURE((*log)->torn().empty() && (*log)->last_zxid() == zxid && count(**log) == records + 1, records);
}

}  // namespace chorus::fuzz
