// Who may do what: access lists by number, the schemes world, ip, digest, auth and super.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/result.h"
#include "coord/string_map.h"
#include "jute/constants.h"
#include "jute/records.h"
#include "jute/txns.h"

namespace chorus::coord {

/// What a connection has proved of itself, such as {"ip", "127.0.0.1"} or {"digest", "user:hash"}.
struct AuthId {
  std::string scheme;
  std::string id;
  friend bool operator==(const AuthId&, const AuthId&) = default;
};

/// Number of an access list, as snapshots have it.
using AclId = std::int64_t;
inline constexpr AclId open_acl_id = -1;  // world:anyone may do all; never listed

/// Access lists, each kept once and counted: nodes hold the number. source: ReferenceCountedACLCache
class AclTable {
 public:
  /// The number of this list, one use more. An empty list is the open one.
  AclId intern(const std::vector<jute::Acl>& acl);
  /// For loading a snapshot: the list gets this number, not in use until add_use(). False when the number is taken or negative.
  bool load(AclId id, const std::vector<jute::Acl>& acl);
  /// False when there is no such list.
  bool add_use(AclId id);
  void drop_use(AclId id);
  /// After loading: forgets lists that no node uses.
  void purge_unused();

  /// Good until the next change.
  const std::vector<jute::Acl>& list(AclId id) const;
  /// Ascending by number, the open one left out.
  std::vector<AclId> ids() const;
  std::size_t size() const { return entries_.size(); }

  /// Whether one of `auth` may do any of `perms` (bits of jute::perms). source: ZooKeeperServer.checkACL
  bool allows(AclId id, std::int32_t perms, std::span<const AuthId> auth) const;

 private:
  // A list as jute encodes it, which is the key of by_octets_, and its entries, which borrow from that.
  struct List {
    std::string octets;
    std::vector<jute::Acl> acl;
  };
  struct Entry {
    std::shared_ptr<const List> list;
    std::int64_t uses = 0;
  };
  static std::shared_ptr<const List> make_list(std::string octets);
  absl::flat_hash_map<AclId, Entry> entries_;
  StringMap<AclId> by_octets_;
  AclId last_ = 0;
};

/// What is stored for a list that a client sent: duplicates dropped, "auth" replaced by the client's proven ids, ids checked.
/// invalid_acl when nothing valid remains. Borrows from `acl` and `auth`. source: PrepRequestProcessor.fixupACL
base::Result<std::vector<jute::Acl>, jute::ErrorCode> fix_up_acl(const std::vector<jute::Acl>& acl, std::span<const AuthId> auth);

/// "user:" + base64(sha1("user:password")). source: DigestAuthenticationProvider.generateDigest
std::string digest_of(std::string_view user_and_password);
/// Whether `address` ("10.0.0.7") lies in `range` ("10.0.0.0/8", or one address). source: IPAuthenticationProvider
bool ip_matches(std::string_view address, std::string_view range);
bool is_valid_ip_range(std::string_view range);

}  // namespace chorus::coord
