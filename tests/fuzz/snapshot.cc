#include "coord/disk/snapshot.h"

#include <sstream>

#include "base/ensure.h"
#include "coord/disk/inspect.h"
#include "store/memory_files.h"
#include "targets.h"

namespace chorus::fuzz {
namespace {

using namespace coord::disk;

/// Counts, and keeps the records to write them again.
struct Keeper final : SnapshotSink {
  std::int32_t session_count = 0, acl_count = 0, node_count = 0;
  std::string sessions, acls, nodes;
  std::optional<SnapshotDigest> tree_digest;
  std::optional<std::int64_t> zxid;

  void begin() override { *this = Keeper{}; }
  void session(const SnapshotSession& session) override {
    ++session_count;
    jute::encode(session, sessions);
  }
  void acl(const SnapshotAcl& acl) override {
    ++acl_count;
    jute::encode(acl, acls);
  }
  std::string node(const SnapshotNode& node) override {
    ++node_count;
    jute::encode(node, nodes);
    return "";
  }
  void digest(const SnapshotDigest& digest) override { tree_digest = digest; }
  void last_zxid(std::int64_t last) override { zxid = last; }
};

std::string write(store::MemoryFiles& files, std::string_view octets, const Keeper& tail, Compression compression) {
  auto writer = SnapshotWriter::open(files, "d", 7, compression);
  ENSURE(writer && (*writer)->write(octets) && (*writer)->end_nodes());
  if (tail.tree_digest) ENSURE((*writer)->digest(*tail.tree_digest));
  if (tail.zxid) ENSURE((*writer)->last_zxid(*tail.zxid));
  auto path = (*writer)->finish();
  ENSURE(path);
  return *path;
}

}  // namespace

void fuzz_snapshot(std::string_view input) {
  if (input.empty()) return;
  const int kind = input[0] & 3;
  input.remove_prefix(1);
  store::MemoryFiles files;
  std::string path = kind == 1 ? "d/snapshot.1.gz" : kind == 2 ? "d/snapshot.1.snappy" : "d/snapshot.1";
  if (kind == 3) {
    Keeper tail;
    tail.tree_digest = SnapshotDigest{.zxid = 7};
    tail.zxid = 7;
    path = write(files, input, tail, Compression::none);
  } else {
    files.put(path, input);
  }

  std::ostringstream out;
  inspect(files, path, {.json = true, .sizes = input.size() < 1000, .data = true}, out);
  Keeper first;
  auto done = read_snapshot(files, path, first, {.record_octets_max = 1 << 20});
  if (!done) {
    ENSURE(done.error().code == SnapshotErrc::invalid && done.error().message.find(path) != std::string::npos, done.error().message);
    return;
  }
  // What was read can be written, and read again as the same.
  const std::string body = jute::encode(SnapshotCount{first.session_count}) + first.sessions +
                           jute::encode(SnapshotCount{first.acl_count}) + first.acls + first.nodes;
  for (const Compression compression : {Compression::none, Compression::gzip, Compression::snappy}) {
    Keeper second;
    const std::string again = write(files, body, first, compression);
    auto read = read_snapshot(files, again, second);
    ENSURE(read, read ? "" : read.error().message);
    ENSURE(second.node_count == first.node_count && second.nodes == first.nodes && second.sessions == first.sessions &&
           second.acls == first.acls);
    ENSURE(second.zxid == first.zxid && second.tree_digest.has_value() == first.tree_digest.has_value());
  }
}

}  // namespace chorus::fuzz
