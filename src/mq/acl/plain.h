// Accounts of RocketMQ 4's access control (plain_acl.yml). source: acl/plain/PlainPermissionManager.java, acl/common/Permission.java
// (4.9.7)
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mq/acl/address.h"

namespace chorus::mq::acl {

/// Bits of a permission.
namespace plain_perm {
inline constexpr std::uint8_t deny = 1, any = 2, pub = 4, sub = 8;
/// "DENY", "PUB", "SUB", "PUB|SUB", "SUB|PUB"; anything else denies.
std::uint8_t parse(std::string_view text);
bool allows(std::uint8_t owned, std::uint8_t needed);
}  // namespace plain_perm

/// As it is written.
struct Account {
  std::string access_key;
  std::string secret_key;
  std::optional<std::string> white_remote_address;
  bool admin = false;
  std::optional<std::string> default_topic_perm, default_group_perm;
  std::optional<std::vector<std::string>> topic_perms, group_perms;  // "orders=PUB|SUB"
  friend bool operator==(const Account&, const Account&) = default;

  /// What is given takes the place of what was, the rest stays. source: createAclAccessConfigMap
  void merge(const Account& newer);
};

/// What a request needs: of a topic, or of a group in the name of its retry topic.
using PlainNeeds = std::map<std::string, std::uint8_t, std::less<>>;

/// An account, ready to be asked.
class PlainAccount {
 public:
  /// The words of the error are RocketMQ's.
  static base::Result<PlainAccount, std::string> compile(Account account);

  const Account& account() const { return account_; }
  bool comes_from_white_address(std::string_view ip) const { return white_.matches(ip); }
  /// Why the account may not do that; empty: it may. Not about signatures.
  std::string refusal(std::int32_t request_code, bool needs_admin, const PlainNeeds& needs) const;

 private:
  Account account_;
  AddressPattern white_;
  std::uint8_t default_topic_ = plain_perm::deny, default_group_ = plain_perm::deny;
  PlainNeeds owned_;
};

}  // namespace chorus::mq::acl
