// A tree on its way over a link: what makes the octets, and what takes them in.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace chorus::zab {

/// The tree as it was when this was made, octet for octet as it follows a SNAP packet, up to and with the node "/" that ends it.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  enum class State {
    more,
    end,
    wait,  // nothing was appended since another snapshot is under way: ask again soon
  };
  /// Appends about `octets` to `out`.
  virtual State next(std::size_t octets, std::string& out) = 0;
};

/// Takes such a stream in. Destroyed before finish(): the stream broke off, or what followed it was wrong; the service keeps its tree.
class SnapshotSink {
 public:
  virtual ~SnapshotSink() = default;
  /// Takes whole records from the beginning of `octets` and returns how many octets that were; is_complete() after the last. The words of
  /// the error say what is wrong with the stream.
  virtual base::Result<std::size_t, std::string> feed(std::string_view octets) = 0;
  virtual bool is_complete() const = 0;
  /// The signature after the stream has come too: this takes the place of the service's tree and sessions. The last call.
  virtual void finish() = 0;
};

}  // namespace chorus::zab
