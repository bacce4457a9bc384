#include <algorithm>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/ensure.h"
#include "coord/disk/snapshot.h"
#include "targets.h"
#include "zab/packet_stream.h"

namespace chorus::fuzz {
namespace {

using namespace zab;
using coord::disk::SnapshotAcl;
using coord::disk::SnapshotNode;
using coord::disk::SnapshotSession;

/// Knows the records of a snapshot and takes one at a time, or as many as there are.
class Sink final : public SnapshotSink {
 public:
  Sink(bool one, std::uint32_t& sum) : one_(one), sum_(sum) {}

  base::Result<std::size_t, std::string> feed(std::string_view octets) override {
    std::size_t used = 0;
    while (part_ < 3) {
      base::Reader in(octets.substr(used));
      if (!take(in)) break;
      if (!in.ok()) break;
      if (in.offset() > record_max) return std::unexpected("a long record");
      sum_ = base::adler32(octets.substr(used, in.offset()), sum_);
      used += in.offset();
      if (one_) break;
    }
    if (used == 0 && octets.size() > record_max) return std::unexpected("a long record");
    return used;
  }
  bool is_complete() const override { return part_ == 3; }
  void finish() override { ENSURE(part_ == 3); }

  static constexpr std::size_t record_max = 4096;

 private:
  bool take(base::Reader& in) {
    if (part_ < 2) {
      if (left_ < 0) {
        const std::int32_t count = in.i32();
        if (in.ok()) left_ = std::max(count, 0);
      } else if (part_ == 0 ? jute::decode<SnapshotSession>(in).has_value() : jute::decode<SnapshotAcl>(in).has_value()) {
        --left_;
      }
      if (in.ok() && left_ == 0) {
        left_ = -1;
        ++part_;
      }
      return true;
    }
    base::Reader end = in;
    std::string_view path;
    jute::read(end, path);
    if (end.ok() && path == "/") {
      in = end;
      part_ = 3;
      return true;
    }
    return jute::decode<SnapshotNode>(in).has_value();
  }

  const bool one_;
  std::uint32_t& sum_;
  int part_ = 0;  // sessions, access lists, nodes, end
  std::int64_t left_ = -1;
};

// Each item in octets; a last one says whether the stream is broken.
std::vector<std::string> read(std::string_view input, std::size_t piece, bool one) {
  StreamLimits limits;
  limits.record_octets = Sink::record_max;
  PacketStream stream(limits);
  std::vector<std::string> items;
  std::uint32_t sum = 1;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t count = std::min(piece, input.size() - at);
    const std::string borrowed(input.substr(at, count));  // of its own, so that a read beyond it is seen
    stream.feed(borrowed);
    for (;;) {
      auto item = stream.next();
      if (!item) {
        items.emplace_back("broken");
        return items;
      }
      if (!*item) break;
      if (const auto* packet = std::get_if<Packet>(&**item)) {
        std::string octets;
        encode(*packet, octets);
        const auto again = decode_packet(octets);
        ENSURE(again && *again && (*again)->used == octets.size());
        std::string twice;
        encode((*again)->packet, twice);
        ENSURE(twice == octets);
        items.push_back(std::move(octets));
        if (packet->type == static_cast<std::int32_t>(PacketType::snap)) stream.expect_snapshot(std::make_unique<Sink>(one, sum));
      } else {
        items.push_back("snapshot " + std::to_string(sum));
      }
    }
    at += count;
  }
  return items;
}

}  // namespace

void fuzz_quorum(std::string_view input) {
  if (input.empty()) return;
  const std::size_t piece = 1 + static_cast<unsigned char>(input[0]);
  input.remove_prefix(1);
  // How the octets arrive makes no difference.
  const auto whole = read(input, input.size() + 1, false);
  ENSURE(read(input, piece, false) == whole);
  ENSURE(read(input, piece, true) == whole);
}

}  // namespace chorus::fuzz
