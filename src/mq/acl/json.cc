// How it is kept: JSON with RocketMQ's names, for people and other releases to read.
#include <nlohmann/json.hpp>

#include "mq/acl/table.h"

namespace chorus::mq::acl {
namespace {

using nlohmann::json;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::optional<json> parse(std::string_view text) {
  json value = json::parse(text, nullptr, false);
  if (!value.is_object()) return std::nullopt;
  return value;
}

std::optional<std::string> text_of(const json& from, const char* name) {
  const auto found = from.find(name);
  if (found == from.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

/// Empty when one of them is no text.
std::optional<std::vector<std::string>> texts_of(const json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const json& one : list) {
    if (!one.is_string()) return std::nullopt;
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

std::optional<Entry> entry_from(const json& from) {
  if (!from.is_object()) return std::nullopt;
  const auto resource = parse_resource(text_of(from, "resource").value_or(""));
  const auto decision = decision_of(text_of(from, "decision").value_or(""));
  const auto actions = texts_of(from.value("actions", json()));
  if (!resource || !decision || !actions) return std::nullopt;
  Entry entry{.resource = *resource, .decision = *decision};
  for (const std::string& name : *actions) {
    const auto action = action_of(name);
    if (!action) return std::nullopt;
    entry.actions.push_back(*action);
  }
  if (const auto ips = from.find("sourceIps"); ips != from.end()) {
    auto texts = texts_of(*ips);
    if (!texts) return std::nullopt;
    entry.source_ips = std::move(*texts);
  }
  return entry;
}

}  // namespace

std::string to_json(const User& user) {
  return dump(
      {{"username", user.name}, {"password", user.password}, {"userType", name_of(user.type)}, {"userStatus", name_of(user.status)}});
}

std::optional<User> user_from_json(std::string_view text) {
  const auto value = parse(text);
  if (!value) return std::nullopt;
  const auto name = text_of(*value, "username"), password = text_of(*value, "password");
  const auto type = user_type_of(text_of(*value, "userType").value_or(""));
  const auto status = user_status_of(text_of(*value, "userStatus").value_or(""));
  if (!name || !password || !type || !status) return std::nullopt;
  return User{*name, *password, *type, *status};
}

std::string to_json(const Acl& acl) {
  json policies = json::array();
  for (const Policy& policy : acl.policies) {
    json entries = json::array();
    for (const Entry& entry : policy.entries) {
      json actions = json::array();
      for (const Action action : entry.actions) actions.push_back(name_of(action));
      json one{{"resource", to_string(entry.resource)}, {"actions", actions}, {"decision", name_of(entry.decision)}};
      if (!entry.source_ips.empty()) one["sourceIps"] = entry.source_ips;
      entries.push_back(std::move(one));
    }
    policies.push_back({{"policyType", name_of(policy.type)}, {"entries", std::move(entries)}});
  }
  return dump({{"subject", acl.subject}, {"policies", std::move(policies)}});
}

std::optional<Acl> acl_from_json(std::string_view text) {
  const auto value = parse(text);
  const auto subject = value ? text_of(*value, "subject") : std::nullopt;
  if (!subject) return std::nullopt;
  Acl acl{.subject = *subject};
  const auto policies = value->find("policies");
  if (policies == value->end() || !policies->is_array()) return std::nullopt;
  for (const json& one : *policies) {
    const auto type = one.is_object() ? policy_type_of(text_of(one, "policyType").value_or("")) : std::nullopt;
    if (!type || !one.contains("entries") || !one["entries"].is_array()) return std::nullopt;
    Policy policy{.type = *type};
    for (const json& written : one["entries"]) {
      auto entry = entry_from(written);
      if (!entry) return std::nullopt;
      policy.entries.push_back(std::move(*entry));
    }
    acl.policies.push_back(std::move(policy));
  }
  return acl;
}

std::string to_json(const Account& account) {
  json value{{"accessKey", account.access_key}, {"secretKey", account.secret_key}, {"admin", account.admin}};
  const auto put = [&](const char* name, const auto& from) {
    if (from) value[name] = *from;
  };
  put("whiteRemoteAddress", account.white_remote_address);
  put("defaultTopicPerm", account.default_topic_perm);
  put("defaultGroupPerm", account.default_group_perm);
  put("topicPerms", account.topic_perms);
  put("groupPerms", account.group_perms);
  return dump(value);
}

std::optional<Account> account_from_json(std::string_view text) {
  const auto value = parse(text);
  if (!value) return std::nullopt;
  const auto key = text_of(*value, "accessKey"), secret = text_of(*value, "secretKey");
  if (!key || !secret) return std::nullopt;
  Account account{.access_key = *key, .secret_key = *secret};
  account.admin = value->contains("admin") && (*value)["admin"].is_boolean() && (*value)["admin"].get<bool>();
  account.white_remote_address = text_of(*value, "whiteRemoteAddress");
  account.default_topic_perm = text_of(*value, "defaultTopicPerm");
  account.default_group_perm = text_of(*value, "defaultGroupPerm");
  for (const bool groups : {false, true}) {
    const auto found = value->find(groups ? "groupPerms" : "topicPerms");
    if (found == value->end()) continue;
    auto texts = texts_of(*found);
    if (!texts) return std::nullopt;
    (groups ? account.group_perms : account.topic_perms) = std::move(*texts);
  }
  return account;
}

std::string to_json(const std::vector<std::string>& texts) { return dump(texts); }
std::optional<std::vector<std::string>> texts_from_json(std::string_view text) { return texts_of(json::parse(text, nullptr, false)); }

}  // namespace chorus::mq::acl
