// ZooKeeper's snapshot files: layout, reading, writing. source: FileSnap, SnapStream, SerializeUtils, DataTree, ReferenceCountedACLCache
//
//   file header    int 0x5a4b534e "ZKSN", int version 2, long dbid -1
//   sessions       int count, { long id, int timeout in ms }*
//   ACL cache      int count, { long id, vector<ACL> }*            id -1 is not listed: world:anyone may do everything
//   nodes          { string path, buffer data, long ACL id, StatPersisted }*      parents before children; the root's path is ""
//   end of nodes   string "/"
//   seal           long Adler-32 of everything before, string "/"
//   digest         long zxid, int version, long tree digest; seal  maybe absent
//   last zxid      long zxid; seal                                 maybe absent, ZooKeeper 3.9 and later
//
// The file snapshot.<zxid> holds every change up to zxid, and maybe some later ones: it is written while the tree changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jute/txns.h"
#include "world/files.h"

namespace chorus::coord::disk {

/// Each is a record of the layout above, encoded by jute::encode().
struct SnapshotCount {
  std::int32_t count = 0;
  JUTE_FIELDS(count)
};
struct SnapshotSession {
  std::int64_t id = 0;
  std::int32_t timeout_ms = 0;
  JUTE_FIELDS(id, timeout_ms)
};
struct SnapshotAcl {
  std::int64_t id = 0;
  std::vector<jute::Acl> acl;
  JUTE_FIELDS(id, acl)
};
struct SnapshotNode {
  std::string_view path;
  jute::Buffer data;
  std::int64_t acl_id = 0;
  jute::StatPersisted stat;
  JUTE_FIELDS(path, data, acl_id, stat)
};
struct SnapshotDigest {
  std::int64_t zxid = 0;
  std::int32_t version = 2;
  std::int64_t tree_digest = 0;
  JUTE_FIELDS(zxid, version, tree_digest)
};

enum class SnapshotErrc {
  invalid,   // not a whole, sound snapshot: take an older one
  no_space,  // nothing is left of it; try again when there is room
  failed,    // the disk
};
using SnapshotError = base::Error<SnapshotErrc>;
template <class T>
using SnapshotResult = base::Result<T, SnapshotError>;

enum class Compression { none, gzip, snappy };
/// ".gz", ".snappy", ""
std::string_view extension_of(Compression compression);
/// By the file's extension.
Compression compression_of(std::string_view path);
/// ZooKeeper's setting snapshot.compression.method: "gz", "snappy", "" or "none"; empty when it is another.
std::optional<Compression> parse_compression(std::string_view method);

/// Takes what a snapshot holds, in the order of the layout. Views are borrowed for the call.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  /// A snapshot begins: whatever came before was of one that proved invalid and is to be forgotten.
  virtual void begin() = 0;
  virtual void session(const SnapshotSession& session) = 0;
  virtual void acl(const SnapshotAcl& acl) = 0;
  /// Why the node cannot be (its parent is missing, its ACL is unknown); empty: taken.
  virtual std::string node(const SnapshotNode& node) = 0;
  virtual void digest(const SnapshotDigest&) {}
  virtual void last_zxid(std::int64_t) {}
};

struct ReadOptions {
  /// Longest node or ACL that is believed, octets.
  std::size_t record_octets_max = 64 << 20;
};
/// Reads a whole snapshot, in memory bounded by its longest record. Everything is passed on before the last seal was checked: on failure
/// the sink's contents are worth nothing.
///   errors   invalid: names file, offset (in what is compressed: uncompressed) and reason · failed
SnapshotResult<void> read_snapshot(world::Files& files, const std::string& path, SnapshotSink& sink, const ReadOptions& options = {});

/// Writes a snapshot piece by piece, on one thread at a time. It has a temporary name until finish() made it durable.
class SnapshotWriter {
 public:
  /// Writes the file header. Replaces what an earlier attempt at the same snapshot left.
  static SnapshotResult<std::unique_ptr<SnapshotWriter>> open(world::Files& files, const std::string& directory, std::int64_t zxid,
                                                              Compression compression);
  /// Removes the temporary file unless finished.
  ~SnapshotWriter();

  /// Octets of the layout: counts, sessions, ACLs, nodes; cut anywhere.
  SnapshotResult<void> write(std::string_view octets);
  /// The end of nodes and its seal.
  SnapshotResult<void> end_nodes();
  SnapshotResult<void> digest(const SnapshotDigest& digest);
  SnapshotResult<void> last_zxid(std::int64_t zxid);
  /// Durable under its final name, which is returned with the directory.
  SnapshotResult<std::string> finish();

  /// Uncompressed, so far.
  std::uint64_t octets() const { return octets_; }

 private:
  class Encoder;
  class GzipEncoder;
  class SnappyEncoder;
  SnapshotWriter(world::Files& files, std::string directory, std::string name, Compression compression);
  SnapshotResult<void> seal();
  SnapshotResult<void> flush(std::size_t keep_below);

  world::Files& files_;
  std::string directory_;
  std::string name_;
  std::string temporary_;
  std::unique_ptr<world::File> file_;
  std::unique_ptr<Encoder> encoder_;  // null: none
  std::string out_;                   // encoded, not yet written
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  std::uint64_t octets_ = 0;
  std::uint32_t adler_ = 1;
};

/// Removes what writers left unfinished when the process ended; their names.
SnapshotResult<std::vector<std::string>> remove_unfinished_snapshots(world::Files& files, const std::string& directory);

}  // namespace chorus::coord::disk
