// The interface over all algorithms: which node has a key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ring/hash.h"
#include "ring/node.h"

namespace chorus::ring {

/// Made of a list of nodes, and then as it is: nodes that come or go mean another placement. Looking up allocates nothing and may be done
/// by many threads at once.
class Placement {
 public:
  virtual ~Placement() = default;

  /// The hash by which the algorithm places keys: hash_octets, unless a protocol has its own.
  virtual std::uint64_t hash(std::string_view key) const { return hash_octets(key); }
  /// The node of a key with this hash. Any good 64-bit hash will do; which bits count is the algorithm's affair.
  virtual NodeIndex locate(std::uint64_t hash) const = 0;
  NodeIndex locate_key(std::string_view key) const { return locate(hash(key)); }

  /// Like locate(), but the key, or connection, counts as being there until release() of that node: of concern where placing goes by load,
  /// and then for one thread at a time.
  virtual NodeIndex assign(std::uint64_t hash) { return locate(hash); }
  virtual void release(NodeIndex) {}

  virtual std::size_t nodes() const = 0;
  /// Octets that it holds for looking up.
  virtual std::size_t memory() const = 0;

 protected:
  Placement() = default;
  Placement(const Placement&) = default;
  Placement(Placement&&) = default;
  Placement& operator=(const Placement&) = default;
  Placement& operator=(Placement&&) = default;
};

}  // namespace chorus::ring
