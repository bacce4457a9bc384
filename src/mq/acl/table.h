// Everything known of who may do what, of both kinds of access control: RocketMQ 5's users and policies, and 4's accounts.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mq/acl/plain.h"
#include "mq/acl/policy.h"

namespace chorus::mq::acl {

/// One enumerator per answer.
enum class AclErrc {
  denied,   // RocketMQ says "no permission", also to what is not there
  invalid,  // a parameter that cannot be
  failed,
  busy,  // again later
};
using AclError = base::Error<AclErrc>;
template <class T>
using AclResult = base::Result<T, AclError>;

enum class Kind { user, policies, account, setting };
inline constexpr std::string_view white_addresses_setting = "globalWhiteRemoteAddresses";
/// One thing as it is kept: the JSON of a User, an Acl (name: its subject), an Account, or a list of texts; empty: it is gone.
struct Record {
  Kind kind = Kind::user;
  std::string name;
  std::optional<std::string> json;
};

std::string to_json(const User& user);
std::string to_json(const Acl& acl);
std::string to_json(const Account& account);
std::string to_json(const std::vector<std::string>& texts);
/// Empty: it is no such thing. Unknown members are passed over.
std::optional<User> user_from_json(std::string_view json);
std::optional<Acl> acl_from_json(std::string_view json);
std::optional<Account> account_from_json(std::string_view json);
std::optional<std::vector<std::string>> texts_from_json(std::string_view json);

/// What an administrator says of a user; what is empty stays as it is.
struct UserChange {
  std::string name;
  std::string password;
  std::optional<UserType> type;
  std::optional<UserStatus> status;
};

/// Who is made by that.
User made_of(const UserChange& change);

/// Pure. Changes are asked for here, kept elsewhere, and then applied.
class AccessTable {
 public:
  /// Whether it could be read; if not, what was known of it is gone: a rule that is not understood must not go on to allow.
  bool apply(const Record& record);

  const User* user(std::string_view name) const;
  const Acl* acl(std::string_view subject) const;
  const std::map<std::string, User, std::less<>>& users() const { return users_; }
  const std::map<std::string, Acl, std::less<>>& acls() const { return acls_; }
  const PlainAccount* account(std::string_view access_key) const;
  const std::map<std::string, PlainAccount, std::less<>>& accounts() const { return accounts_; }
  const std::vector<std::string>& white_addresses() const { return white_texts_; }
  bool is_white(std::string_view ip) const;
  /// Counts what was applied.
  std::int64_t changes() const { return changes_; }

  // What is to be kept when somebody asks for it. source: AuthenticationMetadataManagerImpl, AuthorizationMetadataManagerImpl (5),
  // PlainPermissionManager (4.9.7)
  AclResult<Record> create_user(const UserChange& change) const;
  AclResult<Record> update_user(const UserChange& change) const;
  /// The user, and what it may do.
  std::vector<Record> remove_user(std::string_view name) const;
  AclResult<Record> merge_acl(const Acl& acl) const;
  /// resource: empty: all of them
  AclResult<Record> remove_acl(const std::string& subject, PolicyType type, const std::optional<Resource>& resource) const;
  AclResult<Record> update_account(const Account& account) const;
  AclResult<Record> remove_account(std::string_view access_key) const;
  AclResult<Record> set_white_addresses(const std::vector<std::string>& addresses) const;

  /// Why a user may not do one of these to that; empty: it may. Not about signatures.
  std::string refusal(std::string_view user, const Resource& resource, const std::vector<Action>& one_of, std::string_view ip) const;

 private:
  std::map<std::string, User, std::less<>> users_;
  std::map<std::string, Acl, std::less<>> acls_;  // by subject
  std::map<std::string, PlainAccount, std::less<>> accounts_;
  std::vector<std::string> white_texts_;
  std::vector<AddressPattern> white_;
  std::int64_t changes_ = 0;
};

}  // namespace chorus::mq::acl
