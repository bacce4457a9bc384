// Users and accounts as RocketMQ's configurations name them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mq/acl/table.h"

namespace chorus::app {

struct PlainAcl {
  std::vector<mq::acl::Account> accounts;
  std::vector<std::string> white_addresses;
};
/// A plain_acl.yml of RocketMQ 4. Accounts that would not be taken are errors here; members that it does not know are passed over.
base::Result<PlainAcl, std::string> read_plain_acl(std::string_view yaml);

/// "name:password", or {"username":"name","password":"password"}; a super user. Empty: it is neither.
std::optional<mq::acl::User> read_initial_user(std::string_view text);

}  // namespace chorus::app
