// Users, policies and accounts, as administrators see and change them. source: broker/processor/AdminBrokerProcessor.java (5 and 4.9.7),
// broker/auth/converter/
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "mq/acl/access.h"
#include "mq/broker/topics.h"
#include "mq/rocketmq/acl.h"
#include "mq/rocketmq/body/admin.h"
#include "mq/rocketmq/body/plain_acl.h"
#include "mq/rocketmq/body/topic_config.h"
#include "mq/rocketmq/broker_face.h"

namespace chorus::mq::rocketmq {
namespace {

// Of RocketMQ 4 only: their numbers stand for something else since. source: common/protocol/ResponseCode.java (4.9.7)
constexpr auto update_account_failed = static_cast<ResponseCode>(209), delete_account_failed = static_cast<ResponseCode>(210),
               white_addresses_failed = static_cast<ResponseCode>(211);

ResponseCode code_of(acl::AclErrc code) {
  switch (code) {
    case acl::AclErrc::denied:
      return ResponseCode::no_permission;
    case acl::AclErrc::invalid:
      return ResponseCode::invalid_parameter;
    case acl::AclErrc::busy:
      return ResponseCode::system_busy;
    case acl::AclErrc::failed:
      break;
  }
  return ResponseCode::system_error;
}

UserInfo shown(const acl::User& user) {
  return {
      .password = user.password, .status = std::string(name_of(user.status)), .type = std::string(name_of(user.type)), .name = user.name};
}

AclInfo shown(const acl::Acl& acl) {
  AclInfo info{.subject = acl.subject};
  for (const acl::Policy& policy : acl.policies) {
    AclInfo::Policy& said = info.policies.emplace_back();
    said.type = std::string(name_of(policy.type));
    for (const acl::Entry& entry : policy.entries) {
      AclInfo::Entry one{.decision = std::string(name_of(entry.decision)), .resource = to_string(entry.resource)};
      for (const acl::Action action : entry.actions) one.actions.emplace_back(name_of(action));
      if (!entry.source_ips.empty()) one.source_ips = entry.source_ips;
      said.entries.push_back(std::move(one));
    }
  }
  return info;
}

/// In words when it cannot be.
base::Result<acl::Acl, std::string> acl_of(const AclInfo& info, std::string_view subject) {
  acl::Acl acl{.subject = info.subject.value_or(std::string(subject))};
  const auto user = acl::user_of(acl.subject);
  if (!user) return std::unexpected("The subject type is null.");
  acl.subject = acl::subject_of(*user);
  for (const AclInfo::Policy& said : info.policies) {
    if (said.entries.empty()) continue;
    acl::Policy policy{.type = acl::policy_type_of(said.type.value_or("")).value_or(acl::PolicyType::custom)};
    for (const AclInfo::Entry& one : said.entries) {
      const auto resource = acl::parse_resource(one.resource);
      if (!resource) return std::unexpected("The resource is null.");
      const auto decision = acl::decision_of(one.decision.value_or(""));
      if (!decision) return std::unexpected("The decision is null or illegal.");
      acl::Entry entry{.resource = *resource, .source_ips = one.source_ips.value_or(std::vector<std::string>{}), .decision = *decision};
      for (const std::string& name : one.actions) {
        if (const auto action = acl::action_of(name)) entry.actions.push_back(*action);
      }
      policy.entries.push_back(std::move(entry));
    }
    acl.policies.push_back(std::move(policy));
  }
  return acl;
}

acl::UserChange change_of(std::string name, const UserInfo& said) {
  return {.name = std::move(name),
          .password = said.password.value_or(""),
          .type = acl::user_type_of(said.type.value_or("")),
          .status = acl::user_status_of(said.status.value_or(""))};
}

std::optional<std::vector<std::string>> list_of(const std::optional<std::string_view>& text) {
  if (!text) return std::nullopt;
  std::vector<std::string> parts;
  for (const std::string_view part : base::split(*text, ',')) {
    if (!base::trim(part).empty()) parts.emplace_back(base::trim(part));
  }
  return parts;
}

std::optional<std::string> text_of(const std::optional<std::string_view>& text) {
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

/// A list of one record.
acl::AclResult<std::vector<acl::Record>> one(acl::AclResult<acl::Record> record) {
  if (!record) return std::unexpected(std::move(record.error()));
  std::vector<acl::Record> list;
  list.push_back(std::move(*record));
  return list;
}

}  // namespace

bool BrokerFace::refuse_without_access(const Asker& asker) {
  if (access_ != nullptr) return false;
  refuse(
      asker, ResponseCode::system_error,
      "access control is off: set mq.authentication_enabled and mq.authorization_enabled (authenticationEnabled, authorizationEnabled), or "
      "mq.acl_enabled (aclEnable)");
  return true;
}

void BrokerFace::change_access(const Asker& asker, acl::Access::Change change, std::optional<ResponseCode> failure) {
  access_->change(std::move(change), [this, asker, failure, alive = std::weak_ptr<bool>(alive_)](acl::AclResult<void> done) {
    if (!alive.lock()) return;
    if (!done) return refuse(asker, failure ? *failure : code_of(done.error().code), done.error().message);
    answer(asker, {});
  });
}

std::function<bool(std::string_view)> BrokerFace::may_read(ConnectionId from, const Command& command) const {
  if (access_ == nullptr || (!access_->options().plain && !access_->options().authorization)) return nullptr;
  const auto peer = world::parse_address(sender_.address_of(from));
  std::string ip = peer ? peer->host : std::string();
  return [access = access_, name = std::string(access_key_of(command).value_or("")), ip = std::move(ip)](std::string_view topic) {
    const acl::AccessTable& table = access->table();
    if (access->options().plain) {
      const acl::PlainAccount* account = table.account(name);
      if (table.is_white(ip)) return true;
      return account &&
             (account->comes_from_white_address(ip) || account->refusal(0, false, {{std::string(topic), acl::plain_perm::any}}).empty());
    }
    const acl::Resource resource = topic::is_retry(topic) ? acl::Resource::literal(acl::ResourceType::group, topic::group_of(topic))
                                                          : acl::Resource::literal(acl::ResourceType::topic, topic);
    return table.refusal(name, resource, {acl::Action::sub, acl::Action::get}, ip).empty();
  };
}

void BrokerFace::users(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  if (refuse_without_access(asker)) return;
  const std::string name(command.field("username").value_or(""));
  const acl::AccessTable& table = access_->table();
  if (command.request() == RequestCode::auth_list_user) {
    const std::string_view filter = base::trim(command.field("filter").value_or(""));
    std::vector<UserInfo> list;
    for (const auto& [key, user] : table.users()) {
      if (key.find(filter) != std::string::npos) list.push_back(shown(user));
    }
    Outgoing outgoing;
    if (!list.empty()) outgoing.body = encode_array(list);
    return answer(asker, std::move(outgoing));
  }
  if (base::trim(name).empty() && command.request() != RequestCode::auth_delete_user) {
    return refuse(asker, ResponseCode::invalid_parameter, "The username is blank");
  }
  if (command.request() == RequestCode::auth_get_user) {
    Outgoing outgoing;
    if (const acl::User* user = table.user(name)) outgoing.body = encode_body(shown(*user));
    return answer(asker, std::move(outgoing));
  }
  // Who asks is no super user. Unsigned requests come here only where nobody has to sign.
  const acl::User* asking = table.user(access_key_of(command).value_or(""));
  const bool is_super = access_key_of(command).value_or("").empty() || (asking && asking->type == acl::UserType::super);
  if (command.request() == RequestCode::auth_delete_user) {
    if (base::trim(name).empty()) return refuse(asker, ResponseCode::no_permission, "username can not be blank");
    return change_access(asker, [name, is_super](const acl::AccessTable& known) -> acl::AclResult<std::vector<acl::Record>> {
      const acl::User* user = known.user(name);
      if (user && user->type == acl::UserType::super && !is_super) {
        return base::error(acl::AclErrc::denied, "The super user can only be update by super user");
      }
      return known.remove_user(name);
    });
  }
  const auto said = decode_body<UserInfo>(command.body);
  if (!said) return refuse(asker, ResponseCode::system_error, "the body is no user");
  acl::UserChange change = change_of(name, *said);
  const bool creates = command.request() == RequestCode::auth_create_user;
  if (change.type == acl::UserType::super && !is_super) {
    return refuse(asker, ResponseCode::system_error,
                  creates ? "The super user can only be create by super user" : "The super user can only be update by super user");
  }
  change_access(asker,
                [access = access_, change = std::move(change), creates,
                 is_super](const acl::AccessTable& known) -> acl::AclResult<std::vector<acl::Record>> {
                  if (creates) {
                    const acl::User* there = known.user(change.name);
                    const bool is_same = there != nullptr && *there == made_of(change);
                    if (is_same && access->take_done_by_others(acl::Kind::user, change.name, false)) return {};
                    return one(known.create_user(change));
                  }
                  const acl::User* before = known.user(change.name);
                  if (before && before->type == acl::UserType::super && !is_super) {
                    return base::error(acl::AclErrc::denied, "The super user can only be update by super user");
                  }
                  return one(known.update_user(change));
                });
}

void BrokerFace::policies(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  if (refuse_without_access(asker)) return;
  const std::string_view subject_text = command.field("subject").value_or("");
  const auto user = acl::user_of(subject_text);
  const std::string subject = user ? acl::subject_of(*user) : std::string(subject_text);
  const acl::AccessTable& table = access_->table();
  switch (command.request()) {
    case RequestCode::auth_list_acl: {
      const std::string_view of_subject = base::trim(command.field("subjectFilter").value_or(""));
      const std::string_view of_resource = base::trim(command.field("resourceFilter").value_or(""));
      std::vector<AclInfo> list;
      for (const auto& [key, acl] : table.acls()) {
        if (key.find(of_subject) == std::string::npos) continue;
        acl::Acl some = acl;
        for (acl::Policy& policy : some.policies) {
          std::erase_if(policy.entries,
                        [&](const acl::Entry& entry) { return to_string(entry.resource).find(of_resource) == std::string::npos; });
        }
        std::erase_if(some.policies, [](const acl::Policy& policy) { return policy.entries.empty(); });
        if (!some.policies.empty()) list.push_back(shown(some));
      }
      Outgoing outgoing;
      if (!list.empty()) outgoing.body = encode_array(list);
      return answer(asker, std::move(outgoing));
    }
    case RequestCode::auth_get_acl: {
      if (!user || table.user(*user) == nullptr) return refuse(asker, ResponseCode::no_permission, "The subject is not exist.");
      Outgoing outgoing;
      if (const acl::Acl* acl = table.acl(subject)) outgoing.body = encode_body(shown(*acl));
      return answer(asker, std::move(outgoing));
    }
    case RequestCode::auth_delete_acl: {
      const std::string_view resource_text = command.field("resource").value_or("");
      const auto resource = acl::parse_resource(resource_text);
      // Otherwise a slip of the pen would take all of it away.
      if (!resource && !base::trim(resource_text).empty()) {
        return refuse(asker, ResponseCode::invalid_parameter, fmt::format("{} is no resource", resource_text));
      }
      const acl::PolicyType type = acl::policy_type_of(command.field("policyType").value_or("")).value_or(acl::PolicyType::custom);
      return change_access(
          asker, [access = access_, subject, type, resource](const acl::AccessTable& known) -> acl::AclResult<std::vector<acl::Record>> {
            if (known.acl(subject) == nullptr && access->take_done_by_others(acl::Kind::policies, subject, true)) return {};
            return one(known.remove_acl(subject, type, resource));
          });
    }
    default:
      break;
  }
  const auto info = decode_body<AclInfo>(command.body);
  if (!info || info->policies.empty()) return refuse(asker, ResponseCode::system_error, "The body of acl is null");
  auto acl = acl_of(*info, subject);
  if (!acl) return refuse(asker, ResponseCode::no_permission, acl.error());
  change_access(asker, [acl = std::move(*acl)](const acl::AccessTable& known) { return one(known.merge_acl(acl)); });
}

void BrokerFace::accounts(ConnectionId from, const Command& command) {
  const Asker asker = asker_of(from, command);
  if (refuse_without_access(asker)) return;
  HeaderReader header(command);
  const acl::AccessTable& table = access_->table();
  switch (command.request()) {
    case RequestCode::update_and_create_acl_config: {
      // The header's accessKey is the account that is changed; AccessKey, which signs, is another field.
      acl::Account account{.access_key = std::string(header.required_text("accessKey")),
                           .secret_key = std::string(header.optional_text("secretKey", "")),
                           .white_remote_address = text_of(header.optional_text("whiteRemoteAddress")),
                           .admin = header.optional_bool("admin"),
                           .default_topic_perm = text_of(header.optional_text("defaultTopicPerm")),
                           .default_group_perm = text_of(header.optional_text("defaultGroupPerm")),
                           .topic_perms = list_of(header.optional_text("topicPerms")),
                           .group_perms = list_of(header.optional_text("groupPerms"))};
      if (refuse_bad_header(asker, header)) return;
      return change_access(
          asker, [account = std::move(account)](const acl::AccessTable& known) { return one(known.update_account(account)); },
          update_account_failed);
    }
    case RequestCode::delete_acl_config: {
      const std::string key(header.required_text("accessKey"));
      if (refuse_bad_header(asker, header)) return;
      return change_access(
          asker,
          [access = access_, key](const acl::AccessTable& known) -> acl::AclResult<std::vector<acl::Record>> {
            if (known.account(key) == nullptr && access->take_done_by_others(acl::Kind::account, key, true)) return {};
            return one(known.remove_account(key));
          },
          delete_account_failed);
    }
    case RequestCode::update_global_white_addrs_config: {
      const auto addresses = list_of(header.required_text("globalWhiteAddrs"));
      if (refuse_bad_header(asker, header)) return;
      return change_access(
          asker, [addresses = *addresses](const acl::AccessTable& known) { return one(known.set_white_addresses(addresses)); },
          white_addresses_failed);
    }
    case RequestCode::get_broker_cluster_acl_info: {
      const std::string version = encode_body(DataVersion{.counter = table.changes(), .timestamp_ms = started_ms_});
      Outgoing outgoing;
      outgoing.field("version", version)
          .field("allAclFileVersion", fmt::format("{{\"/chorus/mq-acl/{}\":{}}}", broker_.options().cluster, version))
          .field("brokerName", broker_.options().name)
          .field("brokerAddr", to_string(broker_.options().host))
          .field("clusterName", broker_.options().cluster);
      return answer(asker, std::move(outgoing));
    }
    default:
      break;
  }
  PlainAclConfig said{.global_white_addresses = table.white_addresses()};
  for (const auto& [key, compiled] : table.accounts()) {
    const acl::Account& account = compiled.account();
    said.accounts.push_back({.access_key = account.access_key,
                             .admin = account.admin,
                             .default_group_perm = account.default_group_perm,
                             .default_topic_perm = account.default_topic_perm,
                             .group_perms = account.group_perms,
                             .secret_key = account.secret_key,
                             .topic_perms = account.topic_perms,
                             .white_remote_address = account.white_remote_address});
  }
  answer_body(asker, said);
}

}  // namespace chorus::mq::rocketmq
