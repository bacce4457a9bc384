// Who may do what: users and their policies, as RocketMQ 5 has them. source: auth/authentication/model, auth/authorization/model
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chorus::mq::acl {

enum class UserType { super, normal };
enum class UserStatus { enable, disable };
struct User {
  std::string name;
  std::string password;  // signs requests, so it has to be known as it is
  UserType type = UserType::normal;
  UserStatus status = UserStatus::enable;
  friend bool operator==(const User&, const User&) = default;
};

enum class ResourceType { any, cluster, name_space, topic, group };
enum class Pattern { any, literal, prefixed };
/// "*", "Topic:orders", "Group:billing-*", "Cluster:*".
struct Resource {
  ResourceType type = ResourceType::any;
  std::string name;  // empty with Pattern::any
  Pattern pattern = Pattern::any;
  friend bool operator==(const Resource&, const Resource&) = default;

  static Resource literal(ResourceType type, std::string_view name) { return {type, std::string(name), Pattern::literal}; }
  /// Whether a rule about this one is about `asked`, which is a literal.
  bool covers(const Resource& asked) const;
};
std::string to_string(const Resource& resource);
/// Empty: it is none.
std::optional<Resource> parse_resource(std::string_view text);

enum class Action { all, any, pub, sub, create, update, remove, get, list };
enum class Decision { allow, deny };
/// A rule.
struct Entry {
  Resource resource;
  std::vector<Action> actions;
  std::vector<std::string> source_ips;  // addresses and networks; empty: from anywhere
  Decision decision = Decision::allow;
  friend bool operator==(const Entry&, const Entry&) = default;

  bool is_about(const Resource& asked, const std::vector<Action>& one_of, std::string_view ip) const;
};

enum class PolicyType { custom, fallback };  // RocketMQ's Default: asked when no custom entry is about the request
struct Policy {
  PolicyType type = PolicyType::custom;
  std::vector<Entry> entries;
  friend bool operator==(const Policy&, const Policy&) = default;
};

/// All policies of one user, whose key is "User:name".
struct Acl {
  std::string subject;
  std::vector<Policy> policies;
  friend bool operator==(const Acl&, const Acl&) = default;

  Policy* policy(PolicyType type);
  const Policy* policy(PolicyType type) const { return const_cast<Acl*>(this)->policy(type); }
  /// An entry of a resource that is there takes the place of the former one, others are added.
  void merge(const std::vector<Policy>& more);
  /// Policies without entries go as well.
  void remove(PolicyType type, const Resource& resource);
  /// The entry that decides: among those that are about it the most special one, and Deny of two that are equally so. Null: none.
  const Entry* deciding(const Resource& asked, const std::vector<Action>& one_of, std::string_view ip) const;
};

inline constexpr std::string_view user_prefix = "User:";
std::string subject_of(std::string_view user);
/// The user's name; empty: it is no user's key.
std::optional<std::string_view> user_of(std::string_view subject);

// RocketMQ's names, read in any case.
std::string_view name_of(UserType type);
std::string_view name_of(UserStatus status);
std::string_view name_of(Action action);
std::string_view name_of(Decision decision);
std::string_view name_of(PolicyType type);
std::optional<UserType> user_type_of(std::string_view name);
std::optional<UserStatus> user_status_of(std::string_view name);
std::optional<Action> action_of(std::string_view name);
std::optional<Decision> decision_of(std::string_view name);
std::optional<PolicyType> policy_type_of(std::string_view name);

}  // namespace chorus::mq::acl
