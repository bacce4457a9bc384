// What only the reader and the writer of snapshots need to know of the layout in snapshot.h.
#pragma once

#include "jute/txns.h"

namespace chorus::coord::disk {

inline constexpr std::int32_t snapshot_magic = 0x5a4b534e;  // "ZKSN"
inline constexpr std::int32_t snapshot_version = 2;
inline constexpr std::string_view end_of_nodes = "/";
inline constexpr std::size_t seal_octets = 13;

struct PathOnly {
  std::string_view path;
  JUTE_FIELDS(path)
};
struct LastZxid {
  std::int64_t zxid = 0;
  JUTE_FIELDS(zxid)
};
struct Seal {
  std::int64_t checksum = 0;
  std::string_view end;
  JUTE_FIELDS(checksum, end)
};

}  // namespace chorus::coord::disk
