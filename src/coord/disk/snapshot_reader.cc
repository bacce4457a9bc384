#include <fmt/format.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "coord/disk/decode_stream.h"
#include "coord/disk/snapshot.h"
#include "coord/disk/snapshot_layout.h"

namespace chorus::coord::disk {
namespace {

class SnapshotReader {
 public:
  SnapshotReader(DecodeStream& stream, const std::string& path, SnapshotSink& sink, const ReadOptions& options)
      : stream_(stream), path_(path), sink_(sink), options_(options) {}

  SnapshotResult<void> read() {
    sink_.begin();
    if (auto done = read_header(); !done) return done;
    if (auto done = read_sessions_and_acls(); !done) return done;
    if (auto done = read_nodes(); !done) return done;
    if (auto done = check_seal(); !done) return done;
    return read_optional_blocks();
  }

 private:
  SnapshotResult<void> read_header() {
    auto header = next<jute::FileHeader>("the file header");
    if (!header) return std::unexpected(header.error());
    if (header->magic != snapshot_magic) return invalid("it does not begin as a ZooKeeper snapshot (ZKSN)");
    if (header->version != snapshot_version)
      return invalid(fmt::format("it is a snapshot of version {}, only version {} is known", header->version, snapshot_version));
    return {};
  }

  SnapshotResult<void> read_sessions_and_acls() {
    auto sessions = count("the number of sessions");
    if (!sessions) return std::unexpected(sessions.error());
    for (std::int32_t i = 0; i < *sessions; ++i) {
      auto session = next<SnapshotSession>("a session");
      if (!session) return std::unexpected(session.error());
      sink_.session(*session);
    }
    auto acls = count("the number of ACLs");
    if (!acls) return std::unexpected(acls.error());
    for (std::int32_t i = 0; i < *acls; ++i) {
      auto acl = next<SnapshotAcl>("an ACL");
      if (!acl) return std::unexpected(acl.error());
      sink_.acl(*acl);
    }
    return {};
  }

  SnapshotResult<void> read_nodes() {
    for (;;) {
      auto path = peek<PathOnly>("a node");
      if (!path) return std::unexpected(path.error());
      if (path->path == end_of_nodes) return skip<PathOnly>();
      auto node = next<SnapshotNode>("a node");
      if (!node) return std::unexpected(node.error());
      if (const std::string why = sink_.node(*node); !why.empty()) return invalid(why);
    }
  }

  /// Writers leave out what they do not have or know, so their number is told from what is left.
  SnapshotResult<void> read_optional_blocks() {
    constexpr std::size_t digest_octets = 20 + seal_octets;
    constexpr std::size_t last_zxid_octets = 8 + seal_octets;
    if (auto done = fill(digest_octets + last_zxid_octets); !done) return std::unexpected(done.error());
    const std::size_t left = buffer_.size() - taken_;
    if (left != 0 && left != last_zxid_octets && left != digest_octets && left < digest_octets + last_zxid_octets) {
      return invalid("it is cut short behind the nodes");
    }
    if (left >= digest_octets) {
      auto digest = next<SnapshotDigest>("the digest");
      if (!digest) return std::unexpected(digest.error());
      const SnapshotDigest copy = *digest;
      if (auto done = check_seal(); !done) return done;
      sink_.digest(copy);
    }
    if (left == last_zxid_octets || left >= digest_octets + last_zxid_octets) {
      auto zxid = next<LastZxid>("the last zxid");
      if (!zxid) return std::unexpected(zxid.error());
      const std::int64_t copy = zxid->zxid;
      if (auto done = check_seal(); !done) return done;
      sink_.last_zxid(copy);
    }
    return {};
  }

  SnapshotResult<void> check_seal() {
    sum_up();
    const std::uint32_t sum = adler_;
    auto seal = next<Seal>("a seal");
    if (!seal) return std::unexpected(seal.error());
    if (seal->checksum != sum || seal->end != end_of_nodes) return invalid("the checksum is wrong");
    return {};
  }

  SnapshotResult<std::int32_t> count(std::string_view what) {
    auto record = next<SnapshotCount>(what);
    if (!record) return std::unexpected(record.error());
    if (record->count < 0) return invalid(fmt::format("{} is negative", what));
    return record->count;
  }

  /// Decodes the record at the front, reading on until it is whole.
  template <class T>
  SnapshotResult<T> peek(std::string_view what) {
    for (;;) {
      base::Reader in(std::string_view(buffer_).substr(taken_));
      if (auto record = jute::decode<T>(in)) {
        record_octets_ = in.offset();
        return *record;
      }
      const std::size_t have = buffer_.size() - taken_;
      if (have > options_.record_octets_max)
        return invalid(fmt::format("{} is damaged, or longer than {} octets", what, options_.record_octets_max));
      // Twice as much each time, so that all attempts together cost no more than the last one.
      auto more = fill(have == 0 ? 1 : 2 * have);
      if (!more) return std::unexpected(more.error());
      if (buffer_.size() - taken_ == have) return invalid(fmt::format("it ends inside of {}, or that is damaged", what));
    }
  }
  template <class T>
  SnapshotResult<T> next(std::string_view what) {
    auto record = peek<T>(what);
    if (record) taken_ += record_octets_;
    return record;
  }
  template <class T>
  SnapshotResult<void> skip() {
    taken_ += record_octets_;
    return {};
  }

  /// Reads until `wanted` octets are in front of us, or the end.
  SnapshotResult<void> fill(std::size_t wanted) {
    if (buffer_.size() - taken_ >= wanted) return {};
    sum_up();
    buffer_.erase(0, taken_);
    base_ += taken_;
    taken_ = summed_ = 0;
    while (buffer_.size() < wanted) {
      auto count = stream_.read(buffer_);
      if (!count) return std::unexpected(count.error());
      if (*count == 0) break;
    }
    return {};
  }

  void sum_up() {
    adler_ = base::adler32(std::string_view(buffer_).substr(summed_, taken_ - summed_), adler_);
    summed_ = taken_;
  }

  std::unexpected<SnapshotError> invalid(std::string_view why) const {
    return base::error(SnapshotErrc::invalid, fmt::format("{} is not a sound snapshot, at offset {}: {}", path_, base_ + taken_, why));
  }

  DecodeStream& stream_;
  const std::string& path_;
  SnapshotSink& sink_;
  const ReadOptions& options_;
  std::string buffer_;
  std::size_t taken_ = 0;          // of buffer_
  std::size_t summed_ = 0;         // of buffer_, into adler_
  std::size_t record_octets_ = 0;  // of the record peeked at
  std::uint64_t base_ = 0;         // offset of buffer_
  std::uint32_t adler_ = 1;
};

}  // namespace

SnapshotResult<void> read_snapshot(world::Files& files, const std::string& path, SnapshotSink& sink, const ReadOptions& options) {
  auto stream = open_decode_stream(files, path);
  if (!stream) return std::unexpected(stream.error());
  return SnapshotReader(**stream, path, sink, options).read();
}

}  // namespace chorus::coord::disk
