// The ring of memcached's clients, as libmemcached has it with MEMCACHED_BEHAVIOR_KETAMA and MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ring/md5.h"
#include "ring/placement.h"
#include "ring/point_ring.h"

namespace chorus::ring {

struct KetamaOptions {
  // true: MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, keys and servers by MD5, 160 points a server on average, by weight. false:
  // MEMCACHED_BEHAVIOR_KETAMA alone, keys and servers by libmemcached's default hash, Jenkins's one-at-a-time, 100 points a server; but as
  // soon as one has a weight above 1 libmemcached places servers as if true, and goes on to hash keys as if not.
  bool weighted = true;
};

/// As libmemcached has it on x86, where an octet above 127 counts as negative. source: B. Jenkins, "A Hash Function for Hash Table Lookup"
std::uint32_t one_at_a_time(std::string_view octets);

/// Places every key where libmemcached does that was given the same servers in the same order. A name is "host", "host:port" or
/// "[host]:port"; without a port it is 11211, and that one is not hashed. A weight of 0 is a weight of 1.
class Ketama final : public Placement {
 public:
  ///   errors  invalid: the list, a name that is no host:port or longer than max_name · too_large: more than 2^31 points
  static Result<Ketama> make(std::span<const Node> nodes, const KetamaOptions& options = {});
  static constexpr std::size_t max_name = 1024;

  std::uint64_t hash(std::string_view key) const override { return md5_keys_ ? md5(key)[0] : one_at_a_time(key); }
  /// By the lower 32 bits.
  NodeIndex locate(std::uint64_t hash) const override {
    // libmemcached does not look at the ring when there is one server; the ring would say the same.
    return points_.node_at(points_.first_at(static_cast<std::uint32_t>(hash)));
  }
  std::size_t nodes() const override { return nodes_; }
  std::size_t memory() const override { return sizeof *this + points_.memory(); }
  std::size_t points() const { return points_.size(); }

 private:
  Ketama(PointRing<std::uint32_t> points, std::size_t nodes, bool md5_keys)
      : points_(std::move(points)), nodes_(nodes), md5_keys_(md5_keys) {}
  PointRing<std::uint32_t> points_;
  std::size_t nodes_;
  bool md5_keys_;
};

/// Digests, of four points each, of a server with MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED. Single precision and all, as libmemcached computes
/// it. weight, total: 1 or more.
std::uint32_t ketama_digests(std::uint32_t weight, std::uint64_t total, std::size_t servers);

}  // namespace chorus::ring
