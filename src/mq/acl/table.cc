#include "mq/acl/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace chorus::mq::acl {
namespace {

bool is_blank(std::string_view text) { return base::trim(text).empty(); }

/// What is wrong with a rule, in RocketMQ's words; empty: nothing. source: AuthorizationMetadataManagerImpl.validate
std::string problem_of(const Acl& acl) {
  if (acl.policies.empty()) return "The policies is empty.";
  for (const Policy& policy : acl.policies) {
    if (policy.entries.empty()) return "The policy entries is empty.";
    for (const Entry& entry : policy.entries) {
      if (entry.actions.empty()) return "The actions is empty.";
      for (const Action action : entry.actions) {
        if (action == Action::any) return "The actions can not be Any.";
      }
      for (const std::string& ip : entry.source_ips) {
        if (is_blank(ip)) return "The source ip is empty.";
        if (!is_ip_or_network(ip)) return "The source ip is invalid.";
      }
    }
  }
  return {};
}

template <class M>
const typename M::mapped_type* look_up(const M& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

template <class M>
void forget(M& map, std::string_view name) {
  if (const auto found = map.find(name); found != map.end()) map.erase(found);
}

}  // namespace

const User* AccessTable::user(std::string_view name) const { return look_up(users_, name); }
const Acl* AccessTable::acl(std::string_view subject) const { return look_up(acls_, subject); }
const PlainAccount* AccessTable::account(std::string_view access_key) const { return look_up(accounts_, access_key); }

bool AccessTable::apply(const Record& record) {
  ++changes_;
  switch (record.kind) {
    case Kind::user: {
      forget(users_, record.name);
      if (!record.json) return true;
      auto user = user_from_json(*record.json);
      if (!user || user->name != record.name) return false;
      users_.emplace(record.name, std::move(*user));
      return true;
    }
    case Kind::policies: {
      forget(acls_, record.name);
      if (!record.json) return true;
      auto acl = acl_from_json(*record.json);
      if (!acl || acl->subject != record.name) return false;
      acls_.emplace(record.name, std::move(*acl));
      return true;
    }
    case Kind::account: {
      forget(accounts_, record.name);
      if (!record.json) return true;
      auto account = account_from_json(*record.json);
      if (!account || account->access_key != record.name) return false;
      auto compiled = PlainAccount::compile(std::move(*account));
      if (!compiled) return false;
      accounts_.emplace(record.name, std::move(*compiled));
      return true;
    }
    case Kind::setting:
      break;
  }
  if (record.name != white_addresses_setting) return true;
  white_texts_.clear();
  white_.clear();
  if (!record.json) return true;
  auto texts = texts_from_json(*record.json);
  if (!texts) return false;
  for (const std::string& text : *texts) {
    auto pattern = AddressPattern::parse(text);
    if (!pattern) return false;
    white_.push_back(std::move(*pattern));
  }
  white_texts_ = std::move(*texts);
  return true;
}

bool AccessTable::is_white(std::string_view ip) const {
  return std::ranges::any_of(white_, [&](const AddressPattern& pattern) { return pattern.matches(ip); });
}

User made_of(const UserChange& change) {
  return {change.name, change.password, change.type.value_or(UserType::normal), change.status.value_or(UserStatus::enable)};
}

AclResult<Record> AccessTable::create_user(const UserChange& change) const {
  if (is_blank(change.name)) return base::error(AclErrc::invalid, "The username is blank");
  if (is_blank(change.password)) return base::error(AclErrc::denied, "password can not be blank");
  if (user(change.name)) return base::error(AclErrc::denied, "The user is existed");
  const User made = made_of(change);
  return Record{Kind::user, made.name, to_json(made)};
}

AclResult<Record> AccessTable::update_user(const UserChange& change) const {
  if (is_blank(change.name)) return base::error(AclErrc::invalid, "The username is blank");
  const User* before = user(change.name);
  if (before == nullptr) return base::error(AclErrc::denied, "The user is not exist");
  User after = *before;
  if (!is_blank(change.password)) after.password = change.password;
  if (change.type) after.type = *change.type;
  if (change.status) after.status = *change.status;
  return Record{Kind::user, after.name, to_json(after)};
}

std::vector<Record> AccessTable::remove_user(std::string_view name) const {
  std::vector<Record> gone;
  // What it may do goes first, so that no later user of that name has it if only half of this comes about.
  if (const std::string subject = subject_of(name); acl(subject)) gone.push_back({Kind::policies, subject, std::nullopt});
  if (user(name)) gone.push_back({Kind::user, std::string(name), std::nullopt});
  return gone;
}

AclResult<Record> AccessTable::merge_acl(const Acl& acl) const {
  if (const std::string problem = problem_of(acl); !problem.empty()) return base::error(AclErrc::denied, problem);
  if (const auto name = user_of(acl.subject); !name || user(*name) == nullptr) {
    return base::error(AclErrc::denied, fmt::format("The subject of {} is not exist.", acl.subject));
  }
  const Acl* before = this->acl(acl.subject);
  Acl after = before ? *before : Acl{.subject = acl.subject};
  after.merge(acl.policies);
  return Record{Kind::policies, after.subject, to_json(after)};
}

AclResult<Record> AccessTable::remove_acl(const std::string& subject, PolicyType type, const std::optional<Resource>& resource) const {
  if (const auto name = user_of(subject); !name || user(*name) == nullptr) return base::error(AclErrc::denied, "The subject is not exist.");
  const Acl* before = acl(subject);
  if (before == nullptr) return base::error(AclErrc::denied, "The acl is not exist.");
  Acl after = *before;
  if (resource) after.remove(type, *resource);
  if (!resource || after.policies.empty()) return Record{Kind::policies, subject, std::nullopt};
  return Record{Kind::policies, subject, to_json(after)};
}

AclResult<Record> AccessTable::update_account(const Account& account) const {
  const PlainAccount* before = this->account(account.access_key);
  Account after = before ? before->account() : account;
  if (before) after.merge(account);
  if (const auto compiled = PlainAccount::compile(after); !compiled) return base::error(AclErrc::invalid, compiled.error());
  return Record{Kind::account, after.access_key, to_json(after)};
}

AclResult<Record> AccessTable::remove_account(std::string_view access_key) const {
  if (account(access_key) == nullptr) {
    return base::error(AclErrc::invalid,
                       fmt::format("The accesskey[{}] corresponding to accessConfig has been deleted failed.", access_key));
  }
  return Record{Kind::account, std::string(access_key), std::nullopt};
}

AclResult<Record> AccessTable::set_white_addresses(const std::vector<std::string>& addresses) const {
  for (const std::string& address : addresses) {
    if (const auto pattern = AddressPattern::parse(address); !pattern) return base::error(AclErrc::invalid, pattern.error());
  }
  return Record{Kind::setting, std::string(white_addresses_setting), to_json(addresses)};
}

std::string AccessTable::refusal(std::string_view name, const Resource& resource, const std::vector<Action>& one_of,
                                 std::string_view ip) const {
  const User* asking = user(name);
  if (asking == nullptr) return fmt::format("User:{} not found.", name);
  if (asking->status == UserStatus::disable) return fmt::format("User:{} is disabled.", name);
  if (asking->type == UserType::super) return {};
  const Acl* rules = acl(subject_of(name));
  const Entry* entry = rules ? rules->deciding(resource, one_of, ip) : nullptr;
  if (entry && entry->decision == Decision::allow) return {};
  return fmt::format("User:{} has no permission to access {} from {}, {}", name, to_string(resource), ip,
                     entry ? "the decision is deny." : "no matched policies.");
}

}  // namespace chorus::mq::acl
