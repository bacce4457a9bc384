// A database in the layout of snapshot files and of the stream that follows a SNAP packet. source: SerializeUtils.serializeSnapshot
//
//   int count, {long session, int timeout_ms}*      int count, {long id, vector<ACL>}*      {string path, buffer data, long acl,
//   StatPersisted}*
#pragma once

#include <cstdint>
#include <string>

#include "coord/database.h"

namespace chorus::coord {

/// The database as it was when this was made, handed out piece by piece while it goes on changing. At most one of a database at a time
/// (Tree::is_being_copied()).
class DatabaseSnapshot {
 public:
  explicit DatabaseSnapshot(Database& database);

  std::int64_t zxid() const { return zxid_; }
  std::uint64_t digest() const { return digest_; }
  /// Sessions and access lists, to go before the nodes. Once.
  std::string take_head() { return std::move(head_); }
  /// Appends nodes until `octets` were appended or there are no more; returns whether there may be more.
  bool next(std::size_t octets, std::string& out) { return nodes_.next(octets, out); }

 private:
  const std::int64_t zxid_;
  const std::uint64_t digest_;
  std::string head_;
  TreeSnapshot nodes_;
};

}  // namespace chorus::coord
