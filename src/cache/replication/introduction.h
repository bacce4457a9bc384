// What a replica says of itself before it asks for the stream.
#pragma once

#include <cstdint>
#include <string>

namespace chorus::cache::replication {

/// Set by REPLCONF.
struct Introduction {
  std::uint16_t port = 0;       // where it listens
  std::string ip;               // empty: where its connection comes from
  bool takes_mark = false;      // capa eof: the end of a snapshot may be told by a mark, so that its size needs not be known
  bool takes_new_id = false;    // capa psync2
  bool only_snapshot = false;   // rdb-only: it wants no stream
  bool has_filter = false;      // rdb-filter-only: no keys, and libraries of functions only where ...
  bool wants_functions = true;  // ... they are named
  /// Its version, where it says (0: it does not): 70200 is 7.2.0.
  std::int64_t version = 0;
};

}  // namespace chorus::cache::replication
